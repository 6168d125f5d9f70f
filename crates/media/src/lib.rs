//! What WhatsApp accepts: ids, MIME types, the type table, inspection of bytes.
//!
//! Pure: no I/O of its own, no async, no clock.

mod case;
mod content;
mod facts;
mod hints;
mod ids;
mod inspect;
mod mime;
mod probe;
mod reader;
mod rule;
mod source;
mod texts;
mod types;
mod unlisted;
mod verdict;

pub use facts::{Facts, TrackFacts};
pub use ids::{InvalidId, MediaId, PhoneNumberId};
pub use inspect::{Examined, InspectOptions, guess, guess_as, identify, inspect};
pub use mime::{InvalidMimeType, MimeType, suggest};
pub use rule::{Rule, Severity, Strictness};
pub use source::Source;
pub use texts::unsupported;
pub use types::{GREATEST_MAX_BYTES, Kind, MEDIA_TYPES, MediaType, STATIC_STICKER_MAX_BYTES, find};
pub use verdict::{Found, Hint, Refusal, Verdict, Warning};
