//! Where inspection reads from: anything with a length and random access.
//!
//! Deliberately not here: files. This crate does no I/O of its own; callers bring their reader.

use std::io;

/// Bytes that can be read anywhere, as often as needed.
pub trait Source {
    /// The whole length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads up to `buf.len()` bytes at `offset`; fewer only at the end, 0 at or past it.
    ///
    /// # Errors
    /// Whatever the reader behind it meets; damage counts as an error, never as an end.
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

impl Source for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(<[u8]>::len(self));
        let count = buf.len().min(<[u8]>::len(self) - start);
        buf[..count].copy_from_slice(&self[start..start + count]);
        Ok(count)
    }
}
