//! A media as the services describe it: id, link, type, size, SHA-256, in either spelling.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use wamedia_media::MediaId;

/// What is known of a media.
///
/// From [`crate::Client::retrieve_url`], from the part of a webhook that stands under `image`, `audio`, `document`,
/// `sticker` or `video` (its [`Deserialize`] reads both spellings: numbers or strings, hex or base64), or with nothing
/// but an id.
///
/// ```
/// # use wamedia_client::Media;
/// let media: Media = serde_json::from_str(
///     r#"{"id":"27251809591111687","mime_type":"audio/ogg; codecs=opus",
///         "sha256":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}"#,
/// )?;
/// assert!(media.sha256.is_some_and(|sha256| sha256.to_string().starts_with("e3b0c442")));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// Where its bytes are for the next few minutes. A webhook may lack it.
    pub link: Option<Link>,
    /// Its type as the service says it: the essence, with `; codecs=opus` on some audio from webhooks.
    pub media_type: Option<String>,
    /// Of its bytes.
    pub sha256: Option<Sha256>,
    /// How many bytes it has. Webhooks do not say.
    pub bytes: Option<u64>,
    /// The sender's name of a document, as a webhook tells it. Foreign text: not safe as a path.
    pub file_name: Option<String>,
}

impl Media {
    /// A media of which only the id is known.
    pub fn new(id: MediaId) -> Self {
        Self { id, link: None, media_type: None, sha256: None, bytes: None, file_name: None }
    }
}

/// The members as they are spoken; each may be missing, a number or a string.
#[derive(Deserialize)]
struct Spoken {
    id: Value,
    url: Option<String>,
    mime_type: Option<String>,
    sha256: Option<String>,
    file_size: Option<Value>,
    filename: Option<String>,
}

impl<'de> Deserialize<'de> for Media {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spoken = Spoken::deserialize(deserializer)?;
        let id = media_id(&spoken.id).ok_or_else(|| D::Error::custom("id is no media id"))?;
        let sha256 = spoken.sha256.filter(|text| !text.is_empty()).map(|text| text.parse());
        let bytes = spoken.file_size.filter(|size| !size.is_null()).map(|size| number(&size));
        let bytes = bytes.map(|size| size.ok_or_else(|| D::Error::custom("file_size is no number")));
        Ok(Self {
            id,
            link: spoken.url.filter(|url| !url.is_empty()).map(Link::new),
            media_type: spoken.mime_type.filter(|mime_type| !mime_type.is_empty()),
            sha256: sha256.transpose().map_err(D::Error::custom)?,
            bytes: bytes.transpose()?,
            file_name: spoken.filename,
        })
    }
}

/// A media id as a string or a number.
pub(crate) fn media_id(value: &Value) -> Option<MediaId> {
    MediaId::new(number(value)?)
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// A link from which a media's bytes come, for the holder of the credential and for a few minutes.
///
/// Its `Debug` and `Display` leave the query out, as logs should; [`Link::as_str`] is the whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// Takes a link as it was given; it is looked at when it is used.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole link, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once('?') {
            Some((path, _)) => write!(f, "{path}?…"),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({self})")
    }
}

/// A SHA-256, shown as lower-case hex, read from hex or base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

/// Text that is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 digits of hex, or 32 bytes in base64")]
pub struct InvalidSha256;

/// Base64 as any client writes it: with padding or without.
const LAX: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl FromStr for Sha256 {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, InvalidSha256> {
        let text = text.trim();
        let bytes = if text.len() == 64 { from_hex(text) } else { from_base64(text) };
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(InvalidSha256)
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    text.as_bytes().chunks_exact(2).map(pair).collect()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LAX).decode(text).ok()
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn both_spellings_are_read() {
        let numbers = format!(
            r#"{{"url":"https:\/\/h\/?a=b","mime_type":"image\/png","sha256":"{HEX}","file_size":182859,"id":"1761991787669262","messaging_product":"whatsapp"}}"#
        );
        let strings = r#"{"id":1761991787669262,"file_size":"182859","sha256":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","mime_type":"image/png","url":"https://h/?a=b","more":[{}]}"#;
        let media: Media = serde_json::from_str(&numbers).unwrap();
        assert_eq!(media, serde_json::from_str(strings).unwrap());
        assert_eq!((media.bytes, media.link.unwrap().as_str()), (Some(182_859), "https://h/?a=b"));
        assert_eq!(media.sha256.unwrap().to_string(), HEX);
    }

    #[test]
    fn what_is_missing_is_missing() {
        for text in [
            r#"{"id":"1761991787669262"}"#,
            r#"{"id":"1761991787669262","sha256":"","file_size":null,"url":""}"#,
        ] {
            let media: Media = serde_json::from_str(text).unwrap();
            assert_eq!(media, Media::new(media.id));
        }
    }

    #[test]
    fn what_is_wrong_is_an_error() {
        for text in [
            r#"{"url":"x"}"#,
            r#"{"id":"x"}"#,
            r#"{"id":1.5}"#,
            r#"{"id":"1761991787669262","file_size":-1}"#,
            r#"{"id":"1761991787669262","file_size":"1e3"}"#,
            r#"{"id":"1761991787669262","sha256":"abc"}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<Media>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sums_are_read_in_every_spelling_and_nothing_else() {
        let sum: Sha256 = HEX.parse().unwrap();
        for spelling in [
            HEX.to_uppercase().as_str(),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        ] {
            assert_eq!(spelling.parse(), Ok(sum), "{spelling}");
        }
        let multibyte = "é".repeat(32);
        for wrong in ["", "47DEQpj8", &HEX[1..], &HEX.replace('e', "g"), &multibyte] {
            assert_eq!(wrong.parse::<Sha256>(), Err(InvalidSha256), "{wrong}");
        }
    }

    #[test]
    fn links_are_logged_without_their_query() {
        let link = Link::new("https://h/a/?mid=1&hash=secret");
        assert_eq!(format!("{link} {link:?}"), "https://h/a/?… Link(https://h/a/?…)");
    }
}
