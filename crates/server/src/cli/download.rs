//! `wamedia download`: media as files, under their names only when whole and verified; or on standard output.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use wamedia_client::{Client, Error, Media, MediaId, SaveOptions};
use wamedia_media::{MimeType, find};

use super::output::{Usage, plain};
use super::transfer::bars::Bars;
use super::transfer::batch::{Batch, Interruption, Success, Told};
use super::transfer::failure::Failure;
use super::transfer::ids::Ids;
use super::transfer::ledger;
use super::transfer::target::Target;
use super::transfer::{Telling, block_on};

/// Download media, there only when whole and verified
///
/// A broken line is taken up again where it broke. Files are named after the id and the type, 1761991787669262.jpg, so that no sender chooses a name on this machine.
/// Prints a line for each id: the id, a tab, the path. What is there already with the same bytes is not fetched again;
/// another file of that name is left alone, unless --force is given. What a broken download has got is kept under a
/// temporary name beside it, and the same command goes on from there.
#[derive(Args)]
#[command(after_help = help!("Examples:
  wamedia download 1761991787669262
  wamedia download 1761991787669262 -o photo.jpg
  wamedia download -o inbox/ -j 8 - < ids.txt         run it again to go on after a broken line
  wamedia download 1761991787669262 -o - | ffprobe -
"))]
pub struct Download {
    #[command(flatten)]
    ids: Ids,
    /// File for one id, folder for any number (made where it ends in /), or - for standard output [default: this folder]
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// In place of files that are there with other bytes
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    target: Target,
}

/// Where bytes go.
#[derive(Clone)]
enum Place {
    File(PathBuf),
    Folder(PathBuf),
    Stdout,
}

/// What all downloads of a batch share.
struct Shared {
    client: Client,
    bars: Bars,
    place: Place,
    force: bool,
}

impl Download {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(self.download())
    }

    async fn download(self) -> anyhow::Result<ExitCode> {
        let retries = self.telling.retries();
        let client = self.target.resolve()?.client(|builder| builder.retries(retries))?;
        let ids = self.ids.read()?;
        let place = self.place(ids.len())?;
        let mut interruption = Interruption::listen()?;
        let bars = Bars::new(ids.len(), None, self.telling.quiet);
        let shared = Arc::new(Shared { client, bars: bars.clone(), place, force: self.force });
        let resume = "Run it again to go on";
        let batch = Batch { telling: self.telling, thing: "id", done: "downloaded", resume };
        batch.run(ids, &bars, &mut interruption, |id| download(shared.clone(), id)).await
    }

    fn place(&self, ids: usize) -> anyhow::Result<Place> {
        let Some(path) = &self.output else { return Ok(Place::Folder(PathBuf::new())) };
        if path.as_os_str() == "-" {
            return match (ids, self.telling.json) {
                (1, false) => Ok(Place::Stdout),
                (1, true) => Err(Usage("standard output has the bytes: no --json beside -o -".into()).into()),
                _ => Err(Usage("-o - is for one id".into()).into()),
            };
        }
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            fs::create_dir_all(path)
                .with_context(|| format!("the folder {} cannot be made", path.display()))?;
        }
        if path.is_dir() {
            return Ok(Place::Folder(path.clone()));
        }
        if ids != 1 {
            let shown = path.display();
            return Err(Usage(format!(
                "{shown} is no folder, and these are {ids} ids; write {shown}/ to make one"
            ))
            .into());
        }
        Ok(Place::File(path.clone()))
    }
}

async fn download(shared: Arc<Shared>, id: MediaId) -> Told {
    let label = id.to_string();
    let mut media = Media::new(id);
    let result = shared.fetch(&mut media).await;
    let json = object(&media, result.as_ref().ok());
    let result = result.map(|fetched| Success {
        line: fetched.path.map(|path| format!("{id}\t{}", plain(&path.to_string_lossy()))),
        bytes: fetched.bytes,
        was_there: fetched.was_there,
        warnings: Vec::new(),
    });
    Told { label, json, result }
}

/// What became of a download that went well.
struct Fetched {
    /// `None` on standard output.
    path: Option<PathBuf>,
    bytes: u64,
    /// Bytes that an earlier, broken download had got.
    resumed_from: u64,
    was_there: bool,
}

impl Shared {
    async fn fetch(&self, media: &mut Media) -> Result<Fetched, Failure> {
        let label = media.id.to_string();
        let failed = |error: Error| Failure::of(&error, &label);
        *media = self.client.retrieve_url(media.id).await.map_err(failed)?;
        let path = match &self.place {
            Place::Stdout => {
                let bytes = self.to_stdout(media).await?;
                return Ok(Fetched { path: None, bytes, resumed_from: 0, was_there: false });
            }
            Place::File(path) => path.clone(),
            Place::Folder(folder) => folder.join(file_name(media)),
        };
        let existing = path.clone();
        let there = tokio::task::spawn_blocking(move || find_there(&existing)).await.unwrap_or_default();
        if let Some(hash) = there {
            if media.sha256.is_some_and(|expected| expected.to_string() == hash) {
                return Ok(Fetched { path: Some(path), bytes: 0, resumed_from: 0, was_there: true });
            }
            if !self.force {
                return Err(exists(&path));
            }
        }
        let bar = self.bars.file(&file_name(media), media.bytes);
        let shown = bar.clone();
        let options =
            SaveOptions::new().keep_existing(!self.force).progress(move |it| shown.show(it.done, it.total));
        let saved = self.client.download_to(media, &path, &options).await;
        bar.settle();
        match saved {
            Ok(saved) => {
                let resumed_from = saved.resumed_from.min(saved.bytes);
                let bytes = saved.bytes - resumed_from;
                Ok(Fetched { path: Some(path), bytes, resumed_from, was_there: false })
            }
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(exists(&path))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The bytes as they come. Whether they are the right ones is known at the end only.
    async fn to_stdout(&self, media: &Media) -> Result<u64, Failure> {
        let label = media.id.to_string();
        let incomplete = |error: Error| {
            let failure = Failure::of(&error, &label);
            let message = format!("{}; what standard output got is not the file", failure.message);
            Failure { message, ..failure }
        };
        let bar = self.bars.file(&file_name(media), media.bytes);
        let mut coming = self.client.download(media).await.map_err(|error| Failure::of(&error, &label))?;
        let (mut out, mut bytes) = (tokio::io::stdout(), 0);
        let unwritten = |error: std::io::Error| Failure::local("io", format!("standard output: {error}"), "");
        while let Some(piece) = coming.chunk().await.map_err(incomplete)? {
            out.write_all(&piece).await.map_err(unwritten)?;
            bytes += piece.len() as u64;
            bar.show(bytes, media.bytes);
        }
        out.flush().await.map_err(unwritten)?;
        bar.settle();
        Ok(bytes)
    }
}

fn exists(path: &Path) -> Failure {
    let message = format!("{} is there already, with other bytes", path.display());
    Failure::local("exists", message, "Replace it with --force, or choose another place with --output.")
}

/// The hash of what is there already; of what cannot be read, nothing that is like any.
fn find_there(path: &Path) -> Option<String> {
    fs::symlink_metadata(path).ok()?;
    Some(ledger::hash(path).unwrap_or_default())
}

/// Named after the id: unique, the same each time, and no sender's choice.
fn file_name(media: &Media) -> String {
    let row = media.media_type.as_ref().and_then(|text| find(&MimeType::parse(text).ok()?));
    format!("{}.{}", media.id, row.map_or("bin", |row| row.extension))
}

fn object(media: &Media, fetched: Option<&Fetched>) -> Map<String, Value> {
    let path = fetched.and_then(|fetched| fetched.path.as_ref());
    let known = json!({
        "id": media.id.to_string(),
        "file": path.map(|path| path.to_string_lossy()),
        "type": media.media_type,
        "sha256": media.sha256.map(|hash| hash.to_string()),
        "bytes": media.bytes,
        "resumed_from": fetched.map(|fetched| fetched.resumed_from),
    });
    match known {
        Value::Object(known) => known,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_id_and_type_alone() {
        let named = |media_type: Option<&str>| {
            let mut media = Media::new(MediaId::new(1_761_991_787_669_262).unwrap());
            (media.media_type, media.file_name) = (media_type.map(str::to_owned), Some("../../evil".into()));
            file_name(&media)
        };
        assert_eq!(named(Some("image/jpeg")), "1761991787669262.jpg");
        assert_eq!(named(Some("audio/ogg; codecs=opus")), "1761991787669262.ogg");
        assert_eq!([named(None), named(Some("x/../../y"))], ["1761991787669262.bin"; 2].map(str::to_owned));
    }
}
