//! A client's settings.

use std::time::Duration;

use wamedia_media::PhoneNumberId;

use http::HeaderValue;

use crate::address::{Base, META_MEDIA_HOST, Service, check_media_host};
use crate::budget::Allowance;
use crate::client::Inner;
use crate::pacer::Pacer;
use crate::transport::Transport;
use crate::{Client, ConfigError, Secret};

/// Longer timeouts are as good as none.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What every request calls itself.
const USER_AGENT: &str = concat!("wamedia-client/", env!("CARGO_PKG_VERSION"));

/// Which API is spoken, where, and with which credential.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Dialect {
    /// Meta's Cloud API, or what speaks it.
    Graph {
        /// `https://graph.facebook.com`; a path behind it is kept in front of everything.
        base: String,
        /// `v23.0`; empty for none.
        version: String,
        /// The number that uploads belong to.
        phone_number_id: PhoneNumberId,
        /// Sent as `Authorization: Bearer`.
        token: Secret,
    },
    /// 360dialog's API, or what speaks it.
    D360 {
        /// `https://waba-v2.360dialog.io`; a path behind it is kept in front of everything.
        base: String,
        /// Sent as `D360-API-KEY`.
        key: Secret,
    },
}

/// Builds a [`Client`] whose settings are not the usual ones.
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    dialect: Dialect,
    user_agent: Option<String>,
    media_hosts: Vec<String>,
    root_certificates: Vec<Vec<u8>>,
    retries: Retries,
    uploads_per_second: Option<u32>,
    budget: Budget,
    timeouts: Timeouts,
}

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
    fn countable(self) -> Self {
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

impl ClientBuilder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            user_agent: None,
            media_hosts: vec![META_MEDIA_HOST.to_owned()],
            root_certificates: Vec::new(),
            retries: Retries::default(),
            uploads_per_second: Some(25),
            budget: Budget::default(),
            timeouts: Timeouts::default(),
        }
    }

    /// What to put in front of our own `User-Agent`: `shop/1.2`.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// The hosts beside the base's own that may have a graph token over https, instead of `lookaside.fbsbx.com`.
    /// `*.example.com` stands for every name below it. On d360 links always lead to the base.
    pub fn media_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.media_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Trusts the authorities in a PEM file beside the system's.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// When and how long things are tried again.
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Uploads that a service may come to count in any second, 25 by default; `None` for as many as come.
    ///
    /// They begin at even distances, and each takes its place until a second after its answer, so that no line however
    /// uneven puts more of them into one second.
    pub fn uploads_per_second(mut self, uploads: Option<u32>) -> Self {
        self.uploads_per_second = uploads;
        self
    }

    /// How many errors may be made before requests are held back.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// How long silence is borne.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The client. No connection is made yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn build(self) -> Result<Client, ConfigError> {
        self.check_settings()?;
        let user_agent = match &self.user_agent {
            Some(name) => HeaderValue::try_from(format!("{name} {USER_AGENT}"))
                .map_err(|_| ConfigError::Setting(format!("{name:?} cannot be part of a User-Agent")))?,
            None => HeaderValue::from_static(USER_AGENT),
        };
        let (service, secret) = service(self.dialect, &self.media_hosts)?;
        let timeouts = self.timeouts.countable();
        let transport = Transport::new(service, secret, user_agent, timeouts, &self.root_certificates)?;
        Ok(Client::new(Inner {
            transport,
            retries: self.retries,
            pacer: Pacer::new(self.uploads_per_second),
            retrieval_errors: Allowance::new(self.budget.retrieval_errors),
            failed_uploads: Allowance::new(self.budget.failed_uploads),
        }))
    }

    fn check_settings(&self) -> Result<(), ConfigError> {
        let wrong = |text: &str| Err(ConfigError::Setting(text.to_owned()));
        let Timeouts { connect, answer, idle } = self.timeouts;
        if self.retries.attempts == 0 {
            return wrong("one attempt is the least there can be");
        }
        if self.uploads_per_second == Some(0) {
            return wrong("at least one upload a second must be let through; None lets all through");
        }
        if [self.budget.retrieval_errors, self.budget.failed_uploads].contains(&Some(0)) {
            return wrong("a budget of no error at all would let nothing through; None is no limit");
        }
        if [connect, answer, idle].contains(&Duration::ZERO) {
            return wrong("a timeout must be longer than nothing");
        }
        Ok(())
    }
}

fn service(dialect: Dialect, media_hosts: &[String]) -> Result<(Service, Secret), ConfigError> {
    match dialect {
        Dialect::Graph { base, version, phone_number_id, token } => {
            Service::check_version(&version)?;
            let base = Base::parse(&base)?;
            let media_hosts: Result<_, _> = media_hosts.iter().map(|host| check_media_host(host)).collect();
            Ok((Service::Graph { base, version, phone_number_id, media_hosts: media_hosts? }, token))
        }
        Dialect::D360 { base, key } => Ok((Service::D360 { base: Base::parse(&base)? }, key)),
    }
}
