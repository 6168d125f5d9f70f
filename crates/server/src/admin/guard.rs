//! Who may use the admin listener, and what a browser may not be talked into.

use std::net::SocketAddr;

use aws_lc_rs::constant_time;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use http_body::Body as _;

use super::problem::Problem;
use crate::operations::Secret;

/// With a token: who has it. Without: who speaks to a loopback address by its name, which a page in a browser that
/// was led here by a foreign name (DNS rebinding) does not.
#[derive(Clone)]
pub struct Guard {
    token: Option<Secret>,
    local: SocketAddr,
}

impl Guard {
    /// For a listener at `local`.
    pub fn new(token: Option<Secret>, local: SocketAddr) -> Self {
        Self { token, local }
    }

    fn admits(&self, request: &Request) -> Result<(), (StatusCode, &'static str)> {
        self.knows_caller(request)?;
        is_no_forgery(request)
    }

    fn knows_caller(&self, request: &Request) -> Result<(), (StatusCode, &'static str)> {
        let header = |name| text_of(request, name);
        if let Some(token) = &self.token {
            let given =
                header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
            let same = constant_time::verify_slices_are_equal(given.as_bytes(), token.expose()).is_ok();
            return if same {
                Ok(())
            } else {
                Err((StatusCode::UNAUTHORIZED, "the admin token is missing or wrong"))
            };
        }
        let host = header(HOST).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_local = name == "localhost" || name.trim_matches(['[', ']']).parse() == Ok(self.local.ip());
        let foreign =
            (StatusCode::FORBIDDEN, "the admin listener answers to localhost and its own address only");
        if is_local { Ok(()) } else { Err(foreign) }
    }
}

/// A foreign page can make a browser send forms and plain text here, though not read the answer: such a request has
/// the page's `Origin`, and cannot have a JSON body without asking first.
fn is_no_forgery(request: &Request) -> Result<(), (StatusCode, &'static str)> {
    if request.method().is_safe() {
        return Ok(());
    }
    let host = text_of(request, HOST).unwrap_or_default();
    let is_own = |origin: &str| origin.split_once("://").is_some_and(|(_, from)| from == host);
    if request.headers().contains_key(ORIGIN) && !text_of(request, ORIGIN).is_some_and(is_own) {
        return Err((StatusCode::FORBIDDEN, "requests from pages of other origins are refused"));
    }
    if request.body().is_end_stream() {
        return Ok(());
    }
    let essence =
        text_of(request, CONTENT_TYPE).and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if request.uri().path() == TAKES_FILES {
        let asks_first = !essence.is_empty() && !UNASKED.iter().any(|it| essence.eq_ignore_ascii_case(it));
        let remedy =
            "send Content-Type: application/octet-stream, and the type in the query where it matters";
        return if asks_first { Ok(()) } else { Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, remedy)) };
    }
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json"));
    }
    Ok(())
}

/// The one route whose body is any file.
const TAKES_FILES: &str = "/v1/receive";
/// What pages can make browsers send without asking first (the Fetch standard's safelist).
const UNASKED: [&str; 3] = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];

fn text_of(request: &Request, name: HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Lets a request pass, or answers why not.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.admits(&request) {
        Ok(()) => next.run(request).await,
        Err((status, text)) => Problem::new(status, text).into_response(),
    }
}
