//! Throttles, the sweep and the walk over the data.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;

use super::Admin;
use super::accounts::number_in_path;
use super::problem::Problem;
use super::view::{SweepView, ThrottleView, VerifyView};
use crate::jobs;
use crate::operations::accounts;

/// Findings that are told one by one; the command line tells more.
const MAX_FINDINGS: usize = 100;

/// `GET /v1/throttles`
pub async fn throttles(State(admin): State<Admin>) -> Result<Json<Vec<ThrottleView>>, Problem> {
    let states = admin.app.throttle.state(admin.app.clock.now())?;
    Ok(Json(states.iter().map(ThrottleView::from).collect()))
}

/// `DELETE /v1/throttles`
pub async fn reset_all(State(admin): State<Admin>) -> Result<StatusCode, Problem> {
    accounts::reset_throttles(&admin.app.store, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /v1/throttles/{phone_number_id}`
pub async fn reset_one(
    State(admin): State<Admin>,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    accounts::reset_throttles(&admin.app.store, Some(number_in_path(&number)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/sweep`: now, and not only when its time has come.
pub async fn sweep(State(admin): State<Admin>) -> Result<Json<SweepView>, Problem> {
    Ok(Json((&jobs::sweep_once(&admin.app).await?).into()))
}

/// `POST /v1/verify`: everything but the bytes inside the blobs. One at a time: it reads a lot.
pub async fn verify(State(admin): State<Admin>) -> Result<Json<VerifyView>, Problem> {
    let Ok(walking) = admin.walking.clone().try_acquire_owned() else {
        return Err(Problem::new(StatusCode::CONFLICT, "another verification is under way; try again later"));
    };
    let (store, now) = (admin.app.store.clone(), admin.app.clock.now());
    let walk = tokio::task::spawn_blocking(move || {
        let _walking = walking;
        store.verify(now, false, &mut |_| {})
    });
    let report = walk
        .await
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the verification was interrupted"))??;
    Ok(Json(VerifyView::new(&report, MAX_FINDINGS)))
}
