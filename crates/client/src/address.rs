//! Where requests go, and which addresses may have the credential.
//!
//! Addresses are joined as text and parsed by a type that keeps every byte: links carry signatures, and a URL library
//! that tidies `%2f` or `'` would break them.

use std::fmt;

use http::Uri;
use http::uri::Authority;
use wamedia_media::{MediaId, PhoneNumberId};

use crate::{ConfigError, Error, Link};

mod origin;

pub(crate) use origin::{Origin, resolve};

/// A base address: an origin, and a path that stands in front of everything.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    origin: Origin,
    /// `https://host:port` as it was written.
    root: String,
    /// Empty, or with a slash in front and none behind.
    prefix: String,
}

/// The API that is spoken at a base.
#[derive(Clone, Debug)]
pub(crate) enum Service {
    Graph { base: Base, version: String, phone_number_id: PhoneNumberId, media_hosts: Vec<String> },
    D360 { base: Base },
}

/// The host from which Meta's links lead (recorded traffic); the only one beside the base that may have a token.
pub(crate) const META_MEDIA_HOST: &str = "lookaside.fbsbx.com";

/// The host in 360dialog's links, which their documents tell clients to replace by the API's.
const ATTACHMENTS: &str = "/whatsapp_business/attachments/";

impl Base {
    /// Reads a base as people write it: with or without a slash at the end.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = |reason| ConfigError::Base { base: redacted(text), reason };
        let trimmed = text.trim();
        if trimmed.contains('@') {
            return Err(wrong("it must not hold a name or a password"));
        }
        if trimmed.contains(['?', '#']) {
            return Err(wrong("it must end before any ? or #"));
        }
        let uri: Uri = trimmed.parse().map_err(|_| wrong("it cannot be read"))?;
        let origin =
            Origin::of(&uri).ok_or_else(|| wrong("it must begin with https:// or http:// and a host"))?;
        let authority = uri.authority().map_or("", Authority::as_str);
        let root = format!("{}://{authority}", if origin.is_https() { "https" } else { "http" });
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { origin, root, prefix })
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    fn join(&self, path: &str) -> Result<Uri, Error> {
        parse(&format!("{}{}{path}", self.root, self.prefix))
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.root, self.prefix)
    }
}

/// A base that holds a password is not repeated.
fn redacted(base: &str) -> String {
    match base.split_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => base.to_owned(),
    }
}

impl Service {
    /// A version as graph paths name it: empty, or `v23.0`, or `v23`.
    pub(crate) fn check_version(version: &str) -> Result<(), ConfigError> {
        let numbers = version.strip_prefix('v').unwrap_or("");
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_version = match numbers.split_once('.') {
            Some((major, minor)) => is_number(major) && is_number(minor),
            None => is_number(numbers),
        };
        if version.is_empty() || is_version { Ok(()) } else { Err(ConfigError::Version(version.to_owned())) }
    }

    pub(crate) fn base(&self) -> &Base {
        match self {
            Self::Graph { base, .. } | Self::D360 { base } => base,
        }
    }

    pub(crate) fn is_graph(&self) -> bool {
        matches!(self, Self::Graph { .. })
    }

    pub(crate) fn phone_number_id(&self) -> Option<PhoneNumberId> {
        match self {
            Self::Graph { phone_number_id, .. } => Some(*phone_number_id),
            Self::D360 { .. } => None,
        }
    }

    /// Where uploads go.
    pub(crate) fn uploads(&self) -> Result<Uri, Error> {
        match self {
            Self::Graph { base, version, phone_number_id, .. } => {
                base.join(&format!("{}/{phone_number_id}/media", with_slash(version)))
            }
            Self::D360 { base } => base.join("/media"),
        }
    }

    /// Where a media is asked for and deleted.
    pub(crate) fn media(&self, id: MediaId) -> Result<Uri, Error> {
        match self {
            Self::Graph { base, version, .. } => base.join(&format!("{}/{id}", with_slash(version))),
            Self::D360 { base } => base.join(&format!("/{id}")),
        }
    }

    /// Where a link leads: on d360 always to the base, path and query byte for byte.
    ///
    /// # Errors
    /// [`Error::BadLink`] for what is no address, [`Error::ForeignHost`] for one that may not have the credential.
    pub(crate) fn link(&self, link: &Link) -> Result<Uri, Error> {
        let uri = parse(link.as_str())?;
        let origin = Origin::of(&uri).ok_or(Error::BadLink("it is no http address"))?;
        let Self::D360 { base } = self else {
            self.may_have_credential(&uri)?;
            return Ok(uri);
        };
        if origin == base.origin {
            return Ok(uri);
        }
        let path = uri.path_and_query().map_or(ATTACHMENTS, |path| path.as_str());
        base.join(path)
    }

    /// The one gate before a credential leaves: the base's own origin, or on graph a host of the list over https.
    pub(crate) fn may_have_credential(&self, uri: &Uri) -> Result<(), Error> {
        let origin = Origin::of(uri).ok_or(Error::BadLink("it is no http address"))?;
        if origin == self.base().origin {
            return Ok(());
        }
        let is_listed = match self {
            Self::Graph { media_hosts, .. } => {
                origin.is_https()
                    && origin.has_usual_port()
                    && media_hosts.iter().any(|host| covers(host, origin.host()))
            }
            Self::D360 { .. } => false,
        };
        if is_listed { Ok(()) } else { Err(Error::ForeignHost { host: origin.to_string() }) }
    }
}

fn with_slash(version: &str) -> String {
    if version.is_empty() { String::new() } else { format!("/{version}") }
}

/// Whether an entry of the list stands for a host: `*.example.com` for every name below it.
fn covers(entry: &str, host: &str) -> bool {
    match entry.strip_prefix("*.") {
        Some(domain) => {
            host.strip_suffix(domain).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        }
        None => entry == host,
    }
}

/// A host as [`crate::ClientBuilder::media_hosts`] takes it, in lower case.
pub(crate) fn check_media_host(host: &str) -> Result<String, ConfigError> {
    let lower = host.trim().to_ascii_lowercase();
    let name = lower.strip_prefix("*.").unwrap_or(&lower);
    let is_name = name.contains('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        && !name.starts_with('.')
        && !name.ends_with('.');
    let wrong = || {
        ConfigError::Setting(format!("{host:?} is no host name; write media.example.com or *.example.com"))
    };
    if is_name { Ok(lower) } else { Err(wrong()) }
}

fn parse(text: &str) -> Result<Uri, Error> {
    text.parse().map_err(|_| Error::BadLink("it is no address that can be sent as it is"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph(base: &str) -> Service {
        let media_hosts = vec![META_MEDIA_HOST.to_owned(), "*.cdn.example".to_owned()];
        let phone_number_id = PhoneNumberId::new(1_025_723_653_965_602).unwrap();
        Service::Graph {
            base: Base::parse(base).unwrap(),
            version: "v23.0".into(),
            phone_number_id,
            media_hosts,
        }
    }

    fn d360(base: &str) -> Service {
        Service::D360 { base: Base::parse(base).unwrap() }
    }

    #[test]
    fn paths_follow_the_base() {
        let id = MediaId::new(1_761_991_787_669_262).unwrap();
        let graph = graph("https://graph.facebook.com/");
        assert_eq!(graph.uploads().unwrap(), "https://graph.facebook.com/v23.0/1025723653965602/media");
        assert_eq!(graph.media(id).unwrap(), "https://graph.facebook.com/v23.0/1761991787669262");
        let d360 = d360("http://localhost:8480/wa/");
        assert_eq!(d360.uploads().unwrap(), "http://localhost:8480/wa/media");
        assert_eq!(d360.media(id).unwrap(), "http://localhost:8480/wa/1761991787669262");
    }

    #[test]
    fn a_base_is_a_plain_address() {
        for bad in [
            "",
            "graph.facebook.com",
            "ftp://host",
            "https://",
            "https://host:0",
            "https://host:99999",
            "https://user:hunter2@host",
            "https://host/?a=b",
            "https://host/#x",
            "https://ho st",
            "https://hößt",
        ] {
            let error = Base::parse(bad).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(Base::parse(" https://Host:8443/a/ ").unwrap().to_string(), "https://Host:8443/a");
    }

    #[test]
    fn links_of_360dialog_lead_to_the_base_byte_for_byte() {
        // What a tidying URL type would change: case of escapes, quotes, braces, dots, doubled slashes and keys.
        let odd =
            "/whatsapp_business/attachments/?mid=1&hash=a'b|c%2Fd%2fe~f{g}^`h+i==&mid=1&x=%zz&y=../..//&&";
        for host in
            ["https://lookaside.fbsbx.com", "https://lookaside.fbsbx.com:443", "http://elsewhere.example"]
        {
            let link = Link::new(format!("{host}{odd}"));
            let uri = d360("https://waba-v2.360dialog.io").link(&link).unwrap();
            assert_eq!(uri.to_string(), format!("https://waba-v2.360dialog.io{odd}"));
            let uri = d360("http://127.0.0.1:8480/wa").link(&link).unwrap();
            assert_eq!(uri.to_string(), format!("http://127.0.0.1:8480/wa{odd}"));
        }
        let dotted = Link::new("https://lookaside.fbsbx.com/a/./b/%2e%2e/../c//d?e");
        assert_eq!(
            d360("https://h.example").link(&dotted).unwrap(),
            "https://h.example/a/./b/%2e%2e/../c//d?e"
        );
    }

    #[test]
    fn a_link_that_leads_to_the_base_already_is_taken_as_it_is() {
        let own = Link::new("http://127.0.0.1:8480/wa/whatsapp_business/attachments/?mid=1");
        assert_eq!(d360("http://127.0.0.1:8480/wa").link(&own).unwrap(), own.as_str());
    }

    #[test]
    fn a_token_goes_to_the_base_and_to_the_vendors_media_host_only() {
        let graph = graph("https://graph.facebook.com");
        for good in [
            "https://graph.facebook.com/x?hash=a'b",
            "https://GRAPH.facebook.com:443/x",
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
            "https://a.cdn.example/x",
        ] {
            assert_eq!(graph.link(&Link::new(good)).unwrap().to_string().to_lowercase(), good.to_lowercase());
        }
        for foreign in [
            "http://graph.facebook.com/x",
            "https://graph.facebook.com:8443/x",
            "http://lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com:444/x",
            "https://lookaside.fbsbx.com.evil.example/x",
            "https://evil-lookaside.fbsbx.com/x",
            "https://cdn.example/x",
            "https://xcdn.example/x",
            "https://.cdn.example/x",
        ] {
            let refused = graph.link(&Link::new(foreign));
            assert!(matches!(refused, Err(Error::ForeignHost { .. })), "{foreign}: {refused:?}");
        }
        for bad in
            ["", "x", "/x", "https://lookaside.fbsbx.com@evil.example/x", "https://a b/", "javascript:x"]
        {
            assert!(matches!(graph.link(&Link::new(bad)), Err(Error::BadLink(_))), "{bad}");
        }
    }

    #[test]
    fn versions_are_a_v_and_numbers() {
        for good in ["", "v23.0", "v13", "v100.25"] {
            assert!(Service::check_version(good).is_ok(), "{good}");
        }
        for bad in ["23.0", "v", "v23.", "v23.0/", "V23.0", "v23.0.1", "latest"] {
            assert!(Service::check_version(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        /// Everything that RFC 3986 lets stand in a path and a query, and more in the query that is seen in the wild.
        #[test]
        fn no_link_is_changed_on_its_way(rest in r#"/[!$%&'()*+,./0-9:;=@A-Z_a-z~-]{0,40}(\?[!$%&'()*+,./0-9:;=?@A-Z_a-z~|{}-]{0,80})?"#) {
            let link = Link::new(format!("https://lookaside.fbsbx.com{rest}"));
            prop_assert_eq!(d360("http://h.example").link(&link).unwrap().to_string(), format!("http://h.example{rest}"));
            prop_assert_eq!(graph("http://h.example").link(&link).unwrap().to_string(), link.as_str());
        }

        #[test]
        fn what_cannot_be_sent_as_it_is_is_not_sent(rest in "/[^#]{0,40}") {
            let link = Link::new(format!("https://lookaside.fbsbx.com{rest}"));
            if let Ok(uri) = graph("http://h.example").link(&link) {
                prop_assert_eq!(uri.to_string(), link.as_str());
            }
        }
    }
}
