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
    ClientBuilder, ConfigError, Dialect, Download, Error, Link, Media, Retries, SaveOptions, Saved, Secret,
    Upload, Uploaded, download, operations, upload,
};

/// A client of one number at one service.
///
/// Cloning is cheap; clones share connections, pacer and error budget. Its `Debug` shows no secret. Every method may be
/// cancelled by dropping its future; nothing is left behind but, perhaps, an upload whose answer nobody heard, and the
/// beginning of a download to a path.
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
    /// ```
    /// # use wamedia_client::Client;
    /// let client = Client::graph("https://graph.facebook.com", "v23.0", "1025723653965602", "EAAB…")?;
    /// assert_eq!(
    ///     format!("{client:?}"),
    ///     r#"Client(graph at https://graph.facebook.com, version "v23.0", number 1025723653965602)"#,
    /// );
    /// # Ok::<_, wamedia_client::ConfigError>(())
    /// ```
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
    ///
    /// ```
    /// # use wamedia_client::{Budget, Client, Dialect, Retries};
    /// let dialect = Dialect::D360 { base: "https://waba-v2.360dialog.io".into(), key: "key".into() };
    /// let client = Client::builder(dialect).user_agent("shop/1.2").retries(Retries::none()).build()?;
    /// # Ok::<_, wamedia_client::ConfigError>(())
    /// ```
    pub fn builder(dialect: Dialect) -> ClientBuilder {
        ClientBuilder::new(dialect)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Uploads a file: judged, paced, streamed, and sent again where that is safe ([`Retries`]).
    ///
    /// # Errors
    /// [`Error::Rejected`] before or after sending; [`Error::Io`] for what cannot be read; [`Error::Invalid`] for what
    /// cannot be asked for; [`Error::NotFound`] for the number; [`Error::HeldBack`]; and what any request can meet:
    /// [`Error::Unauthorized`], [`Error::Forbidden`], [`Error::Throttled`], [`Error::Upstream`],
    /// [`Error::Connection`], [`Error::ForeignHost`].
    pub async fn upload(&self, upload: Upload) -> Result<Uploaded, Error> {
        upload::upload(&self.inner, upload).await
    }

    /// What the service knows of a media, with a link that lives for five minutes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::HeldBack`], and what any request can meet.
    pub async fn retrieve_url(&self, id: MediaId) -> Result<Media, Error> {
        operations::retrieve_url(&self.inner, id).await
    }

    /// The address that [`Client::download`] asks for this link: at 360dialog its host is replaced by the base's, path and
    /// query byte for byte.
    ///
    /// # Errors
    /// [`Error::BadLink`] for what is no address, [`Error::ForeignHost`] for one that may not have the credential.
    pub fn address(&self, link: &Link) -> Result<Link, Error> {
        self.inner.transport.service().link(link).map(|address| Link::new(address.to_string()))
    }

    /// Downloads by the media's link. Bytes are verified as far as the media tells size and SHA-256.
    ///
    /// # Errors
    /// [`Error::Expired`] for a dead link (services answer a wrong credential alike here; retrieve_url tells them
    /// apart), [`Error::BadLink`], [`Error::Damaged`] where the head tells already, and what any request can meet.
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
    /// Bytes go to a temporary name beside it (`.name.….part`), which only one download writes at a time. The file
    /// appears under its name at once, durable, when it is whole and its size and SHA-256 are right. A connection that
    /// breaks is taken up by range, as often as each brings something, with a link resolved anew where the old one
    /// died. Where it has to give up, the temporary file stays for the next call of the same media and path to go on
    /// with, in whatever process; what is damaged or no longer there is removed.
    ///
    /// # Errors
    /// Those of [`Client::fetch`]; [`Error::Damaged`] when the bytes were wrong twice; [`Error::Io`].
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
    /// Where an earlier attempt's answer was lost, a media that is not there any more was deleted by it.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what any request can meet.
    pub async fn delete(&self, id: MediaId) -> Result<(), Error> {
        operations::delete(&self.inner, id).await
    }

    /// Asks whether the credential is accepted, and on graph whether the number is its own, without leaving anything
    /// behind.
    ///
    /// On graph it posts an upload without a file, which is refused after everything else was looked at; on d360 it
    /// asks for a media that nobody has. Each is one error in the vendor's eyes, and is counted in the [`Budget`](crate::Budget).
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
