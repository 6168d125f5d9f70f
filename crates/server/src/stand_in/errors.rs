//! Every error of the contract by its name, each with a reserved media id that always gives it.
//!
//! The names are those of metrics, logs and the journal ([`MediaError::outcome`]). Reserved ids have fifteen digits;
//! ids that are given out have sixteen, so the two never meet.

use jiff::SignedDuration;

use crate::error::MediaError;

/// What a request knows that an error may repeat.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The id that the request is about, as the client wrote it.
    pub id: String,
    /// The text of a refused file, where the fault names one.
    pub details: Option<String>,
    /// The declared type, where the fault names one.
    pub declared: Option<String>,
    /// How long to wait, where the fault says.
    pub retry_after: Option<SignedDuration>,
}

/// One error.
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// The media id that always gives it, where media is asked for, downloaded, deleted or sent.
    pub media_id: &'static str,
    /// When the real service says it.
    pub when: &'static str,
    make: fn(Given) -> MediaError,
}

/// All of them: a row of section 5 of the contract each, and what stands beside them.
pub const ERRORS: &[Row] = &[
    row(
        "unauthenticated",
        "900000000000190",
        "the credential is missing, unknown, expired or revoked",
        |_| MediaError::Unauthenticated,
    ),
    row("forged_link", "900000000000401", "the link was not issued here, or was changed", |_| {
        MediaError::ForgedLink
    }),
    row("expired_link", "900000000000402", "the link is older than its 300 seconds", |_| {
        MediaError::ExpiredLink
    }),
    row("permission_missing", "900000000000010", "the token lacks whatsapp_business_messaging", |_| {
        MediaError::PermissionMissing
    }),
    row("no_such_media", "900000000000033", "unknown, foreign, expired or deleted media", |given| {
        MediaError::NoSuchMedia { id: given.id }
    }),
    row(
        "no_such_phone_number",
        "900000000000034",
        "an upload for a number that is not the caller's",
        |given| MediaError::NoSuchPhoneNumber { id: given.id },
    ),
    row("invalid_media_id", "900000000000035", "the media id is no number", |given| {
        MediaError::InvalidMediaId { id: given.id }
    }),
    row("foreign_number", "900000000000036", "?phone_number_id= names another number", |_| {
        MediaError::ForeignNumber
    }),
    row("messaging_product_missing", "900000000000100", "messaging_product is not whatsapp", |_| {
        MediaError::MessagingProductMissing
    }),
    row("unreadable_form", "900000000000101", "the form cannot be read", |_| MediaError::UnreadableForm {
        reason: "as the stand-in was told".to_owned(),
    }),
    row("file_missing", "900000000000102", "the form has no file", |_| MediaError::FileMissing),
    row("invalid_parameter", "900000000000103", "a parameter outside its range", |_| {
        MediaError::InvalidParameter { name: "ttl_minutes", expected: "a number from 60 to 43200" }
    }),
    row("unsupported_type", "900000000000415", "a type that is not on the list", |given| {
        MediaError::UnsupportedType { declared: given.declared.unwrap_or_else(|| "image/gif".to_owned()) }
    }),
    row("too_large", "900000000000413", "the file is over the limit of its type", |_| MediaError::TooLarge {
        max_bytes: wamedia_media::GREATEST_MAX_BYTES,
    }),
    row("rejected", "900000000131053", "the bytes break a rule of their type", |given| {
        MediaError::Rejected { details: given.details.unwrap_or_else(|| REJECTED.to_owned()) }
    }),
    row("upload_rate", "900000000130429", "more than 25 uploads in a second", |given| {
        MediaError::UploadRate { retry_after: given.retry_after.unwrap_or(SignedDuration::from_secs(1)) }
    }),
    row("blocked", "900000000080007", "too many errors: retrieval is blocked", |given| MediaError::Blocked {
        retry_after: given.retry_after.unwrap_or(SignedDuration::from_mins(30)),
    }),
    row("body_lost", "900000000000408", "the request's body did not arrive", |_| MediaError::BodyLost {
        reason: "as the stand-in was told".to_owned(),
    }),
    row("internal", "900000000131000", "something went wrong on the other side", |_| {
        MediaError::Internal("as the stand-in was told".to_owned())
    }),
    row("overloaded", "900000000000503", "too much work, or the service is going down", |_| {
        MediaError::Overloaded
    }),
];

/// The vendors' text for a file that is something else than it says.
const REJECTED: &str = "Image file uploaded with mimetype as image/jpeg, however on processing it is of type \
                        application/octet-stream. Please choose a different file.";

const fn row(
    name: &'static str,
    media_id: &'static str,
    when: &'static str,
    make: fn(Given) -> MediaError,
) -> Row {
    Row { name, media_id, when, make }
}

impl Row {
    /// The error itself.
    pub fn error(&self, given: Given) -> MediaError {
        (self.make)(given)
    }
}

/// The error of this name.
pub fn by_name(name: &str) -> Option<&'static Row> {
    ERRORS.iter().find(|row| row.name == name)
}

/// The error that this media id is reserved for.
pub fn by_media_id(id: &str) -> Option<&'static Row> {
    ERRORS.iter().find(|row| row.media_id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_outcomes_and_ids_are_never_given_out() {
        for row in ERRORS {
            assert_eq!(row.error(Given::default()).outcome(), row.name);
            assert!(row.media_id.len() == 15 && row.media_id.parse::<wamedia_media::MediaId>().is_ok());
            assert_eq!(by_media_id(row.media_id).map(|found| found.name), Some(row.name));
        }
        let documented = include_str!("../../../../docs/testing.md");
        for row in ERRORS {
            assert!(documented.contains(&format!("{} | `{}`", row.media_id, row.name)), "{}", row.name);
        }
        let ids: BTreeSet<_> = ERRORS.iter().map(|row| row.media_id).collect();
        assert_eq!(ids.len(), ERRORS.len());
    }
}
