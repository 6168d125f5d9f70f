//! Which addresses may be called: https and public ones; this machine and private networks only where a subscription
//! allows it by name and the configuration lets it.
//!
//! What counts is the address that is connected to, never how a host is spelled: a name is resolved once, every address
//! it has is judged, and one bad address refuses them all, so that no second answer of a resolver can lead elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::{PathAndQuery, Scheme};

use crate::config::AllowPrivate;

/// The longest URL that is taken; longer ones are no honest endpoint's.
const MAX_URL_BYTES: usize = 2048;

/// Where a call goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Whether under TLS.
    pub https: bool,
    /// The host without brackets: a name or an address.
    pub host: String,
    /// The port, the scheme's own where the URL names none.
    pub port: u16,
    /// Host and port as the `Host` header says them.
    pub authority: String,
    /// What is asked for.
    pub path: PathAndQuery,
}

/// Why an address is not called. Texts say the remedy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetError {
    /// No URL that can be called.
    #[error("write the whole address of the endpoint, for instance https://example.com/webhook")]
    NoUrl,
    /// `user:password@`.
    #[error(
        "an endpoint's URL must not carry a user name or password; send them as a header of the subscription"
    )]
    Userinfo,
    /// A number that is not in the one spelling of addresses.
    #[error("write the host as a name, or as an address such as 192.0.2.1 or [2001:db8::1]")]
    OddHost,
    /// Plain http to a public address.
    #[error("endpoints at public addresses are called by https only")]
    PlainHttp,
    /// This machine.
    #[error(
        "{0} is this machine; if that is meant, allow it by name: --allow-private, or \"allow_private\": true"
    )]
    Loopback(IpAddr),
    /// A private network.
    #[error(
        "{0} is in a private network; if that is meant, allow it by name: --allow-private, or \"allow_private\": true"
    )]
    Private(IpAddr),
    /// Allowed by name, and forbidden by the configuration.
    #[error("{0} is not public, and webhooks.allow_private = \"{1}\" forbids it; set it to \"{2}\"")]
    Forbidden(IpAddr, &'static str, &'static str),
    /// An address that is nobody's endpoint: link-local, multicast, unspecified, reserved.
    #[error("{0} is an address that no endpoint has")]
    Never(IpAddr),
}

impl Target {
    /// Reads an endpoint's URL. Resolves nothing; an address that is written out is judged by [`Reach::check`].
    ///
    /// # Errors
    /// [`TargetError`] for what is no URL to call.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if url.len() > MAX_URL_BYTES || url.contains('#') {
            return Err(TargetError::NoUrl);
        }
        let uri: Uri = url.parse().map_err(|_| TargetError::NoUrl)?;
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(TargetError::NoUrl),
        };
        let authority = uri.authority().ok_or(TargetError::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Userinfo);
        }
        let written = authority.host();
        let host = written.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(written);
        check_host(host)?;
        let port = match authority.as_str()[written.len()..].strip_prefix(':') {
            // "host:" is legal, and means the scheme's own.
            None | Some("") => default_port(https),
            Some(port) => port.parse().map_err(|_| TargetError::NoUrl)?,
        };
        let shown = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let authority = if port == default_port(https) { shown } else { format!("{shown}:{port}") };
        let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        Ok(Self { https, host: host.to_owned(), port, authority, path })
    }
}

fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// Addresses have one spelling here. Resolvers read others too (`2130706433`, `0177.1`, `0x7f.1`): a name whose last part
/// is a number is no name.
fn check_host(host: &str) -> Result<(), TargetError> {
    if host.is_empty() {
        return Err(TargetError::NoUrl);
    }
    if host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let digits = last.bytes().all(|b| b.is_ascii_digit());
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    if digits || hex || host.contains([':', '%']) { Err(TargetError::OddHost) } else { Ok(()) }
}

/// How far a subscription's calls may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// What the configuration lets subscriptions allow.
    ceiling: AllowPrivate,
    /// Whether this one allows it, by name.
    allowed: bool,
}

/// What an address is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Public,
    Loopback,
    Private,
    Never,
}

impl Reach {
    /// Of a subscription that allows what is not public, or does not, under what the configuration lets it.
    pub fn new(ceiling: AllowPrivate, allowed: bool) -> Self {
        Self { ceiling, allowed }
    }

    /// Whether this address may be connected to.
    ///
    /// # Errors
    /// Why not, and what would allow it.
    pub fn check(self, address: IpAddr, https: bool) -> Result<(), TargetError> {
        let enough = |ceiling| match (self.ceiling, ceiling) {
            (AllowPrivate::Any, _) | (AllowPrivate::Loopback, AllowPrivate::Loopback) => Ok(()),
            (AllowPrivate::Loopback, _) => Err(TargetError::Forbidden(address, "loopback", "any")),
            (AllowPrivate::None, AllowPrivate::Loopback) => {
                Err(TargetError::Forbidden(address, "none", "loopback"))
            }
            (AllowPrivate::None, _) => Err(TargetError::Forbidden(address, "none", "any")),
        };
        match class(address) {
            Class::Public if https => Ok(()),
            Class::Public => Err(TargetError::PlainHttp),
            Class::Loopback if !self.allowed => Err(TargetError::Loopback(address)),
            Class::Loopback => enough(AllowPrivate::Loopback),
            Class::Private if !self.allowed => Err(TargetError::Private(address)),
            Class::Private => enough(AllowPrivate::Any),
            Class::Never => Err(TargetError::Never(address)),
        }
    }
}

fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => class_v6(v6),
    }
}

/// The registry of special addresses (IANA, as of 2026): whatever is in it and is not for everybody is not public.
fn class_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        [127, ..] => Class::Loopback,
        [10, ..] | [192, 168, ..] => Class::Private,
        [172, second, ..] if second & 0xf0 == 16 => Class::Private,
        // Shared by a provider's customers.
        [100, second, ..] if second & 0xc0 == 64 => Class::Private,
        // This network (0.0.0.0 is this machine to many systems), link-local (where clouds keep their metadata),
        // protocol assignments, documentation, 6to4 relays, benchmarks, multicast, reserved, broadcast.
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Class::Never,
        [192, 88, 99, _] | [198, 18 | 19, ..] | [224..=255, ..] => Class::Never,
        _ => Class::Public,
    }
}

fn class_v6(address: Ipv6Addr) -> Class {
    if address == Ipv6Addr::LOCALHOST {
        return Class::Loopback;
    }
    if let Some(v4) = address.to_ipv4_mapped() {
        return class_v4(v4);
    }
    match address.segments() {
        // NAT64: how machines without IPv4 reach public IPv4 addresses, and nothing else may be reached by it.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            match class_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))) {
                Class::Public => Class::Public,
                _ => Class::Never,
            }
        }
        [first, ..] if first & 0xfe00 == 0xfc00 => Class::Private,
        // Protocol assignments with Teredo and others, documentation (two blocks), 6to4, which wraps any IPv4 address.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => Class::Never,
        [0x2002, ..] => Class::Never,
        [0x3fff, second, ..] if second < 0x1000 => Class::Never,
        [first, ..] if first & 0xe000 == 0x2000 => Class::Public,
        // Unspecified, IPv4-compatible, local NAT64, discard, link-local, site-local, multicast, everything unassigned.
        _ => Class::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(text: &str) -> Class {
        class(text.parse().unwrap())
    }

    #[test]
    fn every_special_address_has_its_class() {
        #[rustfmt::skip]
        let table = [
            (Class::Loopback, &["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"][..]),
            (Class::Private, &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
                "fd00::1", "fc00::1", "::ffff:10.0.0.1", "::ffff:192.168.0.1"][..]),
            (Class::Never, &["0.0.0.0", "0.1.2.3", "169.254.169.254", "192.0.0.1", "192.0.2.1", "198.51.100.7",
                "203.0.113.9", "192.88.99.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.255.255.250", "240.0.0.1",
                "255.255.255.255", "::", "::7f00:1", "::ffff:0.0.0.0", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
                "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "fe80::1", "febf::1", "fec0::1",
                "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "4000::1"][..]),
            (Class::Public, &["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
                "192.0.1.1", "198.17.0.1", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:4860:4860::8888",
                "2606:4700::1111", "2a00:1450::1"][..]),
        ];
        for (class, addresses) in table {
            for address in addresses {
                assert_eq!(class_of(address), class, "{address}");
            }
        }
    }

    #[test]
    fn what_is_not_public_needs_a_name_and_a_ceiling() {
        use AllowPrivate::{Any, Loopback, None};
        let check = |ceiling, allowed, address: &str| {
            Reach::new(ceiling, allowed).check(address.parse().unwrap(), false).is_ok()
        };
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(check(Loopback, true, address) && check(Any, true, address));
            assert!(!check(None, true, address) && !check(Any, false, address));
        }
        for address in ["10.0.0.1", "fd00::1", "100.64.0.1"] {
            assert!(check(Any, true, address));
            assert!(!check(Loopback, true, address) && !check(Any, false, address));
        }
        for address in ["169.254.169.254", "0.0.0.0", "::", "ff02::1", "64:ff9b::7f00:1"] {
            assert!(!check(Any, true, address), "{address}");
        }
        // Plain http leaves no machine but ours.
        assert!(!check(Any, true, "8.8.8.8"));
        assert!(Reach::new(None, false).check("8.8.8.8".parse().unwrap(), true).is_ok());
    }

    #[test]
    fn refusals_say_what_would_allow_it() {
        let told = |ceiling, allowed, address: &str| {
            Reach::new(ceiling, allowed).check(address.parse().unwrap(), true).unwrap_err().to_string()
        };
        assert!(told(AllowPrivate::Loopback, false, "127.0.0.1").contains("--allow-private"));
        assert!(told(AllowPrivate::Loopback, true, "10.0.0.1").ends_with("set it to \"any\""));
        assert!(told(AllowPrivate::None, true, "127.0.0.1").ends_with("set it to \"loopback\""));
        assert!(told(AllowPrivate::None, true, "10.0.0.1").ends_with("set it to \"any\""));
    }

    #[test]
    fn urls_are_read_whole_or_not_at_all() {
        let target = Target::parse("https://example.com/hook?a=b").unwrap();
        let facts = (target.https, target.host.as_str(), target.port, target.authority.as_str());
        assert_eq!((facts, target.path.as_str()), ((true, "example.com", 443, "example.com"), "/hook?a=b"));
        let target = Target::parse("http://[::1]:8080").unwrap();
        let facts = (target.https, target.host.as_str(), target.port, target.authority.as_str());
        assert_eq!((facts, target.path.as_str()), ((false, "::1", 8080, "[::1]:8080"), "/"));
        for bad in [
            "",
            "example.com/hook",
            "/hook",
            "ftp://example.com",
            "https://",
            "https:///x",
            "https://a b/",
            "https://example.com/#part",
            "https://example.com:99999/",
            "https://läden.example/",
            "http://[::1",
        ] {
            assert_eq!(Target::parse(bad), Err(TargetError::NoUrl), "{bad}");
        }
        assert_eq!(Target::parse("https://user:pass@example.com/"), Err(TargetError::Userinfo));
        assert_eq!(
            Target::parse(&format!("https://example.com/{}", "x".repeat(2048))),
            Err(TargetError::NoUrl)
        );
    }

    #[test]
    fn odd_spellings_of_addresses_are_no_hosts() {
        for odd in [
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "127.1",
            "127.0.0.1.",
            "127.0.0.0x1",
            "1.2.3.4.5",
            "256.256.256.256",
            "0",
            "017700000001",
            "a.0x",
        ] {
            let read = Target::parse(&format!("http://{odd}/"));
            assert_eq!(read, Err(TargetError::OddHost), "{odd}");
        }
        for good in
            ["127.0.0.1", "localhost", "0x7f.example", "1.example", "xn--lden-loa.example", "example.com."]
        {
            assert!(Target::parse(&format!("http://{good}/")).is_ok(), "{good}");
        }
    }
}
