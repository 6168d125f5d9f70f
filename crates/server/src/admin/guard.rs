//! Who may use the admin listener.

use std::net::SocketAddr;

use aws_lc_rs::constant_time;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{AUTHORIZATION, HOST};

use super::error_body;
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
        let header =
            |name| request.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
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

/// Lets a request pass, or answers why not.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.admits(&request) {
        Ok(()) => next.run(request).await,
        Err((status, text)) => (status, axum::Json(error_body(text))).into_response(),
    }
}
