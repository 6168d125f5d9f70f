//! The admin listener: health, readiness, metrics, accounts, the sweep. Loopback by default.
//!
//! A second socket of its own: no route of it exists on the public one. Whoever reaches it owns the service, so a
//! browser must not be talked into it: foreign `Host` headers are refused while no token is set.

mod guard;
mod health;
mod metrics;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::StatusCode;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_service::Service as _;

use crate::app::App;
use crate::http::listener::{self, Bounds, Phase};
use crate::operations::Secret;

/// What admin routes are given.
#[derive(Clone)]
struct Admin {
    app: Arc<App>,
    phase: watch::Receiver<Phase>,
}

/// Every admin route.
///
/// # Errors
/// The token file cannot be read.
pub fn router(app: Arc<App>, phase: watch::Receiver<Phase>, local: SocketAddr) -> anyhow::Result<Router> {
    let guard = guard::Guard::new(read_token(&app)?, local);
    let routes = Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.yaml", get(openapi))
        .fallback(async || (StatusCode::NOT_FOUND, axum::Json(error_body("no such admin route"))))
        .layer(axum::middleware::from_fn_with_state(guard, guard::guard));
    Ok(routes.with_state(Admin { app, phase }))
}

/// Serves the routes on the same kind of connections as the public listener.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    phase: watch::Receiver<Phase>,
) -> usize {
    listener::serve(listener, None, bounds, Gauge::default(), phase, move |arrived| {
        let mut router = router.clone();
        async move {
            if let Some(refusal) = arrived.refused {
                return (refusal.status, axum::Json(error_body(refusal.text))).into_response();
            }
            router.call(arrived.request).await.unwrap_or_else(|never| match never {})
        }
    })
    .await
}

async fn openapi() -> impl axum::response::IntoResponse {
    ([(http::header::CONTENT_TYPE, "application/yaml")], include_str!("../../../../docs/openapi.yaml"))
}

fn read_token(app: &App) -> anyhow::Result<Option<Secret>> {
    let path = &app.config.admin.token_file;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let text =
        std::fs::read_to_string(path).with_context(|| format!("admin.token_file {}", path.display()))?;
    anyhow::ensure!(!text.trim().is_empty(), "admin.token_file {} is empty", path.display());
    Ok(Some(Secret::new(text.trim())))
}

fn error_body(text: &str) -> serde_json::Value {
    serde_json::json!({ "error": text })
}
