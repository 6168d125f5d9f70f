//! The messages that were taken, for whoever tests an application against us.

use axum::Json;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;
use wamedia_media::PhoneNumberId;

use super::Admin;
use super::accounts::number_in_path;
use super::problem::Problem;
use crate::outbox::Recorded;

/// `?phone_number_id=`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfNumber {
    phone_number_id: Option<String>,
}

impl OfNumber {
    fn number(&self) -> Result<Option<PhoneNumberId>, Problem> {
        self.phone_number_id.as_deref().map(number_in_path).transpose()
    }
}

/// `GET /v1/messages`: oldest first.
pub async fn list(
    State(admin): State<Admin>,
    Query(of): Query<OfNumber>,
) -> Result<Json<Vec<Recorded>>, Problem> {
    Ok(Json(admin.app.outbox.list(of.number()?)))
}

/// `DELETE /v1/messages`
pub async fn forget(State(admin): State<Admin>, Query(of): Query<OfNumber>) -> Result<StatusCode, Problem> {
    admin.app.outbox.clear(of.number()?);
    Ok(StatusCode::NO_CONTENT)
}
