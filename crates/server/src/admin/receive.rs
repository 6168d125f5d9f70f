//! Being a customer: a file comes in for a number, as if somebody had sent it.

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use wamedia_media::{Kind, MimeType};

use super::Admin;
use super::accounts::number_in_body;
use super::input::Query;
use super::problem::Problem;
use crate::operations::accounts::phone_number_or_only;
use crate::operations::{Receipt, Received, receive as receive_for};

/// The query of `POST /v1/receive`; the body is the file, whatever it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    phone_number_id: Option<String>,
    from: String,
    #[serde(default)]
    name: String,
    caption: Option<String>,
    filename: Option<String>,
    /// A kind (`document`) or a type (`image/jpeg`).
    #[serde(rename = "type")]
    kind_or_type: Option<String>,
    #[serde(default)]
    voice: bool,
}

/// What became of it.
#[derive(Serialize)]
pub struct ReceivedView {
    message_id: String,
    media_id: Option<String>,
    error: Option<u32>,
    delivery_ids: Vec<i64>,
}

impl From<Received> for ReceivedView {
    fn from(received: Received) -> Self {
        Self {
            message_id: received.message_id,
            media_id: received.media_id.map(|id| id.to_string()),
            error: received.error,
            delivery_ids: received.deliveries.iter().map(|id| id.0).collect(),
        }
    }
}

/// `POST /v1/receive`: the body is streamed, and never held.
pub async fn receive(
    State(admin): State<Admin>,
    Query(facts): Query<Facts>,
    request: Request,
) -> Result<(StatusCode, Json<ReceivedView>), Problem> {
    let asked = facts.phone_number_id.as_deref().map(number_in_body).transpose()?;
    let number = phone_number_or_only(&admin.app.store, asked)?.id;
    let (kind, mime_type) = match facts.kind_or_type {
        None => (None, declared(&request)),
        Some(text) => match Kind::ALL.into_iter().find(|kind| kind.as_str() == text) {
            Some(kind) => (Some(kind), declared(&request)),
            None => (None, Some(text)),
        },
    };
    let receipt = Receipt {
        from: facts.from,
        name: facts.name,
        caption: facts.caption,
        filename: facts.filename,
        kind,
        mime_type,
        voice: facts.voice,
    };
    let received = receive_for(&admin.app, number, receipt, &mut request.into_body()).await?;
    Ok((StatusCode::CREATED, Json(received.into())))
}

/// The body's own type, unless it says nothing.
fn declared(request: &Request) -> Option<String> {
    let text = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let says_nothing = MimeType::parse(text).is_ok_and(|mime| mime.as_str() == "application/octet-stream");
    (!says_nothing).then(|| text.to_owned())
}
