//! What can go wrong, sorted by what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use wamedia_media::{Found, MediaId, PhoneNumberId, Refusal, Warning};

use crate::Answer;

mod remedy;

/// Why something was not done.
///
/// The variants say what to do; [`Error::remedy`] says it in words. None of them holds a credential, a link's query or
/// a file's bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file, or the request, is refused: sending it again will not help.
    #[error("{0}")]
    Rejected(Box<Rejection>),
    /// There is no such media, or no such phone number, for this credential. Deleted, expired and somebody else's are
    /// the same answer.
    #[error("{what} is not there, or not for this credential: {answer}")]
    NotFound {
        /// What was asked for.
        what: Missing,
        /// What the service said.
        answer: Box<Answer>,
    },
    /// The credential is wrong, expired or revoked.
    #[error("the credential is not accepted: {0}")]
    Unauthorized(Box<Answer>),
    /// The credential is known and may not do this.
    #[error("the credential may not do this: {0}")]
    Forbidden(Box<Answer>),
    /// The service asks for patience. Retries were made, or would have taken too long.
    #[error("the service asks to wait: {answer}")]
    Throttled {
        /// How long, if it said so.
        retry_after: Option<Duration>,
        /// What it said.
        answer: Box<Answer>,
    },
    /// Nothing was sent: one more error would have come too near to a rule of the vendor's that blocks the number.
    #[error("held back for {} s: {rule}", .retry_after.as_secs())]
    HeldBack {
        /// When there is room again.
        retry_after: Duration,
        /// Which of the vendor's rules.
        rule: BudgetRule,
    },
    /// The media's link is dead. Its id may live: [`crate::Client::fetch`] resolves anew by itself.
    #[error("the link is dead: {0}")]
    Expired(Box<Answer>),
    /// The service failed, or said what nobody understands.
    #[error("the service failed: {0}")]
    Upstream(Box<Answer>),
    /// What arrived is not what was announced. Nothing of it was kept.
    #[error("damaged: {0}")]
    Damaged(Damage),
    /// A file or a reader of this machine's failed.
    #[error("{}{source}", .path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default())]
    Io {
        /// The file, if it was one.
        path: Option<PathBuf>,
        /// What the system said.
        source: io::Error,
    },
    /// No connection, or one that broke.
    #[error("{0}")]
    Connection(ConnectionError),
    /// The address to go to is not one that may have the credential; nothing was sent there.
    #[error("{host} is not an address that may have the credential")]
    ForeignHost {
        /// Scheme, host and port.
        host: String,
    },
    /// The media has no usable link: a webhook without one, or text that is no address.
    #[error("the media's link cannot be used: {0}")]
    BadLink(&'static str),
    /// More bytes than were to be held in memory.
    #[error("longer than the {limit} bytes that were allowed")]
    TooLong {
        /// The limit that was given.
        limit: u64,
    },
    /// What was asked for cannot be asked for: a life of 5 minutes, a media type without a slash.
    #[error("{0}")]
    Invalid(String),
}

/// Who refused, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Rejection {
    /// The file was judged here, before a byte was sent; a stream that grew beyond its type's limit, on the way.
    Preflight {
        /// The broken rule, the reason, the remedy and perhaps a command that mends the file.
        refusal: Box<Refusal>,
        /// What else is worth saying.
        warnings: Vec<Warning>,
        /// What the bytes are.
        found: Found,
        /// The type it was judged under; `None` if none could be guessed.
        media_type: Option<String>,
    },
    /// The service refused.
    Service(Answer),
}

/// What is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// A media.
    Media(MediaId),
    /// A business phone number.
    PhoneNumber(PhoneNumberId),
}

/// The rules of the vendor's whose nearness holds requests back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BudgetRule {
    /// More than 20 errors of retrieve_url in 60 minutes block it for 30 minutes.
    RetrievalErrors,
    /// More than 5 failed uploads in an hour block retrieve_url for an hour.
    UploadFailures,
}

/// How bytes differ from what was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// Another number of bytes.
    Length {
        /// What the record or the answer's head said.
        expected: u64,
        /// What arrived; at least, if it was more.
        actual: u64,
    },
    /// Other bytes, by SHA-256.
    Sha256,
    /// Another part than the one that was asked for.
    Range,
    /// Coded for transport, which the service was asked not to do.
    Coded(String),
}

/// What became of a connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionError {
    /// Whether anything may have reached the service.
    pub was_sent: bool,
    /// What happened.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What is wrong with a client's configuration. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The base is not an address.
    #[error(
        "{base:?} is not a base address: {reason}; write https://host, with a port and a path if need be"
    )]
    Base {
        /// As it was given.
        base: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The version is neither empty nor `v23.0`.
    #[error("{0:?} is not a version: write v23.0, or nothing")]
    Version(String),
    /// The phone number id is not a number.
    #[error("{0:?} is not a phone number id: it is the number's id in digits, not the number itself")]
    PhoneNumberId(String),
    /// The secret is empty or has characters that no header can carry.
    #[error("the credential is empty or has characters that no header can carry")]
    Secret,
    /// No TLS for an https base.
    #[error("no TLS: {0}")]
    Tls(String),
    /// A setting without sense.
    #[error("{0}")]
    Setting(String),
}

impl Error {
    /// A short stable word for scripts and logs: `rejected`, `not-found`, ….
    pub fn word(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "rejected",
            Self::NotFound { .. } => "not-found",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::Throttled { .. } => "throttled",
            Self::HeldBack { .. } => "held-back",
            Self::Expired(_) => "expired",
            Self::Upstream(_) => "upstream",
            Self::Damaged(_) => "damaged",
            Self::Io { .. } => "io",
            Self::Connection(_) => "connection",
            Self::ForeignHost { .. } => "foreign-host",
            Self::BadLink(_) => "bad-link",
            Self::TooLong { .. } => "too-long",
            Self::Invalid(_) => "invalid",
        }
    }

    /// Whether the same call may succeed later, without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. }
                | Self::HeldBack { .. }
                | Self::Upstream(_)
                | Self::Damaged(_)
                | Self::Connection(_)
        )
    }

    /// How long to wait before that, if it is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } => *retry_after,
            Self::HeldBack { retry_after, .. } => Some(*retry_after),
            Self::Upstream(answer) => answer.retry_after,
            _ => None,
        }
    }

    /// What the service answered, if it did.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::NotFound { answer, .. } | Self::Throttled { answer, .. } => Some(answer),
            Self::Unauthorized(answer)
            | Self::Forbidden(answer)
            | Self::Expired(answer)
            | Self::Upstream(answer) => Some(answer),
            Self::Rejected(rejection) => match &**rejection {
                Rejection::Service(answer) => Some(answer),
                Rejection::Preflight { .. } => None,
            },
            _ => None,
        }
    }

    /// What to name to the vendor's support, `fbtrace_id` at Meta's.
    pub fn request_id(&self) -> Option<&str> {
        self.answer()?.request_id.as_deref()
    }

    pub(crate) fn io(path: Option<&std::path::Path>, source: io::Error) -> Self {
        Self::Io { path: path.map(Into::into), source }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preflight { refusal, .. } => write!(f, "refused: {}", refusal.message),
            Self::Service(answer) => write!(f, "refused by the service: {answer}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.as_str(), &self.details) {
            ("", None) => write!(f, "status {}", self.status),
            (message, None) => write!(f, "{message} (status {})", self.status),
            (message, Some(details)) => write!(f, "{message}: {details} (status {})", self.status),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media(id) => write!(f, "media {id}"),
            Self::PhoneNumber(id) => write!(f, "phone number {id}"),
        }
    }
}

impl fmt::Display for BudgetRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RetrievalErrors => {
                "one more error of retrieve_url comes too near to the 20 in 60 minutes that block it"
            }
            Self::UploadFailures => {
                "one more failed upload comes too near to the 5 in an hour that block retrieve_url"
            }
        })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, actual } => write!(f, "{expected} bytes were announced, {actual} came"),
            Self::Sha256 => f.write_str("the SHA-256 is not the announced one"),
            Self::Range => f.write_str("another part came than was asked for"),
            Self::Coded(coding) => write!(f, "it came in the coding {coding}, which nobody asked for"),
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.was_sent { "the connection broke" } else { "no connection" }, self.source)
    }
}

impl std::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
