//! A typed client of WhatsApp's media API: upload, retrieve URL, download, delete, at Meta, at 360dialog, and at
//! wamedia, which speaks both.

mod answer;
mod builder;
mod client;
mod download;
mod error;
mod media;
mod progress;
mod save;
mod secret;
mod upload;

pub use answer::Answer;
pub use builder::{Budget, ClientBuilder, Dialect, Retries, Timeouts};
pub use client::Client;
pub use download::Download;
pub use error::{BudgetRule, ConfigError, ConnectionError, Damage, Error, Missing, Rejection};
pub use media::{Link, Media, Sha256};
pub use progress::Progress;
pub use save::{SaveOptions, Saved};
pub use secret::Secret;
pub use upload::{Preflight, Upload, Uploaded};
/// Ids, types and verdicts, shared with the service.
pub use wamedia_media as accepted;
pub use wamedia_media::{MediaId, PhoneNumberId};
