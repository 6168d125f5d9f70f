//! The clock, turned.

use axum::Json;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Controls;
use crate::admin::input::Body;
use crate::admin::problem::Problem;
use crate::clock::Clock;
use crate::config::Span;

/// What it shows.
pub fn view(clock: &Clock) -> Value {
    let (now, system) = (clock.now(), Timestamp::try_from(Clock::system()).unwrap_or(Timestamp::MIN));
    let turned = now.duration_since(system);
    json!({
        "now": now,
        "system": system,
        "frozen": clock.is_frozen(),
        "turned_seconds": if clock.is_turned() { turned.as_millis() as f64 / 1000.0 } else { 0.0 },
    })
}

fn answer(controls: &Controls) -> Json<Value> {
    Json(view(&controls.app().clock))
}

/// `GET /v1/stand-in/clock`
pub async fn show(controls: Controls) -> Json<Value> {
    answer(&controls)
}

/// `DELETE /v1/stand-in/clock`
pub async fn reset(controls: Controls) -> Json<Value> {
    controls.app().clock.reset();
    answer(&controls)
}

/// `POST /v1/stand-in/clock/freeze`
pub async fn freeze(controls: Controls) -> Json<Value> {
    controls.app().clock.freeze();
    answer(&controls)
}

/// `POST /v1/stand-in/clock/resume`
pub async fn resume(controls: Controls) -> Json<Value> {
    controls.app().clock.resume();
    answer(&controls)
}

/// The body of `POST /v1/stand-in/clock/advance`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// `30d`, `300s`; `-1h` turns back.
    by: String,
}

/// `POST /v1/stand-in/clock/advance`
pub async fn advance(
    controls: Controls,
    Body(Advance { by }): Body<Advance>,
) -> Result<Json<Value>, Problem> {
    controls.app().clock.advance(signed(&by).map_err(|error| Problem::bad_request(format!("by: {error}")))?);
    Ok(answer(&controls))
}

/// The body of `POST /v1/stand-in/clock/set`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    now: Timestamp,
}

/// `POST /v1/stand-in/clock/set`
pub async fn set(controls: Controls, Body(Set { now }): Body<Set>) -> Json<Value> {
    controls.app().clock.set(now);
    answer(&controls)
}

fn signed(text: &str) -> Result<SignedDuration, String> {
    let (back, length) = text.strip_prefix('-').map_or((false, text), |length| (true, length));
    let by = length.parse::<Span>()?.signed();
    Ok(if back { -by } else { by })
}
