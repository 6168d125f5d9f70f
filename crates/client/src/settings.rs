//! A client's patience: retries, error budget, timeouts.

use std::time::Duration;

/// Longer timeouts are as good as none.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When and how long things are tried again.
///
/// What is tried again: retrieve_url, the beginning of a download, and deletions (a media that is not there at the
/// second attempt was deleted by the first); uploads, where the bytes can be read again; after connections that failed
/// or broke, and after the statuses 408, 425, 500, 502, 503, 504 and throttles. An upload whose answer was lost may have
/// been kept: the second one gets an id of its own, and the first expires unseen. Never tried again: what was refused
/// (400, 401, 403, 404), and what is blocked for half an hour and more.
///
/// ```
/// # use wamedia_client::Retries;
/// let twice = Retries::default().with_attempts(2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// How many times in all a request is sent; 1 is once.
    pub attempts: u32,
    /// The longest first wait; each further one may be twice as long. The wait is random between 0 and that.
    pub first_wait: Duration,
    /// The longest wait of our own.
    pub max_wait: Duration,
    /// The longest `Retry-After` that is waited for; more is returned at once as [`crate::Error::Throttled`].
    pub max_retry_after: Duration,
    /// No attempt is begun later than this after the first one failed. An attempt under way is not cut short.
    pub deadline: Duration,
}

/// How many errors may be made before requests are held back; see [`crate::Error::HeldBack`].
///
/// 360dialog blocks a number's retrieve_url for 30 minutes after more than 20 of its errors in 60 minutes, and for an
/// hour after more than 5 failed uploads in an hour. Both limits here stay below that, in both dialects. An error is an
/// answer that refuses: not there (400, 404), not allowed (403), not taken (400). What does not count: 401, throttles,
/// 5xx, and connections that broke.
///
/// Requests under way count as errors until they are answered, so that many at once cannot overshoot. So no more than
/// 4 uploads and 19 retrievals run at once with these limits; further ones wait. Clones of a client share the budget;
/// clients that are built anew, and other processes, have their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Errors of retrieve_url in 60 minutes; `None` for no limit. 19, as the vendor blocks beyond 20.
    pub retrieval_errors: Option<u32>,
    /// Failed uploads in 60 minutes; `None` for no limit. 4, as the vendor blocks beyond 5.
    pub failed_uploads: Option<u32>,
}

/// How long silence is borne. No limit is set on the length of a whole transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until a connection stands, name and TLS included.
    pub connect: Duration,
    /// From the last byte of a request to the head of its answer; and from there to its end, where it is no file.
    pub answer: Duration,
    /// Without a byte in either direction, while a body is under way.
    pub idle: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_wait: Duration::from_millis(500),
            max_wait: Duration::from_secs(20),
            max_retry_after: Duration::from_secs(60),
            deadline: Duration::from_secs(300),
        }
    }
}

impl Retries {
    /// Everything is tried once.
    pub fn none() -> Self {
        Self::default().with_attempts(1)
    }

    /// With so many attempts in all, at least 1.
    pub fn with_attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// With waits that begin and end at these lengths.
    pub fn with_waits(self, first_wait: Duration, max_wait: Duration) -> Self {
        Self { first_wait, max_wait, ..self }
    }

    /// With patience for a `Retry-After` of up to this.
    pub fn with_max_retry_after(self, max_retry_after: Duration) -> Self {
        Self { max_retry_after, ..self }
    }

    /// With attempts for so long.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { retrieval_errors: Some(19), failed_uploads: Some(4) }
    }
}

impl Budget {
    /// Nothing is ever held back.
    pub fn unlimited() -> Self {
        Self { retrieval_errors: None, failed_uploads: None }
    }

    /// With room for so many errors of retrieve_url.
    pub fn with_retrieval_errors(self, errors: Option<u32>) -> Self {
        Self { retrieval_errors: errors, ..self }
    }

    /// With room for so many failed uploads.
    pub fn with_failed_uploads(self, errors: Option<u32>) -> Self {
        Self { failed_uploads: errors, ..self }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            idle: Duration::from_secs(30),
        }
    }
}

impl Timeouts {
    /// Without what no timer can count.
    pub(crate) fn countable(self) -> Self {
        let Self { connect, answer, idle } = self;
        Self {
            connect: connect.min(LONGEST_TIMEOUT),
            answer: answer.min(LONGEST_TIMEOUT),
            idle: idle.min(LONGEST_TIMEOUT),
        }
    }

    /// With so long for a connection.
    pub fn with_connect(self, connect: Duration) -> Self {
        Self { connect, ..self }
    }

    /// With so long for the head of an answer.
    pub fn with_answer(self, answer: Duration) -> Self {
        Self { answer, ..self }
    }

    /// With so long for silence within a body.
    pub fn with_idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }
}
