//! What the fields of a profile, the flags and the variables may hold: dialects, addresses, versions, names.

use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cli::output::Usage;

/// Whose manner a service has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DialectName {
    /// Meta's Cloud API.
    Graph,
    /// 360dialog.
    D360,
}

impl DialectName {
    /// As flags, variables and the file spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::D360 => "d360",
        }
    }

    /// Where the vendor's own service is.
    pub fn vendors_base(self) -> &'static str {
        match self {
            Self::Graph => "https://graph.facebook.com",
            Self::D360 => "https://waba-v2.360dialog.io",
        }
    }

    /// What the vendor calls its secret.
    pub fn secret_name(self) -> &'static str {
        match self {
            Self::Graph => "Access token",
            Self::D360 => "360dialog API key",
        }
    }
}

impl FromStr for DialectName {
    type Err = Usage;

    fn from_str(text: &str) -> Result<Self, Usage> {
        let known = [Self::Graph, Self::D360].into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| Usage(format!("{text:?} is no dialect; write graph or d360")))
    }
}

/// A name that needs no quotes anywhere.
///
/// # Errors
/// It would.
pub fn name(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !text.starts_with(['-', '.']) && (1..=64).contains(&text.len()) && text.bytes().all(legal) {
        return Ok(text.to_owned());
    }
    Err("a name is 1 to 64 letters, digits, dots, _ and -".to_owned())
}

/// A service's address, without the slash at its end.
///
/// # Errors
/// It is none: the message shows what one looks like, and never what was given, which may hold a password.
pub fn base(text: &str) -> Result<String, Usage> {
    let wrong =
        |what: &str| Usage(format!("the base is no address: {what}; write it like https://host/prefix"));
    let uri: http::Uri = text.parse().map_err(|_| wrong("it cannot be read"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("it must begin with https:// (or http://)"));
    }
    let authority =
        uri.authority().filter(|it| !it.host().is_empty()).ok_or_else(|| wrong("it names no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it holds a name or password"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(wrong("it has a ? or #"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether whoever is on the way to an address can read what is sent there: no TLS, and not this machine.
pub fn is_open_to_readers(base: &str) -> bool {
    let Ok(uri) = base.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    uri.scheme_str() == Some("http") && !is_here
}

/// A version of the Graph API such as `v23.0`; empty for none.
///
/// # Errors
/// It is none.
pub fn version(text: &str) -> Result<String, Usage> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = text.strip_prefix('v').is_some_and(|rest| match rest.split_once('.') {
        Some((major, minor)) => digits(major) && digits(minor),
        None => digits(rest),
    });
    if text.is_empty() || fits {
        Ok(text.to_owned())
    } else {
        Err(Usage(format!("{text:?} is no version; write it like v23.0")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_versions_and_names_are_held_to_their_form() {
        for (text, read) in [
            ("https://a.example/", "https://a.example"),
            ("http://127.0.0.1:8480/x/", "http://127.0.0.1:8480/x"),
        ] {
            assert_eq!(base(text).unwrap(), read);
        }
        for bad in [
            "",
            "a.example",
            "ftp://a",
            "https://",
            "https://u:canary@a",
            "https://a/?canary=1",
            "https://a/#x",
            "/x",
        ] {
            let error = base(bad).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
        assert!(["", "v23.0", "v9"].iter().all(|it| version(it).is_ok()));
        assert!(["23.0", "v", "v1.", "v1.x", "v1/../x"].iter().all(|it| version(it).is_err()));
        assert!(["a", "shop-2.eu"].iter().all(|it| name(it).is_ok()));
        assert!(["", "-a", ".a", "a b", "ä"].iter().all(|it| name(it).is_err()));
    }

    #[test]
    fn only_what_leaves_this_machine_without_tls_is_open_to_readers() {
        let open = ["http://10.0.0.1", "http://shop.example:8480/x", "http://[2001:db8::1]"];
        assert!(open.iter().all(|base| is_open_to_readers(base)));
        let closed =
            ["https://shop.example", "http://localhost:8480", "http://127.8.0.1", "http://[::1]:8480"];
        assert!(closed.iter().all(|base| !is_open_to_readers(base)));
    }
}
