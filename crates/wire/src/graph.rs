//! Meta's errors: one constructor per row of the wire contract, and the envelope around them.
//!
//! The texts are facts of the wire; clients match on them, and on status, code and subcode. Good answers are in
//! [`crate::answers`].

use std::borrow::Cow;

use crate::json::Object;
use crate::messages::MessageError;
use crate::texts;

/// The method as the vendor's text names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Retrieve and download.
    Get,
    /// Delete.
    Delete,
    /// Upload and sending of messages.
    Post,
}

impl Verb {
    const fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::Delete => "delete",
            Verb::Post => "post",
        }
    }
}

/// One error answer of the graph dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphError {
    /// The HTTP status.
    pub status: u16,
    /// The text that clients match on.
    pub message: Cow<'static, str>,
    /// The member `type`: `OAuthException` or `GraphMethodException`.
    pub kind: &'static str,
    /// The vendor's error code.
    pub code: u32,
    /// `error_subcode`, where the row has one.
    pub subcode: Option<u32>,
    /// `error_data.details`, where the row has them.
    pub details: Option<Cow<'static, str>>,
    /// Says that the same request may work later; left out of the body when false.
    pub is_transient: bool,
}

impl GraphError {
    /// Missing, unknown, expired or revoked credential; bad link.
    pub fn authentication() -> Self {
        Self::new(401, 190, "Authentication Error")
    }

    /// The credential is good and lacks the permission.
    pub fn permission() -> Self {
        Self::new(403, 10, "(#10) Application does not have permission for this action")
    }

    /// Unknown, foreign, expired or deleted media, unknown phone number, or an id that is none: told apart by
    /// nobody. `id` is the client's own text; at most 256 bytes of it are repeated.
    pub fn no_such_object(verb: Verb, id: &str) -> Self {
        let message = format!(
            "Unsupported {} request. Object with ID '{}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation. Please read the Graph API documentation at \
             https://developers.facebook.com/docs/graph-api",
            verb.as_str(),
            texts::bounded(id)
        );
        Self { kind: GRAPH_METHOD, subcode: Some(33), ..Self::new(400, 100, message) }
    }

    /// `?phone_number_id=` names a number that the media does not belong to.
    pub fn foreign_number() -> Self {
        Self::new(
            400,
            100,
            "(#100) Param phone_number_id is not a valid whatsapp business phone number id ID",
        )
    }

    /// `messaging_product` is missing, or the form cannot be read.
    pub fn messaging_product_required() -> Self {
        Self::new(400, 100, texts::MESSAGING_PRODUCT_REQUIRED)
    }

    /// The form has no file.
    pub fn file_required() -> Self {
        Self::new(400, 100, texts::FILE_REQUIRED)
    }

    /// The declared type is not in the list. At most 256 bytes of `received` are repeated.
    pub fn unsupported_type(received: &str) -> Self {
        Self::new(400, 100, texts::unsupported_type(received))
    }

    /// The file is over its type's limit.
    pub fn too_large() -> Self {
        Self::new(400, 100, INVALID_PARAMETER).with_details(texts::FILE_TOO_LARGE)
    }

    /// The bytes are not what was declared, or break a rule of their type; `details` says which.
    pub fn media_rejected(details: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, 131_053, "(#131053) Media upload error").with_details(details)
    }

    /// More uploads than the rate allows. Goes with `Retry-After`.
    pub fn upload_rate() -> Self {
        Self::new(400, 130_429, "(#130429) Rate limit hit")
            .with_details("Cloud API message throughput has been reached.")
    }

    /// retrieve_url is blocked for this number. Goes with `Retry-After`.
    pub fn retrieval_blocked() -> Self {
        Self::new(400, 80_007, "(#80007) Rate limit issues")
    }

    /// A posted message that is not taken; its text is [`MessageError`]'s.
    pub fn message_refused(error: &MessageError) -> Self {
        let refused = Self::new(400, 100, error.to_string());
        match error {
            MessageError::OneSource => Self { subcode: Some(2_494_009), ..refused },
            // The vendor's code for values; the details are ours.
            MessageError::Recipient => {
                Self { code: 131_009, ..refused }.with_details("Recipient is not a valid phone number.")
            }
            MessageError::MessagingProductRequired
            | MessageError::Required(_)
            | MessageError::UnknownType(_)
            | MessageError::MediaId(_)
            | MessageError::Link(_)
            | MessageError::CaptionTooLong(_)
            | MessageError::TextTooLong
            | MessageError::UnexpectedKey { .. } => refused,
        }
    }

    /// Our own failure.
    pub fn internal() -> Self {
        Self::new(500, 131_000, "(#131000) Something went wrong")
    }

    /// Too busy, or draining; the same request may work later. Goes with `Retry-After`.
    ///
    /// The vendor's code 2 with its usual text (recorded traffic of other routes).
    pub fn overloaded() -> Self {
        let message = "An unexpected error has occurred. Please retry your request later.";
        Self { is_transient: true, ..Self::new(503, 2, message) }
    }

    /// No route has this path. `path` begins with a slash; at most 256 bytes of it are repeated.
    pub fn unknown_path(path: &str) -> Self {
        Self::new(404, 2500, format!("Unknown path components: {}", texts::bounded(path)))
    }

    /// The path has a route, but not for this method. Goes with `Allow`.
    ///
    /// The vendor's text (recorded traffic of other routes); it answers 400, HTTP asks for 405.
    pub fn method_not_allowed(method: &str) -> Self {
        let method = texts::bounded(method).to_ascii_lowercase();
        let message = format!("Unsupported request - method type: {method}");
        Self { kind: GRAPH_METHOD, ..Self::new(405, 100, message) }
    }

    /// A request whose framing, headers or query cannot be read; `text` says what is wrong with it.
    pub fn bad_request(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, 100, INVALID_PARAMETER).with_details(text)
    }

    /// The same error under another status, where the configuration or HTTP asks for one (408, 413, 431).
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The body, in the vendor's key order.
    pub fn to_json(&self, trace_id: &str) -> Vec<u8> {
        let error = |mut error: Object| {
            error = error.text("message", &self.message).text("type", self.kind);
            if self.is_transient {
                error = error.boolean("is_transient", true);
            }
            error = error.number("code", self.code.into());
            if let Some(details) = &self.details {
                error = error.object("error_data", |data| {
                    data.text("messaging_product", "whatsapp").text("details", details)
                });
            }
            if let Some(subcode) = self.subcode {
                error = error.number("error_subcode", subcode.into());
            }
            error.text("fbtrace_id", trace_id)
        };
        Object::new().object("error", error).finish()
    }

    /// The value of `WWW-Authenticate`, which the vendor sends with every error.
    ///
    /// Always legal as a header: quotes and backslashes are escaped, and what is not visible ASCII or a space
    /// becomes `?`, because the message may repeat what the client sent.
    pub fn www_authenticate(&self) -> String {
        let reason = if self.code == AUTHENTICATION_CODE { "invalid_token" } else { "invalid_request" };
        let mut value = format!("OAuth \"Facebook Platform\" \"{reason}\" \"");
        for character in self.message.chars() {
            match character {
                '"' | '\\' => value.extend(['\\', character]),
                ' '..='~' => value.push(character),
                _ => value.push('?'),
            }
        }
        value.push('"');
        value
    }

    fn new(status: u16, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            kind: "OAuthException",
            code,
            subcode: None,
            details: None,
            is_transient: false,
        }
    }

    fn with_details(self, details: impl Into<Cow<'static, str>>) -> Self {
        Self { details: Some(details.into()), ..self }
    }
}

/// The `type` of errors about the object asked for, rather than about who asks.
const GRAPH_METHOD: &str = "GraphMethodException";
const INVALID_PARAMETER: &str = "(#100) Invalid parameter";
const AUTHENTICATION_CODE: u32 = 190;
