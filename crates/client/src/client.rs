//! The client: one method for each thing that can be done.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use wamedia_media::{MediaId, PhoneNumberId};

use crate::address::Service;
use crate::budget::Allowance;
use crate::pacer::Pacer;
use crate::transport::Transport;
use crate::{
    ClientBuilder, ConfigError, Dialect, Download, Error, Media, Retries, SaveOptions, Saved, Secret, Upload,
    Uploaded, download, operations, upload,
};

/// A client of one account at one service.
///
/// Cloning is cheap; clones share connections, pacer and error budget. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

/// What clones share.
pub(crate) struct Inner {
    pub(crate) transport: Transport,
    pub(crate) retries: Retries,
    pub(crate) pacer: Pacer,
    pub(crate) retrieval_errors: Allowance,
    pub(crate) failed_uploads: Allowance,
}

impl Client {
    /// A client of Meta's Cloud API at `base`, `https://graph.facebook.com`, or of what speaks it. `version` is
    /// `v23.0`, or empty.
    ///
    /// # Errors
    /// What is wrong with what was given.
    pub fn graph(
        base: &str,
        version: &str,
        phone_number_id: &str,
        token: impl Into<Secret>,
    ) -> Result<Self, ConfigError> {
        let phone_number_id: PhoneNumberId =
            phone_number_id.parse().map_err(|_| ConfigError::PhoneNumberId(phone_number_id.to_owned()))?;
        let (base, version, token) = (base.to_owned(), version.to_owned(), token.into());
        Self::builder(Dialect::Graph { base, version, phone_number_id, token }).build()
    }

    /// A client of 360dialog at `base`, `https://waba-v2.360dialog.io`, or of what speaks its API.
    ///
    /// # Errors
    /// What is wrong with what was given.
    pub fn d360(base: &str, key: impl Into<Secret>) -> Result<Self, ConfigError> {
        Self::builder(Dialect::D360 { base: base.to_owned(), key: key.into() }).build()
    }

    /// A client with other than the usual settings.
    pub fn builder(dialect: Dialect) -> ClientBuilder {
        ClientBuilder::new(dialect)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Uploads a file.
    ///
    /// # Errors
    /// [`Error::Rejected`] before or after sending, and what a request can meet.
    pub async fn upload(&self, upload: Upload) -> Result<Uploaded, Error> {
        upload::upload(&self.inner, upload).await
    }

    /// What the service knows of a media, with a link that lives for five minutes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::HeldBack`], and what a request can meet.
    pub async fn retrieve_url(&self, id: MediaId) -> Result<Media, Error> {
        operations::retrieve_url(&self.inner, id).await
    }

    /// Downloads by the media's link. Bytes are verified as far as the media tells size and SHA-256.
    ///
    /// # Errors
    /// [`Error::Expired`] for a dead link, and what a request can meet.
    pub async fn download(&self, media: &Media) -> Result<Download, Error> {
        download::download(&self.inner, media).await
    }

    /// Resolves and downloads; a link that died in between is resolved once more.
    ///
    /// # Errors
    /// Those of [`Client::retrieve_url`] and [`Client::download`].
    pub async fn fetch(&self, id: MediaId) -> Result<Download, Error> {
        operations::fetch(&self.inner, id).await
    }

    /// Resolves and downloads to a path.
    ///
    /// # Errors
    /// Those of [`Client::fetch`], [`Error::Damaged`] and [`Error::Io`].
    pub async fn fetch_to(
        &self,
        id: MediaId,
        path: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<Saved, Error> {
        download::save::save(&self.inner, Media::new(id), path.as_ref(), options).await
    }

    /// Downloads to a path, beginning with the media's own link, as [`Client::fetch_to`] does with a fresh one.
    ///
    /// # Errors
    /// Those of [`Client::fetch_to`].
    pub async fn download_to(
        &self,
        media: &Media,
        path: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<Saved, Error> {
        download::save::save(&self.inner, media.clone(), path.as_ref(), options).await
    }

    /// Deletes a media. It is gone at once, with its links.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what a request can meet.
    pub async fn delete(&self, id: MediaId) -> Result<(), Error> {
        operations::delete(&self.inner, id).await
    }

    /// Asks whether the credential is accepted, and on graph whether the number is its own, without leaving anything
    /// behind.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for the credential, [`Error::Forbidden`] for its permissions, [`Error::NotFound`] for
    /// the number, and what a request can meet.
    pub async fn check(&self) -> Result<(), Error> {
        operations::check(&self.inner).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inner.transport.service() {
            Service::Graph { base, version, phone_number_id, .. } => {
                write!(f, "Client(graph at {base}, version {version:?}, number {phone_number_id})")
            }
            Service::D360 { base } => write!(f, "Client(d360 at {base})"),
        }
    }
}
