//! What the service does, one file a verb. A handler translates; here it is decided.
//!
//! Knows no HTTP: every error is a [`MediaError`], every caller was a secret.

pub mod accounts;
pub mod announce;
mod authenticate;
mod delete;
mod download;
mod judge;
mod receive;
mod retrieve_url;
mod send;
pub mod subscriptions;
mod upload;

pub use authenticate::{Caller, Presented, Secret, authenticate, owner};
pub use delete::delete;
pub use download::{Download, download};
pub use receive::{Receipt, Received, receive};
pub use retrieve_url::{Retrieved, retrieve_url};
pub use send::{Sent, send};
pub use upload::{Upload, upload};

use std::sync::Arc;

use jiff::Timestamp;
use wamedia_media::PhoneNumberId;
use wamedia_store::{Media, View};

use crate::app::App;
use crate::error::MediaError;

/// The caller's live media of this id, spelled as the client wrote it.
///
/// # Errors
/// [`MediaError::NoSuchMedia`] for unknown, foreign, expired and deleted alike.
fn find_media(view: &View<'_>, caller: &Caller, id: &str, now: Timestamp) -> Result<Arc<Media>, MediaError> {
    let media_id = id.parse().map_err(|_| MediaError::InvalidMediaId { id: id.to_owned() })?;
    let found = view.media(caller.account(), media_id, now).map_err(MediaError::from)?;
    found.ok_or_else(|| MediaError::NoSuchMedia { id: id.to_owned() })
}

/// `?phone_number_id=` acts only where the media belongs to that number; received media belongs to none
/// (the first documented by the vendor, the second recorded traffic).
fn check_number(media: &Media, asked: Option<&str>) -> Result<(), MediaError> {
    let Some(asked) = asked else { return Ok(()) };
    let same = asked.parse::<PhoneNumberId>().is_ok_and(|number| number == media.phone_number_id);
    let uploaded = media.origin == wamedia_store::Origin::Uploaded;
    if same && uploaded { Ok(()) } else { Err(MediaError::ForeignNumber) }
}

/// Records a use at most once an hour a media, beside the answer: a read stays a read.
fn note_use(app: &App, media: &Media, now: Timestamp) {
    if !media.use_is_due(now) {
        return;
    }
    let (store, account, id) = (app.store.clone(), media.account, media.id);
    tokio::spawn(async move {
        if let Err(error) = store.catalog().record_use(account, id, now).await {
            tracing::warn!(%error, "a use was not recorded; the media may expire as if it had not happened");
        }
    });
}

impl From<wamedia_store::StoreError> for MediaError {
    fn from(error: wamedia_store::StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}
