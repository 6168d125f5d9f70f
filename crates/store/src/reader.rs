//! Reading blobs for sending: verified pieces.
//!
//! What the kernel has in memory is read where it is asked for: it takes microseconds, less than to hand the work to
//! another thread. Only what must come from the disk is read on a thread that may block.

use std::io;

use bytes::Bytes;
use wamedia_media::MediaId;

use crate::error::{ReadError, StoreError, blocking};
use crate::ids::AccountId;
use crate::piece::LARGE_PIECE_CHUNKS;
use crate::seal::CHUNK_BYTES;
use crate::source::{SealedReader, Wait};
use crate::store::Store;

/// An open blob. If its media is deleted meanwhile it may stay readable, or be [`ReadError::Gone`].
pub struct BlobReader {
    store: Store,
    whose: (AccountId, MediaId),
    bytes: u64,
    /// Away while a blocking step works with it, and for good if that step was lost.
    reader: Option<SealedReader>,
}

impl BlobReader {
    pub(crate) fn new(reader: SealedReader, store: Store, whose: (AccountId, MediaId)) -> Self {
        Self { store, whose, bytes: reader.bytes(), reader: Some(reader) }
    }

    /// How many bytes the media has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Verified bytes from `offset` on: at most `max`, at most 256 KiB and often 64, none at or past the end. Pieces end where chunks
    /// end, so that reading on from there opens each chunk once.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] before any byte of a damaged chunk; [`ReadError::Gone`] if the media was deleted and its bytes
    /// with it.
    pub async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes, ReadError> {
        if offset >= self.bytes || max == 0 {
            return Ok(Bytes::new());
        }
        let first = offset / CHUNK_BYTES as u64;
        let wanted_end = offset.saturating_add(max as u64);
        let chunks =
            wanted_end.div_ceil(CHUNK_BYTES as u64).saturating_sub(first).min(LARGE_PIECE_CHUNKS as u64);
        let reader = self.reader.as_ref().ok_or(StoreError::Interrupted)?;
        let opened = match reader.read_chunks(first, chunks, Wait::Never) {
            Err(error) if must_wait(&error) => self.read_from_disk(first, chunks).await,
            opened => opened,
        };

        let mut piece = opened.map_err(|error| self.store.unless_gone(self.whose, error))?;
        let skip =
            usize::try_from(offset - first * CHUNK_BYTES as u64).unwrap_or(usize::MAX).min(piece.len());
        let mut piece = piece.split_off(skip);
        piece.truncate(max);
        Ok(piece)
    }

    async fn read_from_disk(&mut self, first: u64, chunks: u64) -> Result<Bytes, ReadError> {
        let reader = self.reader.take().ok_or(StoreError::Interrupted)?;
        let step = move || (reader.read_chunks(first, chunks, Wait::ForDisk), reader);
        let (opened, reader) = blocking(step).await?;
        self.reader = Some(reader);
        opened
    }
}

/// Whether what was asked for is not in memory.
pub(crate) fn must_wait(error: &ReadError) -> bool {
    matches!(error, ReadError::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}
