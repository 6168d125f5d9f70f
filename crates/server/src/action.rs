//! The verbs of media: they name files, functions, metrics labels and tests alike.

use serde::Deserialize;

/// What a request wants done with media.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Bytes in, id out.
    Upload,
    /// Id in, a link of five minutes out.
    RetrieveUrl,
    /// Link in, bytes out.
    Download,
    /// Id in, nothing left.
    Delete,
    /// A message with media in, its id out.
    Send,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Upload, Self::RetrieveUrl, Self::Download, Self::Delete, Self::Send];

    /// As metrics, logs and the configuration spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::RetrieveUrl => "retrieve_url",
            Self::Download => "download",
            Self::Delete => "delete",
            Self::Send => "send",
        }
    }
}
