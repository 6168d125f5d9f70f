//! The one EXIF field that changes what a picture shows: its orientation.
//!
//! Reads the first directory only, so loops of directories cost nothing.

use std::io;

use crate::reader::Reader;

/// Directory entries looked at; cameras write about twenty.
const MAX_ENTRIES: u16 = 256;

/// The tag of the orientation (EXIF 2.3, table 4).
const ORIENTATION: u16 = 0x0112;

/// The orientation, 1 to 8, of the TIFF structure in a range; `None` when there is none or it makes no sense.
pub(super) fn orientation(reader: &mut Reader<'_>, start: u64, end: u64) -> io::Result<Option<u8>> {
    let big_endian = match reader.array::<4>(start)? {
        Some([b'I', b'I', 42, 0]) => false,
        Some([b'M', b'M', 0, 42]) => true,
        _ => return Ok(None),
    };
    let short =
        |bytes: [u8; 2]| if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    let long =
        |bytes: [u8; 4]| if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    let Some(offset) = reader.array(start + 4)?.map(long) else { return Ok(None) };
    let directory = start + u64::from(offset);
    let count = reader.array(directory)?.map_or(0, short).min(MAX_ENTRIES);
    for index in 0..u64::from(count) {
        let at = directory + 2 + 12 * index;
        if at + 12 > end {
            break;
        }
        // Tag, type, count, value: a short sits at the front of the value's four bytes.
        let Some(entry) = reader.array::<12>(at)? else { break };
        if short([entry[0], entry[1]]) == ORIENTATION {
            let value = short([entry[8], entry[9]]);
            return Ok(u8::try_from(value).ok().filter(|value| (1..=8).contains(value)));
        }
    }
    Ok(None)
}
