//! What the application under test sent.

use axum::Json;
use http::StatusCode;

use super::Controls;
use super::faults::OfWorld;
use crate::admin::input::Query;
use crate::admin::problem::Problem;
use crate::outbox::Recorded;
use crate::stand_in::worlds;

/// `GET /v1/stand-in/messages`
pub async fn list(controls: Controls, Query(query): Query<OfWorld>) -> Result<Json<Vec<Recorded>>, Problem> {
    let mut messages = controls.app().outbox.list(None);
    if let Some(account) = controls.world(query.world.as_deref())? {
        let numbers = worlds::numbers(controls.app(), account)?;
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        messages.retain(|message| numbers.contains(&message.phone_number_id));
    }
    Ok(Json(messages))
}

/// `DELETE /v1/stand-in/messages`
pub async fn clear(controls: Controls, Query(query): Query<OfWorld>) -> Result<StatusCode, Problem> {
    let outbox = &controls.app().outbox;
    match controls.world(query.world.as_deref())? {
        None => outbox.clear(None),
        Some(account) => {
            worlds::numbers(controls.app(), account)?.into_iter().for_each(|it| outbox.clear(Some(it)))
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
