//! What can go wrong when bytes are kept: one type per moment (open, stage, store, read).
//!
//! Errors carry facts and say what to do next. They never carry names, keys or content.

use std::io;
use std::path::PathBuf;

use wamedia_media::MediaId;

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file or folder could not be made, opened or read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The master key ring could not be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is a catalog, but the key ring it was written under is gone.
    #[error("{path} is missing, but there is a catalog written under it: restore it from your copy", path = path.display())]
    KeyMissing {
        /// Where the ring should be.
        path: PathBuf,
    },
    /// The ring has a key of this version, but not the one the catalog was written under.
    #[error(
        "v{version} of master.key is not the key that this catalog was written under: restore the right ring"
    )]
    KeyMismatch {
        /// The version that differs.
        version: u16,
    },
    /// The catalog could not be opened.
    #[error("the catalog: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// The catalog was written by a later wamedia.
    #[error("the catalog has schema {found}, this wamedia knows up to {known}: use the newer wamedia")]
    NewerCatalog {
        /// The schema's number in the file.
        found: u32,
        /// The last one known here.
        known: u32,
    },
    /// SQLite did not accept a setting that durability depends on.
    #[error("the catalog refuses {setting}, without which an answered upload could be lost")]
    NotDurable {
        /// The setting and its value.
        setting: &'static str,
    },
    /// Another server serves this folder.
    #[error("{path}: another server is using this data folder", path = path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

/// Why the master key ring could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The ring's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not `v<number> <base64 of 32 bytes>`.
    #[error("{path}, line {line}: expected `v<number> <base64 of 32 bytes>`", path = path.display())]
    Malformed {
        /// The ring's file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
    },
    /// The versions do not start with v1 and rise.
    #[error("{path}: versions start with v1, which credentials are hashed under, and rise", path = path.display())]
    Order {
        /// The ring's file.
        path: PathBuf,
    },
    /// The last version has been used.
    #[error("{path}: no version is left", path = path.display())]
    Full {
        /// The ring's file.
        path: PathBuf,
    },
}

/// Why bytes could not be staged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// More bytes came than were allowed.
    #[error("at most {max_bytes} bytes are allowed here")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// The bytes could not be written; everything of this upload has been dropped.
    #[error("staging: {0}")]
    Io(#[from] io::Error),
}

/// Why the catalog or the blobs could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite refused or failed.
    #[error("the catalog: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// The group that this write was committed with failed as a whole; nothing of it counts as done (though after a failed
    /// sync it may turn out to be).
    #[error("the catalog could not commit: {detail}")]
    NotCommitted {
        /// What SQLite said.
        detail: String,
        /// Whether the disk or the quota is full.
        full: bool,
    },
    /// A file could not be written.
    #[error("blobs: {0}")]
    Io(#[from] io::Error),
    /// There already is one of this name or number.
    #[error("this {what} already exists")]
    AlreadyExists {
        /// What kind of thing.
        what: &'static str,
    },
    /// There is none of this name or number (in this account).
    #[error("there is no such {what}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
    },
    /// A value breaks a rule of the store.
    #[error("{0}")]
    Invalid(&'static str),
    /// The record was changed by someone without the keys, or put back from elsewhere.
    #[error("the record of media {id} is damaged: run `wamedia verify`")]
    Tampered {
        /// Whose record.
        id: MediaId,
    },
    /// The record is wrapped under a version that the ring has not.
    #[error("the record of media {id} needs v{version} of master.key, which is missing: restore the ring")]
    UnknownKey {
        /// Whose record.
        id: MediaId,
        /// The missing version.
        version: u16,
    },
    /// A box beside the records was changed by someone without the keys, or put back from elsewhere.
    #[error("{what} {id} is damaged: run `wamedia verify`")]
    BoxTampered {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: i64,
    },
    /// A box beside the records is sealed under a version that the ring has not.
    #[error("{what} {id} needs v{version} of master.key, which is missing: restore the ring")]
    BoxKeyMissing {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: i64,
        /// The missing version.
        version: u16,
    },
    /// The key ring could not be read again.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Every id that was tried is taken.
    #[error("no free media id was found")]
    NoFreeId,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// A blocking step was lost (the runtime is shutting down, or it panicked).
    #[error("a blocking step was interrupted")]
    Interrupted,
}

/// Why a blob could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The record was deleted or has expired since it was read.
    #[error("the media was deleted meanwhile")]
    Gone,
    /// The record is there, its blob is not.
    #[error("the blob is missing: run `wamedia verify`")]
    Missing,
    /// The bytes are not those that were stored. Nothing of the damaged chunk was given out.
    #[error("the blob is damaged: run `wamedia verify`")]
    Damaged,
    /// The file could not be read.
    #[error("reading the blob: {0}")]
    Io(#[from] io::Error),
    /// The catalog could not be asked.
    #[error("reading the blob: {0}")]
    Store(#[from] StoreError),
}

impl StoreError {
    /// Whether the disk or the quota is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Catalog(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::Io(error) => is_full(error),
            Self::NotCommitted { full, .. } => *full,
            _ => false,
        }
    }
}

impl StageError {
    /// Whether the disk or the quota is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io(error) if is_full(error))
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Runs a blocking step on a thread that may block; a lost step is an error like any other.
pub(crate) async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(step).await.map_err(|_| StoreError::Interrupted)
}
