//! The table of admin routes. One row a path; the index, the router and the test of the description read it.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, post};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HOST};

use super::{
    Admin, accounts, credentials, health, housekeeping, messages, metrics, receive, stand_in, webhooks,
};
use crate::app::App;

/// One path.
pub(super) struct Route {
    pub path: &'static str,
    /// For the index.
    what: &'static str,
    pub methods: MethodRouter<Admin>,
}

pub(super) fn route(path: &'static str, what: &'static str, methods: MethodRouter<Admin>) -> Route {
    Route { path, what, methods }
}

/// Those of this service: only a stand-in has its controls.
pub(super) fn of(app: &App) -> Vec<Route> {
    let mut all = routes();
    if app.stand_in.is_some() {
        all.extend(stand_in::routes());
    }
    all
}

/// Those of every service.
pub(super) fn routes() -> Vec<Route> {
    vec![
        route("/", "this page", get(index)),
        route("/health", "is the process alive?", get(health::health)),
        route("/ready", "should it be sent requests?", get(health::ready)),
        route("/metrics", "Prometheus' text format", get(metrics::metrics)),
        route("/openapi.yaml", "the public API, described", get(public_description)),
        route("/admin-openapi.yaml", "this API, described", get(admin_description)),
        route("/v1/accounts", "GET lists, POST makes one", get(accounts::list).post(accounts::add)),
        route(
            "/v1/accounts/{account}",
            "GET, PATCH name and retention, DELETE",
            get(accounts::show).patch(accounts::change).delete(accounts::remove),
        ),
        route(
            "/v1/phone-numbers",
            "GET lists, POST adds one",
            get(accounts::list_numbers).post(accounts::add_number),
        ),
        route(
            "/v1/phone-numbers/{phone_number_id}",
            "GET, DELETE",
            get(accounts::show_number).delete(accounts::remove_number),
        ),
        route(
            "/v1/tokens",
            "GET lists, POST makes one and shows it once",
            get(credentials::list_tokens).post(credentials::add_token),
        ),
        route("/v1/tokens/{id}/revoke", "POST, at once or in a while", post(credentials::revoke_token)),
        route(
            "/v1/keys",
            "GET lists, POST makes one and shows it once",
            get(credentials::list_keys).post(credentials::add_key),
        ),
        route("/v1/keys/{id}/revoke", "POST, at once or in a while", post(credentials::revoke_key)),
        route(
            "/v1/messages",
            "GET the newest that were taken, DELETE forgets them",
            get(messages::list).delete(messages::forget),
        ),
        route(
            "/v1/throttles",
            "GET what counts and blocks, DELETE forgets it",
            get(housekeeping::throttles).delete(housekeeping::reset_all),
        ),
        route(
            "/v1/throttles/{phone_number_id}",
            "DELETE forgets it for one number",
            delete(housekeeping::reset_one),
        ),
        route("/v1/receive", "POST a file as if a customer had sent it", post(receive::receive)),
        route(
            "/v1/subscriptions",
            "GET lists, POST adds who is told by webhook",
            get(webhooks::list).post(webhooks::add),
        ),
        route("/v1/subscriptions/{id}", "GET, DELETE", get(webhooks::show).delete(webhooks::remove)),
        route("/v1/deliveries", "GET lists webhooks, latest first", get(webhooks::list_deliveries)),
        route(
            "/v1/deliveries/{id}",
            "GET with its body, DELETE drops it",
            get(webhooks::show_delivery).delete(webhooks::drop_delivery),
        ),
        route("/v1/deliveries/{id}/redeliver", "POST has it made again", post(webhooks::redeliver)),
        route("/v1/sweep", "POST removes what has expired, now", post(housekeeping::sweep)),
        route("/v1/verify", "POST walks over records and files", post(housekeeping::verify)),
    ]
}

/// `GET /`: what is here.
async fn index(State(admin): State<Admin>, headers: HeaderMap) -> impl IntoResponse {
    let mut text = format!("wamedia {}, admin listener\n\n", env!("CARGO_PKG_VERSION"));
    for route in of(&admin.app) {
        text += &format!("  {:<38} {}\n", route.path, route.what);
    }
    let here = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8481");
    text +=
        &format!("\nBodies are JSON. For instance, to make a token:\n\n  TOKENS=http://{here}/v1/tokens\n");
    text += "  curl $TOKENS -H 'Content-Type: application/json' -d '{\"label\":\"shop\"}'\n";
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

async fn public_description() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/yaml")], include_str!("../../../../docs/openapi.yaml"))
}

async fn admin_description() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/yaml")], include_str!("../../../../docs/admin-openapi.yaml"))
}
