//! Draining the queue: what is due is claimed, called, and recorded, a few at a time for each endpoint.
//!
//! The queue is durable and its claims run out, so nothing here needs to survive: a worker that dies leaves deliveries
//! that are due again.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wamedia_store::{
    Claimed, Delivery, DeliveryState, Endpoint, Outcome, StoreError, Subscription, WebhookDialect,
};
use wamedia_wire::signature::{D360_SIGNATURE, HUB_SIGNATURE_256, d360_signature, hub_signature_256};

use super::schedule::{PATIENCE_WITH_REFUSALS, gap};
use super::target::Target;
use super::{Answer, CallError};
use crate::app::App;
use crate::http::listener::Phase;

/// How often the queue is looked at though nobody rang: the command line puts things into it from a process of its own.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How much longer than a call a claim lasts: recording takes a moment.
const LEASE_MARGIN: Duration = Duration::from_secs(20);

/// Delivers until the service drains, then lets the calls under way end; each is bounded by `webhooks.timeout`.
pub(crate) async fn run(app: Arc<App>, mut phase: watch::Receiver<Phase>) {
    // This process alone serves the folder: whatever is claimed was claimed by one that is gone.
    if let Err(error) = app.store.catalog().release_claims(app.clock.now()).await {
        tracing::error!(%error, "deliveries under way at the last end wait until their claims run out");
    }
    let mut calls = JoinSet::new();
    loop {
        let rest = match begin_due(&app, &mut calls).await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::error!(%error, "the queue of deliveries cannot be used; it will be tried again");
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = app.deliveries.bell.notified() => {}
            () = tokio::time::sleep(rest) => {}
            Some(ended) = calls.join_next() => report_panic(ended),
            _ = phase.wait_for(|phase| *phase == Phase::Draining) => break,
        }
    }
    while let Some(ended) = calls.join_next().await {
        report_panic(ended);
    }
}

/// Begins the calls that are due, as many as there is room for; gives how long there is nothing to do.
async fn begin_due(app: &Arc<App>, calls: &mut JoinSet<()>) -> Result<Duration, StoreError> {
    let settings = &app.config.webhooks;
    let catalog = app.store.catalog();
    let lease = settings.timeout.duration() + LEASE_MARGIN;
    loop {
        let room = settings.parallel.saturating_sub(calls.len());
        let now = app.clock.now();
        let due = catalog.next_due(settings.parallel_per_endpoint)?;
        match due {
            // A call that ends makes room.
            _ if room == 0 => return Ok(LOOK_EVERY),
            None => return Ok(LOOK_EVERY),
            Some(due) if due > now => {
                let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
                return Ok(wait.min(LOOK_EVERY));
            }
            Some(_) => {}
        }
        let claimed = catalog.claim_due(now, settings.parallel_per_endpoint, room, lease).await?;
        if claimed.is_empty() {
            return Ok(LOOK_EVERY);
        }
        for claimed in claimed {
            let app = app.clone();
            calls.spawn(async move { attempt(&app, claimed).await });
        }
    }
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a delivery panicked; it is tried again when its claim has run out");
    }
}

/// One attempt, from the call to the record of how it ended.
async fn attempt(app: &App, claimed: Claimed) {
    let Claimed { delivery, body } = claimed;
    let subscription = match app.store.catalog().subscription(delivery.subscription) {
        Ok(Some(subscription)) => subscription,
        // Removed at this moment, and its deliveries with it.
        Ok(None) => return,
        Err(error) => {
            tracing::error!(%error, subscription = %delivery.subscription, "a subscription cannot be read");
            return;
        }
    };
    let began = Instant::now();
    let answer = call(app, &subscription, body).await;
    let took = began.elapsed();
    let now = app.clock.now();
    let outcome = judge(app, &delivery, &answer, now);
    match app.store.catalog().record_attempt(&delivery, outcome, now).await {
        Ok(state) => {
            app.metrics.delivery_attempted(outcome_word(outcome, state), took);
            tell(&delivery, &answer, state);
        }
        Err(error) => {
            tracing::error!(%error, delivery = %delivery.id, "how a delivery ended was not recorded; it will be repeated");
        }
    }
}

async fn call(app: &App, subscription: &Subscription, body: bytes::Bytes) -> Result<Answer, CallError> {
    let endpoint = &subscription.endpoint;
    let target = Target::parse(&endpoint.url)?;
    let caller = app.deliveries.caller();
    let headers = headers(subscription.dialect, endpoint, &body);
    caller.post(&target, caller.reach(subscription.allow_private), headers, body).await
}

/// What a webhook is sent with: its type, who sends it, what the operator adds, and the signature over these very bytes.
fn headers(dialect: WebhookDialect, endpoint: &Endpoint, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &endpoint.headers {
        // Judged when they were set.
        if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            value.set_sensitive(true);
            headers.append(name, value);
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let us = HeaderValue::from_static(concat!("wamedia/", env!("CARGO_PKG_VERSION")));
    headers.entry(USER_AGENT).or_insert(us);
    if let Some(secret) = &endpoint.app_secret {
        let (name, text) = signature(dialect, secret, body);
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(text)) {
            headers.insert(name, value);
        }
    }
    headers
}

fn signature(dialect: WebhookDialect, secret: &str, body: &[u8]) -> (&'static str, String) {
    use aws_lc_rs::hmac;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    let mut mac = [0; 32];
    mac.copy_from_slice(tag.as_ref());
    match dialect {
        WebhookDialect::Graph => (HUB_SIGNATURE_256, hub_signature_256(&mac)),
        WebhookDialect::D360 => (D360_SIGNATURE, d360_signature(&mac)),
    }
}

/// 2xx is delivered; everything else is tried again, a redirect too: nobody is led elsewhere.
fn judge(app: &App, delivery: &Delivery, answer: &Result<Answer, CallError>, now: Timestamp) -> Outcome {
    let (status, word, asked) = match answer {
        Ok(answer) if answer.status.is_success() => {
            return Outcome::Delivered { status: answer.status.as_u16() };
        }
        Ok(answer) => (Some(answer.status), status_word(answer.status), answer.retry_after(now)),
        Err(error) => (None, error.word(), None),
    };
    let longest = app.config.webhooks.longest_gap.duration();
    let gap = gap(delivery.id, delivery.attempts, asked, longest);
    let gap = SignedDuration::try_from(gap).unwrap_or(SignedDuration::MAX);
    // An endpoint that lives and says no means this delivery; one that is down means all of them, and order is kept.
    let refuses =
        status.is_some_and(|status| status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS);
    Outcome::Failed {
        status: status.map(|status| status.as_u16()),
        word,
        next_at: now.saturating_add(gap).unwrap_or(Timestamp::MAX),
        let_others_pass: refuses && delivery.attempts >= PATIENCE_WITH_REFUSALS,
    }
}

fn status_word(status: StatusCode) -> &'static str {
    if status.is_redirection() { "redirect" } else { "status" }
}

fn outcome_word(outcome: Outcome, state: Option<DeliveryState>) -> &'static str {
    match (outcome, state) {
        (Outcome::Delivered { .. }, _) => "delivered",
        (Outcome::Failed { .. } | Outcome::GaveUp { .. }, Some(DeliveryState::GivenUp)) => "given_up",
        (Outcome::Failed { .. } | Outcome::GaveUp { .. }, _) => "failed",
    }
}

fn tell(delivery: &Delivery, answer: &Result<Answer, CallError>, state: Option<DeliveryState>) {
    let Delivery { id, subscription, attempts, kind, .. } = delivery;
    let told = match answer {
        Ok(answer) => answer.status.to_string(),
        Err(error) => error.to_string(),
    };
    match state {
        Some(DeliveryState::Delivered) => {
            tracing::info!(delivery = %id, %subscription, attempts, kind, told, "delivered");
        }
        Some(DeliveryState::GivenUp) => {
            tracing::error!(delivery = %id, %subscription, attempts, kind, told, "a delivery was given up");
        }
        Some(DeliveryState::Waiting | DeliveryState::Dropped) | None => {
            tracing::warn!(delivery = %id, %subscription, attempts, kind, told, "not delivered yet");
        }
    }
}
