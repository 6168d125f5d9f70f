//! The controls of a stand-in, each for one `curl`. `serve --stand-in` has these routes, and nothing else has.
//!
//! `docs/stand-in-openapi.yaml` describes every route, and a test holds the two together.

mod clock;
mod faults;
mod journal;
mod messages;
mod transfer;
mod worlds;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::{Value, json};
use wamedia_store::AccountId;

use super::Admin;
use super::accounts::AccountName;
use super::problem::Problem;
use super::routes::{Route, route};
use crate::app::App;
use crate::operations::accounts;
use crate::stand_in::StandIn;
use crate::stand_in::errors::ERRORS;

/// All of them.
pub(super) fn routes() -> Vec<Route> {
    vec![
        route("/stand-in-openapi.yaml", "the controls, described", get(description)),
        route("/v1/stand-in", "what is armed, and where everything is", get(show)),
        route(
            "/v1/stand-in/clock",
            "GET, DELETE back to the system's time",
            get(clock::show).delete(clock::reset),
        ),
        route("/v1/stand-in/clock/advance", "POST {\"by\":\"30d\"}", post(clock::advance)),
        route("/v1/stand-in/clock/set", "POST {\"now\":\"2026-12-24T18:00:00Z\"}", post(clock::set)),
        route("/v1/stand-in/clock/freeze", "POST: it stands still", post(clock::freeze)),
        route("/v1/stand-in/clock/resume", "POST: it runs on", post(clock::resume)),
        route(
            "/v1/stand-in/faults",
            "GET lists, POST arms one, DELETE removes all",
            get(faults::list).post(faults::add).delete(faults::clear),
        ),
        route("/v1/stand-in/faults/{fault}", "DELETE removes one", axum::routing::delete(faults::remove)),
        route("/v1/stand-in/errors", "every error by name, with its reserved media id", get(errors)),
        route(
            "/v1/stand-in/journal",
            "GET what was asked, DELETE forgets it",
            get(journal::list).delete(journal::clear),
        ),
        route("/v1/stand-in/journal/expect", "POST: 200 if it was so, else 409", post(journal::expect)),
        route(
            "/v1/stand-in/messages",
            "GET what was sent with POST …/messages, DELETE forgets it",
            get(messages::list).delete(messages::clear),
        ),
        route("/v1/stand-in/preload", "GET the files that are there from the start", get(preloaded)),
        route("/v1/stand-in/reset", "POST forgets everything but accounts", post(worlds::reset_all)),
        route(
            "/v1/stand-in/worlds",
            "GET lists, POST makes one with number, token and key",
            get(worlds::list).post(worlds::make),
        ),
        route(
            "/v1/stand-in/worlds/{world}",
            "GET with its media, DELETE throws it away",
            get(worlds::show).delete(worlds::discard),
        ),
        route("/v1/stand-in/worlds/{world}/export", "GET it as one file", get(transfer::export)),
        route("/v1/stand-in/import", "POST makes a world of such a file", post(transfer::import)),
        route("/v1/stand-in/worlds/{world}/reset", "POST forgets what was done in it", post(worlds::reset)),
    ]
}

/// The controls, in a handler of a service that has them.
struct Controls(Admin);

impl Controls {
    fn app(&self) -> &App {
        &self.0.app
    }

    /// # Errors
    /// 404, as if the route did not exist. It does not, without controls.
    fn get(&self) -> Result<&StandIn, Problem> {
        let controls = self.0.app.stand_in.as_deref();
        controls.ok_or_else(|| Problem::not_found("this service is no stand-in"))
    }

    /// The account that a world is, by id or name.
    fn world(&self, asked: Option<&str>) -> Result<Option<AccountId>, Problem> {
        let found = asked.map(|asked| accounts::find_account(&self.app().store, asked)).transpose()?;
        Ok(found.map(|account| account.id))
    }

    /// As [`Controls::world`], of a JSON value: a number or a text.
    fn world_in_body(&self, asked: Option<AccountName>) -> Result<Option<AccountId>, Problem> {
        self.world(asked.map(AccountName::asked).as_deref())
    }
}

impl FromRequestParts<Admin> for Controls {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Self::Rejection> {
        State::<Admin>::from_request_parts(parts, admin).await.map(|State(admin)| Self(admin))
    }
}

/// `GET /v1/stand-in`
async fn show(controls: Controls) -> Result<Json<Value>, Problem> {
    let (app, stand_in) = (controls.app(), controls.get()?);
    Ok(Json(json!({
        "armed": stand_in.armed(&app.clock),
        "base": stand_in.base(),
        "data_dir": app.store.dir(),
        "clock": clock::view(&app.clock),
        "faults": stand_in.faults.waiting(app.clock.now()),
        "accepts_any_credential": stand_in.accepts_any_credential(),
        "journal": { "last": stand_in.journal.last_seq() },
        "links": {
            "throttles": "/v1/throttles",
            "routes": "/",
            "description": "/stand-in-openapi.yaml",
        },
    })))
}

/// `GET /v1/stand-in/errors`
async fn errors() -> Json<Vec<Value>> {
    let row = |row: &crate::stand_in::errors::Row| json!({"name": row.name, "media_id": row.media_id, "when": row.when});
    Json(ERRORS.iter().map(row).collect())
}

/// `GET /v1/stand-in/preload`
async fn preloaded(controls: Controls) -> Result<Json<Value>, Problem> {
    Ok(Json(json!(controls.get()?.preloaded())))
}

async fn description() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/yaml")], include_str!("../../../../docs/stand-in-openapi.yaml"))
}
