//! The bodies that a business's endpoint receives: a message with media, one whose media cannot be had, and what became
//! of a message that the business sent.
//!
//! Key order and escaping are recorded traffic, where no other source is named; absent members are left out. The d360
//! dialect receives the same bodies (documented by the vendor: the Cloud API's); only the signature's header differs,
//! see [`crate::signature`].
//!
//! Deliberately not here: delivery, and members about users and prices that newer traffic carries beside these.

use wamedia_media::{Kind, MediaId, PhoneNumberId};

use crate::base64;
use crate::json::Object;

/// The business's side, which every webhook begins with.
#[derive(Debug, Clone, Copy)]
pub struct Business<'a> {
    /// The id of the WhatsApp Business Account: digits.
    pub waba_id: &'a str,
    /// The number as it is shown: digits, without a plus.
    pub display_phone_number: &'a str,
    /// The number's id.
    pub phone_number_id: PhoneNumberId,
}

/// A message that a business received.
///
/// Not `Debug`, like what it carries: there are people's names in it and a link that with a credential opens media.
#[derive(Clone, Copy)]
pub struct Inbound<'a> {
    /// Who received it.
    pub business: Business<'a>,
    /// The name that the sender gave to their profile.
    pub contact_name: &'a str,
    /// The sender's number: digits, without a plus.
    pub wa_id: &'a str,
    /// The message's id, `wamid.…`.
    pub message_id: &'a str,
    /// When it was sent, in Unix seconds.
    pub timestamp: u64,
    /// What it carries, or why it carries nothing.
    pub content: InboundContent<'a>,
}

/// What a received message carries.
#[derive(Clone, Copy)]
pub enum InboundContent<'a> {
    /// Media that can be had by id and by url.
    Media(InboundMedia<'a>),
    /// Media over 100 MiB: error 131052.
    TooLarge,
    /// Something that the platform does not hand on: error 131051.
    Unsupported,
}

/// Received media.
#[derive(Clone, Copy)]
pub struct InboundMedia<'a> {
    /// What it is carried as, with what only that kind has.
    pub kind: InboundKind<'a>,
    /// With parameters where the sender's application gives them: `audio/ogg; codecs=opus`.
    pub mime_type: &'a str,
    /// Of the bytes; said in base64 here, while retrieve_url says it in hex.
    pub sha256: &'a [u8; 32],
    /// By which the media can be retrieved for seven days.
    pub id: MediaId,
    /// A link with `source=webhook`, unescaped.
    pub url: &'a str,
}

/// The five kinds of media, each with the members that it alone has.
#[derive(Debug, Clone, Copy)]
pub enum InboundKind<'a> {
    /// Sound.
    Audio {
        /// Whether it was recorded in the chat, rather than attached. Always said.
        voice: bool,
    },
    /// A file.
    Document {
        /// What the sender wrote beneath it.
        caption: Option<&'a str>,
        /// The file's name.
        filename: Option<&'a str>,
    },
    /// A picture.
    Image {
        /// What the sender wrote beneath it.
        caption: Option<&'a str>,
    },
    /// A sticker.
    Sticker {
        /// Whether it moves. Always said.
        animated: bool,
    },
    /// Moving pictures.
    Video {
        /// What the sender wrote beneath it.
        caption: Option<&'a str>,
    },
}

impl InboundKind<'_> {
    /// The kind alone.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Audio { .. } => Kind::Audio,
            Self::Document { .. } => Kind::Document,
            Self::Image { .. } => Kind::Image,
            Self::Sticker { .. } => Kind::Sticker,
            Self::Video { .. } => Kind::Video,
        }
    }
}

impl Inbound<'_> {
    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        envelope(&self.business, |value| {
            value
                .array_of_one("contacts", |contact| {
                    contact
                        .object("profile", |profile| profile.text("name", self.contact_name))
                        .text("wa_id", self.wa_id)
                })
                .array_of_one("messages", |message| {
                    let message = message
                        .text("from", self.wa_id)
                        .text("id", self.message_id)
                        .display("timestamp", self.timestamp);
                    self.content.write(message)
                })
        })
    }
}

impl InboundContent<'_> {
    fn write(&self, message: Object) -> Object {
        match self {
            Self::Media(media) => {
                let kind = media.kind.kind().as_str();
                message.text("type", kind).object(kind, |object| media.write(object))
            }
            Self::TooLarge => message
                .array_of_one("errors", |error| error.number("code", 131_052).text("title", TOO_LARGE))
                .text("type", UNSUPPORTED),
            Self::Unsupported => message
                .array_of_one("errors", |error| {
                    write_error(
                        error,
                        131_051,
                        "Message type unknown",
                        "Message type is currently not supported.",
                    )
                })
                .text("type", UNSUPPORTED),
        }
    }
}

impl InboundMedia<'_> {
    /// What a sender wrote stands first, what the platform found last (documented by the vendor).
    fn write(&self, object: Object) -> Object {
        let object = match self.kind {
            InboundKind::Image { caption } | InboundKind::Video { caption } => {
                object.optional_text("caption", caption)
            }
            InboundKind::Document { caption, filename } => {
                object.optional_text("caption", caption).optional_text("filename", filename)
            }
            InboundKind::Audio { .. } | InboundKind::Sticker { .. } => object,
        };
        let object = object
            .text("mime_type", self.mime_type)
            .text("sha256", &base64::standard(self.sha256))
            .display("id", self.id)
            .text("url", self.url);
        match self.kind {
            InboundKind::Audio { voice } => object.boolean("voice", voice),
            InboundKind::Sticker { animated } => object.boolean("animated", animated),
            InboundKind::Document { .. } | InboundKind::Image { .. } | InboundKind::Video { .. } => object,
        }
    }
}

/// What became of a message that the business sent.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// Who sent it.
    pub business: Business<'a>,
    /// The message's id, as the sending was answered.
    pub message_id: &'a str,
    /// The receiver's number: digits, without a plus.
    pub recipient_id: &'a str,
    /// When it happened, in Unix seconds.
    pub timestamp: u64,
    /// What happened.
    pub state: DeliveryState<'a>,
    /// What the sender asked to be told back.
    pub biz_opaque_callback_data: Option<&'a str>,
}

/// Where a sent message has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState<'a> {
    /// It left the platform.
    Sent,
    /// It reached a device.
    Delivered,
    /// It was opened.
    Read,
    /// Its media was refused: error 131053.
    Failed {
        /// The reason, as inspection words it.
        details: &'a str,
    },
}

impl DeliveryState<'_> {
    /// The name in the body.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Status<'_> {
    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        envelope(&self.business, |value| {
            value.array_of_one("statuses", |status| {
                let status = status
                    .text("id", self.message_id)
                    .text("status", self.state.as_str())
                    .display("timestamp", self.timestamp)
                    .text("recipient_id", self.recipient_id)
                    .optional_text("biz_opaque_callback_data", self.biz_opaque_callback_data);
                match self.state {
                    DeliveryState::Failed { details } => status.array_of_one("errors", |error| {
                        write_error(error, 131_053, "Media upload error", details)
                    }),
                    DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read => status,
                }
            })
        })
    }
}

/// The title of error 131052 (documented by the vendor).
const TOO_LARGE: &str = "Media file size too big. Max file size we currently support: 100MB. Please communicate with \
    your customer to send a media file that is smaller than 100MB";

/// The type of a message that carries an error instead of media. For 131052 the vendor names none: ours.
const UNSUPPORTED: &str = "unsupported";

/// What stands around every webhook, with what happened behind the business's metadata.
fn envelope(business: &Business<'_>, happened: impl FnOnce(Object) -> Object) -> Vec<u8> {
    let metadata = |metadata: Object| {
        metadata
            .text("display_phone_number", business.display_phone_number)
            .display("phone_number_id", business.phone_number_id)
    };
    let value =
        |value: Object| happened(value.text("messaging_product", "whatsapp").object("metadata", metadata));
    Object::new()
        .text("object", "whatsapp_business_account")
        .array_of_one("entry", |entry| {
            entry
                .text("id", business.waba_id)
                .array_of_one("changes", |change| change.object("value", value).text("field", "messages"))
        })
        .finish()
}

/// An error whose title and message are the same text.
fn write_error(error: Object, code: u64, title: &str, details: &str) -> Object {
    error
        .number("code", code)
        .text("title", title)
        .text("message", title)
        .object("error_data", |data| data.text("details", details))
}
