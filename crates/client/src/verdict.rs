//! From an answer to an error: the one place where statuses, codes and texts mean something.

use serde_json::Value;
use wamedia_media::{MediaId, PhoneNumberId};

use crate::transport::Reply;
use crate::{Answer, Error, Missing, Rejection};

/// The most of an answer that is read, where it is no file: 64 KiB.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An upload, on graph by a number.
    Upload(Option<PhoneNumberId>),
    /// A media's facts, or its deletion.
    Media(MediaId),
    /// A media's bytes, by its link.
    Link,
}

/// The error that an answer other than a success is. Reads the beginning of its body.
pub(crate) async fn failure(reply: Reply, asked: &Asked) -> Error {
    let Reply { status, headers, body } = reply;
    // An error whose body breaks is still that error.
    let body = body.beginning(MAX_ANSWER_BYTES).await.unwrap_or_default();
    classify(Answer::read(status, &headers, &body), asked)
}

fn classify(answer: Answer, asked: &Asked) -> Error {
    if answer.is_throttle() {
        return Error::Throttled { retry_after: answer.retry_after, answer: Box::new(answer) };
    }
    if *asked == Asked::Link {
        // Meta's CDN says 403 in plain text for a signature that is no longer valid.
        let is_dead = matches!(answer.status, 401 | 404 | 410) || (answer.status == 403 && !answer.is_api);
        if is_dead {
            return Error::Expired(Box::new(answer));
        }
    }
    if answer.is_unauthorized() {
        return Error::Unauthorized(Box::new(answer));
    }
    if answer.is_forbidden() {
        return Error::Forbidden(Box::new(answer));
    }
    if let Some(what) = asked.missing().filter(|_| answer.is_not_found()) {
        return Error::NotFound { what, answer: Box::new(answer) };
    }
    match answer.status {
        404 if !answer.is_api => Error::Upstream(Box::new(answer)),
        408 | 425 => Error::Upstream(Box::new(answer)),
        400..=499 => Error::Rejected(Box::new(Rejection::Service(answer))),
        _ => Error::Upstream(Box::new(answer)),
    }
}

impl Asked {
    fn missing(self) -> Option<Missing> {
        match self {
            Self::Upload(number) => number.map(Missing::PhoneNumber),
            Self::Media(id) => Some(Missing::Media(id)),
            Self::Link => None,
        }
    }
}

/// Whether the vendor counts it among a number's errors. Who is not let in, who is too fast, and what the service
/// itself failed at, is not the number's error; an answer that never came is nobody's.
pub(crate) fn counts_as_error(error: &Error) -> bool {
    match error {
        Error::Rejected(rejection) => matches!(**rejection, Rejection::Service(_)),
        Error::NotFound { .. } | Error::Forbidden(_) => true,
        _ => false,
    }
}

/// The JSON of a success; `Null` for what is none.
pub(crate) async fn read_json(reply: Reply) -> Result<Value, Error> {
    let body = reply.body.beginning(MAX_ANSWER_BYTES).await?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// A success, or something like it, that nobody understands.
pub(crate) fn unreadable(status: u16, why: impl Into<String>) -> Error {
    Error::Upstream(Box::new(Answer::said(status, why)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    const ID: &str = "1761991787669262";

    fn of(status: u16, body: &str, asked: &Asked) -> &'static str {
        classify(Answer::read(status, &HeaderMap::new(), body.as_bytes()), asked).word()
    }

    fn media() -> Asked {
        Asked::Media(ID.parse().unwrap())
    }

    fn upload() -> Asked {
        Asked::Upload(PhoneNumberId::new(1))
    }

    /// Every row of the wire contract's table of errors, in both dialects.
    #[test]
    fn every_error_of_the_contract_says_what_to_do() {
        let graph = |code: u32, more: &str| {
            format!(
                r#"{{"error":{{"message":"m","type":"OAuthException","code":{code}{more},"fbtrace_id":"A"}}}}"#
            )
        };
        let d360 = |text: &str| format!(r#"{{"error":"{text}"}}"#);
        let subcode = r#","error_subcode":33"#;
        for (asked, status, body, word) in [
            (media(), 401, graph(190, ""), "unauthorized"),
            (media(), 400, graph(190, ""), "unauthorized"),
            (media(), 401, d360("Invalid API key"), "unauthorized"),
            (Asked::Link, 401, graph(190, ""), "expired"),
            (Asked::Link, 401, d360("Invalid API key"), "expired"),
            (Asked::Link, 404, graph(190, ""), "expired"),
            (Asked::Link, 403, "URL signature expired".into(), "expired"),
            (Asked::Link, 403, graph(10, ""), "forbidden"),
            (media(), 403, graph(10, ""), "forbidden"),
            (media(), 403, d360("Forbidden - missing permissions"), "forbidden"),
            (media(), 400, graph(100, subcode), "not-found"),
            (upload(), 400, graph(100, subcode), "not-found"),
            (media(), 400, d360("Media not found"), "not-found"),
            (media(), 404, d360("Media not found"), "not-found"),
            (media(), 400, d360("invalid media ID format"), "rejected"),
            (media(), 400, graph(100, ""), "rejected"),
            (upload(), 400, graph(100, ""), "rejected"),
            (upload(), 400, graph(131_053, ""), "rejected"),
            (upload(), 400, d360("(#100) The parameter file is required."), "rejected"),
            (upload(), 413, String::new(), "rejected"),
            (upload(), 400, graph(130_429, ""), "throttled"),
            (upload(), 429, d360("You have exceeded the endpoint rate limit."), "throttled"),
            (upload(), 400, d360("You have exceeded the endpoint rate limit."), "throttled"),
            (media(), 400, graph(80_007, ""), "throttled"),
            (media(), 429, d360("Too many requests - endpoint disabled"), "throttled"),
            (media(), 400, d360("Too many requests - endpoint disabled"), "throttled"),
            (upload(), 500, graph(131_000, ""), "upstream"),
            (upload(), 500, d360("Internal server error"), "upstream"),
            (upload(), 503, graph(2, r#","is_transient":true"#), "upstream"),
            (upload(), 408, d360("The request body did not arrive."), "upstream"),
            (media(), 502, "<html>Bad Gateway</html>".into(), "upstream"),
            (media(), 404, "<html>Not Found</html>".into(), "upstream"),
            (media(), 404, graph(2500, ""), "rejected"),
        ] {
            assert_eq!(of(status, &body, &asked), word, "{asked:?} {status} {body}");
        }
    }

    #[test]
    fn what_is_the_numbers_own_error_counts() {
        let answer = || Answer::said(400, "");
        assert!(counts_as_error(&Error::Rejected(Box::new(Rejection::Service(answer())))));
        assert!(counts_as_error(&classify(
            Answer { code: Some(100), subcode: Some(33), is_api: true, ..answer() },
            &media()
        )));
        assert!(!counts_as_error(&Error::Unauthorized(Box::new(answer()))));
        assert!(!counts_as_error(&Error::Upstream(Box::new(answer()))));
        assert!(!counts_as_error(&Error::Throttled { retry_after: None, answer: Box::new(answer()) }));
    }
}
