//! Whether the service lives, and whether it should be sent requests.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::json;

use super::Admin;
use crate::http::listener::Phase;

/// Alive: the process answers. Says nothing of what it depends on.
pub async fn health(State(admin): State<Admin>) -> impl IntoResponse {
    let mut health = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
    if let Some(stand_in) = &admin.app.stand_in {
        health["stand_in"] = json!({ "armed": stand_in.armed(&admin.app.clock) });
    }
    Json(health)
}

/// Ready: not draining, and the catalog can be read.
pub async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let draining = *admin.phase.borrow() != Phase::Running;
    // A small table: readiness is asked every few seconds, and must not walk over all media.
    let catalog = admin.app.store.catalog().accounts();
    let (status, word) = match (draining, catalog) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (false, Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "the catalog cannot be read"),
        (false, Ok(_)) => (StatusCode::OK, "ready"),
    };
    (status, Json(json!({ "status": word })))
}
