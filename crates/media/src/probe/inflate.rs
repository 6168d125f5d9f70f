//! The one piece of decompression in the house: a ZIP part that tells what the whole file is, within hard bounds.
//!
//! What harms is input that grows into much output or much work. Here output, input and the number of blocks are capped,
//! so that a bomb costs what an honest part does. Deliberately not here: which part it is; that is [`super::zip`].

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// Bytes of compressed input looked at; honest parts have a few thousand.
pub(crate) const MAX_INPUT_BYTES: usize = 64 * 1024;

/// Bytes given out, at most.
pub(crate) const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Blocks looked at. Each brings tables to build, and 64 KiB can hold fifty thousand empty ones: 78 ms, measured.
/// Writers begin a new block every some ten thousand bytes.
const MAX_BLOCKS: u32 = 64;

/// What a stream inflated to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inflated {
    /// The bytes, or their beginning.
    pub(crate) bytes: Vec<u8>,
    /// Whether that is all of them.
    pub(crate) is_whole: bool,
}

/// Inflates a stream without a wrapper, up to the bounds; `None` when it is damaged.
pub(crate) fn inflate(compressed: &[u8]) -> Option<Inflated> {
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        | inflate_flags::TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY
        | inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
    let mut left = &compressed[..compressed.len().min(MAX_INPUT_BYTES)];
    let mut decompressor = DecompressorOxide::new();
    let mut bytes = vec![0; MAX_OUTPUT_BYTES];
    let mut filled = 0;
    let mut is_whole = false;
    for _ in 0..MAX_BLOCKS {
        let (status, taken, given) = decompress(&mut decompressor, left, &mut bytes, filled, flags);
        left = &left[taken..];
        filled += given;
        match status {
            TINFLStatus::BlockBoundary => continue,
            TINFLStatus::Done => is_whole = true,
            TINFLStatus::HasMoreOutput | TINFLStatus::NeedsMoreInput => {}
            _ => return None,
        }
        break;
    }
    bytes.truncate(filled);
    Some(Inflated { bytes, is_whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello` as one block of fixed codes.
    const HELLO: &[u8] = &[0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

    fn stored(content: &[u8], is_last: bool) -> Vec<u8> {
        let size = content.len() as u16;
        [&[u8::from(is_last)][..], &size.to_le_bytes(), &(!size).to_le_bytes(), content].concat()
    }

    #[test]
    fn honest_streams_come_out_whole() {
        assert_eq!(inflate(HELLO), Some(Inflated { bytes: b"hello".to_vec(), is_whole: true }));
        let two = [stored(b"one ", false), stored(b"two", true), b"and what follows".to_vec()].concat();
        assert_eq!(inflate(&two), Some(Inflated { bytes: b"one two".to_vec(), is_whole: true }));
    }

    #[test]
    fn a_cut_stream_gives_its_beginning_and_says_so() {
        let cut = stored(b"one two", true);
        assert_eq!(inflate(&cut[..8]), Some(Inflated { bytes: b"one".to_vec(), is_whole: false }));
        assert_eq!(inflate(b""), Some(Inflated { bytes: Vec::new(), is_whole: false }));
    }

    #[test]
    fn damage_is_seen() {
        assert_eq!(inflate(&[0x07, 0xff]), None, "a block of the type that is none");
        assert_eq!(inflate(&[1, 5, 0, 0, 0]), None, "a stored block whose length disagrees with itself");
    }

    #[test]
    fn a_bomb_gives_no_more_than_the_bound() {
        // Fixed codes: one literal, then matches of 258 bytes at distance 1 (8 + 5 bits), to the end of the input.
        let mut bits = Bits::default();
        bits.put(0b1, 1).put(0b01, 2).put_code(0x30 + u32::from(b'A'), 8);
        while bits.bytes.len() < MAX_INPUT_BYTES {
            bits.put_code(0b1100_0101, 8).put(0, 5);
        }
        let inflated = inflate(&bits.bytes).unwrap();
        assert_eq!((inflated.bytes.len(), inflated.is_whole), (MAX_OUTPUT_BYTES, false));
        assert!(inflated.bytes.iter().all(|byte| *byte == b'A'));
    }

    #[test]
    fn empty_blocks_are_given_up_on() {
        // Three bits of header and the seven of the end: some fifty thousand blocks that give nothing.
        let mut bits = Bits::default();
        while bits.bytes.len() < MAX_INPUT_BYTES {
            bits.put(0b0, 1).put(0b01, 2).put(0, 7);
        }
        let behind = [bits.bytes, HELLO.to_vec()].concat();
        assert_eq!(inflate(&behind), Some(Inflated { bytes: Vec::new(), is_whole: false }));
    }

    /// A writer of single bits, the lowest of a byte first.
    #[derive(Default)]
    struct Bits {
        bytes: Vec<u8>,
        count: usize,
    }

    impl Bits {
        fn put(&mut self, value: u32, count: usize) -> &mut Self {
            for index in 0..count {
                if self.count.is_multiple_of(8) {
                    self.bytes.push(0);
                }
                *self.bytes.last_mut().unwrap() |= ((value >> index & 1) as u8) << (self.count % 8);
                self.count += 1;
            }
            self
        }

        /// A Huffman code, whose highest bit comes first.
        fn put_code(&mut self, code: u32, count: usize) -> &mut Self {
            self.put(code.reverse_bits() >> (32 - count), count)
        }
    }
}
