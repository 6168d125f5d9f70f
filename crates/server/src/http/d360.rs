//! 360dialog's dialect of every error: one match from facts to the rows of the wire.

use wamedia_wire::d360::D360Error;

use crate::config::Config;
use crate::error::MediaError;

/// The error that this dialect answers.
pub fn error(error: &MediaError, config: &Config) -> D360Error {
    match error {
        MediaError::Unauthenticated | MediaError::ForgedLink => D360Error::authentication(),
        MediaError::ExpiredLink => D360Error::authentication().with_status(config.links.expired_link_status),
        MediaError::PermissionMissing => D360Error::permission(),
        // The number of a 360dialog key is its own; no request of this dialect names another.
        MediaError::NoSuchMedia { .. } | MediaError::NoSuchPhoneNumber { .. } | MediaError::ForeignNumber => {
            D360Error::media_not_found()
        }
        MediaError::InvalidMediaId { .. } => D360Error::invalid_media_id(),
        MediaError::MessagingProductMissing | MediaError::UnreadableForm { .. } => {
            D360Error::messaging_product_required()
        }
        MediaError::BodyLost { .. } => {
            D360Error::bad_request("The request body did not arrive.").with_status(408)
        }
        MediaError::FileMissing => D360Error::file_required(),
        MediaError::InvalidParameter { name, expected } => {
            D360Error::bad_request(format!("Param {name} must be {expected}."))
        }
        MediaError::UnsupportedType { declared } => D360Error::unsupported_type(declared),
        MediaError::TooLarge { .. } => D360Error::too_large(),
        MediaError::Rejected { details } => D360Error::media_rejected(details.clone()),
        MediaError::Message(refused) => D360Error::message_refused(refused),
        MediaError::UploadRate { .. } => D360Error::upload_rate().with_status(config.d360.rate_limit_status),
        MediaError::Blocked { .. } => {
            D360Error::retrieval_blocked().with_status(config.d360.rate_limit_status)
        }
        MediaError::Overloaded => D360Error::overloaded(),
        MediaError::Internal(_) => D360Error::internal(),
    }
}
