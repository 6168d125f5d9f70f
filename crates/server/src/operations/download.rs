//! Link in, bytes out: verified piece by piece before they leave.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use wamedia_store::{BlobReader, Media, ReadError, View};

use super::{Caller, note_use};
use crate::app::App;
use crate::error::MediaError;
use crate::links::LinkError;

/// A media that may be sent.
pub struct Download {
    /// The record.
    pub media: Arc<Media>,
    blob: BlobReader,
}

impl Download {
    /// The reader behind it.
    pub fn into_blob(self) -> BlobReader {
        self.blob
    }

    /// The verified piece at `offset`, at most `max` bytes.
    ///
    /// # Errors
    /// [`MediaError::Internal`] where the blob is damaged or missing.
    pub async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes, MediaError> {
        self.blob.read_at(offset, max).await.map_err(|error| MediaError::Internal(error.to_string()))
    }
}

/// Opens the media of a link for a caller of the same account.
///
/// # Errors
/// [`MediaError::ForgedLink`], [`MediaError::ExpiredLink`]; a media that is gone makes its links as dead as time does.
pub async fn download(
    app: &App,
    caller: &Caller,
    view: &View<'_>,
    link_query: &str,
    now: Timestamp,
) -> Result<Download, MediaError> {
    caller.check_permission()?;
    let id = app.links.check(caller.account(), link_query, now).map_err(|error| match error {
        LinkError::Forged => MediaError::ForgedLink,
        LinkError::Expired => MediaError::ExpiredLink,
    })?;
    let media = view.media(caller.account(), id, now)?.ok_or(MediaError::ExpiredLink)?;
    let blob = app.store.open_media(&media).await.map_err(|error| match error {
        ReadError::Gone => MediaError::ExpiredLink,
        other => MediaError::Internal(other.to_string()),
    })?;
    note_use(app, &media, now);
    Ok(Download { media, blob })
}
