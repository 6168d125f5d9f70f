//! The buffers that opened bytes leave in: kept and used again, so that a download neither allocates nor clears memory
//! for each piece.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::error::ReadError;
use crate::seal::CHUNK_BYTES;

/// Chunks of a piece: 64 KiB of bytes. Large enough that the socket is the limit, small enough to hold for every download.
pub(crate) const PIECE_CHUNKS: usize = 4;
const PIECE_BYTES: usize = PIECE_CHUNKS * CHUNK_BYTES;

/// Free buffers that are kept: 1 MiB in all. More than a core has under way at once, unless clients are slow.
const MAX_FREE: usize = 16;

type Buffer = Box<[u8; PIECE_BYTES]>;

static FREE: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());

fn free() -> std::sync::MutexGuard<'static, Vec<Buffer>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A piece of `bytes` bytes, at most 64 KiB, as `fill` leaves it; nothing of it where `fill` fails.
pub(crate) fn filled(
    bytes: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<(), ReadError>,
) -> Result<Bytes, ReadError> {
    if bytes <= CHUNK_BYTES {
        // What is small is not worth holding a large buffer for, however slowly it leaves.
        let mut small = vec![0; bytes];
        fill(&mut small)?;
        return Ok(small.into());
    }
    let mut piece = Piece { buffer: Some(free().pop().unwrap_or_else(zeroed)), bytes };
    fill(piece.as_mut())?;
    Ok(Bytes::from_owner(piece))
}

fn zeroed() -> Buffer {
    // By way of the heap: an array of this size does not belong on a stack.
    vec![0; PIECE_BYTES].try_into().unwrap_or_else(|_| Box::new([0; PIECE_BYTES]))
}

/// A buffer under way; it comes back when the last byte of it has left.
struct Piece {
    /// None only while it is dropped.
    buffer: Option<Buffer>,
    bytes: usize,
}

impl Piece {
    fn as_mut(&mut self) -> &mut [u8] {
        let buffer = self.buffer.as_mut().map(|buffer| &mut buffer[..]).unwrap_or_default();
        &mut buffer[..self.bytes]
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_ref().map(|buffer| &buffer[..self.bytes]).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut free = free();
        if free.len() < MAX_FREE {
            free.extend(self.buffer.take());
        }
    }
}
