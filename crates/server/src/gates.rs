//! How much is taken at once, and the line of those who wait for a place.
//!
//! Who finds no place waits for one, first come, first served, with its body unread: a moment of too much then costs time
//! and no work. The line is bounded in length and in time; whoever it has no room or no time for is refused.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::action::Action;
use crate::config::Limits;

/// How often one who waits is looked after: whether its client is still there.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Caps on work at once.
pub struct Gates {
    /// Every request that is being answered.
    pub requests: Arc<Semaphore>,
    /// Uploads among them.
    pub uploads: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
    wait_for: Duration,
}

/// The places of one request.
pub struct Places<'a> {
    /// Among all.
    pub request: OwnedSemaphorePermit,
    /// Among the uploads, for an upload.
    pub upload: Option<SemaphorePermit<'a>>,
}

/// Why a place was not waited for, or not any longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TurnedAway {
    /// As many wait as may.
    LineFull,
    /// None came free in time.
    WaitOver,
    /// The client ended its side of the connection.
    Left,
}

impl TurnedAway {
    /// As metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LineFull => "line_full",
            Self::WaitOver => "wait_over",
            Self::Left => "left",
        }
    }
}

impl Gates {
    /// All places free, nobody in line.
    pub fn new(limits: &Limits) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(limits.requests)),
            uploads: Semaphore::new(limits.uploads),
            waiting: AtomicUsize::new(0),
            most_waiting: limits.waiting,
            wait_for: limits.wait_for.duration(),
        }
    }

    /// Places for `action`, if there are any now. Those who wait come first.
    pub fn try_enter(&self, action: Action) -> Option<Places<'_>> {
        let upload = match action {
            Action::Upload => Some(self.uploads.try_acquire().ok()?),
            _ => None,
        };
        let request = self.requests.clone().try_acquire_owned().ok()?;
        Some(Places { request, upload })
    }

    /// Places for `action` as soon as it is this one's turn. `has_left` tells whether its client is gone; it is asked
    /// whenever the task is woken, and at least twice a second.
    ///
    /// # Errors
    /// [`TurnedAway`]; no place is held then.
    pub async fn wait(&self, action: Action, has_left: impl Fn() -> bool) -> Result<Places<'_>, TurnedAway> {
        let _in_line = self.line_up().ok_or(TurnedAway::LineFull)?;
        let left = poll_fn(|_| if has_left() { Poll::Ready(()) } else { Poll::Pending });
        // Nothing else may wake who waits for a place while its client leaves.
        let over = async {
            let end = Instant::now() + self.wait_for;
            while Instant::now() < end {
                sleep_until(end.min(Instant::now() + LOOK_EVERY)).await;
            }
        };
        tokio::select! {
            biased;
            () = left => Err(TurnedAway::Left),
            places = self.enter(action) => places.ok_or(TurnedAway::WaitOver),
            () = over => Err(TurnedAway::WaitOver),
        }
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The upload's place first: who waits for it must hold none that others could use. The gates are never closed.
    async fn enter(&self, action: Action) -> Option<Places<'_>> {
        let upload = match action {
            Action::Upload => Some(self.uploads.acquire().await.ok()?),
            _ => None,
        };
        let request = self.requests.clone().acquire_owned().await.ok()?;
        Some(Places { request, upload })
    }

    fn line_up(&self) -> Option<InLine<'_>> {
        let has_room = |waiting| (waiting < self.most_waiting).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_room).ok()?;
        Some(InLine(&self.waiting))
    }
}

struct InLine<'a>(&'a AtomicUsize);

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
