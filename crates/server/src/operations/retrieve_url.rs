//! Id in, a link of five minutes out.

use std::sync::Arc;

use jiff::Timestamp;
use wamedia_store::{Media, View};
use wamedia_wire::links::{AttachmentQuery, LinkSource};

use super::{Caller, check_number, find_media, note_use};
use crate::app::App;
use crate::error::MediaError;

/// What retrieve_url tells.
pub struct Retrieved {
    /// The record.
    pub media: Arc<Media>,
    /// Its new link.
    pub link: AttachmentQuery,
}

/// Mints a new link for the caller's media. Every call mints another.
///
/// # Errors
/// As [`find_media`] and [`check_number`] say.
pub fn retrieve_url(
    app: &App,
    caller: &Caller,
    view: &View<'_>,
    id: &str,
    asked_number: Option<&str>,
    now: Timestamp,
) -> Result<Retrieved, MediaError> {
    caller.check_permission()?;
    let media = find_media(view, caller, id, now)?;
    check_number(&media, asked_number)?;
    note_use(app, &media, now);
    let expires_at = now.saturating_add(app.config.links.valid_for.signed()).unwrap_or(Timestamp::MAX);
    let link = app.links.issue(caller.account(), media.id, LinkSource::GetMedia, expires_at);
    Ok(Retrieved { media, link })
}
