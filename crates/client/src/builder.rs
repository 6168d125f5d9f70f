//! Building a client: which service, which credential, which settings.

use std::time::Duration;

use wamedia_media::PhoneNumberId;

use http::HeaderValue;

use crate::address::{Base, META_MEDIA_HOST, Service, check_media_host};
use crate::budget::Allowance;
use crate::client::Inner;
use crate::pacer::Pacer;
use crate::transport::Transport;
use crate::{Budget, Client, ConfigError, Retries, Secret, Timeouts};

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

#[cfg(test)]
mod tests {
    use super::*;

    fn d360(base: &str, key: &str) -> ClientBuilder {
        Client::builder(Dialect::D360 { base: base.to_owned(), key: key.into() })
    }

    fn local() -> ClientBuilder {
        d360("http://127.0.0.1:8480", "key")
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let zero = Duration::ZERO;
        for (builder, word) in [
            (local().retries(Retries::default().with_attempts(0)), "attempt"),
            (local().uploads_per_second(Some(0)), "upload"),
            (local().budget(Budget::default().with_failed_uploads(Some(0))), "budget"),
            (local().budget(Budget::default().with_retrieval_errors(Some(0))), "budget"),
            (local().timeouts(Timeouts::default().with_idle(zero)), "timeout"),
            (local().user_agent("a\nb"), "User-Agent"),
            (d360("127.0.0.1:8480", "key"), "https://"),
            (d360("http://127.0.0.1:8480", " \n"), "credential"),
            (d360("http://127.0.0.1:8480", "a\nb"), "credential"),
        ] {
            let error = builder.build().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        local().timeouts(Timeouts::default().with_idle(Duration::MAX)).build().unwrap();
    }

    #[test]
    fn graph_is_held_to_its_parts() {
        let base = "http://127.0.0.1:8480";
        let error = |made: Result<Client, ConfigError>| made.unwrap_err().to_string();
        assert!(error(Client::graph(base, "23.0", "1", "t")).contains("v23.0"));
        assert!(error(Client::graph(base, "", "+15556393799", "t")).contains("id in digits"));
        let graph = |hosts: &[&str]| {
            let (base, version, token) = (base.to_owned(), String::new(), "t".into());
            let phone_number_id = PhoneNumberId::new(1).expect("a number");
            Client::builder(Dialect::Graph { base, version, phone_number_id, token })
                .media_hosts(hosts.to_vec())
                .build()
        };
        assert!(graph(&[]).is_ok() && graph(&["media.example.com", "*.Example.com"]).is_ok());
        for wrong in
            ["*", "*.com/", "https://media.example.com", "example", "a..", "media.example.com:443", ""]
        {
            assert!(graph(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_builder_shows_its_secret() {
        assert!(!format!("{:?}", d360("http://127.0.0.1:8480", "hunter2")).contains("hunter2"));
    }

    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    #[test]
    fn https_needs_somebody_to_do_tls() {
        assert!(matches!(d360("https://waba-v2.360dialog.io", "key").build(), Err(ConfigError::Tls(_))));
    }
}
