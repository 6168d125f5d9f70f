//! Messages as businesses post them: what is read of one, what is wrong with one, and how it is answered.
//!
//! Forgiving where the real API is: unknown members are ignored, numbers may stand for strings, `null` and empty
//! strings mean absence. Members are read into a few flat fields; whatever else is there is skipped without being kept
//! and without recursion. The caller bounds the body.
//!
//! Deliberately not here: whether an id names media, whether a link is fetched, and the contents of templates.

use wamedia_media::{Kind, MediaId};

use crate::json::Object;
use crate::texts;

mod body;

use body::{Body, MediaPart};

/// Most characters of a caption (documented by the vendor). A character is a Unicode scalar value.
pub const MAX_CAPTION_CHARS: usize = 1024;

/// Most characters of a text message (documented by the vendor).
pub const MAX_TEXT_CHARS: usize = 4096;

/// Most digits of a receiver's number. A number has at most 15; the rest is room (ours).
const MAX_RECIPIENT_DIGITS: usize = 20;

/// What can be posted to `/messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// A message to send.
    Message(Message),
    /// A received message is marked as read (`"status":"read"`), perhaps with a typing indicator, which is ignored.
    Read {
        /// The received message's id; not checked.
        message_id: String,
    },
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The receiver as the sender wrote it.
    pub to: String,
    /// The receiver as statuses name it: `to` without plus, spaces, hyphens, dots and brackets. A group's id is kept.
    pub wa_id: String,
    /// `individual` or `group`, if it was said; not checked.
    pub recipient_type: Option<String>,
    /// What it carries.
    pub content: Content,
    /// What statuses shall tell back.
    pub biz_opaque_callback_data: Option<String>,
}

/// What a message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One of the five kinds of media.
    Media(OutgoingMedia),
    /// Text.
    Text {
        /// At most [`MAX_TEXT_CHARS`].
        body: String,
    },
    /// A template, whose components are not read.
    Template {
        /// Its name.
        name: String,
        /// The code of its language.
        language: String,
    },
    /// A type that has nothing to do with media; its content is not read.
    Other {
        /// The type in lower case, one of the vendor's.
        type_name: &'static str,
    },
}

/// Media to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMedia {
    /// What it shall be carried as.
    pub kind: Kind,
    /// Where its bytes are.
    pub source: MediaSource,
    /// At most [`MAX_CAPTION_CHARS`]; on images, videos and documents only.
    pub caption: Option<String>,
    /// On documents only.
    pub filename: Option<String>,
}

/// Where the bytes of media to send are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSource {
    /// Uploaded before.
    Id(MediaId),
    /// At an address that begins with `http://` or `https://`; nothing else of it is checked.
    Link(String),
}

/// Why a posted body is refused. Its text is what clients see, in both dialects.
///
/// All of them are status 400; [`crate::graph::GraphError::message_refused`] adds code and subcode. Each text is
/// recorded traffic, or says whose it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// `messaging_product` is not `whatsapp`, or the body is no JSON object: to the vendor, no parameter is there.
    #[error("{}", texts::MESSAGING_PRODUCT_REQUIRED)]
    MessagingProductRequired,
    /// A parameter is missing, by its path: `to`, `image`, `text['body']`.
    #[error("(#100) The parameter {0} is required.")]
    Required(&'static str),
    /// The type is none of the vendor's. At most 256 bytes of it are repeated.
    #[error("(#100) Param type must be one of {{{VENDOR_TYPES}}} - got \"{}\".", texts::bounded(.0))]
    UnknownType(String),
    /// The receiver is no number. The vendor's text of its general error for values; that it is used here is ours.
    #[error("(#131009) Parameter value is not valid")]
    Recipient,
    /// Neither id nor link, or both. That both are refused is ours: the vendor asks for either one, and to pick one
    /// would hide the mistake.
    #[error("(#100) Either one of media ID or link must be present")]
    OneSource,
    /// The id is no number, or names no media of this account; told apart by nobody.
    #[error("(#100) Param {}['id'] is not a valid whatsapp business account media attachment ID", .0.as_str())]
    MediaId(Kind),
    /// The link is no web address. The vendor's text for links in templates.
    #[error("(#100) Param {}['link'] is not a valid URI.", .0.as_str())]
    Link(Kind),
    /// More than [`MAX_CAPTION_CHARS`] in a caption. The vendor's text for `text['body']`, said of a caption (ours).
    #[error("(#100) Param {}['caption'] must be at most {MAX_CAPTION_CHARS} characters long.", .0.as_str())]
    CaptionTooLong(Kind),
    /// More than [`MAX_TEXT_CHARS`] in a text.
    #[error("(#100) Param text['body'] must be at most {MAX_TEXT_CHARS} characters long.")]
    TextTooLong,
    /// A caption or a file name where the kind has none.
    #[error("(#100) Unexpected key \"{key}\" on param \"{}\".", .kind.as_str())]
    UnexpectedKey {
        /// `caption` or `filename`.
        key: &'static str,
        /// The kind that has none.
        kind: Kind,
    },
}

/// The types as the vendor's text lists them; those that are neither media, text nor template are [`Content::Other`].
const VENDOR_TYPES: &str = "AUDIO, CONTACTS, DOCUMENT, GIF, IMAGE, INTERACTIVE, LINK_PREVIEW, LOCATION, PIN, REACTION, \
    STICKER, TEMPLATE, TEXT, VIDEO";

/// The same as bodies name them.
const OTHER_TYPES: [&str; 7] =
    ["contacts", "gif", "interactive", "link_preview", "location", "pin", "reaction"];

impl Posted {
    /// Reads a posted body.
    ///
    /// A missing `type` is `text` (documented by the vendor); types are compared without regard to case.
    ///
    /// # Errors
    /// The first thing wrong with it, in the order product, receiver, type, content.
    pub fn parse(posted: &[u8]) -> Result<Self, MessageError> {
        let mut body = Body::read(posted).ok_or(MessageError::MessagingProductRequired)?;
        if !body.messaging_product.is("whatsapp") {
            return Err(MessageError::MessagingProductRequired);
        }
        if body.status.is("read") {
            return Ok(Self::Read { message_id: body.message_id.required("message_id")? });
        }
        let to = std::mem::take(&mut body.to).required("to")?;
        let wa_id = if body.recipient_type.is("group") { Some(to.clone()) } else { wa_id_of(&to) };
        Ok(Self::Message(Message {
            to,
            wa_id: wa_id.ok_or(MessageError::Recipient)?,
            content: Content::of(&mut body)?,
            recipient_type: body.recipient_type.0,
            biz_opaque_callback_data: body.biz_opaque_callback_data.0,
        }))
    }
}

impl Content {
    fn of(body: &mut Body) -> Result<Self, MessageError> {
        let type_name = body.type_name.0.take().unwrap_or_else(|| "text".to_owned());
        let is = |name: &str| type_name.eq_ignore_ascii_case(name);
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| is(kind.as_str())) {
            let part = body.media(kind).ok_or(MessageError::Required(kind.as_str()))?;
            return OutgoingMedia::of(kind, part).map(Self::Media);
        }
        if is("text") {
            let text = body.text.0.take().ok_or(MessageError::Required("text"))?;
            return Self::text(text.body.required("text['body']")?);
        }
        if is("template") {
            let template = body.template.0.take().ok_or(MessageError::Required("template"))?;
            let name = template.name.required("template['name']")?;
            let language = template.language.0.ok_or(MessageError::Required("template['language']"))?;
            return Ok(Self::Template {
                name,
                language: language.code.required("template['language']['code']")?,
            });
        }
        match OTHER_TYPES.into_iter().find(|other| is(other)) {
            Some(type_name) => Ok(Self::Other { type_name }),
            None => Err(MessageError::UnknownType(type_name)),
        }
    }

    fn text(body: String) -> Result<Self, MessageError> {
        if is_within(&body, MAX_TEXT_CHARS) {
            Ok(Self::Text { body })
        } else {
            Err(MessageError::TextTooLong)
        }
    }
}

impl OutgoingMedia {
    fn of(kind: Kind, part: MediaPart) -> Result<Self, MessageError> {
        let MediaPart { id, link, caption, filename } = part;
        if caption.0.is_some() && !matches!(kind, Kind::Document | Kind::Image | Kind::Video) {
            return Err(MessageError::UnexpectedKey { key: "caption", kind });
        }
        if filename.0.is_some() && kind != Kind::Document {
            return Err(MessageError::UnexpectedKey { key: "filename", kind });
        }
        let source = match (id.0, link.0) {
            (Some(id), None) => MediaSource::Id(id.parse().map_err(|_| MessageError::MediaId(kind))?),
            (None, Some(link)) if is_web_address(&link) => MediaSource::Link(link),
            (None, Some(_)) => return Err(MessageError::Link(kind)),
            (None, None) | (Some(_), Some(_)) => return Err(MessageError::OneSource),
        };
        if caption.0.as_deref().is_some_and(|caption| !is_within(caption, MAX_CAPTION_CHARS)) {
            return Err(MessageError::CaptionTooLong(kind));
        }
        Ok(Self { kind, source, caption: caption.0, filename: filename.0 })
    }
}

/// The answer to a message that was taken (recorded traffic).
#[derive(Debug, Clone, Copy)]
pub struct MessageAnswer<'a> {
    /// The receiver as the sender wrote it; at most 256 bytes of it are repeated.
    pub input: &'a str,
    /// The receiver as statuses will name it.
    pub wa_id: &'a str,
    /// The new message's id, `wamid.…`.
    pub message_id: &'a str,
}

impl MessageAnswer<'_> {
    /// The body, in the vendor's key order.
    pub fn to_json(&self) -> Vec<u8> {
        Object::new()
            .text("messaging_product", "whatsapp")
            .array_of_one("contacts", |contact| {
                contact.text("input", texts::bounded(self.input)).text("wa_id", texts::bounded(self.wa_id))
            })
            .array_of_one("messages", |message| message.text("id", self.message_id))
            .finish()
    }
}

/// The answer to a message marked as read (recorded traffic).
pub fn marked_as_read() -> &'static [u8] {
    br#"{"success":true}"#
}

/// The digits of a number as people write it; `None` if it has none, too many, or anything but digits and punctuation.
fn wa_id_of(to: &str) -> Option<String> {
    let digits: String = to.chars().filter(|c| !matches!(c, '+' | ' ' | '-' | '.' | '(' | ')')).collect();
    let is_number = !digits.is_empty()
        && digits.len() <= MAX_RECIPIENT_DIGITS
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some(digits)
}

/// Whether a text has at most so many characters; reads no further than it must.
fn is_within(text: &str, max_chars: usize) -> bool {
    text.chars().nth(max_chars).is_none()
}

fn is_web_address(link: &str) -> bool {
    ["http://", "https://"].into_iter().any(|scheme| {
        link.len() > scheme.len() && link.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme))
    })
}
