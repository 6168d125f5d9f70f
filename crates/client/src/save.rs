//! Downloads to a path: under a temporary name, resumed by range, there only when whole and verified.

use std::path::PathBuf;

use crate::progress::{Listener, Progress};
use crate::{Media, Sha256};

/// How a download to a path is done.
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    pub(crate) keep_existing: bool,
    pub(crate) progress: Option<Listener>,
}

impl SaveOptions {
    /// A file that is there is replaced, and nobody is told of progress.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails with [`std::io::ErrorKind::AlreadyExists`] where a file is there already. Otherwise it is replaced.
    pub fn keep_existing(mut self, keep: bool) -> Self {
        self.keep_existing = keep;
        self
    }

    /// Whom to tell how far it has come. Called on the transfer's own task: it must not block.
    pub fn progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Listener::new(listener));
        self
    }
}

/// A download that is whole, verified and under its name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// What is known of the media.
    pub media: Media,
    /// Of the file.
    pub sha256: Sha256,
    /// The file's length in bytes.
    pub bytes: u64,
    /// How many of them were there from an earlier, broken download.
    pub resumed_from: u64,
    /// How many times bytes were asked for.
    pub attempts: u32,
}
