//! What a service answered when it did not do what it was asked, in every shape seen: Meta's envelope, 360dialog's
//! three, and the pages of whatever stands in between.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use serde_json::Value;

/// A service's answer that is not a success: all vendors' shapes, reduced to what they have in common.
///
/// Texts come from the network. They are bounded, and control characters are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What the service said: at most 1,000 characters. Empty if it said nothing.
    pub message: String,
    /// Meta's error code: 100, 190, 130429, 131053, …
    pub code: Option<i64>,
    /// Meta's subcode, 33 for an object that does not exist.
    pub subcode: Option<i64>,
    /// Meta's type: `OAuthException`.
    pub kind: Option<String>,
    /// Meta's `error_data.details`: the reason in words.
    pub details: Option<String>,
    /// What to name to the vendor's support: `fbtrace_id`, or a header with a request's id.
    pub request_id: Option<String>,
    /// Whether it was the API that spoke, and not a proxy or a CDN on the way.
    pub(crate) is_api: bool,
    /// How long it asked to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

/// Most characters that are kept of any text.
const MAX_CHARS: usize = 1000;

/// Headers that name a request, in the order in which they are preferred.
const REQUEST_ID_HEADERS: [&str; 4] =
    ["x-fb-request-id", "x-request-id", "x-fb-trace-id", "x-amzn-requestid"];

impl Answer {
    /// Reads an answer; `body` is the part of it that was kept.
    pub(crate) fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = REQUEST_ID_HEADERS.iter().find_map(|name| headers.get(*name)?.to_str().ok()).map(tidy);
        let mut answer = serde_json::from_slice(body)
            .ok()
            .and_then(|body| Self::of_json(&body))
            .unwrap_or_else(|| Self { message: text_of_page(body), ..Self::empty() });
        answer.status = status;
        answer.retry_after = retry_after(headers);
        answer.request_id = answer.request_id.or(header);
        answer
    }

    pub(crate) fn said(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            status: 0,
            message: String::new(),
            code: None,
            subcode: None,
            kind: None,
            details: None,
            request_id: None,
            is_api: false,
            retry_after: None,
        }
    }

    /// `{"error":{…}}`, `{"error":"…"}`, `{"meta":{…}}`; 360dialog's hub also says `{"detail":"…"}`.
    fn of_json(body: &Value) -> Option<Self> {
        let mut answer = Self { is_api: true, ..Self::empty() };
        match (&body["error"], &body["meta"]) {
            (Value::String(text), _) => answer.message = tidy(text),
            (error @ Value::Object(_), _) => answer.read_envelope(error),
            (_, meta @ Value::Object(_)) => {
                let text = text_at(meta, "developer_message").or_else(|| text_at(meta, "message"));
                answer.message = text.unwrap_or_default();
                answer.details = text_at(meta, "details");
            }
            _ => answer.message = ["message", "detail", "title"].iter().find_map(|key| text_at(body, key))?,
        }
        Some(answer)
    }

    fn read_envelope(&mut self, error: &Value) {
        self.message = text_at(error, "message").or_else(|| text_at(error, "title")).unwrap_or_default();
        self.code = number_at(error, "code");
        self.subcode = number_at(error, "error_subcode");
        self.kind = text_at(error, "type");
        self.details = text_at(&error["error_data"], "details")
            .or_else(|| text_at(error, "details"))
            .or_else(|| text_at(error, "error_user_msg"));
        self.request_id = text_at(error, "fbtrace_id");
    }

    /// Whether it says that requests come too fast, or that the number is blocked for a while.
    ///
    /// Meta says so with status 400 and a code (recorded traffic), 360dialog with 429, and by one of its documents
    /// with 400 and the same texts.
    pub(crate) fn is_throttle(&self) -> bool {
        const CODES: [i64; 6] = [4, 80_007, 130_429, 131_048, 131_056, 133_016];
        const TEXTS: [&str; 2] = ["exceeded the endpoint rate limit", "Too many requests"];
        let is_text = self.status == 400 && TEXTS.iter().any(|text| self.message.contains(text));
        self.status == 429 || self.code.is_some_and(|code| CODES.contains(&code)) || is_text
    }

    /// Whether a number is blocked for half an hour or more, and not merely a little too fast.
    pub(crate) fn is_block(&self) -> bool {
        self.code == Some(80_007) || self.message.contains("endpoint disabled")
    }

    /// Whether the credential is refused: Meta says 190 with 401, elsewhere also with 400.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.status == 401 || self.code == Some(190)
    }

    /// Whether the credential lacks a permission: Meta's 10, and 200 to 299.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == 403 || matches!(self.code, Some(10 | 200..=299))
    }

    /// Whether the thing that the address names is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        let says_so = self.status == 400 && self.code.is_none() && self.message == "Media not found";
        let by_status = matches!(self.status, 404 | 410) && self.is_api && self.code.is_none();
        by_status || (self.code == Some(100) && self.subcode == Some(33)) || says_so
    }
}

/// How long the service asks to be left alone: seconds, or a date, which is seen from the answer's own date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now: SystemTime = httpdate::parse_http_date(text(DATE)?).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

fn text_at(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(tidy(text)),
        _ => None,
    }
}

fn number_at(value: &Value, key: &str) -> Option<i64> {
    match value.get(key)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Foreign text for people's eyes: bounded, on one line, without what a terminal would obey.
fn tidy(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// What a page of a proxy says: its text without tags, at most a line or two.
fn text_of_page(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * MAX_CHARS)]);
    let mut is_in_tag = false;
    let mut words = String::new();
    for c in text.chars() {
        match c {
            '<' => is_in_tag = true,
            '>' if is_in_tag => {
                is_in_tag = false;
                words.push(' ');
            }
            _ if is_in_tag => {}
            _ => words.push(c),
        }
    }
    tidy(&words.split_whitespace().collect::<Vec<_>>().join(" ")).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(status: u16, body: &str) -> Answer {
        Answer::read(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn metas_envelope_is_read() {
        let answer = read(
            400,
            r#"{"error":{"message":"(#100) Invalid parameter","type":"OAuthException","code":100,"error_data":{"messaging_product":"whatsapp","details":"File Too Large: The file you uploaded is too large."},"error_subcode":2494010,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#,
        );
        let details = Some("File Too Large: The file you uploaded is too large.".to_owned());
        assert_eq!((answer.code, answer.subcode, answer.details), (Some(100), Some(2_494_010), details));
        assert_eq!(answer.message, "(#100) Invalid parameter");
        assert_eq!(answer.kind.as_deref(), Some("OAuthException"));
        assert_eq!(answer.request_id.as_deref(), Some("AbCdEfGhIjKlMnOpQrStUvW"));
    }

    #[test]
    fn each_of_360dialogs_shapes_is_read() {
        assert_eq!(read(401, r#"{"error":"Invalid API key"}"#).message, "Invalid API key");
        let legacy = r#"{"meta":{"http_code":400,"developer_message":"Media not found","success":false}}"#;
        assert_eq!(read(400, legacy).message, "Media not found");
        assert!(read(400, legacy).is_not_found());
        let graph_like = r#"{"error":{"message":"(#131053) Media upload error","code":"131053","error_data":{"details":"why"}}}"#;
        let answer = read(400, graph_like);
        assert_eq!((answer.code, answer.details.as_deref()), (Some(131_053), Some("why")));
        assert_eq!(read(404, r#"{"detail":"no such route"}"#).message, "no such route");
    }

    #[test]
    fn pages_of_proxies_become_a_line() {
        let page = "<html><head><title>502 Bad Gateway</title></head>\r\n<body><h1>502  Bad Gateway</h1></body></html>";
        let answer = read(502, page);
        assert_eq!(answer.message, "502 Bad Gateway 502 Bad Gateway");
        assert!(!answer.is_api);
        assert_eq!(read(500, "").message, "");
        assert_eq!(read(500, "[1]").message, "[1]");
        assert_eq!(read(500, "\u{1b}[31mred\u{7}\0").message, "[31mred");
        assert!(read(500, &"x".repeat(100_000)).message.len() <= 300);
        let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(5000));
        assert_eq!(read(500, &long).message.chars().count(), MAX_CHARS);
    }

    #[test]
    fn a_requests_id_is_found_in_the_head_too() {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "r-1".parse().unwrap());
        assert_eq!(Answer::read(400, &headers, b"{}").request_id.as_deref(), Some("r-1"));
        headers.insert("x-fb-request-id", "Af".parse().unwrap());
        assert_eq!(Answer::read(400, &headers, b"{}").request_id.as_deref(), Some("Af"));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "17".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(17)));
        headers.insert(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
        headers.insert(DATE, "Sun, 06 Nov 1994 09:49:37 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::ZERO));
        headers.insert(RETRY_AFTER, "soon".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_told_within_bounds(body: Vec<u8>, text: String, code: i64) {
            let json = serde_json::json!({"error": {"message": text, "code": code, "error_data": {"details": text}}});
            for body in [body, json.to_string().into_bytes(), serde_json::json!({ "error": text }).to_string().into_bytes()] {
                let answer = Answer::read(400, &HeaderMap::new(), &body);
                for told in [Some(answer.message), answer.details].into_iter().flatten() {
                    prop_assert!(told.chars().count() <= MAX_CHARS && !told.contains(char::is_control));
                }
            }
        }
    }
}
