//! What is uploaded: files and folders as they are named, and what comes by standard input or a pipe.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use wamedia_media::GREATEST_MAX_BYTES;

use crate::cli::check::walk::{Item, Walk};
use crate::cli::output::{Usage, plain};
use crate::cli::transfer::failure::Failure;

/// A file to upload.
pub(super) struct Job {
    /// Where it is; nowhere for standard input.
    path: PathBuf,
    /// As it was named; `-` for standard input.
    pub(super) label: String,
    /// Its length; `None` for what is a stream.
    pub(super) bytes: Option<u64>,
}

/// A file that can be judged whole and read more than once.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// The name to send, where the path has none that means anything.
    pub(super) name: Option<&'static str>,
    /// Held until the end: then it is removed.
    _spooled: Option<NamedTempFile>,
}

/// Everything that is named, each once, before anything is sent: a name that was mistyped costs nothing.
///
/// # Errors
/// Something is not there, or is a folder and not to be walked over, or cannot go together.
pub(super) fn jobs(files: &[PathBuf], recursive: bool) -> Result<Vec<Job>, Usage> {
    let is_stdin = |path: &PathBuf| path.as_os_str() == OsStr::new("-");
    if files.iter().any(is_stdin) {
        let alone = "- is uploaded alone: standard input has a name and a type of its own";
        let stdin = Job { path: PathBuf::new(), label: "-".to_owned(), bytes: None };
        return if files.len() == 1 { Ok(vec![stdin]) } else { Err(Usage(alone.to_owned())) };
    }
    if let Some(folder) = files.iter().find(|path| !recursive && path.is_dir()) {
        let shown = folder.display();
        return Err(Usage(format!("{shown} is a folder; upload all it holds with --recursive")));
    }
    let mut seen = HashSet::new();
    let mut jobs = Vec::new();
    for item in Walk::new(files) {
        match item {
            Item::Stdin => {}
            Item::Unreadable(path, error) => {
                let shown = plain(&path.to_string_lossy());
                return Err(Usage(format!("{shown}: {error}; nothing was uploaded")));
            }
            Item::File(path) => {
                let length = |meta: fs::Metadata| meta.is_file().then_some(meta.len());
                let bytes = fs::metadata(&path).ok().and_then(length);
                if seen.insert(std::path::absolute(&path).unwrap_or_else(|_| path.clone())) {
                    jobs.push(Job { label: path.to_string_lossy().into_owned(), path, bytes });
                }
            }
        }
    }
    Ok(jobs)
}

impl Job {
    /// The file itself, which a record can know again; `None` for a stream.
    pub(super) fn file(&self) -> Option<&Path> {
        self.bytes.map(|_| self.path.as_path())
    }

    /// A file stays where it is; a stream is read into a temporary one, which its drop removes.
    ///
    /// # Errors
    /// The stream cannot be read or kept, or is longer than any media may be.
    pub(super) async fn open(&self) -> Result<Source, Failure> {
        if let Some(bytes) = self.bytes {
            return Ok(Source { path: self.path.clone(), bytes, name: None, _spooled: None });
        }
        let failed = |error: io::Error| {
            Failure::local("io", format!("it cannot be kept in a temporary file: {error}"), "")
        };
        let spooled = NamedTempFile::new().map_err(failed)?;
        let (from, into) = (self.path.clone(), spooled.reopen().map_err(failed)?);
        let copied = tokio::task::spawn_blocking(move || copy(&from, into)).await;
        let bytes = copied.map_err(io::Error::other).flatten().map_err(failed)?;
        if bytes > GREATEST_MAX_BYTES {
            let message = format!("it is longer than the {GREATEST_MAX_BYTES} bytes that any media may have");
            return Err(Failure::local("too-long", message, "Cut it into parts, or send a link to it."));
        }
        let name = if self.label == "-" { Some("stdin") } else { None };
        Ok(Source { path: spooled.path().to_owned(), bytes, name, _spooled: Some(spooled) })
    }
}

/// At most one byte more than any media may have.
fn copy(from: &Path, mut into: File) -> io::Result<u64> {
    let mut stream: Box<dyn Read> =
        if from.as_os_str().is_empty() { Box::new(io::stdin().lock()) } else { Box::new(File::open(from)?) };
    io::copy(&mut (&mut stream).take(GREATEST_MAX_BYTES + 1), &mut into)
}
