//! Origins, and where a `Location` leads from one.

use std::fmt;

use http::Uri;
use http::uri::{Authority, Scheme};

use super::parse;
use crate::Error;

/// Scheme, host and port: what two addresses must have in common to be one service.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    is_https: bool,
    host: String,
    port: u16,
}

impl Origin {
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        // Somebody's name before an @ makes one host look like another.
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let port = match port_text(authority) {
            None => usual_port(is_https),
            Some(text) => text.parse().ok().filter(|port| *port != 0)?,
        };
        let host = authority.host().to_ascii_lowercase();
        (!host.is_empty()).then_some(Self { is_https, host, port })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn has_usual_port(&self) -> bool {
        self.port == usual_port(self.is_https)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

fn usual_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

/// What stands behind the host's colon. The authority type gives no port for one that is too large, nor for none.
fn port_text(authority: &Authority) -> Option<&str> {
    let behind = authority.as_str().rsplit_once(']').map_or(authority.as_str(), |(_, behind)| behind);
    behind.rsplit_once(':').map(|(_, port)| port)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where an answer's `Location` leads, seen from the address that was asked.
pub(crate) fn resolve(from: &Uri, location: &str) -> Result<Uri, Error> {
    let scheme = from.scheme_str().unwrap_or("https");
    let authority = from.authority().map_or("", Authority::as_str);
    let is_absolute = location.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if is_absolute {
        return parse(location);
    }
    if location.starts_with("//") {
        return parse(&format!("{scheme}:{location}"));
    }
    if location.starts_with('/') {
        return parse(&format!("{scheme}://{authority}{location}"));
    }
    let folder = &from.path()[..=from.path().rfind('/').unwrap_or(0)];
    match location.strip_prefix('?') {
        Some(query) => parse(&format!("{scheme}://{authority}{}?{query}", from.path())),
        None => parse(&format!("{scheme}://{authority}{folder}{location}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_seen_from_where_they_were_said() {
        let from: Uri = "https://h.example:8/a/b?c=d".parse().unwrap();
        for (location, leads_to) in [
            ("https://other.example/x", "https://other.example/x"),
            ("//other.example/x", "https://other.example/x"),
            ("/x?y='", "https://h.example:8/x?y='"),
            ("x", "https://h.example:8/a/x"),
            ("?y", "https://h.example:8/a/b?y"),
        ] {
            assert_eq!(resolve(&from, location).unwrap(), leads_to);
        }
    }
}
