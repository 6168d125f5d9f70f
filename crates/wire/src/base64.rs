//! Base64 in the two spellings of the wire (RFC 4648): url-safe without padding, both ways and with one spelling each,
//! for what stands in links and headers; standard with padding, written only, for what stands in webhooks.

const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Characters that `bytes` bytes become, without padding.
const fn encoded_len(bytes: usize) -> usize {
    (bytes * 8).div_ceil(6)
}

/// The url-safe text of `bytes` without padding, one character an item.
pub(crate) fn url_safe(bytes: &[u8]) -> impl Iterator<Item = u8> {
    spell(URL_SAFE, bytes)
}

/// The standard text of `bytes`, padded with `=` to whole groups of four.
pub(crate) fn standard(bytes: &[u8]) -> String {
    let padding = encoded_len(bytes.len()).next_multiple_of(4) - encoded_len(bytes.len());
    spell(STANDARD, bytes).chain(std::iter::repeat_n(b'=', padding)).map(char::from).collect()
}

fn spell(alphabet: &[u8; 64], bytes: &[u8]) -> impl Iterator<Item = u8> {
    (0..encoded_len(bytes.len())).map(|place| {
        let first_bit = place * 6;
        let (at, shift) = (first_bit / 8, first_bit % 8);
        // The six bits may reach into the next byte; past the end there are zeros.
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let pair = u16::from_be_bytes([bytes[at], next]);
        alphabet[usize::from(pair >> (10 - shift) & 63)]
    })
}

/// The bytes of a url-safe text, or `None` unless it is exactly what [`url_safe`] makes of `N` bytes.
///
/// Strict, because a second spelling of a signed value would be a mutation that works: the length must fit and
/// the unused bits of the last character must be zero.
pub(crate) fn decode_url_safe<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != encoded_len(N) {
        return None;
    }
    let mut bytes = [0; N];
    let mut filled = 0;
    let (mut bits, mut count) = (0u32, 0);
    for character in text.bytes() {
        bits = bits << 6 | u32::from(value_of(character)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            *bytes.get_mut(filled)? = (bits >> count) as u8;
            filled += 1;
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

fn value_of(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> String {
        url_safe(bytes).map(char::from).collect()
    }

    #[test]
    fn spells_as_rfc_4648_does() {
        for (bytes, expected) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")]
        {
            assert_eq!(text(bytes.as_bytes()), expected);
        }
        assert_eq!(text(&[0xfb, 0xff, 0xbf]), "-_-_");
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ] {
            assert_eq!(standard(bytes.as_bytes()), expected);
        }
        assert_eq!(standard(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[test]
    fn there_is_no_second_spelling() {
        assert_eq!(decode_url_safe::<1>("Zg"), Some(*b"f"));
        for other in ["Zh", "Zv", "Zg=", "Zg==", "Z", "", "Z+", "Z/", "Zé", "Zg "] {
            assert_eq!(decode_url_safe::<1>(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes(bytes: [u8; 34]) {
            prop_assert_eq!(decode_url_safe::<34>(&text(&bytes)), Some(bytes));
        }

        #[test]
        fn only_the_encoding_decodes(spelled in "[A-Za-z0-9_-]{46}") {
            if let Some(bytes) = decode_url_safe::<34>(&spelled) {
                prop_assert_eq!(text(&bytes), spelled);
            }
        }
    }
}
