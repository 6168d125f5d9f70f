//! Meta's dialect of every error: one match from facts to the rows of the wire.

use wamedia_wire::graph::{GraphError, Verb};

use crate::action::Action;
use crate::config::Config;
use crate::error::MediaError;

/// The error that `action` answers.
pub fn error(error: &MediaError, action: Action, config: &Config) -> GraphError {
    let verb = match action {
        Action::Upload | Action::Send => Verb::Post,
        Action::RetrieveUrl | Action::Download => Verb::Get,
        Action::Delete => Verb::Delete,
    };
    match error {
        MediaError::Unauthenticated | MediaError::ForgedLink => GraphError::authentication(),
        MediaError::ExpiredLink => GraphError::authentication().with_status(config.links.expired_link_status),
        MediaError::PermissionMissing => GraphError::permission(),
        MediaError::NoSuchMedia { id }
        | MediaError::InvalidMediaId { id }
        | MediaError::NoSuchPhoneNumber { id } => GraphError::no_such_object(verb, id),
        MediaError::ForeignNumber => GraphError::foreign_number(),
        MediaError::MessagingProductMissing | MediaError::UnreadableForm { .. } => {
            GraphError::messaging_product_required()
        }
        MediaError::BodyLost { .. } => {
            GraphError::bad_request("The request body did not arrive.").with_status(408)
        }
        MediaError::FileMissing => GraphError::file_required(),
        MediaError::InvalidParameter { name, expected } => {
            GraphError::bad_request(format!("Param {name} must be {expected}."))
        }
        MediaError::UnsupportedType { declared } => GraphError::unsupported_type(declared),
        MediaError::TooLarge { .. } => GraphError::too_large(),
        MediaError::Rejected { details } => GraphError::media_rejected(details.clone()),
        MediaError::Message(refused) => GraphError::message_refused(refused),
        MediaError::UploadRate { .. } => GraphError::upload_rate(),
        MediaError::Blocked { .. } => GraphError::retrieval_blocked(),
        MediaError::Overloaded => GraphError::overloaded(),
        MediaError::Internal(_) => GraphError::internal(),
    }
}
