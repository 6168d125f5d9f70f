//! A blob while it is being made: chunks go in plain, what reaches the file is sealed.
//!
//! Blocking. Bytes are sealed in place, so that sealing costs no memory beyond the bytes themselves.

use std::io::{self, IoSlice, Write};

use crate::blobs::{BlobFolder, BlobName, Unpromised};
use crate::ids::AccountId;
use crate::seal::{CHUNK_BYTES, ChunkCipher, HEADER_BYTES};
use crate::secret::DataKey;

/// What the account and the name of a blob add to its key: a blob opens in its own place only.
pub(crate) fn blob_context(account: AccountId, name: BlobName) -> Vec<u8> {
    let mut context = b"wamedia/v1/blob".to_vec();
    context.extend_from_slice(&account.0.to_be_bytes());
    context.extend_from_slice(name.as_bytes());
    context
}

/// A file that nobody refers to yet, its name and its key. Dropping it removes the file.
pub(crate) struct SealedFile {
    pub(crate) name: BlobName,
    pub(crate) data_key: DataKey,
    pub(crate) file: Unpromised,
    cipher: ChunkCipher,
    /// Written together with the first piece.
    header: Option<[u8; HEADER_BYTES]>,
    next_chunk: u64,
}

impl SealedFile {
    /// A file in `staging/`, for bytes that come slowly.
    pub(crate) fn create_staging(blobs: &BlobFolder, account: AccountId) -> io::Result<Self> {
        Self::create(account, |name| blobs.create_staging(name))
    }

    /// A file under its final name, for bytes that are all here.
    pub(crate) fn create_direct(blobs: &BlobFolder, account: AccountId) -> io::Result<Self> {
        Self::create(account, |name| blobs.create_direct(name))
    }

    fn create(
        account: AccountId,
        create: impl FnOnce(BlobName) -> io::Result<Unpromised>,
    ) -> io::Result<Self> {
        let name = BlobName::random()?;
        let data_key = DataKey::random()?;
        let (cipher, header) = ChunkCipher::seal(data_key.as_ref(), &blob_context(account, name))?;
        Ok(Self { name, data_key, file: create(name)?, cipher, header: Some(header), next_chunk: 0 })
    }

    /// Seals whole chunks and writes them. The piece holds sealed bytes afterwards.
    pub(crate) fn write_chunks(&mut self, piece: &mut [u8]) -> io::Result<()> {
        debug_assert!(piece.len().is_multiple_of(CHUNK_BYTES), "only the last chunk is short");
        self.write(piece.chunks_mut(CHUNK_BYTES).collect())
    }

    /// Seals and writes what is left, with the short last chunk that ends every blob.
    pub(crate) fn write_last(&mut self, rest: &mut [u8]) -> io::Result<()> {
        let mut chunks: Vec<&mut [u8]> = rest.chunks_mut(CHUNK_BYTES).collect();
        if chunks.last().is_none_or(|last| last.len() == CHUNK_BYTES) {
            chunks.push(&mut []);
        }
        self.write(chunks)
    }

    fn write(&mut self, mut chunks: Vec<&mut [u8]>) -> io::Result<()> {
        let mut tags = Vec::with_capacity(chunks.len());
        for chunk in &mut chunks {
            tags.push(self.cipher.seal_chunk(self.next_chunk, chunk)?);
            self.next_chunk += 1;
        }
        let header = self.header.take();
        let mut parts = Vec::with_capacity(1 + 2 * chunks.len());
        parts.extend(header.iter().map(|header| IoSlice::new(header)));
        for (chunk, tag) in chunks.iter().zip(&tags) {
            parts.push(IoSlice::new(chunk));
            parts.push(IoSlice::new(tag));
        }
        write_all_parts(self.file.file(), &mut parts)
    }
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
