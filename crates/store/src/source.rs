//! Reading staged bytes for inspection, and blobs for sending: the same window of verified chunks.
//!
//! Everything here blocks.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::{Bytes, BytesMut};
use wamedia_media::Source;

use crate::error::ReadError;
use crate::seal::{
    CHUNK_BYTES, ChunkCipher, Damaged, HEADER_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES, chunk_offset, sealed_len,
};
use crate::secret::DataKey;

/// A sealed file that is read chunk by chunk.
pub(crate) struct SealedReader {
    file: File,
    cipher: ChunkCipher,
    bytes: u64,
    /// Sealed bytes of the window being opened; kept for the next one.
    sealed: Vec<u8>,
}

impl SealedReader {
    /// Checks the commitment, the length and, where the last chunk is empty, that chunk: a file that was cut, extended,
    /// swapped or put under another key is refused before any of it is read.
    pub(crate) fn open(
        file: File,
        bytes: u64,
        data_key: &DataKey,
        context: &[u8],
    ) -> Result<Self, ReadError> {
        if file.metadata()?.len() != sealed_len(bytes) {
            return Err(ReadError::Damaged);
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).map_err(cut_is_damage)?;
        let cipher = ChunkCipher::open(data_key.as_ref(), context, &header)?;
        let reader = Self { file, cipher, bytes, sealed: Vec::new() };
        if bytes.is_multiple_of(CHUNK_BYTES as u64) {
            let last = bytes / CHUNK_BYTES as u64;
            let mut tag = [0; TAG_BYTES];
            reader.file.read_exact_at(&mut tag, chunk_offset(last)).map_err(cut_is_damage)?;
            reader.cipher.open_chunk(last, &tag, &mut [])?;
        }
        Ok(reader)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Opens up to `chunks` chunks from `first` on; fewer at the end. Damage anywhere in them gives nothing of them.
    pub(crate) fn read_chunks(&mut self, first: u64, chunks: u64) -> Result<Bytes, ReadError> {
        let start = first.saturating_mul(CHUNK_BYTES as u64).min(self.bytes);
        let end = start.saturating_add(chunks * CHUNK_BYTES as u64).min(self.bytes);
        let plain_bytes = usize::try_from(end - start).map_err(io::Error::other)?;
        if plain_bytes == 0 {
            return Ok(Bytes::new());
        }
        self.sealed.resize(plain_bytes + plain_bytes.div_ceil(CHUNK_BYTES) * TAG_BYTES, 0);
        self.file.read_exact_at(&mut self.sealed, chunk_offset(first)).map_err(cut_is_damage)?;
        let mut plain = BytesMut::zeroed(plain_bytes);
        let pairs = self.sealed.chunks(SEALED_CHUNK_BYTES).zip(plain.chunks_mut(CHUNK_BYTES));
        for (index, (sealed, plain)) in (first..).zip(pairs) {
            self.cipher.open_chunk(index, sealed, plain)?;
        }
        Ok(plain.freeze())
    }
}

/// The length was right when the file was opened; if it ends earlier now, it was cut.
fn cut_is_damage(error: io::Error) -> ReadError {
    if error.kind() == io::ErrorKind::UnexpectedEof { ReadError::Damaged } else { ReadError::Io(error) }
}

impl From<Damaged> for ReadError {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

/// Chunks that a probe's reads are served from at a time.
const WINDOW_CHUNKS: u64 = 1;

/// Staged bytes, readable anywhere. Blocking.
pub struct StagedSource {
    bytes: u64,
    reader: Option<SealedReader>,
    /// Verified bytes, from `window_at` on.
    window: Bytes,
    window_at: u64,
}

impl StagedSource {
    pub(crate) fn memory(plain: Bytes) -> Self {
        Self { bytes: plain.len() as u64, reader: None, window: plain, window_at: 0 }
    }

    pub(crate) fn file(file: File, bytes: u64, data_key: &DataKey, context: &[u8]) -> io::Result<Self> {
        let reader = SealedReader::open(file, bytes, data_key, context).map_err(io::Error::other)?;
        Ok(Self { bytes, reader: Some(reader), window: Bytes::new(), window_at: 0 })
    }

    /// What of the window lies at `offset`.
    fn windowed(&self, offset: u64) -> &[u8] {
        let into = offset.checked_sub(self.window_at).and_then(|into| usize::try_from(into).ok());
        into.and_then(|into| self.window.get(into..)).unwrap_or_default()
    }
}

impl Source for StagedSource {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            let at = offset.saturating_add(filled as u64);
            if at >= self.bytes {
                break;
            }
            if self.windowed(at).is_empty() {
                let Some(reader) = &mut self.reader else { break };
                let first = at / CHUNK_BYTES as u64;
                self.window = reader.read_chunks(first, WINDOW_CHUNKS).map_err(io::Error::other)?;
                self.window_at = first * CHUNK_BYTES as u64;
            }
            let found = self.windowed(at);
            let count = found.len().min(buf.len() - filled);
            buf[filled..filled + count].copy_from_slice(&found[..count]);
            filled += count;
        }
        Ok(filled)
    }
}
