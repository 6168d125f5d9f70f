//! Worlds: made, listed, reset, thrown away.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wamedia_store::{Account, Media, Origin};

use super::Controls;
use crate::admin::accounts::number_in_body;
use crate::admin::input::Body;
use crate::admin::problem::Problem;
use crate::operations::accounts;
use crate::stand_in::preload::PreloadError;
use crate::stand_in::worlds::{self, World};

/// The body of `POST /v1/stand-in/worlds`; everything may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWorld {
    name: Option<String>,
    phone_number_id: Option<String>,
    #[serde(default)]
    display: String,
}

/// `POST /v1/stand-in/worlds`
pub async fn make(
    controls: Controls,
    Body(new): Body<NewWorld>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let number = new.phone_number_id.as_deref().map(number_in_body).transpose()?;
    let made = worlds::make(controls.app(), new.name.as_deref(), number, &new.display).await?;
    Ok((StatusCode::CREATED, Json(view(&made, controls.get()?.base()))))
}

/// Everything that a client under test is configured with.
pub fn view(world: &World, base: &str) -> Value {
    json!({
        "world": world.account.name,
        "id": world.account.id.0,
        "phone_number_id": world.number.id.to_string(),
        "token": world.token.secret,
        "d360_key": world.key.secret,
        "graph": format!("{base}/v23.0"),
        "d360": base,
    })
}

/// `GET /v1/stand-in/worlds`
pub async fn list(controls: Controls) -> Result<Json<Vec<Value>>, Problem> {
    let all = controls.app().store.catalog().accounts()?;
    Ok(Json(all.iter().map(|account| summary(&controls, account)).collect::<Result<_, _>>()?))
}

/// `GET /v1/stand-in/worlds/{world}`
pub async fn show(controls: Controls, Path(world): Path<String>) -> Result<Json<Value>, Problem> {
    let account = accounts::find_account(&controls.app().store, &world)?;
    let mut shown = summary(&controls, &account)?;
    shown["media"] = worlds::media(controls.app(), account.id)?.iter().map(media).collect();
    Ok(Json(shown))
}

fn summary(controls: &Controls, account: &Account) -> Result<Value, Problem> {
    let numbers = worlds::numbers(controls.app(), account.id)?;
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    Ok(json!({ "world": account.name, "id": account.id.0, "phone_number_ids": numbers }))
}

fn media(media: &Media) -> Value {
    json!({
        "id": media.id.to_string(),
        "phone_number_id": media.phone_number_id.to_string(),
        "mime_type": media.mime_type,
        "bytes": media.bytes,
        "file_name": media.file_name,
        "origin": match media.origin { Origin::Uploaded => "uploaded", Origin::Received => "received" },
        "created_at": media.created_at,
        "expires_at": media.expires_at,
    })
}

/// `DELETE /v1/stand-in/worlds/{world}`
pub async fn discard(controls: Controls, Path(world): Path<String>) -> Result<StatusCode, Problem> {
    let account = accounts::find_account(&controls.app().store, &world)?.id;
    worlds::discard(controls.app(), controls.get()?, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/stand-in/worlds/{world}/reset`
pub async fn reset(controls: Controls, Path(world): Path<String>) -> Result<StatusCode, Problem> {
    let account = accounts::find_account(&controls.app().store, &world)?.id;
    worlds::reset(controls.app(), controls.get()?, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/stand-in/reset`
pub async fn reset_all(controls: Controls) -> Result<Json<Value>, Problem> {
    let stand_in = controls.get()?;
    worlds::reset_all(controls.app(), stand_in).await?;
    Ok(Json(json!({ "preloaded": stand_in.preloaded() })))
}

impl From<PreloadError> for Problem {
    fn from(error: PreloadError) -> Self {
        match error {
            PreloadError::Account(error) => error.into(),
            PreloadError::Store(error) => error.into(),
            error => Self::new(StatusCode::CONFLICT, error.to_string()),
        }
    }
}
