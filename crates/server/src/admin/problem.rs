//! Errors of the admin listener: a status and one sentence, always `{"error":"…"}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use wamedia_store::StoreError;

use crate::error::MediaError;
use crate::operations::accounts::AccountError;

/// Why a request was not done.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    text: String,
}

impl Problem {
    /// With a sentence that says what to do.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// 400.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 404.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(serde_json::json!({ "error": self.text }))).into_response()
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let status = match &error {
            AccountError::NotFound { .. } => StatusCode::NOT_FOUND,
            AccountError::Taken { .. } => StatusCode::CONFLICT,
            AccountError::NoneYet { .. } | AccountError::Several { .. } | AccountError::Invalid(_) => {
                StatusCode::BAD_REQUEST
            }
            AccountError::Store(error) => status_of(error),
        };
        if status.is_server_error() {
            tracing::error!(%error, "an admin request failed");
        }
        Self::new(status, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        AccountError::Store(error).into()
    }
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        let status = match &error {
            MediaError::NoSuchPhoneNumber { .. } => StatusCode::NOT_FOUND,
            MediaError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        if status.is_server_error() {
            tracing::error!(%error, "an admin request failed");
        }
        Self::new(status, error.to_string())
    }
}

/// What another process did between our question and our write is told by the store.
fn status_of(error: &StoreError) -> StatusCode {
    match error {
        StoreError::NotFound { .. } => StatusCode::NOT_FOUND,
        StoreError::AlreadyExists { .. } => StatusCode::CONFLICT,
        StoreError::Invalid(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
