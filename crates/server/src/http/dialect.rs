//! The two dialects as one closed set: what each adds to an answer, and how each says an error.

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Response, StatusCode};
use jiff::SignedDuration;
use wamedia_wire::d360::D360Error;
use wamedia_wire::fbtrace::TraceId;
use wamedia_wire::graph::GraphError;

use super::body::Body;
use super::route::{ApiVersion, Target};
use super::{d360, graph};
use crate::action::Action;
use crate::config::{Config, DialectName};
use crate::error::MediaError;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");
const API_VERSION: HeaderName = HeaderName::from_static("facebook-api-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-fb-request-id");

/// How long a client should wait where nothing tells it better.
const OVERLOAD_RETRY_SECONDS: u64 = 1;

/// Whose way of speaking a request uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Meta's Cloud API, in a version.
    Graph(ApiVersion),
    /// 360dialog.
    D360,
}

impl Dialect {
    /// The dialect without its version.
    pub fn name(self) -> DialectName {
        match self {
            Self::Graph(_) => DialectName::Graph,
            Self::D360 => DialectName::D360,
        }
    }

    /// As metrics and logs spell it.
    pub fn as_str(self) -> &'static str {
        self.name().as_str()
    }

    /// 200 with a JSON body.
    pub fn answer(self, body: impl Into<Body>) -> Response<Body> {
        self.json(StatusCode::OK, body.into())
    }

    /// What this dialect says of an error of `action`.
    pub fn error(
        self,
        error: &MediaError,
        action: Action,
        config: &Config,
        trace: TraceId,
    ) -> Response<Body> {
        let mut response = match self {
            Self::Graph(_) => self.graph_error(&graph::error(error, action, config), trace),
            Self::D360 => self.d360_error(&d360::error(error, config), config),
        };
        if let Some(seconds) = retry_after_seconds(error) {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }

    /// 404 for a path that is nobody's.
    pub fn unknown_path(self, path: &str, config: &Config, trace: TraceId) -> Response<Body> {
        match self {
            Self::Graph(_) => self.graph_error(&GraphError::unknown_path(path), trace),
            Self::D360 => self.d360_error(&D360Error::unknown_path(), config),
        }
    }

    /// 405 with `Allow`.
    pub fn wrong_method(
        self,
        method: &Method,
        target: &Target,
        config: &Config,
        trace: TraceId,
    ) -> Response<Body> {
        let mut response = match self {
            Self::Graph(_) => self.graph_error(&GraphError::method_not_allowed(method.as_str()), trace),
            Self::D360 => self.d360_error(&D360Error::method_not_allowed(), config),
        };
        let allowed: Vec<&str> = target.methods().iter().map(|(method, _)| method.as_str()).collect();
        response.headers_mut().insert(ALLOW, legal(&allowed.join(", ")));
        response
    }

    /// 400 for a request that breaks a rule before it has an action.
    pub fn bad_request(self, text: &'static str, config: &Config, trace: TraceId) -> Response<Body> {
        match self {
            Self::Graph(_) => self.graph_error(&GraphError::bad_request(text), trace),
            Self::D360 => self.d360_error(&D360Error::bad_request(text), config),
        }
    }

    fn graph_error(self, error: &GraphError, trace: TraceId) -> Response<Body> {
        let body = error.to_json(trace.as_str()).into();
        let mut response = self.json(status(error.status), body);
        let headers = response.headers_mut();
        headers.insert(WWW_AUTHENTICATE, legal(&error.www_authenticate()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(REQUEST_ID, legal(trace.as_str()));
        response
    }

    fn d360_error(self, error: &D360Error, config: &Config) -> Response<Body> {
        let mut response = self.json(status(error.status), error.to_json(config.d360.error_style).into());
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn json(self, status: StatusCode, body: Body) -> Response<Body> {
        let length = http_body::Body::size_hint(&body).lower();
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(CONTENT_LENGTH, length.into());
        if let Self::Graph(version) = self {
            headers.insert(API_VERSION, legal(&version.to_string()));
        }
        response
    }
}

fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Our own texts are legal header values; should one ever not be, the header is empty rather than the answer lost.
fn legal(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// Whole seconds, rounded up: who waits that long is not refused again for the same reason.
fn retry_after_seconds(error: &MediaError) -> Option<u64> {
    let ceil = |wait: &SignedDuration| u64::try_from(wait.as_millis()).unwrap_or(0).div_ceil(1000).max(1);
    match error {
        MediaError::UploadRate { retry_after } | MediaError::Blocked { retry_after } => {
            Some(ceil(retry_after))
        }
        MediaError::Overloaded => Some(OVERLOAD_RETRY_SECONDS),
        _ => None,
    }
}
