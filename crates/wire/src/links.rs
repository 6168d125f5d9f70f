//! The text of a download link: how its query is spelled, read back, and found inside a URL.
//!
//! Each link has one spelling but for the order of its parameters, so that no changed link is read as the same
//! one. Deliberately not here: the signature, whose keys the server has, and whether a link is still good.

use std::fmt;

use wamedia_media::MediaId;

use crate::base64;

/// The path of every download link, after the host and whatever prefix is configured.
pub const ATTACHMENTS_PATH: &str = "/whatsapp_business/attachments/";

/// Bytes of a link's hash: a key version of 2 and an HMAC-SHA256 of 32.
pub const HASH_BYTES: usize = 34;

/// Where a link was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSource {
    /// By retrieve_url.
    GetMedia,
    /// In a webhook.
    Webhook,
}

impl LinkSource {
    /// The text in the link (recorded traffic).
    pub const fn as_str(self) -> &'static str {
        match self {
            LinkSource::GetMedia => "getMedia",
            LinkSource::Webhook => "webhook",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [LinkSource::GetMedia, LinkSource::Webhook].into_iter().find(|source| source.as_str() == text)
    }
}

/// The query of a download link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AttachmentQuery {
    /// The media.
    pub mid: MediaId,
    /// Where the link was handed out; `None` where the issuer left it out.
    pub source: Option<LinkSource>,
    /// When it expires, in Unix seconds.
    pub ext: u64,
    /// Key version and signature, not yet checked.
    pub hash: [u8; HASH_BYTES],
}

/// A query that is not a link's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// One of `mid`, `ext` and `hash` is not there.
    #[error("the link has no `{0}`")]
    Missing(&'static str),
    /// A parameter stands there twice.
    #[error("the link has `{0}` twice")]
    Repeated(&'static str),
    /// A value is not spelled as it was issued.
    #[error("the link's `{0}` is not as it was issued")]
    Malformed(&'static str),
    /// Something stands there that no link has.
    #[error("the link has a parameter that was not issued with it")]
    Unknown,
}

impl AttachmentQuery {
    /// Reads a query string, without its `?`, as it came over the wire.
    ///
    /// Strict: each parameter at most once, in any order, each value in its one spelling (no percent-encoding, no
    /// leading zeros, no sign). A parameter that links do not have is refused: a link works as it was issued or
    /// not at all, and clients keep path and query byte for byte. The one exception is `access_token`, at most
    /// once: it is the credential, which some clients put into the query of every request, and no part of the
    /// link; its value is the server's to read.
    ///
    /// # Errors
    /// What is wrong with it. To the client all of them are the same answer.
    pub fn parse(query: &str) -> Result<Self, QueryError> {
        let (mut mid, mut source, mut ext, mut hash, mut token) = (None, None, None, None, None);
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').ok_or(QueryError::Unknown)?;
            match name {
                "mid" => once("mid", &mut mid, value.parse().ok())?,
                "source" => once("source", &mut source, LinkSource::from_text(value))?,
                "ext" => once("ext", &mut ext, seconds(value))?,
                "hash" => once("hash", &mut hash, decode_hash(value))?,
                "access_token" => once("access_token", &mut token, Some(()))?,
                _ => return Err(QueryError::Unknown),
            }
        }
        Ok(Self {
            mid: mid.ok_or(QueryError::Missing("mid"))?,
            source,
            ext: ext.ok_or(QueryError::Missing("ext"))?,
            hash: hash.ok_or(QueryError::Missing("hash"))?,
        })
    }

    /// The link under a base address, which has no slash at its end.
    pub fn url(&self, base: &str) -> String {
        // By hand: every retrieve_url makes one, and formatting it took as long as signing it.
        const LONGEST_QUERY: usize = 128;
        let mut url = String::with_capacity(base.len() + ATTACHMENTS_PATH.len() + LONGEST_QUERY);
        url.push_str(base);
        url.push_str(ATTACHMENTS_PATH);
        url.push('?');
        self.push_to(&mut url);
        url
    }

    fn push_to(&self, out: &mut String) {
        let mut digits = itoa::Buffer::new();
        out.push_str("mid=");
        out.push_str(digits.format(self.mid.get()));
        if let Some(source) = self.source {
            out.push_str("&source=");
            out.push_str(source.as_str());
        }
        out.push_str("&ext=");
        out.push_str(digits.format(self.ext));
        out.push_str("&hash=");
        out.extend(base64::url_safe(&self.hash).map(char::from));
    }
}

/// The query as links carry it, without `?`: `mid`, `source`, `ext`, `hash`.
impl fmt::Display for AttachmentQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(128);
        self.push_to(&mut text);
        f.write_str(&text)
    }
}

/// Blind to the hash, which with a credential opens the media.
impl fmt::Debug for AttachmentQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachmentQuery")
            .field("mid", &self.mid)
            .field("source", &self.source)
            .field("ext", &self.ext)
            .finish_non_exhaustive()
    }
}

/// The 46 characters of a hash.
pub fn encode_hash(hash: &[u8; HASH_BYTES]) -> String {
    base64::url_safe(hash).map(char::from).collect()
}

/// The hash of its 46 characters; `None` for every other spelling, non-zero trailing bits included.
pub fn decode_hash(text: &str) -> Option<[u8; HASH_BYTES]> {
    base64::decode_url_safe(text)
}

/// Path and query of a download link inside a media URL, percent-decoded, whatever its host and prefix.
///
/// Clients of Meta's API may ask for `GET /{version}/{media_url}`; the host they name is not looked at, since
/// signature and credential decide. `None` if this is no such URL.
pub fn attachment_path_of(url_or_path: &str) -> Option<&str> {
    let (path, _query) = url_or_path.split_once('?')?;
    let before = path.strip_suffix(ATTACHMENTS_PATH)?;
    Some(&url_or_path[before.len()..])
}

/// Keeps the value of a parameter that came for the first time.
fn once<T>(name: &'static str, place: &mut Option<T>, value: Option<T>) -> Result<(), QueryError> {
    let value = value.ok_or(QueryError::Malformed(name))?;
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(QueryError::Repeated(name)),
    }
}

/// A positive decimal number in its one spelling.
fn seconds(text: &str) -> Option<u64> {
    let canonical = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn link() -> AttachmentQuery {
        AttachmentQuery {
            mid: "1761991787669262".parse().unwrap(),
            source: Some(LinkSource::GetMedia),
            ext: 1_778_767_167,
            hash: *b"\x00\x01abcdefghijklmnopqrstuvwxyz012345",
        }
    }

    const HASH: &str = "AAFhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NQ";
    const QUERY: &str = "mid=1761991787669262&source=getMedia&ext=1778767167&hash=AAFhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NQ";

    #[test]
    fn a_link_is_spelled_as_recorded() {
        assert_eq!(link().to_string(), QUERY);
        assert_eq!(
            link().url("https://lookaside.fbsbx.com"),
            format!("https://lookaside.fbsbx.com/whatsapp_business/attachments/?{QUERY}")
        );
        assert_eq!(encode_hash(&link().hash), HASH);
        assert_eq!(AttachmentQuery::parse(QUERY), Ok(link()));
        assert!(!format!("{:?}", link()).contains("abc"));
    }

    #[test]
    fn parameters_may_come_in_any_order_and_with_the_credential() {
        let turned = format!("hash={HASH}&ext=1778767167&source=getMedia&mid=1761991787669262");
        assert_eq!(AttachmentQuery::parse(&turned), Ok(link()));
        assert_eq!(AttachmentQuery::parse(&format!("{QUERY}&access_token=EAA%20x")), Ok(link()));
        let webhook = QUERY.replace("getMedia", "webhook");
        assert_eq!(AttachmentQuery::parse(&webhook).unwrap().source, Some(LinkSource::Webhook));
        let without = QUERY.replace("source=getMedia&", "");
        assert_eq!(AttachmentQuery::parse(&without), Ok(AttachmentQuery { source: None, ..link() }));
    }

    #[test]
    fn a_changed_link_is_refused() {
        use QueryError::*;
        let cases = [
            (String::new(), Unknown),
            (format!("{QUERY}&"), Unknown),
            (format!("&{QUERY}"), Unknown),
            (format!("{QUERY}&x=1"), Unknown),
            (format!("{QUERY}&mid=1761991787669262"), Repeated("mid")),
            (format!("{QUERY}&access_token=a&access_token=b"), Repeated("access_token")),
            (format!("{QUERY}#x"), Malformed("hash")),
            (format!("{QUERY}="), Malformed("hash")),
            (QUERY.replace("NQ", "NR"), Malformed("hash")),
            (QUERY.replace("mid=", "mid=0"), Malformed("mid")),
            (QUERY.replace("mid=1", "mid=%31"), Malformed("mid")),
            (QUERY.replace("mid=", "%6Did="), Unknown),
            (QUERY.replace("mid=", "MID="), Unknown),
            (QUERY.replace("ext=", "ext=+"), Malformed("ext")),
            (QUERY.replace("ext=", "ext=0"), Malformed("ext")),
            (QUERY.replace("ext=1778767167", "ext="), Malformed("ext")),
            (QUERY.replace("ext=1778767167", "ext=18446744073709551616"), Malformed("ext")),
            (QUERY.replace("getMedia", "getmedia"), Malformed("source")),
            (QUERY.replace("getMedia", ""), Malformed("source")),
            (QUERY.replace("&ext=1778767167", ""), Missing("ext")),
            (QUERY.replace("mid=1761991787669262&", ""), Missing("mid")),
            (QUERY.split("&hash").next().unwrap().into(), Missing("hash")),
        ];
        for (query, error) in cases {
            assert_eq!(AttachmentQuery::parse(&query), Err(error), "{query}");
        }
    }

    #[test]
    fn a_link_is_found_in_any_media_url() {
        let path = format!("/whatsapp_business/attachments/?{QUERY}");
        for before in ["https://lookaside.fbsbx.com", "http://127.0.0.1:8080/prefix", "", "https:/one.slash"]
        {
            assert_eq!(attachment_path_of(&format!("{before}{path}")), Some(path.as_str()));
        }
        for other in [
            "",
            "/whatsapp_business/attachments/",
            "https://lookaside.fbsbx.com/other/?mid=1",
            "https://h/?x=/whatsapp_business/attachments/?mid=1",
            "https://h/whatsapp_business/attachments?mid=1",
        ] {
            assert_eq!(attachment_path_of(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_what_was_written(ext in 1u64.., hash: [u8; 34], bits: u64, source in 0..3) {
            let source = [None, Some(LinkSource::GetMedia), Some(LinkSource::Webhook)][source as usize];
            let query = AttachmentQuery { mid: MediaId::from_random(bits), source, ext, hash };
            prop_assert_eq!(AttachmentQuery::parse(&query.to_string()), Ok(query));
        }

        /// One changed byte either fails to parse or gives another link; it never gives the same one.
        #[test]
        fn no_changed_byte_reads_as_the_same_link(at in 0..QUERY.len(), byte in 0x20u8..0x7f) {
            let mut changed = QUERY.as_bytes().to_vec();
            prop_assume!(changed[at] != byte);
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_ne!(AttachmentQuery::parse(&changed), Ok(link()));
        }
    }
}
