//! Paths to actions: one place for both dialects, every version prefix, and the configured path prefix.
//!
//! A closed set, matched by hand rather than by a framework's router: the same path means one thing or another
//! by dialect, URLs stand percent-encoded inside paths, and every path must have an answer in its dialect.

use std::borrow::Cow;

use http::Method;
use percent_encoding::percent_decode_str;
use wamedia_wire::links::{ATTACHMENTS_PATH, attachment_path_of};

use crate::action::Action;

/// A version of Meta's API as paths name it: `v21.0`, or `v21`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// The newest version seen in clients.
    pub const NEWEST_SEEN: Self = Self { major: 26, minor: 0 };

    /// Reads `vN` or `vN.M`.
    pub fn parse(segment: &str) -> Option<Self> {
        let (major, minor) = {
            let number = segment.strip_prefix('v')?;
            number.split_once('.').unwrap_or((number, "0"))
        };
        let digits = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let both = digits(major) && digits(minor);
        both.then(|| Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? }))?
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}.{}", self.major, self.minor)
    }
}

/// What a path is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// `/{phone_number_id}/media` (graph) or `/media` (d360).
    Uploads {
        /// As the client wrote it; none in the d360 form.
        phone_number_id: Option<String>,
    },
    /// `/{phone_number_id}/messages` (graph) or `/messages` (d360).
    Messages {
        /// As the client wrote it; none in the d360 form.
        phone_number_id: Option<String>,
    },
    /// `/{media_id}`.
    Media {
        /// As the client wrote it.
        id: String,
    },
    /// `/whatsapp_business/attachments/?…`, or the whole URL percent-encoded as a path.
    Attachment {
        /// The link's query where it came inside the path; else the request's own query holds it.
        query_in_path: Option<String>,
    },
    /// `/whatsapp_business/attachments?…`: 308 to the slashed path.
    AttachmentUnslashed,
    /// Nothing of ours.
    Unknown,
}

/// A path, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// Whether the configured prefix stood in front.
    pub prefixed: bool,
    /// The version, where the path names one.
    pub version: Option<ApiVersion>,
    /// What it is about.
    pub target: Target,
}

impl Target {
    /// The methods a target answers, for `Allow` and for the description of the API.
    pub fn methods(&self) -> &'static [(Method, Action)] {
        const UPLOADS: &[(Method, Action)] = &[(Method::POST, Action::Upload)];
        const MESSAGES: &[(Method, Action)] = &[(Method::POST, Action::Send)];
        const MEDIA: &[(Method, Action)] = &[
            (Method::GET, Action::RetrieveUrl),
            (Method::HEAD, Action::RetrieveUrl),
            (Method::DELETE, Action::Delete),
        ];
        const ATTACHMENT: &[(Method, Action)] =
            &[(Method::GET, Action::Download), (Method::HEAD, Action::Download)];
        match self {
            Self::Uploads { .. } => UPLOADS,
            Self::Messages { .. } => MESSAGES,
            Self::Media { .. } => MEDIA,
            Self::Attachment { .. } | Self::AttachmentUnslashed => ATTACHMENT,
            Self::Unknown => &[],
        }
    }

    /// What `method` does here, if anything.
    pub fn action(&self, method: &Method) -> Option<Action> {
        self.methods().iter().find(|(allowed, _)| allowed == method).map(|(_, action)| *action)
    }
}

/// Takes a request's path apart. Total: what is not ours is [`Target::Unknown`].
pub fn route(path: &str, prefix: &str) -> Route {
    let (prefixed, path) = match path.strip_prefix(prefix) {
        Some(rest) if !prefix.is_empty() && (rest.is_empty() || rest.starts_with('/')) => (true, rest),
        _ => (false, path),
    };
    // A base URL that ends with a slash doubles it in front of the path.
    let path = path.trim_start_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let version = ApiVersion::parse(first);
    let path = if version.is_some() { rest.trim_start_matches('/') } else { path };
    Route { prefixed, version, target: target(path) }
}

fn target(path: &str) -> Target {
    if let Some(query_in_path) = media_url(path) {
        return Target::Attachment { query_in_path };
    }
    let attachments = ATTACHMENTS_PATH.trim_matches('/');
    match path.strip_prefix(attachments) {
        Some("") => return Target::AttachmentUnslashed,
        Some("/") => return Target::Attachment { query_in_path: None },
        _ => {}
    }
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next(), segments.next()) {
        (Some("media"), None, _) => Target::Uploads { phone_number_id: None },
        (Some("messages"), None, _) => Target::Messages { phone_number_id: None },
        (Some(id), None, _) => Target::Media { id: decode(id).into_owned() },
        (Some(number), Some("media"), None) => {
            Target::Uploads { phone_number_id: Some(decode(number).into_owned()) }
        }
        (Some(number), Some("messages"), None) => {
            Target::Messages { phone_number_id: Some(decode(number).into_owned()) }
        }
        _ => Target::Unknown,
    }
}

/// `GET /{version}/{media_url}`: the path is a whole URL, percent-encoded as clients do it, or as it is.
/// `Some(None)` where it is a link whose query stayed outside.
fn media_url(path: &str) -> Option<Option<String>> {
    let looks_like_url = path.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
    if !looks_like_url {
        return None;
    }
    let url = decode(path);
    let is_url = ["https:/", "http:/"].iter().any(|scheme| url.starts_with(scheme));
    if !is_url {
        return None;
    }
    if let Some((_, query)) = attachment_path_of(&url).and_then(|link| link.split_once('?')) {
        return Some(Some(query.to_owned()));
    }
    url.ends_with(ATTACHMENTS_PATH).then_some(None)
}

fn decode(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Route {
        route(path, "/wa")
    }

    #[test]
    fn versions_are_read_and_repeated_in_full() {
        for (text, full) in [("v13.0", "v13.0"), ("v26", "v26.0"), ("v21.5", "v21.5")] {
            assert_eq!(ApiVersion::parse(text).unwrap().to_string(), full);
        }
        for text in ["v", "21.0", "v21.", "v2x", "V21.0", "v1234.0", "vacation"] {
            assert_eq!(ApiVersion::parse(text), None, "{text}");
        }
    }

    /// The paths of the description of the API, each with the methods it lists.
    fn described() -> Vec<(String, Vec<String>)> {
        let mut paths: Vec<(String, Vec<String>)> = Vec::new();
        for line in include_str!("../../../../docs/openapi.yaml").lines() {
            let key = line.trim_end_matches(':');
            if let Some(path) = key.strip_prefix("  /") {
                paths.push((format!("/{path}"), Vec::new()));
            } else if let (Some(method), Some((_, methods))) = (key.strip_prefix("    "), paths.last_mut())
                && ["get", "head", "post", "put", "patch", "delete", "options", "trace"].contains(&method)
            {
                methods.push(method.to_uppercase());
            }
        }
        paths
    }

    #[test]
    fn the_description_of_the_api_and_the_routes_are_the_same() {
        let described = described();
        let mut seen = Vec::new();
        for (template, mut methods) in described {
            let path = [
                ("{version}", "v21.0"),
                ("{phone_number_id}", "1025723653965602"),
                ("{media_id}", "1761991787669262"),
            ]
            .iter()
            .fold(template.clone(), |path, (name, value)| path.replace(name, value));
            let target = route(&path, "").target;
            let mut served: Vec<String> =
                target.methods().iter().map(|(method, _)| method.to_string()).collect();
            methods.sort_unstable();
            served.sort_unstable();
            assert_eq!(methods, served, "{template}");
            seen.push(std::mem::discriminant(&target));
        }
        let all = [
            Target::Uploads { phone_number_id: None },
            Target::Messages { phone_number_id: None },
            Target::Media { id: String::new() },
            Target::Attachment { query_in_path: None },
            Target::AttachmentUnslashed,
        ];
        for target in all {
            assert!(seen.contains(&std::mem::discriminant(&target)), "{target:?} is not described");
        }
    }

    #[test]
    fn every_shape_of_path_finds_its_target() {
        let uploads = |number: Option<&str>| Target::Uploads { phone_number_id: number.map(str::to_owned) };
        let messages = |number: Option<&str>| Target::Messages { phone_number_id: number.map(str::to_owned) };
        let media = |id: &str| Target::Media { id: id.to_owned() };
        let link = |query: Option<&str>| Target::Attachment { query_in_path: query.map(str::to_owned) };
        let cases = [
            ("/v21.0/1025723653965602/media", uploads(Some("1025723653965602"))),
            ("/1025723653965602/media/", uploads(Some("1025723653965602"))),
            ("/wa/v21.0/1025723653965602/media", uploads(Some("1025723653965602"))),
            ("//media", uploads(None)),
            ("/v21.0/1025723653965602/messages", messages(Some("1025723653965602"))),
            ("/messages", messages(None)),
            ("/v21.0/1761991787669262", media("1761991787669262")),
            ("/1761991787669262", media("1761991787669262")),
            ("/wacky", media("wacky")),
            ("/whatsapp_business/attachments/", link(None)),
            ("/v21.0/whatsapp_business/attachments/", link(None)),
            ("/whatsapp_business/attachments", Target::AttachmentUnslashed),
            (
                "/v21.0/https%3A%2F%2Fx.example%2Fwhatsapp_business%2Fattachments%2F%3Fmid%3D1%26ext%3D2",
                link(Some("mid=1&ext=2")),
            ),
            ("/v21.0/https://x.example/whatsapp_business/attachments/", link(None)),
            ("/httpbin", media("httpbin")),
            ("/", Target::Unknown),
            ("/a/b/c", Target::Unknown),
            ("/whatsapp_business/attachments/x", Target::Unknown),
        ];
        for (path, expected) in cases {
            assert_eq!(at(path).target, expected, "{path}");
        }
        assert!(at("/wa/media").prefixed && !at("/media").prefixed && !at("/wacky").prefixed);
    }
}
