//! A message with media, by id or by link: taken, recorded, and followed by its statuses.
//!
//! Nothing leaves for any phone: this is the media service. Texts and templates are taken too, so that a whole
//! application can run against us; what they say is recorded and nothing else.

use jiff::Timestamp;
use wamedia_media::{Kind, MimeType, PhoneNumberId};
use wamedia_store::Media;
use wamedia_wire::messages::{Content, MediaSource, Message, MessageError, OutgoingMedia, Posted};
use wamedia_wire::wamid;
use wamedia_wire::webhook::DeliveryState;

use super::announce::{self, Progress};
use super::judge::{Kept, judge};
use super::{Caller, note_use};
use crate::app::App;
use crate::config::Inspection;
use crate::error::MediaError;

/// What became of a posted body.
pub enum Sent {
    /// It was a message, and was taken.
    Message {
        /// The message.
        message: Message,
        /// Its new id.
        message_id: String,
    },
    /// It marked a received message as read.
    MarkedAsRead,
}

/// Takes a posted message for `number`, and tells what becomes of it.
///
/// # Errors
/// [`MediaError::Message`] with the vendors' text; unknown, foreign, expired and deleted ids are one error.
pub async fn send(
    app: &App,
    caller: &Caller,
    number: PhoneNumberId,
    posted: &[u8],
    now: Timestamp,
) -> Result<Sent, MediaError> {
    caller.check_permission()?;
    let message = match Posted::parse(posted).map_err(MediaError::Message)? {
        Posted::Read { .. } => return Ok(Sent::MarkedAsRead),
        Posted::Message(message) => message,
    };
    let failure = match &message.content {
        Content::Media(outgoing) => failure_of(app, caller, outgoing, now).await?,
        Content::Text { .. } | Content::Template { .. } | Content::Other { .. } => None,
    };
    let message_id = wamid::outgoing(&message.wa_id, app.chance.bytes());
    app.outbox.keep(number, &message_id, &message, failure.as_deref(), now);
    tell(app, number, &message, &message_id, failure.as_deref(), now).await?;
    Ok(Sent::Message { message, message_id })
}

/// The statuses that follow: all of them at once, since no phone is waited for.
async fn tell(
    app: &App,
    number: PhoneNumberId,
    message: &Message,
    message_id: &str,
    failure: Option<&str>,
    at: Timestamp,
) -> Result<(), MediaError> {
    let states = match failure {
        Some(details) => vec![DeliveryState::Failed { details }],
        None => vec![DeliveryState::Sent, DeliveryState::Delivered, DeliveryState::Read],
    };
    let progress = |state| Progress {
        message_id,
        recipient_id: &message.wa_id,
        at,
        state,
        biz_opaque_callback_data: message.biz_opaque_callback_data.as_deref(),
    };
    let progress: Vec<Progress<'_>> = states.into_iter().map(progress).collect();
    announce::status(app, number, &progress).await?;
    Ok(())
}

/// Why the message will fail behind its good answer, if it will: what Meta finds out only after the upload.
async fn failure_of(
    app: &App,
    caller: &Caller,
    outgoing: &OutgoingMedia,
    now: Timestamp,
) -> Result<Option<String>, MediaError> {
    // A link is recorded; nothing is fetched from addresses that a message names.
    let MediaSource::Id(id) = outgoing.source else { return Ok(None) };
    let found = app.store.catalog().media(caller.account(), id, now)?;
    let media = found.ok_or(MediaError::Message(MessageError::MediaId(outgoing.kind)))?;
    note_use(app, &media, now);
    let Some((media_type, declared)) = media_type_of(&media) else { return Ok(None) };
    // Any type may be handed over as a document; the other kinds take their own.
    if outgoing.kind != Kind::Document && outgoing.kind != media_type.kind {
        return Ok(Some(wamedia_media::unsupported(outgoing.kind, declared.as_str())));
    }
    if app.config.upload.inspection != Inspection::Send {
        return Ok(None);
    }
    let blob = app.store.open_media(&media).await.map_err(|error| MediaError::Internal(error.to_string()))?;
    let verdict = judge(app, Kept::new(blob), media_type, &declared, media.file_name.as_deref()).await?;
    Ok(verdict.refusal.map(|refusal| refusal.details))
}

fn media_type_of(media: &Media) -> Option<(&'static wamedia_media::MediaType, MimeType)> {
    let declared = MimeType::parse(&media.mime_type).ok()?;
    wamedia_media::find(&declared).map(|row| (row, declared))
}
