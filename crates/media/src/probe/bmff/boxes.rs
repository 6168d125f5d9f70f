//! Boxes: a length, four characters, a body. Sizes 0 and 1, 64-bit sizes and sizes past the end included.

use std::io;

use crate::reader::Reader;

/// Boxes looked at inside one box. Honest ones hold a few dozen.
pub(super) const MAX_CHILDREN: u32 = 256;

/// One box.
#[derive(Debug, Clone, Copy)]
pub(super) struct MediaBox {
    pub(super) kind: [u8; 4],
    /// Where the body starts.
    pub(super) start: u64,
    /// Where the body ends, within the enclosing box.
    pub(super) end: u64,
    /// Whether the size reaches past the enclosing box.
    pub(super) cut: bool,
}

impl MediaBox {
    /// The body's length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.end - self.start
    }
}

/// The boxes side by side in a range.
pub(super) struct Boxes {
    at: u64,
    end: u64,
    left: u32,
    broken: bool,
}

impl Boxes {
    pub(super) fn new(start: u64, end: u64) -> Self {
        Self { at: start, end, left: MAX_CHILDREN, broken: false }
    }

    /// Whether the range ended in the middle of a box or in what is no box.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The next box; `None` at the end, after [`MAX_CHILDREN`] and where a size makes no sense.
    pub(super) fn next(&mut self, reader: &mut Reader<'_>) -> io::Result<Option<MediaBox>> {
        let room = self.end.saturating_sub(self.at);
        if self.left == 0 || room < 8 {
            // Up to seven zero bytes end some QuickTime boxes.
            return Ok(None);
        }
        self.left -= 1;
        let Some(header) = reader.array::<8>(self.at)? else {
            self.broken = true;
            return Ok(None);
        };
        let [a, b, c, d, kind @ ..] = header;
        let (size, header_bytes) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (room, 8),
            1 => (reader.be64(self.at + 8)?.unwrap_or(0), 16),
            size => (u64::from(size), 8),
        };
        if size < header_bytes {
            self.broken = true;
            return Ok(None);
        }
        let cut = size > room;
        let item = MediaBox {
            kind,
            start: (self.at + header_bytes).min(self.end),
            end: if cut { self.end } else { self.at + size },
            cut,
        };
        self.broken |= cut;
        self.at = item.end;
        Ok(Some(item))
    }
}

/// The first box of a kind in a range.
pub(super) fn find(
    reader: &mut Reader<'_>,
    start: u64,
    end: u64,
    kind: &[u8; 4],
) -> io::Result<Option<MediaBox>> {
    let mut boxes = Boxes::new(start, end);
    while let Some(item) = boxes.next(reader)? {
        if item.kind == *kind {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// The duration in `mvhd` or `mdhd`, in milliseconds; `None` when it is unknown or makes no sense.
pub(super) fn duration_ms(reader: &mut Reader<'_>, header: &MediaBox) -> io::Result<Option<u64>> {
    // Version 1 has 64-bit times: creation, modification, then time scale and duration.
    let wide = reader.array::<1>(header.start)? == Some([1]);
    let (scale, duration) = if wide {
        (reader.be32(header.start + 20)?, reader.be64(header.start + 24)?)
    } else {
        (reader.be32(header.start + 12)?, reader.be32(header.start + 16)?.map(u64::from))
    };
    let unknown = if wide { u64::MAX } else { u64::from(u32::MAX) };
    Ok(match (scale, duration) {
        (Some(scale), Some(duration)) if scale > 0 && duration != unknown => {
            u64::try_from(u128::from(duration) * 1000 / u128::from(scale)).ok()
        }
        _ => None,
    })
}
