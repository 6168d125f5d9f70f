//! Bytes on their way in: counted, hashed and sealed as they come, promised to nobody yet.
//!
//! Small uploads wait in memory, within a budget that all uploads share; others are sealed to `staging/` piece by piece
//! on threads that may block. Nothing plain is ever written. Dropping a [`Staging`] or [`Staged`] removes everything.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest;
use bytes::Bytes;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use crate::error::StageError;
use crate::ids::AccountId;
use crate::record::{finished, sha256_of};
use crate::seal::CHUNK_BYTES;
use crate::sealed_file::{SealedFile, blob_context};
use crate::source::StagedSource;
use crate::store::Store;

/// Bytes that are hashed, sealed and written in one go.
const PIECE_BYTES: usize = 4 * CHUNK_BYTES;
/// The same where memory allows it, and one of these is written while the next one fills: fewer changes of thread, a third
/// less time (measured, ten at once).
const LARGE_PIECE_BYTES: usize = 16 * CHUNK_BYTES;
/// The same for the first few uploads: a tenth less time again (measured, one alone on one core).
const LARGEST_PIECE_BYTES: usize = 64 * CHUNK_BYTES;
/// What all large pieces together may hold in memory: two of the largest for each of two uploads, two for each of eight more.
pub(crate) const LARGE_PIECES_TOTAL_BYTES: usize = 2 * 2 * LARGEST_PIECE_BYTES + 8 * 2 * LARGE_PIECE_BYTES;
/// What a small upload begins with in memory.
const FIRST_BYTES: usize = 4096;

/// Memory that all uploads together may hold for staging.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBudget {
    left: Arc<AtomicUsize>,
}

impl MemoryBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(bytes)) }
    }
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reserved {
    /// Whether the budget has this much more.
    fn grow(&mut self, bytes: usize) -> bool {
        self.grow_leaving(bytes, 0)
    }

    /// Whether the budget has this much more, and would still have `rest`.
    fn grow_leaving(&mut self, bytes: usize, rest: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes).filter(|left| *left >= rest);
        let granted = self.budget.left.try_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        self.bytes += if granted { bytes } else { 0 };
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
    /// About how many will come, if anybody told.
    expected: u64,
    /// Plain bytes: all of them in memory, or those of the piece that is filling.
    plain: Vec<u8>,
    piece_bytes: usize,
    large_pieces: Reserved,
    place: Place,
}

enum Place {
    Memory(Reserved),
    Idle(Box<Growing>),
    /// A piece is being written. Its task owns the file: if nobody waits for it any more, the file goes when it ends.
    Busy(JoinHandle<(io::Result<Box<Growing>>, Vec<u8>)>),
    /// A write failed or was interrupted: what came so far is not whole.
    Broken,
}

/// A file in `staging/` with the hash of what went in.
struct Growing {
    sealed: SealedFile,
    hash: digest::Context,
}

impl Growing {
    fn write(&mut self, piece: &mut [u8]) -> io::Result<()> {
        self.hash.update(piece);
        self.sealed.write_chunks(piece)
    }
}

impl Staging {
    pub(crate) fn new(store: Store, account: AccountId, max_bytes: u64) -> Self {
        let reserved = |budget: &MemoryBudget| Reserved { budget: budget.clone(), bytes: 0 };
        Self {
            account,
            max_bytes,
            bytes: 0,
            expected: 0,
            plain: Vec::new(),
            piece_bytes: PIECE_BYTES,
            large_pieces: reserved(store.large_pieces()),
            place: Place::Memory(reserved(store.memory_budget())),
            store,
        }
    }

    /// Tells about how many bytes will come. Only a hint: a large upload begins in a file at once.
    pub fn expect(&mut self, bytes: u64) {
        self.expected = bytes;
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
        if matches!(self.place, Place::Memory(_)) {
            if self.fits_memory(bytes.len()) {
                self.plain.extend_from_slice(&bytes);
                return Ok(());
            }
            self.move_to_file().await?;
        }
        while !bytes.is_empty() {
            let room = self.piece_bytes - self.plain.len();
            let part = bytes.split_to(room.min(bytes.len()));
            self.plain.extend_from_slice(&part);
            if self.plain.len() == self.piece_bytes {
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
        let mut last = std::mem::take(&mut self.plain);
        let (sha256, body) = match std::mem::replace(&mut self.place, Place::Broken) {
            Place::Memory(reserved) => {
                let plain = Bytes::from(last);
                (sha256_of(&plain), Body::Memory { plain, reserved })
            }
            place => {
                let (mut growing, _) = idle(place).await?;
                let written = spawn_blocking(move || {
                    growing.hash.update(&last);
                    growing.sealed.write_last(&mut last).map(|()| growing)
                });
                let Growing { sealed, hash } = *written.await.map_err(lost)??;
                (finished(hash.finish()), Body::File(Box::new(sealed)))
            }
        };
        Ok(Staged { store: self.store, account: self.account, bytes: self.bytes, sha256, body })
    }

    /// Whether so many more bytes may stay in memory; makes room for them, as much as the budget is charged for.
    fn fits_memory(&mut self, more: usize) -> bool {
        let Place::Memory(reserved) = &mut self.place else { return false };
        let (limit, needed) = (self.store.memory_staging_bytes(), self.plain.len().saturating_add(more));
        if self.expected > limit as u64 || needed > limit {
            return false;
        }
        let capacity = self.plain.capacity();
        if needed > capacity {
            let wanted = (2 * needed).max(FIRST_BYTES).min(limit);
            if !reserved.grow(wanted - capacity) {
                return false;
            }
            self.plain.reserve_exact(wanted - self.plain.len());
        }
        true
    }

    /// The upload is larger than memory may hold: what has come so far is sealed to a file.
    async fn move_to_file(&mut self) -> Result<(), StageError> {
        let (blobs, account) = (self.store.blobs().clone(), self.account);
        self.place = Place::Broken;
        let mut so_far = std::mem::take(&mut self.plain);
        self.piece_bytes = self.piece_for_file();
        let piece_bytes = self.piece_bytes;
        let made = spawn_blocking(move || {
            let sealed = SealedFile::create_staging(&blobs, account)?;
            // Done while the bytes come, there is less to wait for at the end. Whoever publishes finds what failed.
            let name = sealed.name;
            drop(spawn_blocking(move || blobs.prepare_folder_of(name)));
            let mut growing = Box::new(Growing { sealed, hash: digest::Context::new(&digest::SHA256) });
            let whole = so_far.len() - so_far.len() % piece_bytes;
            for piece in so_far[..whole].chunks_mut(piece_bytes) {
                growing.write(piece)?;
            }
            let mut filling = Vec::with_capacity(piece_bytes);
            filling.extend_from_slice(&so_far[whole..]);
            Ok::<_, io::Error>((growing, filling))
        });
        let (growing, filling) = made.await.map_err(lost)??;
        self.plain = filling;
        self.place = Place::Idle(growing);
        Ok(())
    }

    /// How large the pieces of a file are to be: as large as it is worth, and as there is memory for two of them.
    fn piece_for_file(&mut self) -> usize {
        let (largest, large) = (2 * LARGEST_PIECE_BYTES, 2 * LARGE_PIECE_BYTES);
        let is_worth_it = self.expected >= 2 * largest as u64;
        if is_worth_it && self.large_pieces.grow_leaving(largest, LARGE_PIECES_TOTAL_BYTES / 2) {
            LARGEST_PIECE_BYTES
        } else if self.large_pieces.grow(large) {
            LARGE_PIECE_BYTES
        } else {
            PIECE_BYTES
        }
    }

    /// Hands the full piece to a blocking thread, after the one before is through. The next one fills beside it where there
    /// is memory for two; else, with so many uploads under way, others have work meanwhile.
    async fn write_piece(&mut self) -> Result<(), StageError> {
        let (mut growing, mut spare) = idle(std::mem::replace(&mut self.place, Place::Broken)).await?;
        let mut piece = std::mem::take(&mut self.plain);
        let task = spawn_blocking(move || {
            let written = growing.write(&mut piece);
            (written.map(|()| growing), piece)
        });
        if self.piece_bytes > PIECE_BYTES {
            spare.reserve_exact(self.piece_bytes);
            self.place = Place::Busy(task);
        } else {
            let written;
            (written, spare) = task.await.map_err(lost)?;
            self.place = Place::Idle(written?);
        }
        spare.clear();
        self.plain = spare;
        Ok(())
    }
}

/// Waits for the piece that is being written; gives the file and a buffer to use again.
async fn idle(place: Place) -> io::Result<(Box<Growing>, Vec<u8>)> {
    match place {
        Place::Idle(growing) => Ok((growing, Vec::new())),
        Place::Busy(task) => {
            let (growing, spare) = task.await.map_err(lost)?;
            Ok((growing?, spare))
        }
        Place::Memory(_) | Place::Broken => {
            Err(io::Error::other("an earlier part of this upload was not written"))
        }
    }
}

fn lost(_: JoinError) -> io::Error {
    io::Error::other("a blocking step was interrupted")
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
    Memory { plain: Bytes, reserved: Reserved },
    File(Box<SealedFile>),
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

    /// Whether reading [`source`](Self::source) never waits for a disk.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.body, Body::Memory { .. })
    }

    /// A reader over the bytes for inspection; it blocks where they are in a file. Each chunk is checked as it is opened.
    ///
    /// # Errors
    /// The staged file cannot be read.
    pub fn source(&self) -> io::Result<StagedSource> {
        match &self.body {
            Body::Memory { plain, .. } => Ok(StagedSource::memory(plain.clone())),
            Body::File(sealed) => {
                let context = blob_context(self.account, sealed.name);
                StagedSource::file(sealed.file.file().try_clone()?, self.bytes, &sealed.data_key, &context)
            }
        }
    }
}
