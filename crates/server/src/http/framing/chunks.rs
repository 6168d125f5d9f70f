//! The lines between the pieces of a chunked body, byte by byte.

use super::{Refusal, bad};

/// Longest chunk size line, extensions included. Honest ones have ten characters.
const MAX_CHUNK_LINE_BYTES: usize = 1024;

/// Longest trailer section of a chunked body. Honest forms have none.
const MAX_TRAILER_BYTES: usize = 8 * 1024;

/// Where in a chunked body the next byte is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chunks {
    /// The size line: its digits so far, whether extensions began, its length.
    Size {
        size: u64,
        digits: u8,
        in_extension: bool,
        seen: usize,
    },
    SizeLf {
        size: u64,
    },
    Data {
        remaining: u64,
    },
    DataCr,
    DataLf,
    /// The lines after the last chunk: bytes of the current line, bytes of all.
    Trailer {
        line: usize,
        seen: usize,
    },
    TrailerLf {
        line: usize,
        seen: usize,
    },
}

impl Chunks {
    /// Before the first size.
    pub(super) const FIRST: Self = Self::Size { size: 0, digits: 0, in_extension: false, seen: 0 };

    /// Looks at bytes of the body: how many belong to it, and where the next one will be; `None` behind its end.
    pub(super) fn step(mut self, bytes: &[u8]) -> Result<(usize, Option<Self>), Refusal> {
        let mut at = 0;
        while at < bytes.len() {
            if let Self::Data { remaining } = self {
                let taken = remaining.min((bytes.len() - at) as u64);
                at += usize::try_from(taken).unwrap_or(0);
                self = match remaining - taken {
                    0 => Self::DataCr,
                    remaining => Self::Data { remaining },
                };
                continue;
            }
            let Some(next) = self.next(bytes[at])? else { return Ok((at + 1, None)) };
            self = next;
            at += 1;
        }
        Ok((at, Some(self)))
    }

    /// One byte further through the lines between chunks; `None` at the end of the body.
    fn next(self, byte: u8) -> Result<Option<Self>, Refusal> {
        const BROKEN: Refusal = bad("The chunked body is malformed.");
        let next = match (self, byte) {
            (Self::Size { size, digits: 1.., .. }, b'\r') => Self::SizeLf { size },
            (Self::Size { seen, .. }, _) if seen >= MAX_CHUNK_LINE_BYTES => return Err(BROKEN),
            (Self::Size { size, digits: digits @ 1.., seen, .. }, b';') => {
                Self::Size { size, digits, in_extension: true, seen: seen + 1 }
            }
            (Self::Size { size, digits, in_extension: true, seen }, b' '..=b'~' | b'\t') => {
                Self::Size { size, digits, in_extension: true, seen: seen + 1 }
            }
            // Fifteen digits are four petabytes; more could overflow in somebody's reader.
            (Self::Size { size, digits: digits @ ..15, in_extension: false, seen }, byte) => {
                let digit = (byte as char).to_digit(16).ok_or(BROKEN)?;
                Self::Size {
                    size: size * 16 + u64::from(digit),
                    digits: digits + 1,
                    in_extension: false,
                    seen: seen + 1,
                }
            }
            (Self::SizeLf { size: 0 }, b'\n') => Self::Trailer { line: 0, seen: 0 },
            (Self::SizeLf { size }, b'\n') => Self::Data { remaining: size },
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::FIRST,
            (Self::Trailer { line, seen }, b'\r') => Self::TrailerLf { line, seen },
            (Self::Trailer { line, seen }, b' '..=b'~' | b'\t') if seen < MAX_TRAILER_BYTES => {
                Self::Trailer { line: line + 1, seen: seen + 1 }
            }
            (Self::TrailerLf { line: 0, .. }, b'\n') => return Ok(None),
            (Self::TrailerLf { seen, .. }, b'\n') => Self::Trailer { line: 0, seen },
            _ => return Err(BROKEN),
        };
        Ok(Some(next))
    }
}
