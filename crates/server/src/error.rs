//! What can go wrong with media, as facts. Knows no status and no body: each dialect's `error.rs` translates.

use jiff::SignedDuration;
use wamedia_wire::messages::MessageError;

/// Why a request was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// No credential, or one that is unknown, expired, revoked or of the other kind.
    #[error("the credential is missing, unknown, expired or revoked")]
    Unauthenticated,
    /// A link that was never issued for this caller, or was changed on its way.
    #[error("the link was not issued by this service for this account")]
    ForgedLink,
    /// A link whose time is over.
    #[error("the link has expired; retrieve a new one")]
    ExpiredLink,
    /// The credential lacks `whatsapp_business_messaging`.
    #[error("the credential lacks the permission whatsapp_business_messaging")]
    PermissionMissing,
    /// Unknown, foreign, expired or deleted: nobody outside may tell which.
    #[error("no media {id} for this account")]
    NoSuchMedia {
        /// As the client wrote it.
        id: String,
    },
    /// The id is not a number of 15 to 17 digits.
    #[error("{id:?} is not a media id")]
    InvalidMediaId {
        /// As the client wrote it.
        id: String,
    },
    /// The upload names a phone number that the credential does not own.
    #[error("no phone number {id} for this credential")]
    NoSuchPhoneNumber {
        /// As the client wrote it.
        id: String,
    },
    /// `?phone_number_id=` names another number than the media's.
    #[error("the media does not belong to the phone number of the query")]
    ForeignNumber,
    /// `messaging_product` is not `whatsapp`.
    #[error("messaging_product must be given as whatsapp")]
    MessagingProductMissing,
    /// The body is not a multipart form that can be read to its end.
    #[error("the form cannot be read: {reason}")]
    UnreadableForm {
        /// For the log; the wire has one text for all.
        reason: String,
    },
    /// The client was too slow, or left.
    #[error("the body did not arrive: {reason}")]
    BodyLost {
        /// For the log.
        reason: String,
    },
    /// No part is named `file`.
    #[error("the form has no file")]
    FileMissing,
    /// A parameter outside its range.
    #[error("{name} must be {expected}")]
    InvalidParameter {
        /// The field's name.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// The declared type is not in the list of the vendors.
    #[error("{declared} is not a type that WhatsApp accepts")]
    UnsupportedType {
        /// The essence as the client wrote it.
        declared: String,
    },
    /// The file is over the limit of its type.
    #[error("a file of this type may have at most {max_bytes} bytes")]
    TooLarge {
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// The bytes break a rule of their type.
    #[error("{details}")]
    Rejected {
        /// The vendors' text.
        details: String,
    },
    /// A posted message that cannot be taken.
    #[error(transparent)]
    Message(MessageError),
    /// More uploads in a second than the number may make.
    #[error("the upload rate of the phone number is used up")]
    UploadRate {
        /// When the next is admitted.
        retry_after: SignedDuration,
    },
    /// Too many errors: the vendor would have switched the endpoint off.
    #[error("the endpoint is blocked for the phone number")]
    Blocked {
        /// How long still.
        retry_after: SignedDuration,
    },
    /// More work than this machine was configured to take, or it is being shut down.
    #[error("too much work at once")]
    Overloaded,
    /// Ours. The cause is in the log, never in the answer.
    #[error("internal error: {0}")]
    Internal(String),
}

impl MediaError {
    /// Whether a rule that counts errors counts this one: only what the client did wrong, never our own
    /// refusals, never a request that was not authenticated (documented by the vendor).
    pub fn counts_against_client(&self) -> bool {
        !matches!(
            self,
            Self::Unauthenticated
                | Self::BodyLost { .. }
                | Self::UploadRate { .. }
                | Self::Blocked { .. }
                | Self::Overloaded
                | Self::Internal(_)
        )
    }

    /// A short stable word for metrics and logs.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::ForgedLink => "forged_link",
            Self::ExpiredLink => "expired_link",
            Self::PermissionMissing => "permission_missing",
            Self::NoSuchMedia { .. } => "no_such_media",
            Self::InvalidMediaId { .. } => "invalid_media_id",
            Self::NoSuchPhoneNumber { .. } => "no_such_phone_number",
            Self::ForeignNumber => "foreign_number",
            Self::MessagingProductMissing => "messaging_product_missing",
            Self::UnreadableForm { .. } => "unreadable_form",
            Self::BodyLost { .. } => "body_lost",
            Self::FileMissing => "file_missing",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::TooLarge { .. } => "too_large",
            Self::Rejected { .. } => "rejected",
            Self::Message(_) => "message_refused",
            Self::UploadRate { .. } => "upload_rate",
            Self::Blocked { .. } => "blocked",
            Self::Overloaded => "overloaded",
            Self::Internal(_) => "internal",
        }
    }
}
