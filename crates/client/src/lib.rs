//! A typed client of WhatsApp's media API: upload, retrieve URL, download, delete, at Meta, at 360dialog, and at
//! wamedia, which speaks both.

mod address;
mod answer;
mod budget;
mod builder;
mod client;
mod download;
mod error;
mod media;
mod operations;
mod pacer;
mod progress;
mod retry;
mod secret;
mod transport;
mod upload;
mod verdict;

pub use answer::Answer;
pub use builder::{Budget, ClientBuilder, Dialect, Retries, Timeouts};
pub use client::Client;
pub use download::Download;
pub use download::save::{SaveOptions, Saved};
pub use error::{BudgetRule, ConfigError, ConnectionError, Damage, Error, Missing, Rejection};
pub use media::{InvalidSha256, Link, Media, Sha256};
pub use progress::Progress;
pub use secret::Secret;
pub use upload::{Preflight, Upload, Uploaded};
/// Ids, types and verdicts, shared with the service.
pub use wamedia_media as accepted;
pub use wamedia_media::{MediaId, PhoneNumberId};
