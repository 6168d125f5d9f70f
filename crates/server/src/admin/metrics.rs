//! Prometheus' text format: the counters of the running service, and what the catalog knows at this moment.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::SignedDuration;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Admin;
use super::problem::Problem;
use crate::app::App;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything there is to measure.
pub async fn metrics(State(admin): State<Admin>) -> Response {
    // The totals walk over all records: milliseconds that no request should wait for.
    let report = tokio::task::spawn_blocking(move || report(&admin.app)).await;
    match report.map_err(anyhow::Error::from).flatten() {
        Ok(text) => ([(CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn report(app: &App) -> anyhow::Result<String> {
    let mut registry = Registry::default();
    app.metrics.register(&mut registry);
    let now = app.clock.now();
    let catalog = app.store.catalog();
    let totals = catalog.totals()?;
    let tomorrow = now.saturating_add(SignedDuration::from_hours(24))?;
    let mut gauge = |name: &str, help: &str, value: u64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    gauge("wamedia_waiting", "Requests that wait for a place", app.gates.waiting() as u64);
    gauge("wamedia_media", "Media kept", totals.media);
    gauge("wamedia_media_bytes", "Bytes of media kept", totals.bytes);
    gauge("wamedia_accounts", "Accounts", totals.accounts);
    gauge(
        "wamedia_media_expiring_soon",
        "Media that expires within a day",
        catalog.expiring_before(tomorrow)?,
    );
    let waiting = catalog.delivery_totals()?;
    gauge("wamedia_deliveries_waiting", "Webhooks still to be delivered", waiting.waiting);
    gauge("wamedia_deliveries_given_up", "Webhooks given up, as long as they are kept", waiting.given_up);
    let oldest = waiting.oldest_waiting.map_or(0, |since| now.duration_since(since).as_secs().max(0));
    gauge(
        "wamedia_deliveries_oldest_waiting_seconds",
        "Age of the oldest webhook that waits",
        oldest.cast_unsigned(),
    );
    if let Some(stand_in) = &app.stand_in {
        gauge("wamedia_stand_in", "This is a stand-in, whose controls tests turn", 1);
        gauge("wamedia_stand_in_faults", "Faults that are armed", stand_in.faults.waiting(now) as u64);
        gauge("wamedia_stand_in_clock_turned", "Whether the clock was turned", app.clock.is_turned().into());
        let any = stand_in.accepts_any_credential().into();
        gauge("wamedia_stand_in_any_credential", "Whether any credential is accepted", any);
    }
    let throttles = Family::<[(&'static str, String); 2], Gauge>::default();
    let blocked = Family::<[(&'static str, String); 2], Gauge>::default();
    for state in app.throttle.state(now)?.into_iter().take(crate::metrics::MAX_NUMBERS) {
        let labels = [("number", state.number.to_string()), ("rule", state.rule)];
        throttles.get_or_create(&labels).set(state.counted.into());
        let seconds = state.blocked_until.map_or(0, |until| until.duration_since(now).as_secs().max(0));
        blocked.get_or_create(&labels).set(seconds);
    }
    registry.register("wamedia_throttle_counted", "What a throttle counts in its window", throttles);
    registry.register("wamedia_throttle_blocked_seconds", "How long a throttle still blocks", blocked);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
