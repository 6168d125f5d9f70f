//! The names of blobs. A name tells where its blob is: in a file of its own, or at a place in a pack.

use std::fmt;
use std::io;
use std::ops::Range;

use crate::secret::fill_random;

/// What the names of blobs in packs begin with. A file of its own is not named so any more; before there were packs, one in
/// 65,536 was.
const IN_PACK: [u8; 2] = [0xff; 2];
/// Blobs in packs begin at multiples of this and take multiples of it: what file systems give back of a file.
pub(crate) const UNIT_BYTES: u64 = 4096;

/// The name of a blob: 16 bytes, shown as 32 hex digits. What has a file of its own is named at random; what is in a pack has
/// `ffff`, the pack's name (8 random bytes), and where it begins (4 bytes) and how much it takes (2) in units of 4 KiB.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName([u8; 16]);

impl BlobName {
    /// A fresh name for a file in this folder below `blobs/`.
    pub(crate) fn random(folder: u8) -> io::Result<Self> {
        loop {
            let mut name = [0; 16];
            fill_random(&mut name)?;
            name[0] = folder;
            if !name.starts_with(&IN_PACK) {
                return Ok(Self(name));
            }
        }
    }

    /// The name of what takes so many units of a pack, so many from its beginning.
    pub(crate) fn in_pack(pack: PackName, start: u32, units: u16) -> Self {
        let number = u128::from(pack.0) << 48 | u128::from(start) << 16 | u128::from(units);
        let mut name = number.to_be_bytes();
        name[..IN_PACK.len()].copy_from_slice(&IN_PACK);
        Self(name)
    }

    /// The first and the last name that a blob in this pack can have.
    pub(crate) fn all_in_pack(pack: PackName) -> (Self, Self) {
        (Self::in_pack(pack, 0, 0), Self::in_pack(pack, u32::MAX, u16::MAX))
    }

    /// The pack and what of it belongs to the blob, in bytes; `None` for what has a file of its own.
    pub(crate) fn place(&self) -> Option<(PackName, Range<u64>)> {
        let rest = self.0.strip_prefix(&IN_PACK)?;
        let (pack, rest) = rest.split_first_chunk()?;
        let (start, rest) = rest.split_first_chunk()?;
        let (start, units) = (u32::from_be_bytes(*start), u16::from_be_bytes(*rest.first_chunk()?));
        let start = u64::from(start) * UNIT_BYTES;
        Some((PackName(u64::from_be_bytes(*pack)), start..start + u64::from(units) * UNIT_BYTES))
    }

    /// The first and the last name that a file of its own can have in a folder.
    pub(crate) fn in_folder(folder: u8) -> (Self, Self) {
        let (mut first, mut last) = ([0; 16], [0xff; 16]);
        (first[0], last[0]) = (folder, folder);
        if last.starts_with(&IN_PACK) {
            last[IN_PACK.len() - 1] -= 1;
        }
        (Self(first), Self(last))
    }

    /// The name from its bytes, as they stand in the catalog.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The name from its 32 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !canonical {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// Below `blobs/`: two digits, a slash, all digits.
    #[cfg(target_os = "linux")]
    pub(crate) fn relative_path(self) -> [u8; 35] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut path = [b'/'; 35];
        for (pair, byte) in path[3..].chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        path.copy_within(3..5, 0);
        path
    }

    /// Which of the 256 folders below `blobs/` it belongs to.
    pub(crate) fn folder(&self) -> u8 {
        self.0[0]
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobName({self})")
    }
}

/// The name of a pack: 8 random bytes, shown as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackName(u64);

impl PackName {
    /// A fresh name.
    pub(crate) fn random() -> io::Result<Self> {
        let mut name = [0; 8];
        fill_random(&mut name)?;
        Ok(Self(u64::from_be_bytes(name)))
    }

    /// The name from its 16 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !canonical {
            return None;
        }
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for PackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for PackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_where_its_blob_is() {
        let pack = PackName(0x0123_4567_89ab_cdef);
        let name = BlobName::in_pack(pack, 7, 2);
        assert_eq!(name.to_string(), "ffff0123456789abcdef000000070002");
        assert_eq!(name.place(), Some((pack, 7 * 4096..9 * 4096)));
        let (first, last) = BlobName::all_in_pack(pack);
        assert_eq!(last.place(), Some((pack, 0xffff_ffff * 4096..0x1_0000_fffe * 4096)));
        assert!((first..=last).contains(&name));
        for folder in [0, 0x7f, 0xff] {
            let (first, last) = BlobName::in_folder(folder);
            let own = BlobName::random(folder).unwrap();
            assert!(own.place().is_none() && (first..=last).contains(&own), "{own}");
            assert!(!(first..=last).contains(&name));
        }
    }
}
