//! What runs beside the requests: the sweep.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use wamedia_store::{StoreError, SweepReport};

use crate::app::App;
use crate::clock::Clock;

/// How long a file without a record may still belong to an upload under way: the longest honest upload, 100 MiB at
/// the slowest pace that the progress deadline allows, ends well within it.
pub const ORPHAN_AGE: Duration = Duration::from_secs(24 * 3600);

/// Sweeps for ever at the configured pace; the first time soon after the start, for what a crash left behind.
pub async fn sweep(app: Arc<App>) {
    let mut pace = tokio::time::interval(app.config.retention.sweep_every.duration());
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turns = app.stand_in.is_some().then(|| app.clock.turns());
    loop {
        tokio::select! {
            _ = pace.tick() => {}
            () = turned(&mut turns) => app.deliveries.wake(),
        }
        match sweep_once(&app).await {
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

/// Removes expired media and old orphans.
///
/// # Errors
/// The catalog or the folder cannot be read or written; what was done so far stands.
pub async fn sweep_once(app: &App) -> Result<SweepReport, StoreError> {
    let report = app.store.sweep(app.clock.now(), Clock::system(), ORPHAN_AGE).await?;
    app.metrics.swept(&report);
    Ok(report)
}
