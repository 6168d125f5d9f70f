//! The record of a batch: which files were uploaded, so that the same command takes a broken batch up again.
//!
//! One JSON object a line, each on disk before the id is told. The first line says which service the ids are at; a last
//! line that was cut by a crash is not counted.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use wamedia_client::{MediaId, Sha256, Uploaded};

use super::target::Connection;
use crate::cli::output::Usage;

/// One upload.
#[derive(Clone, Serialize, Deserialize)]
pub struct Entry {
    /// As it was named, made absolute.
    pub file: PathBuf,
    /// Of the media.
    pub id: String,
    /// Lower-case hex.
    pub sha256: String,
    /// The file's length.
    pub bytes: u64,
    /// The type it was uploaded as.
    #[serde(rename = "type")]
    pub media_type: String,
    /// When the file was last changed, in nanoseconds of Unix time.
    changed_ns: Option<i128>,
    /// From when on the id cannot be counted on.
    expires_at: Timestamp,
}

/// The first line.
#[derive(Serialize, Deserialize, PartialEq)]
struct Heading {
    /// The form of what follows.
    wamedia_uploads: u32,
    dialect: String,
    base: String,
    /// The phone number id; on d360, where the key stands for the number, a few bytes of the key's hash.
    whose: String,
}

/// What was uploaded before, and what is.
pub struct Ledger {
    path: PathBuf,
    before: HashMap<PathBuf, Entry>,
    file: Mutex<File>,
}

impl Ledger {
    /// Opens the record, or begins it; nobody else may have it open.
    ///
    /// # Errors
    /// It belongs to another service, is no such record, is in use, or cannot be read or written.
    pub fn open(path: &Path, connection: &Connection, now: Timestamp) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut options = File::options();
        let file = options.read(true).append(true).create(true).mode(0o600).open(path);
        let mut file = file.with_context(|| format!("the record {shown} cannot be opened"))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(
                    Usage(format!("the record {shown} is in use by another upload; wait for it")).into()
                );
            }
            locked => locked.with_context(|| format!("the record {shown} cannot be locked"))?,
        }
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(|| format!("the record {shown} cannot be read"))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let heading = heading(connection);
        let mut before = HashMap::new();
        if whole == 0 {
            file.set_len(0)?;
            append(&mut file, &heading).with_context(|| format!("the record {shown} cannot be written"))?;
            // A new name is on disk only when its folder is.
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(dir).and_then(|dir| dir.sync_all()).with_context(|| format!("{}", dir.display()))?;
        } else {
            before = read(&text[..whole], &heading, now).with_context(|| format!("the record {shown}"))?;
            // A half line of a crash: what comes next begins on a line of its own.
            file.set_len(whole as u64)?;
        }
        file.seek(io::SeekFrom::End(0))?;
        Ok(Self { path: path.to_owned(), before, file: Mutex::new(file) })
    }

    /// The upload of this file, if it is recorded, lives, and the file has not changed. Reads the whole file where only
    /// its date has changed: call it where blocking is allowed.
    pub fn find(&self, path: &Path) -> Option<&Entry> {
        let entry = self.before.get(&std::path::absolute(path).ok()?)?;
        let (bytes, changed_ns) = stat(path)?;
        let same = bytes == entry.bytes
            && (changed_ns == entry.changed_ns || hash(path).is_ok_and(|hash| hash == entry.sha256));
        same.then_some(entry)
    }

    /// Keeps an upload of a file that was last changed at `changed_ns` when it was begun, durably.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(
        &self,
        path: &Path,
        changed_ns: Option<i128>,
        uploaded: &Uploaded,
        expires_at: Timestamp,
    ) -> anyhow::Result<()> {
        let kept = || -> anyhow::Result<()> {
            let entry = Entry {
                file: std::path::absolute(path)?,
                id: uploaded.id.to_string(),
                sha256: uploaded.sha256.to_string(),
                bytes: uploaded.bytes,
                media_type: uploaded.media_type.clone(),
                changed_ns,
                expires_at,
            };
            append(&mut self.file.lock().unwrap_or_else(PoisonError::into_inner), &entry)
        };
        kept().with_context(|| format!("the record {} cannot be written", self.path.display()))
    }
}

fn heading(connection: &Connection) -> Heading {
    let of_key = || {
        let hash = digest::digest(
            &digest::SHA256,
            format!("wamedia uploads\n{}", connection.secret.expose()).as_bytes(),
        );
        hash.as_ref()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    };
    Heading {
        wamedia_uploads: 1,
        dialect: connection.dialect.as_str().to_owned(),
        base: connection.base.clone(),
        whose: connection.phone_number_id.map_or_else(of_key, |number| number.to_string()),
    }
}

/// The entries that live, the last one of each file.
fn read(text: &str, expected: &Heading, now: Timestamp) -> anyhow::Result<HashMap<PathBuf, Entry>> {
    let mut lines = text.lines().enumerate();
    let found: Option<Heading> = lines.next().and_then(|(_, line)| serde_json::from_str(line).ok());
    let found = found.ok_or_else(|| Usage("is no record of uploads; name another file".to_owned()))?;
    if found != *expected {
        let what = format!(
            "is of uploads to {} at {} for {}, and these are for {} at {} for {}; name another file",
            found.dialect, found.base, found.whose, expected.dialect, expected.base, expected.whose
        );
        return Err(Usage(what).into());
    }
    let mut entries = HashMap::new();
    for (number, line) in lines {
        let entry: Entry = serde_json::from_str(line)
            .map_err(|error| Usage(format!("line {}: {error}; mend or remove the line", number + 1)))?;
        let legal = entry.id.parse::<MediaId>().is_ok();
        anyhow::ensure!(legal, Usage(format!("line {}: {:?} is no media id", number + 1, entry.id)));
        entries.insert(entry.file.clone(), entry);
    }
    // Asked anew an hour before the end: whoever gets the id still has to use it.
    entries.retain(|_, entry| entry.expires_at - SignedDuration::from_hours(1) > now);
    Ok(entries)
}

fn append(file: &mut File, line: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    file.write_all(&line)?;
    Ok(file.sync_data()?)
}

/// Length, and the time of the last change in nanoseconds of Unix time.
pub fn stat(path: &Path) -> Option<(u64, Option<i128>)> {
    let meta = std::fs::metadata(path).ok()?;
    let changed = meta.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    Some((meta.len(), changed.map(Timestamp::as_nanosecond)))
}

/// A file's SHA-256 in lower-case hex.
///
/// # Errors
/// It cannot be read.
pub fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut context) = (File::open(path)?, digest::Context::new(&digest::SHA256));
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => context.update(&piece[..read]),
        }
    }
    let bytes: [u8; 32] = context.finish().as_ref().try_into().map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Sha256(bytes).to_string())
}
