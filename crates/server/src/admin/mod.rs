//! The admin listener: health, metrics, accounts and credentials, throttles, housekeeping. Loopback by default.
//!
//! A second socket of its own: no route of it exists on the public one. Whoever reaches it owns the service, so a
//! browser must not be talked into it: see [`guard`]. What is decided is decided in `operations`; here it is
//! translated. `docs/admin-openapi.yaml` describes every route, and a test holds the two together.

mod accounts;
mod credentials;
mod guard;
mod health;
mod housekeeping;
mod input;
mod messages;
mod metrics;
mod problem;
mod receive;
mod routes;
mod stand_in;
#[cfg(test)]
mod tests;
pub mod view;
pub mod webhook_views;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::response::IntoResponse as _;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower_service::Service as _;

use crate::app::App;
use crate::http::listener::{self, Bounds, Phase};
use crate::operations::Secret;
use problem::Problem;

/// What admin routes are given.
#[derive(Clone)]
struct Admin {
    app: Arc<App>,
    phase: watch::Receiver<Phase>,
    /// One walk over the data at a time.
    walking: Arc<Semaphore>,
}

/// Every admin route.
///
/// # Errors
/// The token file cannot be read.
pub fn router(app: Arc<App>, phase: watch::Receiver<Phase>, local: SocketAddr) -> anyhow::Result<Router> {
    let guard = guard::Guard::new(read_token(&app)?, local);
    let routes = routes::of(&app).into_iter();
    let router = routes.fold(Router::new(), |router, route| router.route(route.path, route.methods));
    let router = router
        .fallback(async || Problem::not_found("no such admin route; GET / lists them"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this route does not take this method; see Allow")
        })
        .layer(axum::middleware::from_fn_with_state(guard, guard::guard))
        .layer(axum::middleware::map_response(never_stored));
    Ok(router.with_state(Admin { app, phase, walking: Arc::new(Semaphore::new(1)) }))
}

/// Answers may hold a secret, and are out of date at once.
async fn never_stored(mut response: axum::response::Response) -> axum::response::Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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
                return Problem::new(refusal.status, refusal.text).into_response();
            }
            router.call(arrived.request).await.unwrap_or_else(|never| match never {})
        }
    })
    .await
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
