//! A world as one file: JSON lines, written and read one line at a time, media bytes included. No secrets are in it.
//!
//! ```text
//! {"wamedia_world":1,"name":"orders","exported_at":"2026-11-20T12:00:00Z","phone_number_ids":["102572365396560"]}
//! {"media":{"id":"1761991787669262","phone_number_id":"102572365396560","mime_type":"image/png", …,"bytes":2065}}
//! {"data":"iVBORw0KGgo…"}                as many of these as the media has pieces of 48 KiB
//! {"end":{"media":1}}
//! ```
//!
//! An import makes a new world with new credentials. Media keeps its id where it is free, and lives as long as it had
//! left when it was exported.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use wamedia_media::{MediaId, PhoneNumberId};
use wamedia_store::{Account, Media, NewMedia, Origin, ReadError, StageError, Staging, StoreError};

use super::StandIn;
use super::worlds::{self, World};
use crate::app::App;
use crate::http::Body;
use crate::operations::accounts::{self, AccountError, Thing};

/// The only version of the format.
const VERSION: u32 = 1;
/// Bytes of media in a line: whole groups of base64, and far below the longest line.
const PIECE_BYTES: usize = 48 * 1024;
/// The longest line that is read.
const MAX_LINE: usize = 256 * 1024;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    World { wamedia_world: u32, name: String, exported_at: Timestamp, phone_number_ids: Vec<String> },
    Media { media: Described },
    Data { data: String },
    End { end: Totals },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Totals {
    media: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    /// Text, as on the wire.
    id: String,
    phone_number_id: String,
    mime_type: String,
    file_name: Option<String>,
    origin: OriginName,
    created_at: Timestamp,
    expires_at: Timestamp,
    keep_for_seconds: Option<u64>,
    sha256: String,
    bytes: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OriginName {
    Uploaded,
    Received,
}

/// The live media of an account and what they need to live elsewhere, as the lines above. A media that is lost on the
/// way ends the body with an error, never with an end.
///
/// # Errors
/// The catalog cannot be read.
pub fn export(app: &App, account: &Account) -> Result<Body, StoreError> {
    let numbers = worlds::numbers(app, account.id)?;
    let media = worlds::media(app, account.id)?;
    let head = Line::World {
        wamedia_world: VERSION,
        name: account.name.clone(),
        exported_at: app.clock.now(),
        phone_number_ids: numbers.iter().map(ToString::to_string).collect(),
    };
    let store = app.store.clone();
    let (out, lines) = mpsc::channel(1);
    tokio::spawn(async move {
        let Ok(()) = out.send(Ok(written(&head))).await else { return };
        let count = media.len() as u64;
        for media in media {
            let Ok(()) = out.send(Ok(written(&Line::Media { media: described(&media) }))).await else {
                return;
            };
            if let Err(error) = export_bytes(&store, &media, &out).await {
                let _ = out.send(Err(error)).await;
                return;
            }
        }
        let _ = out.send(Ok(written(&Line::End { end: Totals { media: count } }))).await;
    });
    Ok(Body::Piped(lines))
}

async fn export_bytes(
    store: &wamedia_store::Store,
    media: &Media,
    out: &mpsc::Sender<Result<Bytes, ReadError>>,
) -> Result<(), ReadError> {
    let mut blob = store.open_media(media).await?;
    let mut at = 0;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    while at < media.bytes {
        // A read may give less than was asked for, and all lines but the last are full.
        piece.clear();
        while piece.len() < PIECE_BYTES && at < media.bytes {
            let read = blob.read_at(at, PIECE_BYTES - piece.len()).await?;
            at += read.len() as u64;
            piece.extend_from_slice(&read);
        }
        let line = written(&Line::Data { data: STANDARD.encode(&piece) });
        if out.send(Ok(line)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn described(media: &Media) -> Described {
    Described {
        id: media.id.to_string(),
        phone_number_id: media.phone_number_id.to_string(),
        mime_type: media.mime_type.clone(),
        file_name: media.file_name.clone(),
        origin: match media.origin {
            Origin::Uploaded => OriginName::Uploaded,
            Origin::Received => OriginName::Received,
        },
        created_at: media.created_at,
        expires_at: media.expires_at,
        keep_for_seconds: media.keep_for.map(|keep_for| keep_for.as_secs()),
        sha256: hex(&media.sha256),
        bytes: media.bytes,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn written(line: &Line) -> Bytes {
    // Our own lines have nothing that JSON cannot say.
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

/// A world that was imported.
pub struct Imported {
    /// With new credentials.
    pub world: World,
    /// New ids by those of the file; the same where they were free.
    pub media: BTreeMap<String, String>,
}

/// Why a file is no world.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ImportError {
    #[error("line {line}: {what}")]
    Line { line: u64, what: String },
    #[error("the file ends before its end; export it again")]
    Cut,
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a new world of an export; under `name`, or under its own with a number behind it where that is taken.
///
/// # Errors
/// The body is no export, or not all of it; then no world is made.
pub async fn import<B>(
    app: &App,
    stand_in: &StandIn,
    name: Option<&str>,
    body: &mut B,
) -> Result<Imported, ImportError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut lines = Lines { body, rest: BytesMut::new(), line: 0 };
    let first = lines.next().await?;
    let Line::World { wamedia_world: VERSION, name: own, exported_at, phone_number_ids } = first else {
        return Err(lines.wrong("the first line is {\"wamedia_world\":1,…}"));
    };
    let numbers: Result<Vec<PhoneNumberId>, _> = phone_number_ids.iter().map(|text| text.parse()).collect();
    let numbers = numbers.map_err(|_| lines.wrong("a phone_number_id is no number"))?;
    let world = make(app, name, &own, numbers.first().copied()).await?;
    match fill(app, &world, &numbers, exported_at, &mut lines).await {
        Ok(media) => Ok(Imported { world, media }),
        Err(error) => {
            worlds::discard(app, stand_in, world.account.id).await?;
            Err(error)
        }
    }
}

/// Under the name that was asked for, else the first that is free; with the number, else with another.
async fn make(
    app: &App,
    asked: Option<&str>,
    own: &str,
    number: Option<PhoneNumberId>,
) -> Result<World, AccountError> {
    const TRIES: u32 = 1000;
    let free = |number: Option<PhoneNumberId>| {
        number.filter(|id| accounts::find_phone_number(&app.store, *id).is_err())
    };
    for n in 1..TRIES {
        let name = match (asked, n) {
            (Some(asked), _) => asked.to_owned(),
            (None, 1) => own.to_owned(),
            (None, n) => format!("{own}-{n}"),
        };
        match worlds::make(app, Some(&name), free(number), "").await {
            Err(AccountError::Taken { what: Thing::Account, .. }) if asked.is_none() => {}
            made => return made,
        }
    }
    Err(AccountError::Taken { what: Thing::Account, name: own.to_owned() })
}

async fn fill<B>(
    app: &App,
    world: &World,
    numbers: &[PhoneNumberId],
    exported_at: Timestamp,
    lines: &mut Lines<'_, B>,
) -> Result<BTreeMap<String, String>, ImportError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let now = app.clock.now();
    let mut new_numbers = BTreeMap::new();
    for (at, old) in numbers.iter().enumerate() {
        let new = match at {
            0 => world.number.id,
            _ => add_number(app, world, *old).await?,
        };
        new_numbers.insert(old.to_string(), new);
    }
    let mut ids = BTreeMap::new();
    loop {
        match lines.next().await? {
            Line::Media { media } => {
                let number = new_numbers.get(&media.phone_number_id).copied().unwrap_or(world.number.id);
                let kept = keep(app, world, number, &media, now.duration_since(exported_at), lines).await?;
                ids.insert(media.id, kept.to_string());
            }
            Line::End { end } if end.media == ids.len() as u64 => return Ok(ids),
            Line::End { .. } => return Err(lines.wrong("there is less media than the end says")),
            Line::World { .. } | Line::Data { .. } => return Err(lines.wrong("expected media or the end")),
        }
    }
}

async fn add_number(app: &App, world: &World, old: PhoneNumberId) -> Result<PhoneNumberId, AccountError> {
    let free = accounts::find_phone_number(&app.store, old).is_err();
    let id = free.then_some(old);
    let (account, now) = (world.account.id, app.clock.now());
    Ok(accounts::add_phone_number(&app.store, &app.chance, account, id, "", now).await?.id)
}

async fn keep<B>(
    app: &App,
    world: &World,
    phone_number_id: PhoneNumberId,
    media: &Described,
    since: SignedDuration,
    lines: &mut Lines<'_, B>,
) -> Result<MediaId, ImportError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let wanted: MediaId = media.id.parse().map_err(|_| lines.wrong("the id is no media id"))?;
    let account = world.account.id;
    let mut staging = app.store.stage(account, wamedia_media::GREATEST_MAX_BYTES);
    read_bytes(media.bytes, &mut staging, lines).await?;
    let staged = staging.finish().await.map_err(|error| lines.wrong(error))?;
    if hex(staged.sha256()) != media.sha256 {
        return Err(lines.wrong("the bytes are not those that were exported: sha256 differs"));
    }
    let later = |at: Timestamp| at.saturating_add(since).unwrap_or(Timestamp::MAX);
    let new = NewMedia {
        account,
        phone_number_id,
        mime_type: media.mime_type.clone(),
        file_name: media.file_name.clone(),
        origin: match media.origin {
            OriginName::Uploaded => Origin::Uploaded,
            OriginName::Received => Origin::Received,
        },
        created_at: later(media.created_at),
        expires_at: later(media.expires_at),
        keep_for: media.keep_for_seconds.map(Duration::from_secs),
    };
    let mut first = Some(wanted);
    let mut next_id = || first.take().unwrap_or_else(|| app.chance.media_id());
    Ok(staged.commit(new, &mut next_id).await?.id)
}

async fn read_bytes<B>(bytes: u64, staging: &mut Staging, lines: &mut Lines<'_, B>) -> Result<(), ImportError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    while staging.bytes() < bytes {
        let Line::Data { data } = lines.next().await? else {
            return Err(lines.wrong("the media has more bytes than came"));
        };
        let piece = STANDARD.decode(data).map_err(|error| lines.wrong(error))?;
        if piece.is_empty() || staging.bytes() + piece.len() as u64 > bytes {
            return Err(lines.wrong("the media has other bytes than it says"));
        }
        let written: Result<(), StageError> = staging.write(piece.into()).await;
        written.map_err(|error| lines.wrong(error))?;
    }
    Ok(())
}

/// A body, line by line.
struct Lines<'a, B> {
    body: &'a mut B,
    rest: BytesMut,
    line: u64,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Lines<'_, B> {
    async fn next(&mut self) -> Result<Line, ImportError> {
        self.line += 1;
        let mut searched = 0;
        let end = loop {
            if let Some(at) = memchr::memchr(b'\n', &self.rest[searched..]) {
                break searched + at;
            }
            searched = self.rest.len();
            if searched > MAX_LINE {
                return Err(self.wrong("the line is longer than any of an export"));
            }
            let frame = poll_fn(|cx| Pin::new(&mut *self.body).poll_frame(cx)).await;
            let data = frame.ok_or(ImportError::Cut)?.map_err(|_| ImportError::Cut)?.into_data();
            self.rest.extend_from_slice(&data.unwrap_or_default());
        };
        let line = self.rest.split_to(end);
        self.rest.advance(1);
        serde_json::from_slice(&line).map_err(|_| self.wrong("this is no line of an export"))
    }

    fn wrong(&self, what: impl std::fmt::Display) -> ImportError {
        ImportError::Line { line: self.line, what: what.to_string() }
    }
}
