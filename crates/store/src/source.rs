//! Reading staged bytes for inspection, and blobs for sending: the same verified chunks.
//!
//! Everything here blocks, but for what was told not to [`Wait`].

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::sync::Arc;

use bytes::Bytes;
use wamedia_media::Source;

use crate::blobs::OpenBlob;
use crate::error::ReadError;
use crate::piece::{LARGE_PIECE_CHUNKS, Room};
use crate::seal::{CHUNK_BYTES, ChunkCipher, Damaged, HEADER_BYTES, TAG_BYTES, chunk_offset, sealed_len};
use crate::secret::DataKey;

/// Whether a read may wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// No: what the kernel has in memory, else [`io::ErrorKind::WouldBlock`]. For threads that must not block.
    Never,
    /// Yes.
    ForDisk,
}

/// A sealed file that is read chunk by chunk.
pub(crate) struct SealedReader {
    bytes: u64,
    content: Content,
}

enum Content {
    /// At most one chunk: read, opened and verified at once.
    Whole(Bytes),
    Chunks {
        file: Arc<File>,
        /// Where in the file the blob begins.
        start: u64,
        cipher: Arc<ChunkCipher>,
    },
}

impl SealedReader {
    /// Opens a blob of `bytes` plain bytes with the cipher of its header.
    ///
    /// Checks the commitment, the length and, where the last chunk is empty, that chunk: a file that was cut, extended,
    /// swapped or put under another key is refused before any of it is read.
    pub(crate) fn open(
        blob: OpenBlob,
        bytes: u64,
        cipher_of: impl FnOnce(&[u8; HEADER_BYTES]) -> Result<Arc<ChunkCipher>, Damaged>,
        wait: Wait,
    ) -> Result<Self, ReadError> {
        if bytes <= CHUNK_BYTES as u64 {
            let whole = read_small(&blob, bytes, cipher_of, wait)?;
            return Ok(Self { bytes, content: Content::Whole(whole) });
        }
        let OpenBlob { file, start, is_alone } = blob;
        if is_alone && file.metadata()?.len() != sealed_len(bytes) {
            return Err(ReadError::Damaged);
        }
        let mut header = [0; HEADER_BYTES];
        read_parts(&file, &mut [IoSliceMut::new(&mut header)], start, wait)?;
        let cipher = cipher_of(&header)?;
        if bytes.is_multiple_of(CHUNK_BYTES as u64) {
            let last = bytes / CHUNK_BYTES as u64;
            let mut tag = [0; TAG_BYTES];
            read_parts(&file, &mut [IoSliceMut::new(&mut tag)], start + chunk_offset(last), wait)?;
            cipher.open_chunk(last, &mut [], &tag)?;
        }
        Ok(Self { bytes, content: Content::Chunks { file, start, cipher } })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Opens up to `chunks` chunks from `first` on, as far as there is room in one piece; fewer at the end. Damage anywhere
    /// in them gives nothing of them.
    pub(crate) fn read_chunks(&self, first: u64, chunks: u64, wait: Wait) -> Result<Bytes, ReadError> {
        let begin = first.saturating_mul(CHUNK_BYTES as u64).min(self.bytes);
        let is_whole = matches!(self.content, Content::Whole(_));
        let room = Room::for_chunks(if is_whole { 1 } else { chunks });
        let chunks = chunks.min(room.chunks());
        let end = begin.saturating_add(chunks * CHUNK_BYTES as u64).min(self.bytes);
        let plain_bytes = usize::try_from(end - begin).map_err(io::Error::other)?;
        match &self.content {
            _ if plain_bytes == 0 => Ok(Bytes::new()),
            Content::Whole(bytes) => Ok(bytes.clone()),
            Content::Chunks { file, start, cipher } => room.filled(plain_bytes, |plain| {
                // Chunks and tags alternate in the file; read apart, the chunks lie where they are sent from.
                let mut tags = [[0; TAG_BYTES]; LARGE_PIECE_CHUNKS];
                let mut parts = Vec::with_capacity(2 * plain.len().div_ceil(CHUNK_BYTES));
                for (chunk, tag) in plain.chunks_mut(CHUNK_BYTES).zip(&mut tags) {
                    parts.push(IoSliceMut::new(chunk));
                    parts.push(IoSliceMut::new(tag));
                }
                read_parts(file, &mut parts, start + chunk_offset(first), wait)?;
                for (index, (chunk, tag)) in (first..).zip(plain.chunks_mut(CHUNK_BYTES).zip(&tags)) {
                    cipher.open_chunk(index, chunk, tag)?;
                }
                Ok(())
            }),
        }
    }
}

/// All of a blob of at most one chunk, in one read: most of what is small is asked for whole.
fn read_small(
    blob: &OpenBlob,
    bytes: u64,
    cipher_of: impl FnOnce(&[u8; HEADER_BYTES]) -> Result<Arc<ChunkCipher>, Damaged>,
    wait: Wait,
) -> Result<Bytes, ReadError> {
    let plain_bytes = usize::try_from(bytes).map_err(io::Error::other)?;
    Room::for_chunks(1).filled(plain_bytes, |plain| {
        let (mut header, mut tag) = ([0; HEADER_BYTES], [0; TAG_BYTES]);
        // The last chunk is short, and empty behind a full one. One byte more tells a file that was extended; in a pack
        // others may follow.
        let is_full = plain.len() == CHUNK_BYTES;
        let (mut last, mut beyond) = ([0; TAG_BYTES], [0; 1]);
        let mut parts = [
            IoSliceMut::new(&mut header),
            IoSliceMut::new(plain),
            IoSliceMut::new(&mut tag),
            IoSliceMut::new(if is_full { &mut last } else { &mut [] }),
            IoSliceMut::new(if blob.is_alone { &mut beyond } else { &mut [] }),
        ];
        if read_up_to(&blob.file, &mut parts, blob.start, wait)? as u64 != sealed_len(bytes) {
            // Where the disk may not be waited for, a file that seems to end may be one that is not in memory.
            return Err(if wait == Wait::Never { would_block() } else { ReadError::Damaged });
        }
        let cipher = cipher_of(&header)?;
        cipher.open_chunk(0, plain, &tag)?;
        if is_full { Ok(cipher.open_chunk(1, &mut [], &last)?) } else { Ok(()) }
    })
}

/// Fills all parts. The length was right when the file was opened; if it ends earlier now, it was cut.
fn read_parts(file: &File, parts: &mut [IoSliceMut<'_>], offset: u64, wait: Wait) -> Result<(), ReadError> {
    let wanted: usize = parts.iter().map(|part| part.len()).sum();
    match (read_up_to(file, parts, offset, wait)?, wait) {
        (read, _) if read == wanted => Ok(()),
        (_, Wait::Never) => Err(would_block()),
        (_, Wait::ForDisk) => Err(ReadError::Damaged),
    }
}

/// Fills the parts as far as there are bytes; where the disk may not be waited for, as far as memory has them.
fn read_up_to(
    file: &File,
    mut parts: &mut [IoSliceMut<'_>],
    mut offset: u64,
    wait: Wait,
) -> io::Result<usize> {
    let mut read = 0;
    loop {
        let count = match read_once(file, parts, offset, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        read += count;
        offset += count as u64;
        IoSliceMut::advance_slices(&mut parts, count);
        if count == 0 || parts.is_empty() || wait == Wait::Never {
            return Ok(read);
        }
    }
}

#[cfg(target_os = "linux")]
fn read_once(file: &File, parts: &mut [IoSliceMut<'_>], offset: u64, wait: Wait) -> io::Result<usize> {
    use rustix::io::ReadWriteFlags;
    match wait {
        // Kernels and file systems that do not know the flag say so, and are asked again on a thread that may block.
        Wait::Never => rustix::io::preadv2(file, parts, offset, ReadWriteFlags::NOWAIT)
            .map_err(|_| io::ErrorKind::WouldBlock.into()),
        Wait::ForDisk => rustix::io::preadv(file, parts, offset).map_err(Into::into),
    }
}

#[cfg(not(target_os = "linux"))]
fn read_once(file: &File, parts: &mut [IoSliceMut<'_>], offset: u64, wait: Wait) -> io::Result<usize> {
    match wait {
        Wait::Never => Err(io::ErrorKind::WouldBlock.into()),
        Wait::ForDisk => rustix::io::preadv(file, parts, offset).map_err(Into::into),
    }
}

fn would_block() -> ReadError {
    io::Error::from(io::ErrorKind::WouldBlock).into()
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
        let cipher_of = |header: &_| ChunkCipher::open(data_key.as_ref(), context, header).map(Arc::new);
        let reader = SealedReader::open(OpenBlob::alone(file), bytes, cipher_of, Wait::ForDisk)
            .map_err(io::Error::other)?;
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
                self.window =
                    reader.read_chunks(first, WINDOW_CHUNKS, Wait::ForDisk).map_err(io::Error::other)?;
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
