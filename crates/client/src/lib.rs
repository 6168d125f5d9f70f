//! A typed client of WhatsApp's media API: upload, retrieve URL, download, delete, at Meta's Cloud API, at 360dialog,
//! and at [wamedia](https://github.com/wamedia/wamedia), which speaks both.
//!
//! ```no_run
//! use wamedia_client::{Client, SaveOptions, Upload};
//!
//! # async fn run(token: &str) -> Result<(), wamedia_client::Error> {
//! let client = Client::graph("https://graph.facebook.com", "v23.0", "1025723653965602", token)
//!     .expect("an address, a version, an id");
//!
//! // The type is found out by content, and what WhatsApp would refuse is refused here, with the reason.
//! let uploaded = client.upload(Upload::path("photo.jpg")).await?;
//! println!("{} is {}, sha256 {}", uploaded.id, uploaded.media_type, uploaded.sha256);
//!
//! // Under its name only when whole and verified; a broken line is taken up where it broke.
//! client.fetch_to(uploaded.id, "copy.jpg", &SaveOptions::new()).await?;
//! client.delete(uploaded.id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! For 360dialog it is `Client::d360("https://waba-v2.360dialog.io", key)`; everything else is the same. Cloning a
//! [`Client`] is cheap, and clones share connections, pacer and error budget: make one for each number and keep it.
//!
//! # Uploads
//!
//! [`Upload`] takes a path, bytes, or a stream with or without a known length. Before a byte is sent the file is judged
//! by `wamedia-media`, the code that the service judges with: a path where its bytes decide, on a thread that may block;
//! bytes in memory; of a stream only the first 64 KiB, which tell its type. What comes later in a stream is not judged,
//! and is ended where it grows beyond its type's limit. [`Preflight::Off`] sends whatever it is.
//!
//! # Downloads
//!
//! [`Client::retrieve_url`] gives a [`Media`] with a link for five minutes, [`Client::download`] its bytes as a
//! [`Download`]: pieces, a [`Stream`](futures_core::Stream), a reader, bytes, or a writer to fill.
//! [`Client::fetch`] does both in one and resolves once more when the link died. Size and SHA-256 are verified as the
//! bytes pass, so they are proven only at the clean end: to have none or all of a file use [`Client::fetch_to`].
//! A [`Media`] can also be read from a webhook with serde, and downloaded by the link that came with it.
//!
//! # Errors
//!
//! The variants of [`Error`] say what to do:
//!
//! ```
//! use wamedia_client::{Error, Rejection};
//!
//! fn explain(error: &Error) -> String {
//!     match error {
//!         Error::Rejected(rejection) => match &**rejection {
//!             Rejection::Preflight { refusal, .. } => match &refusal.hint {
//!                 Some(hint) => format!("{}; try: {}", refusal.message, hint.command("photo.heic")),
//!                 None => format!("{}; {}", refusal.message, refusal.remedy),
//!             },
//!             _ => error.to_string(),
//!         },
//!         Error::Throttled { retry_after: Some(wait), .. } => format!("again in {} s", wait.as_secs()),
//!         Error::NotFound { what, .. } => format!("{what} is gone"),
//!         _ if error.is_retryable() => format!("later, perhaps: {error}"),
//!         _ => format!("{error}. {}", error.remedy()),
//!     }
//! }
//! # assert_eq!(explain(&Error::TooLong { limit: 1 }), "longer than the 1 bytes that were allowed. Download to a path, or allow more bytes.");
//! ```
//!
//! # What is done for you
//!
//! - **Retries**, in one place and only where they are safe: [`Retries`] tells which. `Retry-After` is waited out up to
//!   a minute; 400, 401, 403 and 404 are never tried again, nor is a stream of which something was sent.
//! - **Pace and budget**: uploads begin at most 25 a second, and requests are held back ([`Error::HeldBack`]) before
//!   the number of errors reaches what 360dialog blocks numbers for ([`Budget`]). Both can be set or turned off.
//! - **The credential** goes to the base's own origin, and on graph over https to `lookaside.fbsbx.com`, from which
//!   Meta serves media ([`ClientBuilder::media_hosts`] changes the list). On d360 a link's host is replaced by the
//!   base's, as 360dialog asks clients to do. Redirects are followed on the same origin only; another one gets no
//!   credential and no request, but is [`Error::ForeignHost`]. Links are sent byte for byte as they came.
//! - **Secrets** are never in `Debug`, errors or logs; links are shown without their query. There is no logging here.
//! - **Memory**: files pass in pieces of 64 KiB. The first transfer of 64 to 100 MiB took 0.5 to 1 MiB more than the
//!   idle client, code pages that it touched included, and each further one at most 0.2 MiB more (`VmHWM`, x86-64
//!   Linux), whatever the size of the file; the test `memory` bounds it. Answers that are no files are read up to
//!   64 KiB, heads of answers likewise.
//! - **Silence** ends: [`Timeouts`]. A transfer that moves has all the time it needs.
//! - **Proxies**: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are heeded, for `http://` proxies; the
//!   loopback address is never behind one.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `aws-lc-rs` (default) | TLS by rustls with aws-lc-rs |
//! | `ring` | TLS by rustls with ring, where `aws-lc-rs` is off |
//! | neither | TLS by the provider that the application installed with `CryptoProvider::install_default`; without one, an https base is a [`ConfigError`] |
//!
//! Certificates are those that the system trusts (`SSL_CERT_FILE` is heeded), and
//! [`ClientBuilder::root_certificates`].
//!
//! # Stability
//!
//! Enums and structs that will grow are non-exhaustive. Part of the interface are types of `bytes`, `futures-core` (its
//! `Stream`), `serde` (of [`Media`]), tokio's `AsyncRead` and `AsyncWrite`, and `wamedia-media` ([`accepted`]); of the HTTP
//! and TLS libraries nothing is. Rust 1.95.
//!
//! # What is not here
//!
//! Messages, webhooks' signatures, resumable uploads of templates. It needs a tokio runtime with I/O and time enabled.

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
mod settings;
mod transport;
mod upload;
mod verdict;

pub use answer::Answer;
pub use builder::{ClientBuilder, Dialect};
pub use client::Client;
pub use download::Download;
pub use download::save::{SaveOptions, Saved};
pub use error::{BudgetRule, ConfigError, ConnectionError, Damage, Error, Missing, Rejection};
pub use media::{InvalidSha256, Link, Media, Sha256};
pub use progress::Progress;
pub use secret::Secret;
pub use settings::{Budget, Retries, Timeouts};
pub use upload::{Preflight, Upload, Uploaded};
/// Ids, types, rules and verdicts, shared with the service.
pub use wamedia_media as accepted;
pub use wamedia_media::{MediaId, PhoneNumberId};
