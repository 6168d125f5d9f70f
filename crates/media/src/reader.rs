//! A buffered, bounded view of a [`Source`] for the probes.
//!
//! Every byte a probe sees comes through here, so the bounds hold for all of them: when the budget is spent the file
//! reads as if it ended, and [`Reader::is_exhausted`] says so. Deliberately not here: any knowledge of formats.

use std::io;

use crate::Source;

/// Bytes fetched at a time: the stored blobs' chunk size, so that a miss opens about one chunk.
pub(crate) const WINDOW_BYTES: usize = 16 * 1024;

/// The largest piece a probe may ask for at once.
pub(crate) const MAX_PIECE_BYTES: usize = 64 * 1024;

/// Reads of the source for one file. Honest files need under ten, long fragmented or tagged ones some dozens.
pub(crate) const MAX_READS: u32 = 512;

/// Bytes read of the source for one file: about 1 ms of copying, a few of unsealing.
pub(crate) const MAX_READ_BYTES: u64 = 8 * 1024 * 1024;

/// Pieces looked at: what loops over small pieces may cost, some milliseconds at worst. Honest files need some hundreds.
pub(crate) const MAX_PIECES: u32 = 200_000;

/// Random access to a file's bytes within a budget.
pub(crate) struct Reader<'a> {
    source: &'a mut dyn Source,
    len: u64,
    /// Where `window` was read.
    start: u64,
    window: Vec<u8>,
    reads_left: u32,
    bytes_left: u64,
    pieces_left: u32,
    exhausted: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a mut dyn Source) -> Self {
        let len = source.len();
        Self {
            source,
            len,
            start: 0,
            window: Vec::new(),
            reads_left: MAX_READS,
            bytes_left: MAX_READ_BYTES,
            pieces_left: MAX_PIECES,
            exhausted: false,
        }
    }

    /// The file's length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the budget ran out, so that an earlier answer was cut short.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// The bytes at `offset`, up to `count` of them; fewer at the end of the file or of the budget.
    pub(crate) fn at(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let count = count.min(MAX_PIECE_BYTES);
        let available = self.len.saturating_sub(offset).min(count as u64) as usize;
        if available == 0 {
            return Ok(&[]);
        }
        if self.pieces_left == 0 {
            self.exhausted = true;
            return Ok(&[]);
        }
        self.pieces_left -= 1;
        if !self.holds(offset, available) {
            self.fill(offset, available)?;
        }
        let from = (offset.saturating_sub(self.start) as usize).min(self.window.len());
        let to = (from + available).min(self.window.len());
        Ok(&self.window[from..to])
    }

    /// Exactly `N` bytes at `offset`, or `None` when the file has fewer.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.at(offset, N)?.try_into().ok())
    }

    /// A big-endian 16-bit number.
    pub(crate) fn be16(&mut self, offset: u64) -> io::Result<Option<u16>> {
        Ok(self.array(offset)?.map(u16::from_be_bytes))
    }

    /// A big-endian 32-bit number.
    pub(crate) fn be32(&mut self, offset: u64) -> io::Result<Option<u32>> {
        Ok(self.array(offset)?.map(u32::from_be_bytes))
    }

    /// A big-endian 64-bit number.
    pub(crate) fn be64(&mut self, offset: u64) -> io::Result<Option<u64>> {
        Ok(self.array(offset)?.map(u64::from_be_bytes))
    }

    /// A little-endian 16-bit number.
    pub(crate) fn le16(&mut self, offset: u64) -> io::Result<Option<u16>> {
        Ok(self.array(offset)?.map(u16::from_le_bytes))
    }

    /// A little-endian 32-bit number.
    pub(crate) fn le32(&mut self, offset: u64) -> io::Result<Option<u32>> {
        Ok(self.array(offset)?.map(u32::from_le_bytes))
    }

    fn holds(&self, offset: u64, count: usize) -> bool {
        offset >= self.start && offset - self.start + count as u64 <= self.window.len() as u64
    }

    fn fill(&mut self, offset: u64, count: usize) -> io::Result<()> {
        self.start = offset;
        let wanted = (self.len - offset).min(count.max(WINDOW_BYTES) as u64);
        if self.reads_left == 0 || self.bytes_left < wanted {
            self.exhausted = true;
            self.window.clear();
            return Ok(());
        }
        self.reads_left -= 1;
        self.bytes_left -= wanted;
        self.window.resize(wanted as usize, 0);
        let mut filled = 0;
        while filled < self.window.len() {
            let count = match self.source.read_at(offset + filled as u64, &mut self.window[filled..]) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.window.clear();
                    return Err(error);
                }
            };
            filled += count.min(self.window.len() - filled);
        }
        self.window.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_with_the_file() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut source = &bytes[..];
        let mut reader = Reader::new(&mut source);
        assert_eq!(reader.at(250, 100).unwrap(), &bytes[250..]);
        assert_eq!(reader.at(256, 1).unwrap(), &[]);
        assert_eq!(reader.at(u64::MAX, 1).unwrap(), &[]);
        assert_eq!(reader.be32(0).unwrap(), Some(0x0001_0203));
        assert_eq!(reader.be32(253).unwrap(), None);
    }

    #[test]
    fn a_spent_budget_reads_as_the_end() {
        let bytes = vec![7; 4 * MAX_READ_BYTES as usize];
        let mut source = &bytes[..];
        let mut reader = Reader::new(&mut source);
        let mut seen = 0;
        while !reader.at(seen, WINDOW_BYTES).unwrap().is_empty() {
            seen += WINDOW_BYTES as u64;
        }
        assert!(reader.is_exhausted());
        assert_eq!(seen, MAX_READ_BYTES);
    }
}
