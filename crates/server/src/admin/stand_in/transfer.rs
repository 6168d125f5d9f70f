//! A world as one file, out and in.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Controls, worlds};
use crate::admin::input::Query;
use crate::admin::problem::Problem;
use crate::operations::accounts;
use crate::stand_in::transfer::{self, ImportError};

/// `GET /v1/stand-in/worlds/{world}/export`
pub async fn export(controls: Controls, Path(world): Path<String>) -> Result<Response, Problem> {
    let account = accounts::find_account(&controls.app().store, &world)?;
    let lines = Body::new(transfer::export(controls.app(), &account)?);
    Ok(([(CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

/// The query of `POST /v1/stand-in/import`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Into {
    /// What the world is called; without it, as in the file.
    name: Option<String>,
}

/// `POST /v1/stand-in/import`: the body is the file, read line by line.
pub async fn import(
    controls: Controls,
    Query(into): Query<Into>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let stand_in = controls.get()?;
    let mut body = request.into_body();
    let imported = transfer::import(controls.app(), stand_in, into.name.as_deref(), &mut body).await?;
    let mut view = worlds::view(&imported.world, stand_in.base());
    view["media"] = json!(imported.media);
    Ok((StatusCode::CREATED, Json(view)))
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Account(error) => error.into(),
            ImportError::Store(error) => error.into(),
            error => Self::bad_request(error.to_string()),
        }
    }
}
