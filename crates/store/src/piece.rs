//! The buffers that opened bytes leave in: kept and used again, so that a download neither allocates nor clears memory
//! for each piece.
//!
//! Every download may hold a small one. Large ones, which take fewer calls for the same bytes, are few, whoever asks: a
//! slow client that keeps one keeps it from others, who then have small ones.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::error::ReadError;
use crate::seal::CHUNK_BYTES;

/// Chunks of a piece: 64 KiB of bytes. Large enough that the socket is the limit, small enough to hold for every download.
pub(crate) const PIECE_CHUNKS: usize = 4;
/// Chunks of a large piece: 256 KiB of bytes. A tenth less CPU for each byte, measured.
pub(crate) const LARGE_PIECE_CHUNKS: usize = 16;

/// The buffers of one size.
struct Shelf {
    bytes: usize,
    /// Free buffers that are kept.
    max_free: usize,
    /// Buffers that may be under way.
    max_lent: usize,
    buffers: Mutex<Buffers>,
}

struct Buffers {
    free: Vec<Box<[u8]>>,
    lent: usize,
}

/// Keeps 1 MiB, for what is a chunk or little less.
static CHUNK: Shelf = Shelf::new(1, 64, usize::MAX);
/// Keeps 1 MiB: more than a core has under way at once, unless clients are slow.
static SMALL: Shelf = Shelf::new(PIECE_CHUNKS, 16, usize::MAX);
/// Keeps 1 MiB, lends 4 MiB.
static LARGE: Shelf = Shelf::new(LARGE_PIECE_CHUNKS, 4, 16);

impl Shelf {
    const fn new(chunks: usize, max_free: usize, max_lent: usize) -> Self {
        let buffers = Mutex::new(Buffers { free: Vec::new(), lent: 0 });
        Self { bytes: chunks * CHUNK_BYTES, max_free, max_lent, buffers }
    }

    fn lock(&self) -> MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None where too many are under way.
    fn take(&'static self) -> Option<Piece> {
        let mut buffers = self.lock();
        if buffers.lent >= self.max_lent {
            return None;
        }
        buffers.lent += 1;
        let free = buffers.free.pop();
        drop(buffers);
        let buffer = free.unwrap_or_else(|| vec![0; self.bytes].into_boxed_slice());
        Some(Piece { shelf: self, buffer, bytes: 0 })
    }
}

/// A buffer under way; it comes back when the last byte of it has left.
struct Piece {
    shelf: &'static Shelf,
    buffer: Box<[u8]>,
    bytes: usize,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.bytes]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut buffers = self.shelf.lock();
        buffers.lent -= 1;
        if buffers.free.len() < self.shelf.max_free {
            buffers.free.push(std::mem::take(&mut self.buffer));
        }
    }
}

/// Room for the next piece.
pub(crate) struct Room(Option<Piece>);

impl Room {
    /// For so many chunks, or fewer: see [`chunks`](Self::chunks).
    pub(crate) fn for_chunks(chunks: u64) -> Self {
        match chunks {
            0..=1 => Self(None),
            _ if chunks > PIECE_CHUNKS as u64 => Self(LARGE.take().or_else(|| SMALL.take())),
            _ => Self(SMALL.take()),
        }
    }

    /// How many chunks it is for.
    pub(crate) fn chunks(&self) -> u64 {
        self.0.as_ref().map_or(1, |piece| (piece.shelf.bytes / CHUNK_BYTES) as u64)
    }

    /// The piece as `fill` leaves it; nothing of it where `fill` fails. Of `bytes` bytes, at most what there is room for.
    pub(crate) fn filled(
        self,
        bytes: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), ReadError>,
    ) -> Result<Bytes, ReadError> {
        // What is smaller is not worth holding a chunk's buffer for, however slowly it leaves.
        let worth_a_chunk = || (bytes > CHUNK_BYTES / 2).then(|| CHUNK.take()).flatten();
        match self.0.or_else(worth_a_chunk) {
            Some(mut piece) => {
                piece.bytes = bytes.min(piece.buffer.len());
                fill(&mut piece.buffer[..piece.bytes])?;
                Ok(Bytes::from_owner(piece))
            }
            None => {
                let mut small = vec![0; bytes.min(CHUNK_BYTES)];
                fill(&mut small)?;
                Ok(small.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pieces_are_few_and_small_ones_are_for_everybody() {
        let many = LARGE_PIECE_CHUNKS as u64;
        let held: Vec<_> = (0..40).map(|_| Room::for_chunks(many)).collect();
        assert!(held.iter().filter(|room| room.chunks() == many).count() <= 16);
        assert_eq!(held.last().map(Room::chunks), Some(PIECE_CHUNKS as u64));
        drop(held);
        assert!(LARGE.lock().free.len() <= 4 && SMALL.lock().free.len() <= 16);
        assert_eq!(Room::for_chunks(1).chunks(), 1);
    }

    #[test]
    fn a_piece_that_cannot_be_filled_gives_its_buffer_back() {
        let room = Room::for_chunks(2);
        assert!(room.filled(20_000, |_| Err(ReadError::Damaged)).is_err());
        let piece = Room::for_chunks(2).filled(20_000, |bytes| {
            bytes.fill(7);
            Ok(())
        });
        assert_eq!(&piece.unwrap()[..], &[7; 20_000][..]);
    }
}
