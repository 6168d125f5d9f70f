//! Bytes in, id out: staged while they come, judged before they are kept, kept before the answer.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use jiff::Timestamp;
use wamedia_media::{MediaId, MediaType, MimeType, PhoneNumberId, Rule};
use wamedia_store::{NewMedia, Origin, StageError, Staged};

use super::Caller;
use super::judge::judge_staged;
use crate::app::App;
use crate::config::{CountsFrom, Inspection, TypeFrom};
use crate::error::MediaError;
use crate::form::Form;
use crate::stand_in::encounter::Encounter;

/// What is known of an upload before its form is read.
pub struct Upload<'a> {
    /// Who uploads.
    pub caller: &'a Caller,
    /// For which number.
    pub phone_number_id: PhoneNumberId,
    /// `messaging_product` of the query, which graph accepts too.
    pub messaging_product: Option<String>,
    /// What a stand-in remembers of it.
    pub encounter: Option<&'a Encounter>,
}

/// The text fields, as they came.
#[derive(Default)]
struct Fields {
    messaging_product: Option<String>,
    declared_type: Option<String>,
    ttl_minutes: Option<String>,
}

/// The file part, staged.
struct File {
    staged: Staged,
    part_type: Option<String>,
    name: Option<String>,
}

/// Reads the form, stages the file, judges it, keeps it.
///
/// # Errors
/// The first of: an unreadable form, a file over its limit or of another type (as soon as that is certain), a
/// missing field, a file that breaks a rule. Whatever was staged is gone then.
pub async fn upload<B>(app: &App, upload: Upload<'_>, form: &mut Form<'_, B>) -> Result<MediaId, MediaError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut fields = Fields { messaging_product: upload.messaging_product, ..Fields::default() };
    let mut file = None;
    while let Some(part) = form.next_part().await? {
        match part.name.as_str() {
            "messaging_product" => fields.messaging_product = Some(form.text().await?),
            "type" => fields.declared_type = Some(form.text().await?),
            "ttl_minutes" => fields.ttl_minutes = Some(form.text().await?),
            "file" if file.is_none() => {
                let part_type = part.content_type;
                if let Some(met) = upload.encounter {
                    met.note_declared(part_type.as_deref().or(fields.declared_type.as_deref()));
                }
                // A type that is already certain refuses, and bounds, the file while it streams.
                let max_bytes = match known_type(app, part_type.as_deref(), fields.declared_type.as_deref()) {
                    Some(found) => found?.max_bytes,
                    None => wamedia_media::GREATEST_MAX_BYTES,
                };
                let staged = stage(app, upload.caller, form, max_bytes).await?;
                file = Some(File { staged, part_type, name: part.file_name });
            }
            _ => form.skip_part().await?,
        }
    }
    if fields.messaging_product.as_deref() != Some("whatsapp") {
        return Err(MediaError::MessagingProductMissing);
    }
    let File { staged, part_type, name } = file.ok_or(MediaError::FileMissing)?;
    let (media_type, declared) = decide_type(app, part_type.as_deref(), fields.declared_type.as_deref())?;
    if staged.bytes() > media_type.max_bytes {
        return Err(MediaError::TooLarge { max_bytes: media_type.max_bytes });
    }
    let ttl = parse_ttl(fields.ttl_minutes.as_deref())?;
    inspect(app, &staged, media_type, &declared, name.as_deref(), upload.encounter).await?;
    let new = new_media(app, upload.caller, upload.phone_number_id, &declared, name, ttl)?;
    let media = staged.commit(new, &mut || app.chance.media_id()).await?;
    app.metrics.stored(media.bytes);
    if let Some(met) = upload.encounter {
        met.note_media(media.id);
    }
    Ok(media.id)
}

async fn stage<B>(
    app: &App,
    caller: &Caller,
    form: &mut Form<'_, B>,
    max_bytes: u64,
) -> Result<Staged, MediaError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut staging = app.store.stage(caller.account(), max_bytes);
    staging.expect(form.expected_bytes());
    while let Some(bytes) = form.next_data().await? {
        staging.write(bytes).await.map_err(from_stage)?;
    }
    staging.finish().await.map_err(from_stage)
}

fn from_stage(error: StageError) -> MediaError {
    match error {
        StageError::TooLarge { max_bytes } => MediaError::TooLarge { max_bytes },
        other => MediaError::Internal(other.to_string()),
    }
}

/// The row of the type if the part itself tells it; `None` while only a later `type` can.
fn known_type(
    app: &App,
    part_type: Option<&str>,
    field_type: Option<&str>,
) -> Option<Result<&'static MediaType, MediaError>> {
    let undecided = field_type.is_none() && part_type.is_none_or(|part| defers_to_field(app, part));
    (!undecided).then(|| decide_type(app, part_type, field_type).map(|(row, _)| row))
}

/// The file part's type counts; `type` only where the part has none, or by setting says nothing
/// (`application/octet-stream`). Two real types that disagree are refused.
fn decide_type(
    app: &App,
    part_type: Option<&str>,
    field_type: Option<&str>,
) -> Result<(&'static MediaType, MimeType), MediaError> {
    let part_type = part_type.filter(|part| field_type.is_none() || !defers_to_field(app, part));
    let declared = part_type.or(field_type).unwrap_or(OCTET_STREAM);
    let unsupported = || MediaError::UnsupportedType { declared: declared.to_owned() };
    let mime = MimeType::parse(declared).map_err(|_| unsupported())?;
    let row = wamedia_media::find(&mime)
        .ok_or_else(|| MediaError::UnsupportedType { declared: mime.as_str().to_owned() })?;
    let other = field_type
        .and_then(|field| MimeType::parse(field).ok())
        .and_then(|field| wamedia_media::find(&field));
    if other.is_some_and(|other| other.mime != row.mime) {
        return Err(MediaError::InvalidParameter {
            name: "type",
            expected: "the type that the file part declares",
        });
    }
    Ok((row, mime))
}

const OCTET_STREAM: &str = "application/octet-stream";

fn defers_to_field(app: &App, part_type: &str) -> bool {
    let says_nothing = MimeType::parse(part_type).is_ok_and(|mime| mime.as_str() == OCTET_STREAM);
    says_nothing && app.config.upload.type_from == TypeFrom::Either
}

/// This media's own lifetime: 60 minutes to 30 days (documented by the vendor).
fn parse_ttl(text: Option<&str>) -> Result<Option<Duration>, MediaError> {
    let Some(text) = text else { return Ok(None) };
    let invalid = MediaError::InvalidParameter { name: "ttl_minutes", expected: "a number from 60 to 43200" };
    match text.trim().parse::<u64>() {
        Ok(minutes @ 60..=43_200) => Ok(Some(Duration::from_secs(minutes * 60))),
        _ => Err(invalid),
    }
}

/// Judges the file, where the settings say that uploads are judged.
async fn inspect(
    app: &App,
    staged: &Staged,
    media_type: &'static MediaType,
    declared: &MimeType,
    file_name: Option<&str>,
    encounter: Option<&Encounter>,
) -> Result<(), MediaError> {
    if app.config.upload.inspection != Inspection::Upload {
        return Ok(());
    }
    let verdict = judge_staged(app, staged, media_type, declared, file_name).await?;
    if let Some(met) = encounter {
        met.note_found(verdict.found.mime);
    }
    let Some(refusal) = verdict.refusal else { return Ok(()) };
    tracing::info!(rule = %refusal.rule, declared = media_type.mime, message = refusal.message, "file refused");
    match refusal.rule {
        Rule::TooLarge => Err(MediaError::TooLarge { max_bytes: media_type.max_bytes }),
        _ => Err(MediaError::Rejected { details: refusal.details }),
    }
}

/// The record to be: whose, what, and how long it lives.
fn new_media(
    app: &App,
    caller: &Caller,
    phone_number_id: PhoneNumberId,
    declared: &MimeType,
    file_name: Option<String>,
    ttl: Option<Duration>,
) -> Result<NewMedia, MediaError> {
    let account = app.store.catalog().account(caller.account())?.ok_or(MediaError::Unauthenticated)?;
    let retention = account.retention_uploaded.unwrap_or(app.config.retention.uploaded.duration());
    let extends = ttl.is_none() && app.config.retention.counts_from == CountsFrom::LastUse;
    let now = app.clock.now();
    Ok(NewMedia {
        account: account.id,
        phone_number_id,
        mime_type: declared.as_str().to_owned(),
        file_name,
        origin: Origin::Uploaded,
        created_at: now,
        expires_at: now.saturating_add(ttl.unwrap_or(retention)).unwrap_or(Timestamp::MAX),
        keep_for: extends.then_some(retention),
    })
}
