//! What WhatsApp accepts: ids, MIME types, the type table, inspection of bytes.
//!
//! Pure: no I/O of its own, no async, no clock.

mod ids;
mod source;

pub use ids::{InvalidId, MediaId, PhoneNumberId};
pub use source::Source;
