//! 360dialog's errors: one constructor per row of the wire contract, and the two envelopes seen around them.
//!
//! Good answers are the same as Meta's and are in [`crate::answers`].

use std::borrow::Cow;

use crate::json::Object;
use crate::messages::MessageError;
use crate::texts;

/// The envelope around an error text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorStyle {
    /// `{"error":"<text>"}` (documented by the vendor).
    #[default]
    Plain,
    /// `{"meta":{"http_code","developer_message","success":false}}`, which older clients read.
    Legacy,
}

/// One error answer of the d360 dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct D360Error {
    /// The HTTP status.
    pub status: u16,
    /// The text that clients match on.
    pub text: Cow<'static, str>,
}

impl D360Error {
    /// Missing, unknown, expired or revoked key; bad link. The documented variant for an expired link is 404.
    pub fn authentication() -> Self {
        Self::new(401, "Invalid API key")
    }

    /// The key is good and lacks the permission.
    pub fn permission() -> Self {
        Self::new(403, "Forbidden - missing permissions")
    }

    /// Unknown, foreign, expired or deleted media: told apart by nobody.
    pub fn media_not_found() -> Self {
        Self::new(400, "Media not found")
    }

    /// The media id is not a number.
    pub fn invalid_media_id() -> Self {
        Self::new(400, "invalid media ID format")
    }

    /// `messaging_product` is missing, or the form cannot be read.
    pub fn messaging_product_required() -> Self {
        Self::new(400, texts::MESSAGING_PRODUCT_REQUIRED)
    }

    /// The form has no file.
    pub fn file_required() -> Self {
        Self::new(400, texts::FILE_REQUIRED)
    }

    /// The declared type is not in the list. At most 256 bytes of `received` are repeated.
    pub fn unsupported_type(received: &str) -> Self {
        Self::new(400, texts::unsupported_type(received))
    }

    /// The file is over its type's limit.
    pub fn too_large() -> Self {
        Self::new(400, texts::FILE_TOO_LARGE)
    }

    /// The bytes are not what was declared, or break a rule of their type; `details` says which.
    pub fn media_rejected(details: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, details)
    }

    /// More uploads than the rate allows. Goes with `Retry-After`. The documented variant is 400.
    pub fn upload_rate() -> Self {
        Self::new(429, "You have exceeded the endpoint rate limit.")
    }

    /// retrieve_url is blocked for this number. Goes with `Retry-After`.
    pub fn retrieval_blocked() -> Self {
        Self::new(429, "Too many requests - endpoint disabled")
    }

    /// A posted message that is not taken; its text is [`MessageError`]'s, as Meta's.
    pub fn message_refused(error: &MessageError) -> Self {
        Self::new(400, error.to_string())
    }

    /// Our own failure.
    pub fn internal() -> Self {
        Self::new(500, "Internal server error")
    }

    /// Too busy, or draining; the same request may work later. Goes with `Retry-After`.
    pub fn overloaded() -> Self {
        Self::new(503, "Service unavailable")
    }

    /// No route has this path.
    pub fn unknown_path() -> Self {
        Self::new(404, "Not found")
    }

    /// The path has a route, but not for this method. Goes with `Allow`.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "Method not allowed")
    }

    /// A request whose framing, headers or query cannot be read; `text` says what is wrong with it.
    pub fn bad_request(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, text)
    }

    /// The same error under another status, where the configuration or HTTP asks for one.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The body, in the envelope asked for.
    pub fn to_json(&self, style: ErrorStyle) -> Vec<u8> {
        let body = Object::new();
        match style {
            ErrorStyle::Plain => body.text("error", &self.text),
            ErrorStyle::Legacy => body.object("meta", |meta| {
                meta.number("http_code", self.status.into())
                    .text("developer_message", &self.text)
                    .boolean("success", false)
            }),
        }
        .finish()
    }

    fn new(status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into() }
    }
}
