//! A media as the services describe it: id, link, type, size, SHA-256, in either spelling.

use std::fmt;

use wamedia_media::MediaId;

/// What is known of a media.
///
/// From [`crate::Client::retrieve_url`], from a webhook (it reads both: numbers or strings, hex or base64), or with
/// nothing but an id.
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

/// A SHA-256, shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

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
