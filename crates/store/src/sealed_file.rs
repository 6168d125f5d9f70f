//! A blob while it is being made: chunks go in plain, what reaches the file is sealed.
//!
//! Bytes are sealed in place, so that sealing costs no memory beyond the bytes themselves. Whatever writes blocks.

use std::io::{self, IoSlice, Write};
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};
#[cfg(target_os = "linux")]
use rustix::fs::{FallocateFlags, fallocate};

use crate::blob_name::BlobName;
use crate::blobs::{BlobFolder, Unpromised};
use crate::ids::AccountId;
use crate::packs::Slot;
use crate::seal::{CHUNK_BYTES, ChunkCipher, HEADER_BYTES, TAG_BYTES, chunk_offset};
use crate::secret::DataKey;

/// What the account and the name of a blob add to its key: a blob opens in its own place only.
pub(crate) fn blob_context(account: AccountId, name: BlobName) -> Vec<u8> {
    let mut context = b"wamedia/v1/blob".to_vec();
    context.extend_from_slice(&account.0.to_be_bytes());
    context.extend_from_slice(name.as_bytes());
    context
}

/// A file that grows piece by piece and that nobody refers to yet, its name and its key. Dropping it removes the file.
pub(crate) struct SealedFile {
    pub(crate) name: BlobName,
    pub(crate) data_key: DataKey,
    pub(crate) file: Unpromised,
    cipher: ChunkCipher,
    /// Written together with the first piece.
    header: Option<[u8; HEADER_BYTES]>,
    next_chunk: u64,
    /// The kernel was asked to send what is before this chunk to the disk.
    sent_before: u64,
    /// What is before this chunk has its place on the disk.
    placed_before: u64,
}

/// Chunks after which the disk begins to work, so that the sync at the end finds most of it done: 4 MiB.
const SEND_CHUNKS: u64 = 256;

/// Chunks from which on a file is large: 1 MiB. Places are asked for ahead then, and so many more than there are.
const LARGE_CHUNKS: u64 = 64;

impl SealedFile {
    /// A file in `staging/`, for bytes that come slowly.
    pub(crate) fn create_staging(blobs: &BlobFolder, account: AccountId) -> io::Result<Self> {
        let name = blobs.fresh_name()?;
        let (data_key, cipher, header) = begin(name, account)?;
        let file = blobs.create_staging(name)?;
        let header = Some(header);
        Ok(Self { name, data_key, file, cipher, header, next_chunk: 0, sent_before: 0, placed_before: 0 })
    }

    /// Seals whole chunks and writes them. The piece holds sealed bytes afterwards.
    pub(crate) fn write_chunks(&mut self, piece: &mut [u8]) -> io::Result<()> {
        debug_assert!(piece.len().is_multiple_of(CHUNK_BYTES), "only the last chunk is short");
        let chunks = piece.len() / CHUNK_BYTES;
        self.place_ahead(chunks as u64);
        self.write(chunks, piece)?;
        if self.next_chunk - self.sent_before >= SEND_CHUNKS {
            self.send_ahead();
        }
        Ok(())
    }

    /// Finds places on the disk for many blocks at once: to find them block by block, as they are written, took a third of
    /// what it costs to write. Only a hint: where it fails, writing says why.
    #[cfg(target_os = "linux")]
    fn place_ahead(&mut self, chunks: u64) {
        let end = self.next_chunk + chunks;
        if self.next_chunk >= LARGE_CHUNKS && end > self.placed_before {
            let (start, end) = (self.next_chunk.max(self.placed_before), end + SEND_CHUNKS);
            let bytes = chunk_offset(end) - chunk_offset(start);
            let _ = fallocate(self.file.file(), FallocateFlags::KEEP_SIZE, chunk_offset(start), bytes);
            self.placed_before = end;
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn place_ahead(&mut self, _: u64) {}

    /// Has the kernel begin to send what was written to the disk. It is told that nobody needs the bytes in memory, which
    /// on Linux starts writing them and, since they are busy then, lets them stay. Only a hint: the sync at the end counts.
    fn send_ahead(&mut self) {
        let (start, end) = (chunk_offset(self.sent_before), chunk_offset(self.next_chunk));
        let _ = fadvise(self.file.file(), start, NonZeroU64::new(end - start), Advice::DontNeed);
        self.sent_before = self.next_chunk;
    }

    /// Seals and writes what is left, with the short last chunk that ends every blob.
    pub(crate) fn write_last(&mut self, rest: &mut [u8]) -> io::Result<()> {
        self.write(rest.len() / CHUNK_BYTES + 1, rest)?;
        if self.placed_before > 0 {
            // Gives back the places behind the end.
            let file = self.file.file();
            file.set_len(file.metadata()?.len())?;
            // While the bytes are judged the disk is at work on the rest.
            self.send_ahead();
        }
        Ok(())
    }

    fn write(&mut self, chunks: usize, bytes: &mut [u8]) -> io::Result<()> {
        let tags = seal_chunks(&self.cipher, self.next_chunk, chunks, bytes)?;
        self.next_chunk += chunks as u64;
        write_all_parts(self.file.file(), &mut parts(self.header.take().as_ref(), bytes, &tags))
    }
}

/// A whole blob, sealed in memory, with its key.
pub(crate) struct SealedBytes {
    pub(crate) data_key: DataKey,
    header: [u8; HEADER_BYTES],
    bytes: Vec<u8>,
    tags: Vec<[u8; TAG_BYTES]>,
}

impl SealedBytes {
    /// Seals `plain` in place, for the place that the name is of. Does not block.
    pub(crate) fn seal(name: BlobName, account: AccountId, plain: Vec<u8>) -> io::Result<Self> {
        let (data_key, cipher, header) = begin(name, account)?;
        let mut bytes = plain;
        let tags = seal_chunks(&cipher, 0, bytes.len() / CHUNK_BYTES + 1, &mut bytes)?;
        Ok(Self { data_key, header, bytes, tags })
    }

    /// Writes the blob to a file of its own, directly under its final name.
    pub(crate) fn write_file(&self, blobs: &BlobFolder, name: BlobName) -> io::Result<Unpromised> {
        let unpromised = blobs.create_direct(name)?;
        write_all_parts(unpromised.file(), &mut self.parts())?;
        Ok(unpromised)
    }

    /// Writes the blob to its place in a pack.
    pub(crate) fn write_to(&self, slot: &mut Slot) -> io::Result<()> {
        slot.write(self.parts())
    }

    fn parts(&self) -> Vec<IoSlice<'_>> {
        parts(Some(&self.header), &self.bytes, &self.tags)
    }
}

/// The key, the cipher and the header of a new blob.
fn begin(name: BlobName, account: AccountId) -> io::Result<(DataKey, ChunkCipher, [u8; HEADER_BYTES])> {
    let data_key = DataKey::random()?;
    let (cipher, header) = ChunkCipher::seal(data_key.as_ref(), &blob_context(account, name))?;
    Ok((data_key, cipher, header))
}

/// Seals so many chunks in place, the last of which may be short or empty; gives their tags.
fn seal_chunks(
    cipher: &ChunkCipher,
    first: u64,
    chunks: usize,
    bytes: &mut [u8],
) -> io::Result<Vec<[u8; TAG_BYTES]>> {
    let mut pieces = bytes.chunks_mut(CHUNK_BYTES);
    (first..).take(chunks).map(|index| cipher.seal_chunk(index, pieces.next().unwrap_or_default())).collect()
}

/// Chunk after chunk, each with its tag behind it.
fn parts<'a>(
    header: Option<&'a [u8; HEADER_BYTES]>,
    bytes: &'a [u8],
    tags: &'a [[u8; TAG_BYTES]],
) -> Vec<IoSlice<'a>> {
    let mut parts = Vec::with_capacity(1 + 2 * tags.len());
    parts.extend(header.map(|header| IoSlice::new(header)));
    let mut chunks = bytes.chunks(CHUNK_BYTES);
    for tag in tags {
        parts.push(IoSlice::new(chunks.next().unwrap_or_default()));
        parts.push(IoSlice::new(tag));
    }
    parts
}

/// `write_all` for several slices at once.
fn write_all_parts(mut file: impl Write, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
    while parts.iter().any(|part| !part.is_empty()) {
        match file.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut parts, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
