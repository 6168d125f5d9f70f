//! The walk over everything: does every promise about what is on disk hold?

use std::fmt;

use jiff::Timestamp;
use wamedia_media::MediaId;

use crate::error::StoreError;
use crate::store::Store;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The record was changed, or moved from elsewhere.
    RecordTampered(MediaId),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// How far the walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifyProgress {
    /// Records looked at.
    pub records: u64,
    /// Records there were when the walk began.
    pub records_total: u64,
    /// Bytes of blobs opened.
    pub bytes: u64,
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Records looked at.
    pub records: u64,
    /// Blobs looked at.
    pub blobs: u64,
    /// Bytes of blobs opened (a deep walk).
    pub bytes: u64,
    /// What is broken.
    pub findings: Vec<Finding>,
}

impl Store {
    /// Walks everything. Blocking.
    ///
    /// # Errors
    /// The catalog or the folder cannot be read at all.
    pub fn verify(
        &self,
        _now: Timestamp,
        _deep: bool,
        _on_progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<VerifyReport, StoreError> {
        Ok(VerifyReport::default())
    }
}
