//! The journal: read, forgotten, asserted.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Controls;
use super::faults::OfWorld;
use crate::admin::accounts::AccountName;
use crate::admin::input::{Body, Query};
use crate::admin::problem::Problem;
use crate::config::Span;
use crate::stand_in::expect::{Bounds, expect as wait_for};
use crate::stand_in::fault::action;
use crate::stand_in::journal::{Entry, Filter};

/// The query of `GET /v1/stand-in/journal`; what is left out does not matter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    world: Option<String>,
    action: Option<String>,
    dialect: Option<String>,
    phone_number_id: Option<String>,
    media_id: Option<String>,
    outcome: Option<String>,
    status: Option<u16>,
    after: Option<u64>,
    /// The newest so many.
    limit: Option<usize>,
}

/// `GET /v1/stand-in/journal`
pub async fn list(controls: Controls, Query(asked): Query<Asked>) -> Result<Json<Vec<Entry>>, Problem> {
    let filter = Filter {
        action: asked.action.as_deref().map(named).transpose()?,
        dialect: asked.dialect,
        world: controls.world(asked.world.as_deref())?,
        phone_number_id: asked.phone_number_id,
        media_id: asked.media_id,
        outcome: asked.outcome,
        status: asked.status,
        after: asked.after,
    };
    let mut entries = controls.get()?.journal.list(&filter);
    if let Some(limit) = asked.limit {
        entries.drain(..entries.len().saturating_sub(limit));
    }
    Ok(Json(entries))
}

/// `DELETE /v1/stand-in/journal`
pub async fn clear(controls: Controls, Query(query): Query<OfWorld>) -> Result<StatusCode, Problem> {
    let world = controls.world(query.world.as_deref())?;
    controls.get()?.journal.clear(world);
    Ok(StatusCode::NO_CONTENT)
}

/// The body of `POST /v1/stand-in/journal/expect`: a filter, how many, and how long to wait.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    world: Option<AccountName>,
    action: Option<String>,
    dialect: Option<String>,
    phone_number_id: Option<String>,
    media_id: Option<String>,
    outcome: Option<String>,
    status: Option<u16>,
    after: Option<u64>,
    count: Option<usize>,
    at_least: Option<usize>,
    at_most: Option<usize>,
    within: Option<Span>,
}

/// `POST /v1/stand-in/journal/expect`
pub async fn expect(controls: Controls, Body(expected): Body<Expected>) -> Result<Response, Problem> {
    let filter = Filter {
        action: expected.action.as_deref().map(named).transpose()?,
        dialect: expected.dialect,
        world: controls.world_in_body(expected.world)?,
        phone_number_id: expected.phone_number_id,
        media_id: expected.media_id,
        outcome: expected.outcome,
        status: expected.status,
        after: expected.after,
    };
    let Expected { count, at_least, at_most, within, .. } = expected;
    let bounds = Bounds { count, at_least, at_most, within };
    Ok(match wait_for(&controls.get()?.journal, &filter, bounds).await {
        Ok(matched) => Json(json!({ "matched": matched })).into_response(),
        Err(unmet) => {
            let body = json!({ "error": unmet.sentence, "matched": unmet.matched, "saw": unmet.saw });
            (StatusCode::CONFLICT, Json(body)).into_response()
        }
    })
}

fn named(name: &str) -> Result<String, Problem> {
    action(name).map(str::to_owned).map_err(Problem::bad_request)
}
