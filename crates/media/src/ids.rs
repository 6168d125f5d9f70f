//! The ids of WhatsApp's media API, parsed once at the door.
//!
//! Deliberately not here: where ids come from. Randomness is given by the caller.

use std::fmt;
use std::str::FromStr;

/// The id of one media: 15 to 17 decimal digits, never zero-padded (recorded traffic).
///
/// Ids made here are uniform in [`MediaId::FIRST`]`..`[`MediaId::END`]: 16 digits, exact in a JavaScript number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(u64);

/// Text that is not a media id, or not a phone number id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a decimal number without sign or leading zero")]
pub struct InvalidId;

impl MediaId {
    /// The smallest id that is made: 10^15.
    pub const FIRST: u64 = 1_000_000_000_000_000;
    /// One past the largest id that is made: 2^53, so that every id is exact as a double.
    pub const END: u64 = 1 << 53;

    /// An id from its number; `None` outside 15 to 17 digits.
    pub const fn new(number: u64) -> Option<Self> {
        if number >= 100_000_000_000_000 && number < 100_000_000_000_000_000 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Maps 64 uniform random bits into the range of made ids.
    ///
    /// The multiply-shift keeps the bias below 2^-11 of one id's chance, far under what a guess could use.
    pub const fn from_random(bits: u64) -> Self {
        let span = (Self::END - Self::FIRST) as u128;
        Self(Self::FIRST + ((bits as u128 * span) >> 64) as u64)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The id of a business phone number: up to 19 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumberId(u64);

impl PhoneNumberId {
    /// An id from its number; `None` for zero and for what does not fit a signed 64-bit column.
    pub const fn new(number: u64) -> Option<Self> {
        if number > 0 && number <= i64::MAX as u64 { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Digits only, no sign, no leading zero: the one spelling each number has.
fn parse_digits(text: &str) -> Result<u64, InvalidId> {
    let canonical = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if !canonical {
        return Err(InvalidId);
    }
    text.parse().map_err(|_| InvalidId)
}

impl FromStr for MediaId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(parse_digits(text)?).ok_or(InvalidId)
    }
}

impl FromStr for PhoneNumberId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(parse_digits(text)?).ok_or(InvalidId)
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaId({})", self.0)
    }
}

impl fmt::Display for PhoneNumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PhoneNumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumberId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_ids_have_fifteen_to_seventeen_digits() {
        for good in ["100000000000000", "1761991787669262", "99999999999999999"] {
            assert_eq!(good.parse::<MediaId>().unwrap().to_string(), good);
        }
        let bad = [
            "",
            "0",
            "99999999999999",
            "100000000000000000",
            "0761991787669262",
            "+1761991787669262",
            "17619917876692x2",
        ];
        for text in bad {
            assert_eq!(text.parse::<MediaId>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn made_ids_stay_in_their_range() {
        for bits in [0, 1, u64::MAX / 2, u64::MAX] {
            let id = MediaId::from_random(bits).get();
            assert!((MediaId::FIRST..MediaId::END).contains(&id), "{id}");
        }
    }
}
