//! `wamedia upload`: files to a service, several at once, each judged before it is sent.

mod source;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use wamedia_client::{Client, Preflight, Upload as Sending, Uploaded};
use wamedia_media::MimeType;

use super::output::{Usage, plain};
use super::transfer::bars::{Bars, FileBar};
use super::transfer::batch::{Batch, Interruption, Success, Told};
use super::transfer::failure::Failure;
use super::transfer::ledger::{self, Entry, Ledger};
use super::transfer::target::Target;
use super::transfer::{Telling, block_on};
use crate::clock::Clock;
use crate::config::Span;
use source::{Job, Source};

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
    /// Files, each once, and - for standard input
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
    /// Uploads begun in a second, at most; 0 for as many as come
    #[arg(long, value_name = "N", default_value_t = 25)]
    rate: u32,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    target: Target,
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
        let rate = Some(self.rate).filter(|rate| *rate > 0);
        let retries = self.telling.retries();
        let client = connection.client(|builder| builder.uploads_per_second(rate).retries(retries))?;
        let mut interruption = Interruption::listen()?;
        let mut jobs = source::jobs(&self.files, self.recursive)?;
        // The record of an earlier run may lie in a folder that is walked over.
        if let Some(record) = self.resume.as_ref().and_then(|path| path.canonicalize().ok()) {
            let is_record = |path: &Path| path.canonicalize().is_ok_and(|path| path == record);
            jobs.retain(|job| !job.file().is_some_and(is_record));
        }
        if self.name.is_some() && jobs.len() != 1 {
            return Err(Usage("--name is for one file".to_owned()).into());
        }
        if self.resume.is_some() && jobs.iter().any(|job| job.file().is_none()) {
            let what = "what comes by standard input or a pipe cannot be taken up again with --resume";
            return Err(Usage(what.to_owned()).into());
        }
        let record = self.resume.as_ref().map(|path| Ledger::open(path, &connection, clock.now()));
        let ledger = record.transpose()?;
        let bytes = jobs.iter().map(|job| job.bytes).sum();
        let bars = Bars::new(jobs.len(), bytes, self.telling.quiet);
        let shared = Arc::new(Shared {
            client,
            bars: bars.clone(),
            clock,
            ledger,
            declared: self.declared,
            name: self.name,
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
}

async fn upload(shared: Arc<Shared>, job: Job) -> Told {
    let bar = shared.bars.file(&job.label, job.bytes);
    let told = shared.upload(&job, &bar).await;
    bar.settle();
    told
}

impl Shared {
    async fn upload(self: &Arc<Self>, job: &Job, bar: &FileBar) -> Told {
        let mut changed_ns = None;
        if let Some(path) = job.file() {
            let (at, path) = (self.clone(), path.to_owned());
            let seen = tokio::task::spawn_blocking(move || at.seen(&path)).await.unwrap_or_default();
            if let (Some(entry), _) = seen {
                return already(&job.label, &entry);
            }
            changed_ns = seen.1;
        }
        match job.open().await {
            Ok(source) => self.send(job, &source, changed_ns, bar).await,
            Err(failure) => failed(&job.label, failure),
        }
    }

    /// What the record has of a file, and when the file was last changed.
    fn seen(&self, path: &Path) -> (Option<Entry>, Option<i128>) {
        let entry = self.ledger.as_ref().and_then(|ledger| ledger.find(path));
        (entry.cloned(), ledger::stat(path).and_then(|(_, changed_ns)| changed_ns))
    }

    async fn send(
        self: &Arc<Self>,
        job: &Job,
        source: &Source,
        changed_ns: Option<i128>,
        bar: &FileBar,
    ) -> Told {
        let (shown, length) = (bar.clone(), source.bytes);
        let mut sending = Sending::path(&source.path).preflight(self.preflight);
        sending = sending.progress(move |it| shown.show(it.done, Some(length)));
        if let Some(declared) = &self.declared {
            sending = sending.declared(declared.clone());
        }
        if let Some(name) = self.name.as_deref().or(source.name) {
            sending = sending.file_name(name);
        }
        if let Some(minutes) = self.ttl {
            sending = sending.ttl_minutes(minutes);
        }
        match self.client.upload(sending).await {
            Ok(uploaded) => self.uploaded(job, changed_ns, uploaded).await,
            Err(error) => failed(&job.label, Failure::of(&error, &job.label)),
        }
    }

    /// Keeps what was answered before it is told.
    async fn uploaded(self: &Arc<Self>, job: &Job, changed_ns: Option<i128>, uploaded: Uploaded) -> Told {
        let mut warnings: Vec<String> =
            uploaded.warnings.iter().map(|it| format!("{} [{}]", it.message, it.rule)).collect();
        let (at, path, kept) = (self.clone(), job.file().map(Path::to_owned), uploaded.clone());
        let written = tokio::task::spawn_blocking(move || at.keep(path.as_deref(), changed_ns, &kept)).await;
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

    fn keep(&self, path: Option<&Path>, changed_ns: Option<i128>, uploaded: &Uploaded) -> anyhow::Result<()> {
        let (Some(ledger), Some(path)) = (&self.ledger, path) else { return Ok(()) };
        ledger.keep(path, changed_ns, uploaded, self.expires_at())
    }

    fn expires_at(&self) -> Timestamp {
        let life = self.ttl.map_or(USUAL_LIFE, |minutes| SignedDuration::from_mins(minutes.into()));
        self.clock.now().checked_add(life).unwrap_or(Timestamp::MAX)
    }
}

fn failed(label: &str, failure: Failure) -> Told {
    Told { label: label.to_owned(), json: object(label, None), result: Err(failure) }
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
