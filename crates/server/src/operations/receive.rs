//! A message with media comes in for a number: the bytes are judged, kept for seven days, and announced to whoever
//! subscribed. What WhatsApp would not hand on becomes an error webhook, and nothing is kept.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http_body::Body;
use jiff::Timestamp;
use wamedia_media::{GREATEST_MAX_BYTES, Kind, MediaId, MediaType, MimeType, PhoneNumberId, Rule};
use wamedia_store::{AccountId, DeliveryFilter, DeliveryId, Media, NewMedia, Origin, StageError, Staged};
use wamedia_wire::wamid;
use wamedia_wire::webhook::{InboundContent, InboundKind, InboundMedia};

use super::announce::{self, Audience, Incoming};
use super::judge::judge_staged;
use crate::app::App;
use crate::config::Inspection;
use crate::error::MediaError;

/// The longest caption, in characters (documented by the vendor).
const MAX_CAPTION: usize = 1024;
/// Digits of a number: the longest there are (ITU-T E.164) and some room.
const MAX_DIGITS: usize = 20;
/// Ogg always carries Opus here, and webhooks say so (recorded traffic).
const OGG: &str = "audio/ogg";
const OGG_WITH_OPUS: &str = "audio/ogg; codecs=opus";

/// What comes with the bytes.
#[derive(Default)]
pub struct Receipt {
    /// The sender's number; a plus and what people write between digits is left out.
    pub from: String,
    /// The name of the sender's profile.
    pub name: String,
    /// What the sender wrote beneath it.
    pub caption: Option<String>,
    /// The file's name.
    pub filename: Option<String>,
    /// What it is sent as; told from the bytes where nobody says.
    pub kind: Option<Kind>,
    /// The type that the sender's application declares; told from the bytes where nobody says.
    pub mime_type: Option<String>,
    /// Whether it was recorded in the chat.
    pub voice: bool,
}

/// What became of a receipt.
#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    /// `wamid.…`
    pub message_id: String,
    /// The media that was kept; `None` where an error was announced instead.
    pub media_id: Option<MediaId>,
    /// The error that was announced: 131051 or 131052.
    pub error: Option<u32>,
    /// The webhooks that will be delivered; none where nobody subscribed.
    pub deliveries: Vec<DeliveryId>,
}

/// Receives the bytes of `body` for `number`. When this returns, media and webhook are durable, both or neither.
///
/// # Errors
/// A fact that cannot be (nothing is announced then), a body that broke, or the store.
pub async fn receive<B>(
    app: &App,
    number: PhoneNumberId,
    receipt: Receipt,
    body: &mut B,
) -> Result<Received, MediaError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let wa_id = check(&receipt)?;
    let no_number = || MediaError::NoSuchPhoneNumber { id: number.to_string() };
    let account = app.store.catalog().phone_number(number)?.ok_or_else(no_number)?.account;
    let staged = stage(app, account, body).await?;
    let message_id = wamid::incoming(&wa_id, app.chance.bytes());
    let incoming =
        Incoming { wa_id: &wa_id, contact_name: &receipt.name, message_id: &message_id, at: app.clock.now() };
    let Some(staged) = staged else { return refuse(app, number, incoming, InboundContent::TooLarge).await };
    let Some(sort) = sort(app, &staged, &receipt).await? else {
        return refuse(app, number, incoming, InboundContent::Unsupported).await;
    };
    let kind = sort.described(&receipt)?;
    let audience = announce::audience(app, number)?;
    let new = new_media(app, account, number, sort.row, receipt.filename.clone(), incoming.at)?;
    let mut announced = None;
    let mut announce = |media: &Media| {
        let Some(audience) = &audience else { return Vec::new() };
        let content = InboundContent::Media(InboundMedia {
            kind,
            mime_type: if sort.row.mime == OGG { OGG_WITH_OPUS } else { sort.row.mime },
            sha256: &media.sha256,
            id: media.id,
            url: &audience.link(app, media.id, incoming.at),
        });
        let delivery = audience.inbound(app, incoming, content);
        announced = Some(delivery.body.clone());
        vec![delivery]
    };
    let media = staged.commit_with(new, &mut || app.chance.media_id(), &mut announce).await?;
    app.deliveries.wake();
    app.metrics.stored(media.bytes);
    let deliveries = audience.zip(announced).map(|(audience, body)| delivery_of(app, &audience, &body));
    let deliveries = deliveries.into_iter().flatten().collect();
    Ok(Received { message_id, media_id: Some(media.id), error: None, deliveries })
}

/// The sender's digits, where every fact can be.
fn check(receipt: &Receipt) -> Result<String, MediaError> {
    let invalid = |name, expected| Err(MediaError::InvalidParameter { name, expected });
    let written = |c: &char| !matches!(c, '+' | ' ' | '-' | '(' | ')');
    let wa_id: String = receipt.from.chars().filter(written).collect();
    if wa_id.is_empty() || wa_id.len() > MAX_DIGITS || !wa_id.bytes().all(|b| b.is_ascii_digit()) {
        return invalid("from", "the sender's phone number, in digits");
    }
    if receipt.caption.as_ref().is_some_and(|caption| caption.chars().count() > MAX_CAPTION) {
        return invalid("caption", "at most 1024 characters");
    }
    Ok(wa_id)
}

/// The whole body, staged; `None` where it is over the greatest limit. The rest is read all the same, so that a sender
/// that sends first and reads later reads the answer.
async fn stage<B>(app: &App, account: AccountId, body: &mut B) -> Result<Option<Staged>, MediaError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let internal = |error: StageError| MediaError::Internal(error.to_string());
    let mut staging = Some(app.store.stage(account, GREATEST_MAX_BYTES));
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| MediaError::BodyLost { reason: error.to_string() })?;
        let (Ok(bytes), Some(growing)) = (frame.into_data(), &mut staging) else { continue };
        match growing.write(bytes).await {
            Ok(()) => {}
            Err(StageError::TooLarge { .. }) => staging = None,
            Err(error) => return Err(internal(error)),
        }
    }
    match staging {
        Some(staging) => staging.finish().await.map(Some).map_err(internal),
        None => Ok(None),
    }
}

/// What a file is handed on as.
struct Sort {
    row: &'static MediaType,
    kind: Kind,
    animated: bool,
    opus: bool,
}

/// Decides what the file is handed on as; `None` where WhatsApp would not hand it on.
///
/// Limits of single types bind senders over the API; people send up to the greatest (documented by the vendor).
async fn sort(app: &App, staged: &Staged, receipt: &Receipt) -> Result<Option<Sort>, MediaError> {
    let Some((row, declared)) = row_of(staged, receipt).await? else { return Ok(None) };
    let kind = receipt.kind.unwrap_or(row.kind);
    // Any type may be handed over as a document, as it is; the other kinds take their own.
    let as_it_is = kind == Kind::Document && row.kind != Kind::Document;
    if kind != row.kind && !as_it_is {
        return Ok(None);
    }
    let verdict = judge_staged(app, staged, row, &declared, receipt.filename.as_deref()).await?;
    let judged = app.config.upload.inspection != Inspection::Off && !as_it_is;
    if let Some(refusal) = verdict.refusal.filter(|refusal| judged && refusal.rule != Rule::TooLarge) {
        tracing::info!(rule = %refusal.rule, found = row.mime, "a received file is not handed on");
        return Ok(None);
    }
    let facts = verdict.facts;
    let opus = row.mime == OGG && facts.tracks.iter().any(|track| track.codec == "opus");
    Ok(Some(Sort { row, kind, animated: facts.animated.unwrap_or(false), opus }))
}

/// The row of the declared type, else of what the bytes are.
async fn row_of(
    staged: &Staged,
    receipt: &Receipt,
) -> Result<Option<(&'static MediaType, MimeType)>, MediaError> {
    if let Some(text) = &receipt.mime_type {
        let Ok(declared) = MimeType::parse(text) else {
            return Err(MediaError::InvalidParameter {
                name: "type",
                expected: "a kind such as document, or a type such as image/jpeg",
            });
        };
        return Ok(wamedia_media::find(&declared).map(|row| (row, declared)));
    }
    let mut source = source(staged)?;
    let found = tokio::task::spawn_blocking(move || wamedia_media::identify(&mut source)).await;
    let found = found.map_err(std::io::Error::other).flatten();
    let found = found.map_err(|error| MediaError::Internal(error.to_string()))?;
    let row = wamedia_media::guess(&found, receipt.filename.as_deref());
    Ok(row.and_then(|row| Some((row, MimeType::parse(row.mime).ok()?))))
}

fn source(staged: &Staged) -> Result<wamedia_store::StagedSource, MediaError> {
    staged.source().map_err(|error| MediaError::Internal(error.to_string()))
}

impl Sort {
    /// The kind with what only it has.
    fn described<'r>(&self, receipt: &'r Receipt) -> Result<InboundKind<'r>, MediaError> {
        let (caption, filename) = (receipt.caption.as_deref(), receipt.filename.as_deref());
        if receipt.voice && !(self.opus && self.kind == Kind::Audio) {
            let expected = "left out: only Ogg audio with Opus is a voice message";
            return Err(MediaError::InvalidParameter { name: "voice", expected });
        }
        if caption.is_some() && matches!(self.kind, Kind::Audio | Kind::Sticker) {
            let expected = "left out: audio and stickers have none";
            return Err(MediaError::InvalidParameter { name: "caption", expected });
        }
        Ok(match self.kind {
            Kind::Audio => InboundKind::Audio { voice: receipt.voice },
            Kind::Document => InboundKind::Document { caption, filename },
            Kind::Image => InboundKind::Image { caption },
            Kind::Sticker => InboundKind::Sticker { animated: self.animated },
            Kind::Video => InboundKind::Video { caption },
        })
    }
}

/// Announces an error instead; what was staged is gone.
async fn refuse(
    app: &App,
    number: PhoneNumberId,
    incoming: Incoming<'_>,
    content: InboundContent<'_>,
) -> Result<Received, MediaError> {
    let error = match content {
        InboundContent::TooLarge => Some(131_052),
        InboundContent::Unsupported => Some(131_051),
        InboundContent::Media(_) => None,
    };
    let deliveries = announce::inbound(app, number, incoming, content).await?;
    Ok(Received { message_id: incoming.message_id.to_owned(), media_id: None, error, deliveries })
}

/// The record to be: received media lives its time from receipt, whoever uses it.
fn new_media(
    app: &App,
    account: AccountId,
    phone_number_id: PhoneNumberId,
    row: &'static MediaType,
    file_name: Option<String>,
    now: Timestamp,
) -> Result<NewMedia, MediaError> {
    let own = app.store.catalog().account(account)?.and_then(|account| account.retention_received);
    let retention = own.unwrap_or(app.config.retention.received.duration());
    Ok(NewMedia {
        account,
        phone_number_id,
        mime_type: row.mime.to_owned(),
        file_name,
        origin: Origin::Received,
        created_at: now,
        expires_at: now.saturating_add(retention).unwrap_or(Timestamp::MAX),
        keep_for: None,
    })
}

/// The delivery with this body, which no other has: the store enqueues it beside the record and does not say its number.
fn delivery_of(app: &App, audience: &Audience, body: &Bytes) -> Option<DeliveryId> {
    /// Others may have been enqueued in the meantime.
    const LATEST: u32 = 64;
    let catalog = app.store.catalog();
    let filter =
        DeliveryFilter { subscription: Some(audience.subscription()), limit: LATEST, ..Default::default() };
    let latest = catalog.deliveries(filter).unwrap_or_default();
    latest
        .into_iter()
        .map(|it| it.id)
        .find(|id| catalog.delivery_body(*id).ok().flatten().as_ref() == Some(body))
}
