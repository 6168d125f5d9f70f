//! What a request says beside its route: who asks, in which dialect, under which address.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, HOST, HeaderName};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::dialect::Dialect;
use super::route::{ApiVersion, Route, Target};
use super::service::Exchange;
use crate::config::Config;
use crate::links::LOOKASIDE;
use crate::operations::{Presented, Secret};

const D360_API_KEY: HeaderName = HeaderName::from_static("d360-api-key");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The credential of a request; a header said twice is nobody's.
pub fn presented(head: &Parts) -> Option<Presented> {
    if let Some(key) = only(head, &D360_API_KEY) {
        return Some(Presented::D360Key(Secret::new(key.trim())));
    }
    if head.headers.contains_key(AUTHORIZATION) {
        let token = only(head, &AUTHORIZATION).and_then(bearer).unwrap_or_default();
        return Some(Presented::Token(Secret::new(token)));
    }
    // Some client libraries put the token into the query of every request.
    parameter(head, "access_token").map(|token| Presented::Token(Secret::new(token)))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    known.then(|| token.trim())
}

fn only<'a>(head: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    let mut values = head.headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}

/// The credential's kind tells the dialect; without a credential the shape of the path does.
pub fn dialect(presented: Option<&Presented>, route: &Route, config: &Config) -> Dialect {
    let graph = match presented {
        Some(Presented::D360Key(_)) => false,
        Some(Presented::Token(_)) => true,
        None => {
            let graph_shaped = matches!(
                route.target,
                Target::Uploads { phone_number_id: Some(_) }
                    | Target::Messages { phone_number_id: Some(_) }
                    | Target::Attachment { .. }
                    | Target::AttachmentUnslashed
            );
            route.version.is_some() || graph_shaped
        }
    };
    if graph {
        Dialect::Graph(route.version.unwrap_or_else(|| default_version(config)))
    } else {
        Dialect::D360
    }
}

/// Validated when the configuration was loaded.
fn default_version(config: &Config) -> ApiVersion {
    ApiVersion::parse(&config.graph.default_version).unwrap_or(ApiVersion::NEWEST_SEEN)
}

/// A query parameter, decoded; the first where it stands twice.
pub fn parameter<'a>(head: &'a Parts, name: &str) -> Option<Cow<'a, str>> {
    parameter_of(head.uri.query()?, name)
}

/// As [`parameter`], of a query wherever it stood.
pub fn parameter_of<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let value = query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    })?;
    Some(percent_decode_str(value).decode_utf8_lossy())
}

/// What stands in front of a link's path in this dialect.
pub fn link_base(exchange: &Exchange<'_>) -> String {
    let config = &exchange.app.config;
    let setting = match exchange.dialect {
        Dialect::Graph(_) => &config.graph.media_url_host,
        Dialect::D360 => &config.d360.media_url_host,
    };
    match setting.as_str() {
        "lookaside" => LOOKASIDE.to_owned(),
        "self" if !config.public.base_url.is_empty() => config.public.base_url.clone(),
        "self" => own_address(exchange),
        url => url.to_owned(),
    }
}

/// The address the client used to reach us: what a trusted proxy says, what the client says, what its connection is.
fn own_address(exchange: &Exchange<'_>) -> String {
    let Exchange { head, route, .. } = exchange;
    let public = &exchange.app.config.public;
    let forwarded =
        |name: &'static HeaderName| only(head, name).filter(|_| public.trust_forwarded).map(first_of_list);
    let proto = forwarded(&FORWARDED_PROTO).filter(|proto| matches!(*proto, "http" | "https"));
    let named = [
        forwarded(&FORWARDED_HOST),
        only(head, &HOST),
        head.uri.authority().map(|authority| authority.as_str()),
    ];
    let host = named.into_iter().flatten().find(|host| is_authority(host));
    let host = host.map_or_else(|| Cow::Owned(exchange.local.to_string()), Cow::Borrowed);
    let prefix = if route.prefixed { public.path_prefix.as_str() } else { "" };
    [proto.unwrap_or(exchange.scheme), "://", &host, prefix].concat()
}

/// Each proxy in a row adds to the list; the first is what the client said.
fn first_of_list(value: &str) -> &str {
    value.split(',').next().unwrap_or_default().trim()
}

/// Host and port and nothing else: what a client writes here comes back inside a URL.
fn is_authority(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !text.is_empty() && text.len() <= 255 && text.bytes().all(legal)
}
