//! Reading blobs for sending: verified pieces, opened on threads that may block.

use bytes::Bytes;

use crate::error::{ReadError, StoreError};
use crate::seal::CHUNK_BYTES;
use crate::source::SealedReader;

/// Chunks that are opened in one blocking step: 64 KiB of bytes.
const STEP_CHUNKS: u64 = 4;

/// An open blob. It stays readable even if its media is deleted meanwhile.
pub struct BlobReader {
    bytes: u64,
    /// Away while a blocking step works with it, and for good if that step was lost.
    reader: Option<SealedReader>,
}

impl BlobReader {
    pub(crate) fn new(reader: SealedReader) -> Self {
        Self { bytes: reader.bytes(), reader: Some(reader) }
    }

    /// How many bytes the media has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Verified bytes from `offset` on: at most `max`, at most 64 KiB, none at or past the end. Pieces end where chunks
    /// end, so that reading on from there opens each chunk once.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] before any byte of a damaged chunk.
    pub async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes, ReadError> {
        if offset >= self.bytes || max == 0 {
            return Ok(Bytes::new());
        }
        let Some(mut reader) = self.reader.take() else { return Err(StoreError::Interrupted.into()) };
        let first = offset / CHUNK_BYTES as u64;
        let wanted_end = offset.saturating_add(max as u64);
        let chunks = wanted_end.div_ceil(CHUNK_BYTES as u64).saturating_sub(first).min(STEP_CHUNKS);
        let (reader, opened) = crate::error::blocking(move || {
            let opened = reader.read_chunks(first, chunks);
            (reader, opened)
        })
        .await?;
        self.reader = Some(reader);

        let mut piece = opened?;
        let skip =
            usize::try_from(offset - first * CHUNK_BYTES as u64).unwrap_or(usize::MAX).min(piece.len());
        let mut piece = piece.split_off(skip);
        piece.truncate(max);
        Ok(piece)
    }
}
