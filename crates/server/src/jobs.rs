//! What runs beside the requests: the sweep.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use wamedia_store::{StoreError, SweepReport};

use crate::app::App;
use crate::clock::Clock;
use crate::http::listener::{Phase, until};

/// How long a file without a record may still belong to an upload under way: the longest honest upload, 100 MiB at
/// the slowest pace that the progress deadline allows, ends well within it.
pub const ORPHAN_AGE: Duration = Duration::from_secs(24 * 3600);

/// How often every file is held against the catalog: only crashes leave some, and those are old before they go. A walk over
/// a million of them takes a second or two.
const ORPHANS_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Sweeps at the configured pace until the service ends: what has expired. At the start and every few hours, also for what
/// crashes left.
pub async fn sweep(app: Arc<App>, mut phase: watch::Receiver<Phase>) {
    let mut pace = tokio::time::interval(app.config.retention.sweep_every.duration());
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turns = app.stand_in.is_some().then(|| app.clock.turns());
    let mut orphans_due = Instant::now();
    loop {
        let was_turned = tokio::select! {
            biased;
            () = until(&mut phase, Phase::Draining) => return,
            _ = pace.tick() => false,
            () = turned(&mut turns) => { app.deliveries.wake(); true }
        };
        let swept = if was_turned || Instant::now() >= orphans_due {
            orphans_due = Instant::now() + ORPHANS_EVERY;
            sweep_once(&app).await
        } else {
            sweep_expired(&app).await
        };
        match swept {
            Ok(report) if report == SweepReport::default() => tracing::debug!("swept: nothing to do"),
            Ok(report) => tracing::info!(?report, "swept"),
            Err(error) => tracing::error!(%error, "the sweep did not finish; it will be tried again"),
        }
    }
}

/// Only tests turn the clock, and expect that what has expired meanwhile is gone and what has come due is delivered.
async fn turned(turns: &mut Option<watch::Receiver<u64>>) {
    if let Some(turns) = turns {
        let _ = turns.changed().await;
    } else {
        std::future::pending().await
    }
}

/// Removes expired media only.
async fn sweep_expired(app: &App) -> Result<SweepReport, StoreError> {
    let report = app.store.sweep_expired(app.clock.now()).await?;
    app.metrics.swept(&report);
    Ok(report)
}

/// Removes expired media and old orphans.
///
/// # Errors
/// The catalog or the folder cannot be read or written; what was done so far stands.
pub async fn sweep_once(app: &App) -> Result<SweepReport, StoreError> {
    let report = app.store.sweep(app.clock.now(), Clock::system(), ORPHAN_AGE).await?;
    app.metrics.swept(&report);
    Ok(report)
}
