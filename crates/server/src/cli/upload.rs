//! `wamedia upload`: files to a service, several at once, each judged before it is sent.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;
use wamedia_client::{Client, Preflight, Upload as Sending, Uploaded};
use wamedia_media::{GREATEST_MAX_BYTES, MimeType};

use super::check::walk::{Item, Walk};
use super::output::{Usage, plain};
use super::transfer::bars::{Bars, FileBar};
use super::transfer::batch::{Batch, Interruption, Success, Told};
use super::transfer::failure::Failure;
use super::transfer::ledger::{self, Entry, Ledger};
use super::transfer::target::Target;
use super::transfer::{Telling, block_on};
use crate::clock::Clock;
use crate::config::Span;

/// How long a media lives when nobody says: 30 days, at both vendors.
const USUAL_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Upload files, and print the id of each
///
/// Prints a line for each file as soon as it is there: its id, a tab, its path. Each file is judged first, as `wamedia
/// check` does; what would be refused is not sent. With --resume, what was uploaded is written to a record: the same
/// command goes on where it was stopped, and uploads nothing twice that has an id.
#[derive(Args)]
#[command(after_help = help!("Examples:
  wamedia upload photo.jpg
  ID=$(wamedia upload photo.jpg | cut -f1)
  wamedia upload -j 8 --resume batch.jsonl -r pictures/     once more, when the line broke
  ffmpeg -i in.wav -c:a libopus -ac 1 -f ogg - | wamedia upload - --name note.ogg
  wamedia upload --profile lab --json *.pdf | jq -r 'select(.error) | .file'
"))]
pub struct Upload {
    /// Files, and - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Also folders, with all they hold
    #[arg(long, short)]
    recursive: bool,
    /// The type to declare [default: told from the bytes]
    #[arg(long = "type", value_name = "MIME", value_parser = media_type)]
    declared: Option<String>,
    /// The name to send, of one file [default: its own]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How long the media shall live, 60m to 30d, where the service can do that
    #[arg(long, value_name = "LENGTH", value_parser = minutes)]
    ttl: Option<u32>,
    /// Send files unjudged
    #[arg(long)]
    no_preflight: bool,
    /// Keep a record of what was uploaded in this file, and leave out what it has
    #[arg(long, value_name = "RECORD")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    target: Target,
}

/// A file to upload.
struct Job {
    path: PathBuf,
    /// As it was named; `-` for standard input.
    label: String,
    bytes: u64,
}

/// What all uploads of a batch share.
struct Shared {
    client: Client,
    bars: Bars,
    clock: Clock,
    ledger: Option<Ledger>,
    declared: Option<String>,
    name: Option<String>,
    ttl: Option<u32>,
    preflight: Preflight,
}

impl Upload {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(self.upload())
    }

    async fn upload(self) -> anyhow::Result<ExitCode> {
        let clock = Clock::running();
        let connection = self.target.resolve()?;
        let client = connection.client()?;
        let mut interruption = Interruption::listen()?;
        let mut jobs = self.jobs()?;
        if self.name.is_some() && jobs.len() != 1 {
            return Err(Usage("--name is for one file".to_owned()).into());
        }
        let record = self.resume.as_ref().map(|path| Ledger::open(path, &connection, clock.now()));
        let ledger = record.transpose()?;
        // Held until the end: then it is removed.
        let mut spooled = None;
        if let Some(job) = jobs.iter_mut().find(|job| job.label == "-") {
            let (file, bytes) = tokio::select! {
                spooled = spool() => spooled?,
                code = interruption.wait() => return Ok(ExitCode::from(code)),
            };
            (job.path, job.bytes) = (file.path().to_owned(), bytes);
            spooled = Some(file);
        }
        let bars = Bars::new(jobs.len(), Some(jobs.iter().map(|job| job.bytes).sum()), self.telling.quiet);
        let shared = Arc::new(Shared {
            client,
            bars: bars.clone(),
            clock,
            ledger,
            declared: self.declared,
            // Standard input has no name of its own.
            name: self.name.or_else(|| spooled.as_ref().map(|_| "stdin".to_owned())),
            ttl: self.ttl,
            preflight: if self.no_preflight { Preflight::Off } else { Preflight::Judge },
        });
        let resume = if self.resume.is_some() {
            "Run it again to go on"
        } else {
            "With --resume RECORD it could go on"
        };
        let batch = Batch { telling: self.telling, thing: "file", done: "uploaded", resume };
        batch.run(jobs, &bars, &mut interruption, |job| upload(shared.clone(), job)).await
    }

    /// Everything that is named, before anything is sent: a name that was mistyped costs nothing.
    fn jobs(&self) -> anyhow::Result<Vec<Job>> {
        let is_stdin = |path: &&PathBuf| path.as_os_str() == OsStr::new("-");
        match self.files.iter().filter(is_stdin).count() {
            0 => {}
            1 if self.files.len() > 1 => {
                return Err(Usage(
                    "- is uploaded alone, as standard input has a name and type of its own".into(),
                )
                .into());
            }
            1 if self.resume.is_some() => {
                return Err(Usage(
                    "what comes by standard input cannot be taken up again with --resume".into(),
                )
                .into());
            }
            1 => return Ok(vec![Job { path: PathBuf::new(), label: "-".to_owned(), bytes: 0 }]),
            _ => return Err(Usage("standard input can be read only once".into()).into()),
        }
        if let Some(folder) = self.files.iter().find(|path| !self.recursive && path.is_dir()) {
            let shown = folder.display();
            return Err(Usage(format!("{shown} is a folder; upload all it holds with --recursive")).into());
        }
        let jobs = Walk::new(&self.files).map(|item| match item {
            Item::Unreadable(path, error) => {
                Err(Usage(format!("{}: {error}; nothing was uploaded", plain(&path.to_string_lossy())))
                    .into())
            }
            Item::Stdin => Err(Usage("- stands for standard input".into()).into()),
            Item::File(path) => {
                let bytes = fs::metadata(&path).map_or(0, |meta| meta.len());
                Ok(Job { label: path.to_string_lossy().into_owned(), path, bytes })
            }
        });
        jobs.collect()
    }
}

/// Standard input as a file, so that it can be judged whole and sent more than once; and its length.
async fn spool() -> anyhow::Result<(NamedTempFile, u64)> {
    let file = NamedTempFile::new().context("no temporary file for standard input")?;
    let mut into = file.reopen()?;
    let copied = tokio::task::spawn_blocking(move || {
        io::copy(&mut io::stdin().lock().take(GREATEST_MAX_BYTES + 1), &mut into)
    });
    let bytes = copied.await?.context("standard input cannot be kept in a temporary file")?;
    anyhow::ensure!(
        bytes <= GREATEST_MAX_BYTES,
        "standard input is longer than any media may be: {GREATEST_MAX_BYTES} bytes"
    );
    Ok((file, bytes))
}

async fn upload(shared: Arc<Shared>, job: Job) -> Told {
    let bar = shared.bars.file(&job.label, Some(job.bytes));
    let (at, path) = (shared.clone(), job.path.clone());
    let seen = tokio::task::spawn_blocking(move || at.seen(&path)).await;
    let (before, changed_ns) = seen.unwrap_or_default();
    let told = match before {
        Some(entry) => already(&job.label, &entry),
        None => shared.send(&job, changed_ns, &bar).await,
    };
    bar.settle();
    told
}

impl Shared {
    /// What the record has of a file, and when the file was last changed.
    fn seen(&self, path: &Path) -> (Option<Entry>, Option<i128>) {
        let entry = self.ledger.as_ref().and_then(|ledger| ledger.find(path));
        (entry.cloned(), ledger::stat(path).and_then(|(_, changed_ns)| changed_ns))
    }

    async fn send(self: &Arc<Self>, job: &Job, changed_ns: Option<i128>, bar: &FileBar) -> Told {
        let shown = bar.clone();
        let mut sending =
            Sending::path(&job.path).preflight(self.preflight).progress(move |it| shown.show(it));
        if let Some(declared) = &self.declared {
            sending = sending.declared(declared.clone());
        }
        if let Some(name) = &self.name {
            sending = sending.file_name(name.clone());
        }
        if let Some(minutes) = self.ttl {
            sending = sending.ttl_minutes(minutes);
        }
        match self.client.upload(sending).await {
            Ok(uploaded) => self.uploaded(job, changed_ns, uploaded).await,
            Err(error) => {
                let failure = Failure::of(&error, &job.label);
                Told { label: job.label.clone(), json: object(&job.label, None), result: Err(failure) }
            }
        }
    }

    /// Keeps what was answered before it is told.
    async fn uploaded(self: &Arc<Self>, job: &Job, changed_ns: Option<i128>, uploaded: Uploaded) -> Told {
        let mut warnings: Vec<String> =
            uploaded.warnings.iter().map(|it| format!("{} [{}]", it.message, it.rule)).collect();
        let (at, path, kept) = (self.clone(), job.path.clone(), uploaded.clone());
        let written = tokio::task::spawn_blocking(move || at.keep(&path, changed_ns, &kept)).await;
        if let Ok(Err(error)) = written {
            warnings.push(format!("it would be uploaded again: {error:#}"));
        }
        let json = object(
            &job.label,
            Some(json!({
                "id": uploaded.id.to_string(),
                "sha256": uploaded.sha256.to_string(),
                "bytes": uploaded.bytes,
                "type": uploaded.media_type,
                "attempts": uploaded.attempts,
                "warnings": warnings,
            })),
        );
        let line = format!("{}\t{}", uploaded.id, plain(&job.label));
        let success = Success { line: Some(line), bytes: uploaded.bytes, was_there: false, warnings };
        Told { label: job.label.clone(), json, result: Ok(success) }
    }

    fn keep(&self, path: &Path, changed_ns: Option<i128>, uploaded: &Uploaded) -> anyhow::Result<()> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        ledger.keep(path, changed_ns, uploaded, self.expires_at())
    }

    fn expires_at(&self) -> Timestamp {
        let life = self.ttl.map_or(USUAL_LIFE, |minutes| SignedDuration::from_mins(minutes.into()));
        self.clock.now().checked_add(life).unwrap_or(Timestamp::MAX)
    }
}

fn already(label: &str, entry: &Entry) -> Told {
    let known = json!({
        "id": entry.id, "sha256": entry.sha256, "bytes": entry.bytes, "type": entry.media_type,
        "attempts": 0, "warnings": [],
    });
    let line = format!("{}\t{}", entry.id, plain(label));
    let success = Success { line: Some(line), bytes: 0, was_there: true, warnings: Vec::new() };
    Told { label: label.to_owned(), json: object(label, Some(known)), result: Ok(success) }
}

/// The JSON object of a file: all keys are always there.
fn object(label: &str, known: Option<Value>) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("file".to_owned(), label.into());
    for key in ["id", "sha256", "bytes", "type", "attempts", "warnings"] {
        let value = known.as_ref().and_then(|known| known.get(key)).cloned();
        object.insert(key.to_owned(), value.unwrap_or_default());
    }
    object
}

fn media_type(text: &str) -> Result<String, String> {
    MimeType::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Whole minutes of a length of time, as `ttl_minutes` has them.
fn minutes(text: &str) -> Result<u32, String> {
    let minutes = text.parse::<Span>()?.duration().as_secs() / 60;
    let legal = u32::try_from(minutes).ok().filter(|minutes| (60..=43_200).contains(minutes));
    legal.ok_or_else(|| format!("{text} is not between 60m and 30d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_between_an_hour_and_thirty_days() {
        assert_eq!(["60m", "1h", "7d", "30d"].map(|text| minutes(text).unwrap()), [60, 60, 10_080, 43_200]);
        assert!(["59m", "31d", "0s", "soon", "60"].iter().all(|text| minutes(text).is_err()));
    }

    #[test]
    fn objects_have_all_keys_whatever_became_of_the_file() {
        let keys = |known: Option<Value>| object("a", known).keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(None), keys(Some(json!({ "id": "1" }))));
    }
}
