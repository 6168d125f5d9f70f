//! The kinds of values a configuration has: durations and sizes with units.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A length of time such as `"300s"` or `"30d"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(pub Duration);

impl Span {
    /// As the standard library's duration.
    pub fn duration(self) -> Duration {
        self.0
    }

    /// As a signed duration, for dates.
    pub fn signed(self) -> jiff::SignedDuration {
        jiff::SignedDuration::try_from(self.0).unwrap_or(jiff::SignedDuration::MAX)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text);
        let seconds_per_unit = match unit {
            "ms" => {
                return number.parse().map(|ms| Self(Duration::from_millis(ms))).map_err(|_| span_help(text));
            }
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(span_help(text)),
        };
        let count: u64 = number.parse().map_err(|_| span_help(text))?;
        let seconds = count.checked_mul(seconds_per_unit).filter(|s| *s <= MAX_SPAN_SECONDS);
        seconds.map(|s| Self(Duration::from_secs(s))).ok_or_else(|| format!("{text:?} is over 100 years"))
    }
}

/// A hundred years: beyond it date arithmetic has no meaning for media.
const MAX_SPAN_SECONDS: u64 = 100 * 366 * 86_400;

fn span_help(text: &str) -> String {
    format!("{text:?} is not a duration; write a whole number and ms, s, m, h or d, for instance \"30m\"")
}

/// A number of bytes such as `"64KiB"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size(pub u64);

impl Size {
    /// As a length in memory; saturates where the machine's addresses are smaller.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text);
        let bytes_per_unit = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(size_help(text)),
        };
        let count: u64 = number.parse().map_err(|_| size_help(text))?;
        count.checked_mul(bytes_per_unit).map(Self).ok_or_else(|| size_help(text))
    }
}

fn size_help(text: &str) -> String {
    format!(
        "{text:?} is not a size; write a whole number and KiB, MiB, GiB, kB, MB or GB, for instance \"64KiB\""
    )
}

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (&text[..digits], text[digits..].trim())
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl de::Visitor<'_> for TextOrNumber {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as \"64KiB\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Size, E> {
                u64::try_from(number).map(Size).map_err(|_| E::custom("a size is not negative"))
            }
        }
        from.deserialize_any(TextOrNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_nonsense_is_explained() {
        assert_eq!("30d".parse::<Span>().unwrap().0, Duration::from_secs(30 * 86_400));
        assert_eq!("64KiB".parse::<Size>().unwrap().0, 65_536);
        assert_eq!("100MB".parse::<Size>().unwrap().0, 100_000_000);
        for bad in ["", "30", "d", "-1s", "1.5h", "99999999999d"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        assert!("1 parsec".parse::<Size>().unwrap_err().contains("64KiB"));
    }
}
