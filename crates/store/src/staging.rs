//! Bytes on their way in: counted, hashed and sealed as they come, promised to nobody yet.
//!
//! Small uploads wait in memory, within a budget that all uploads share; others are sealed to `staging/` piece by piece
//! on threads that may block. Nothing plain is ever written. Dropping a [`Staging`] or [`Staged`] removes everything.

use std::io::{self, IoSlice, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest;
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::blobs::{BlobFolder, BlobName, Unpromised};
use crate::error::StageError;
use crate::ids::AccountId;
use crate::record::{finished, sha256_of};
use crate::seal::{CHUNK_BYTES, ChunkCipher, TAG_BYTES};
use crate::secret::DataKey;
use crate::source::StagedSource;
use crate::store::Store;

/// Bytes that are hashed, sealed and written in one go. One piece is being written while the next one fills, so a large
/// upload holds two of these.
const PIECE_BYTES: usize = 4 * CHUNK_BYTES;

/// What the account and the name of a blob add to its key: a blob opens in its own place only.
pub(crate) fn blob_context(account: AccountId, name: BlobName) -> Vec<u8> {
    let mut context = b"wamedia/v1/blob".to_vec();
    context.extend_from_slice(&account.0.to_be_bytes());
    context.extend_from_slice(name.as_bytes());
    context
}

/// Memory that all uploads together may hold for staging.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBudget {
    left: Arc<AtomicUsize>,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    budget: MemoryBudget,
    bytes: usize,
}

impl MemoryBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(bytes)) }
    }

    fn take(&self, bytes: usize) -> bool {
        let taken =
            self.left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.is_ok()
    }
}

impl Reserved {
    fn grow(&mut self, bytes: usize) -> bool {
        let granted = self.budget.take(bytes);
        if granted {
            self.bytes += bytes;
        }
        granted
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// An upload that is still coming in.
pub struct Staging {
    store: Store,
    account: AccountId,
    max_bytes: u64,
    bytes: u64,
    /// Plain bytes: all of them in memory, or those of the piece that is filling.
    plain: Vec<u8>,
    place: Place,
}

enum Place {
    Memory(Reserved),
    File(FileStaging),
    /// A write failed or was interrupted: what came so far is not whole.
    Broken,
}

/// The sealing file, and the piece that is being written to it at this moment.
struct FileStaging {
    writer: Writing,
}

enum Writing {
    Idle(Box<SealedFile>),
    Busy(JoinHandle<(io::Result<Box<SealedFile>>, Vec<u8>)>),
}

impl Staging {
    pub(crate) fn new(store: Store, account: AccountId, max_bytes: u64) -> Self {
        let reserved = Reserved { budget: store.memory_budget().clone(), bytes: 0 };
        Self { store, account, max_bytes, bytes: 0, plain: Vec::new(), place: Place::Memory(reserved) }
    }

    /// How many bytes have come so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`StageError::TooLarge`] as soon as more than the limit have come; [`StageError::Io`] when they cannot be
    /// written. After an error only dropping makes sense.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), StageError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.max_bytes {
            return Err(StageError::TooLarge { max_bytes: self.max_bytes });
        }
        if let Place::Memory(reserved) = &mut self.place {
            let fits = self.bytes <= self.store.memory_staging_bytes() as u64 && reserved.grow(bytes.len());
            if fits {
                self.plain.extend_from_slice(&bytes);
                return Ok(());
            }
            self.move_to_file().await?;
        }
        while !bytes.is_empty() {
            let room = PIECE_BYTES - self.plain.len();
            let part = bytes.split_to(room.min(bytes.len()));
            self.plain.extend_from_slice(&part);
            if self.plain.len() == PIECE_BYTES {
                self.write_piece().await?;
            }
        }
        Ok(())
    }

    /// Ends the upload: what has come is all.
    ///
    /// # Errors
    /// [`StageError::Io`] when the last bytes cannot be written; everything is dropped then.
    pub async fn finish(mut self) -> Result<Staged, StageError> {
        let (sha256, body) = match std::mem::replace(&mut self.place, Place::Broken) {
            Place::Memory(reserved) => {
                let plain = Bytes::from(std::mem::take(&mut self.plain));
                (sha256_of(&plain), Body::Memory { plain, _reserved: reserved })
            }
            Place::File(file) => {
                let mut sealed = file.idle().await?.0;
                let mut last = std::mem::take(&mut self.plain);
                let sealed = tokio::task::spawn_blocking(move || {
                    sealed.write_piece(&mut last)?;
                    // What ends with a full chunk is followed by an empty one.
                    if !last.is_empty() && last.len().is_multiple_of(CHUNK_BYTES) {
                        sealed.write_piece(&mut Vec::new())?;
                    }
                    Ok::<_, io::Error>(sealed)
                });
                let SealedFile { name, data_key, hash, file, .. } = *sealed.await.map_err(lost)??;
                (finished(hash.finish()), Body::File { name, data_key, file })
            }
            Place::Broken => return Err(interrupted().into()),
        };
        Ok(Staged { store: self.store.clone(), account: self.account, bytes: self.bytes, sha256, body })
    }

    /// The upload is larger than memory may hold: what has come so far is sealed to a file.
    async fn move_to_file(&mut self) -> Result<(), StageError> {
        let blobs = self.store.blobs().clone();
        let account = self.account;
        // Until the file stands, a lost future leaves nothing behind but a broken upload.
        self.place = Place::Broken;
        let mut so_far = std::mem::take(&mut self.plain);
        let made = tokio::task::spawn_blocking(move || {
            let mut sealed = Box::new(SealedFile::create(&blobs, account)?);
            let rest = so_far.split_off(so_far.len() - so_far.len() % PIECE_BYTES);
            for piece in so_far.chunks_mut(PIECE_BYTES) {
                sealed.write_piece(piece)?;
            }
            Ok::<_, io::Error>((sealed, rest))
        });
        let (sealed, rest) = made.await.map_err(lost)??;
        self.plain = Vec::with_capacity(PIECE_BYTES);
        self.plain.extend_from_slice(&rest);
        self.place = Place::File(FileStaging { writer: Writing::Idle(sealed) });
        Ok(())
    }

    /// Hands the full piece to a blocking thread, after the one before is through.
    async fn write_piece(&mut self) -> Result<(), StageError> {
        let Place::File(file) = std::mem::replace(&mut self.place, Place::Broken) else {
            return Err(interrupted().into());
        };
        let (mut sealed, mut spare) = file.idle().await?;
        spare.clear();
        let mut piece = std::mem::replace(&mut self.plain, spare);
        let task = tokio::task::spawn_blocking(move || {
            let written = sealed.write_piece(&mut piece);
            (written.map(|()| sealed), piece)
        });
        self.place = Place::File(FileStaging { writer: Writing::Busy(task) });
        Ok(())
    }
}

impl FileStaging {
    /// Waits for the piece that is being written; gives the file and a buffer to fill.
    async fn idle(self) -> io::Result<(Box<SealedFile>, Vec<u8>)> {
        match self.writer {
            Writing::Idle(sealed) => Ok((sealed, Vec::with_capacity(PIECE_BYTES))),
            Writing::Busy(task) => {
                let (sealed, spare) = task.await.map_err(lost)?;
                Ok((sealed?, spare))
            }
        }
    }
}

fn interrupted() -> io::Error {
    io::Error::other("an earlier part of this upload was not written")
}

fn lost(_: tokio::task::JoinError) -> io::Error {
    io::Error::other("a blocking step was interrupted")
}

/// A blob that grows in `staging/`.
struct SealedFile {
    name: BlobName,
    data_key: DataKey,
    cipher: ChunkCipher,
    hash: digest::Context,
    next_chunk: u64,
    file: Unpromised,
}

impl SealedFile {
    fn create(blobs: &BlobFolder, account: AccountId) -> io::Result<Self> {
        let BlobStart { name, data_key, cipher, header } = BlobStart::new(account)?;
        let file = blobs.create_staging(name)?;
        (&mut file.file()).write_all(&header)?;
        Ok(Self { name, data_key, cipher, hash: digest::Context::new(&digest::SHA256), next_chunk: 0, file })
    }

    /// Hashes, seals in place and writes; all chunks of a piece but the upload's very last are full. A piece of no
    /// bytes is the empty last chunk.
    fn write_piece(&mut self, piece: &mut [u8]) -> io::Result<()> {
        self.hash.update(piece);
        let mut tags = [[0; TAG_BYTES]; PIECE_BYTES / CHUNK_BYTES];
        let mut count = 0;
        let mut chunks: Vec<&mut [u8]> = piece.chunks_mut(CHUNK_BYTES).collect();
        if chunks.is_empty() {
            chunks.push(&mut []);
        }
        for (chunk, tag) in chunks.iter_mut().zip(&mut tags) {
            *tag = self.cipher.seal_chunk(self.next_chunk, chunk).map_err(io::Error::other)?;
            self.next_chunk += 1;
            count += 1;
        }
        let mut parts: Vec<IoSlice<'_>> = Vec::with_capacity(2 * count);
        for (chunk, tag) in chunks.iter().zip(&tags) {
            parts.push(IoSlice::new(chunk));
            parts.push(IoSlice::new(tag));
        }
        write_all_parts(&mut self.file.file(), &mut parts)
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

/// What a new blob starts with.
pub(crate) struct BlobStart {
    pub(crate) name: BlobName,
    pub(crate) data_key: DataKey,
    pub(crate) cipher: ChunkCipher,
    pub(crate) header: [u8; crate::seal::HEADER_BYTES],
}

impl BlobStart {
    pub(crate) fn new(account: AccountId) -> io::Result<Self> {
        let name = BlobName::random()?;
        let data_key = DataKey::random().map_err(io::Error::other)?;
        let (cipher, header) =
            ChunkCipher::seal(data_key.as_ref(), &blob_context(account, name)).map_err(io::Error::other)?;
        Ok(Self { name, data_key, cipher, header })
    }
}

/// A whole upload, not yet promised to anyone. [`commit`](Self::commit) keeps it, dropping removes it.
pub struct Staged {
    pub(crate) store: Store,
    pub(crate) account: AccountId,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) body: Body,
}

/// Where staged bytes are.
pub(crate) enum Body {
    Memory { plain: Bytes, _reserved: Reserved },
    File { name: BlobName, data_key: DataKey, file: Unpromised },
}

impl Staged {
    /// How many bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Of the bytes.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// A reader over the bytes for inspection; it blocks. Each chunk is checked as it is opened.
    ///
    /// # Errors
    /// The staged file cannot be read.
    pub fn source(&self) -> io::Result<StagedSource> {
        match &self.body {
            Body::Memory { plain, .. } => Ok(StagedSource::memory(plain.clone())),
            Body::File { name, data_key, file } => StagedSource::file(
                file.file().try_clone()?,
                self.bytes,
                data_key,
                &blob_context(self.account, *name),
            ),
        }
    }
}
