//! The trace id that every graph answer carries, in `fbtrace_id` and `X-FB-Request-Id`.

use std::fmt;

use crate::base64;

/// `A` and 22 base64url characters (recorded traffic).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 23]);

impl TraceId {
    /// The trace id of 16 random bytes, which the caller gives.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let mut text = [b'A'; 23];
        for (place, character) in text[1..].iter_mut().zip(base64::url_safe(&bytes)) {
            *place = character;
        }
        Self(text)
    }

    /// The text: 23 characters, all legal in a header and in a JSON string as they are.
    pub fn as_str(&self) -> &str {
        // Never the default: the text is ASCII by construction.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_an_a_and_22_characters() {
        assert_eq!(TraceId::from_random([0; 16]).as_str(), "AAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(TraceId::from_random([255; 16]).as_str(), "A_____________________w");
        assert_eq!(
            TraceId::from_random(*b"\x14\xfb\x9c\x03\xd9\x7eabcdefghij").to_string(),
            "AFPucA9l-YWJjZGVmZ2hpag"
        );
    }
}
