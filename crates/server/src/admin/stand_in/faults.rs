//! Faults: armed, listed, removed.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::Deserialize;

use super::Controls;
use crate::admin::accounts::AccountName;
use crate::admin::input::{Body, Query};
use crate::admin::problem::Problem;
use crate::stand_in::fault::FaultRequest;
use crate::stand_in::faults::FaultView;
use crate::stand_in::worlds;

/// The query: of one world only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfWorld {
    /// By id or name.
    pub world: Option<String>,
}

/// `GET /v1/stand-in/faults`
pub async fn list(controls: Controls, Query(query): Query<OfWorld>) -> Result<Json<Vec<FaultView>>, Problem> {
    let world = controls.world(query.world.as_deref())?;
    Ok(Json(controls.get()?.faults.list(world, controls.app().clock.now())))
}

/// `POST /v1/stand-in/faults`
pub async fn add(
    controls: Controls,
    Body(asked): Body<FaultRequest>,
) -> Result<(StatusCode, Json<FaultView>), Problem> {
    let name = asked.world.clone().map(serde_json::from_value::<AccountName>).transpose();
    let name = name.map_err(|error| Problem::bad_request(format!("world: {error}")))?;
    let world = controls.world_in_body(name)?;
    let fault = asked.read(world).map_err(Problem::bad_request)?;
    let added = controls.get()?.faults.add(asked, fault, controls.app().clock.now());
    let added = added.map_err(|error| Problem::new(StatusCode::CONFLICT, error))?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// `DELETE /v1/stand-in/faults`
pub async fn clear(controls: Controls, Query(query): Query<OfWorld>) -> Result<StatusCode, Problem> {
    let world = controls.world(query.world.as_deref())?;
    let numbers = match world {
        Some(account) => worlds::numbers(controls.app(), account)?,
        None => Vec::new(),
    };
    controls.get()?.faults.clear(world, &numbers);
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /v1/stand-in/faults/{fault}`
pub async fn remove(controls: Controls, Path(fault): Path<String>) -> Result<StatusCode, Problem> {
    let removed = fault.parse().is_ok_and(|id| controls.get().is_ok_and(|it| it.faults.remove(id)));
    let none = || Problem::not_found(format!("there is no fault {fault}"));
    removed.then_some(StatusCode::NO_CONTENT).ok_or_else(none)
}
