//! The good answers, which are the same in both dialects: an id, a media's facts with its url, a deletion.
//!
//! Key order and escaping are recorded traffic.

use wamedia_media::MediaId;

use crate::json::Object;

/// The answer to an upload: `{"id":"…"}` and nothing else.
pub fn uploaded(id: MediaId) -> Vec<u8> {
    Object::new().digits("id", id.get()).finish()
}

/// How `file_size` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileSize {
    /// A JSON number (recorded traffic).
    #[default]
    Number,
    /// A JSON string, as one page of the vendor types it.
    Text,
}

/// The answer to retrieve_url.
#[derive(Debug, Clone, Copy)]
pub struct MediaAnswer<'a> {
    /// The freshly minted link, unescaped.
    pub url: &'a str,
    /// The bare essence, without parameters.
    pub mime_type: &'a str,
    /// Of the bytes as uploaded; said in lower-case hex.
    pub sha256: &'a [u8; 32],
    /// The whole length in bytes.
    pub bytes: u64,
    /// The media asked for.
    pub id: MediaId,
}

impl MediaAnswer<'_> {
    /// The body, in the vendor's key order.
    pub fn to_json(&self, file_size: FileSize) -> Vec<u8> {
        let body =
            Object::new().text("url", self.url).text("mime_type", self.mime_type).hex("sha256", self.sha256);
        let body = match file_size {
            FileSize::Number => body.number("file_size", self.bytes),
            FileSize::Text => body.display("file_size", self.bytes),
        };
        body.digits("id", self.id.get()).text("messaging_product", "whatsapp").finish()
    }
}

/// How a deletion is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeleteAnswer {
    /// `{"success":true}` (recorded traffic, both vendors).
    #[default]
    Success,
    /// `{"deleted":true}`, as one third-party guide shows it.
    Deleted,
    /// Both members, for clients of either reading.
    Both,
}

/// The answer to a deletion.
pub fn deleted(answer: DeleteAnswer) -> &'static [u8] {
    match answer {
        DeleteAnswer::Success => br#"{"success":true}"#,
        DeleteAnswer::Deleted => br#"{"deleted":true}"#,
        DeleteAnswer::Both => br#"{"success":true,"deleted":true}"#,
    }
}
