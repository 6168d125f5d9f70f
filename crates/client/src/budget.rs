//! The error budget: how many errors may still be made before a rule of the vendor's would block the number.
//!
//! 360dialog blocks retrieve_url of a number for 30 minutes after more than 20 of its errors in 60 minutes, and for an
//! hour after more than 5 failed uploads in an hour. Requests under way are counted as errors until they are answered,
//! so that many at once cannot overshoot; where there is no room for another, it waits for one of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The window of both rules.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// One rule's room. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Allowance(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max_errors: Option<u32>,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When the errors were made, oldest first; at most `max_errors` of them.
    errors: VecDeque<Instant>,
    under_way: usize,
}

/// Room for one request. Dropping it gives the room back: the request made no error, or was never answered.
#[derive(Debug)]
pub(crate) struct Room(Allowance);

impl Allowance {
    /// Room for so many errors in any 60 minutes; `None` for any number.
    pub(crate) fn new(max_errors: Option<u32>) -> Self {
        Self(Arc::new(Inner { max_errors, state: Mutex::default(), freed: Notify::new() }))
    }

    /// Waits for room.
    ///
    /// # Errors
    /// How long it takes until there is any, where errors have used it up.
    pub(crate) async fn admit(&self) -> Result<Room, Duration> {
        loop {
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            // From here on no notice is missed.
            freed.as_mut().enable();
            if self.try_admit(Instant::now())? {
                return Ok(Room(self.clone()));
            }
            freed.await;
        }
    }

    fn try_admit(&self, now: Instant) -> Result<bool, Duration> {
        let Some(max_errors) = self.0.max_errors else { return Ok(true) };
        let max_errors = max_errors as usize;
        let mut state = self.state();
        while state.errors.front().is_some_and(|made| now.duration_since(*made) >= WINDOW) {
            state.errors.pop_front();
        }
        if state.errors.len() >= max_errors {
            let oldest = state.errors.front().copied().unwrap_or(now);
            return Err((oldest + WINDOW).duration_since(now));
        }
        let has_room = state.errors.len() + state.under_way < max_errors;
        if has_room {
            state.under_way += 1;
        }
        Ok(has_room)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// The request was answered with an error that counts.
    pub(crate) fn spend(self) {
        if self.0.0.max_errors.is_some() {
            self.0.state().errors.push_back(Instant::now());
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.0.0.max_errors.is_some() {
            self.0.state().under_way -= 1;
            self.0.0.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    #[tokio::test(start_paused = true)]
    async fn errors_use_the_room_up_until_they_are_an_hour_old() {
        let allowance = Allowance::new(Some(2));
        allowance.admit().await.unwrap().spend();
        advance(Duration::from_secs(600)).await;
        allowance.clone().admit().await.unwrap().spend();
        assert_eq!(allowance.admit().await.unwrap_err(), Duration::from_secs(3000));
        advance(Duration::from_secs(2999)).await;
        assert_eq!(allowance.admit().await.unwrap_err(), Duration::from_secs(1));
        advance(Duration::from_secs(1)).await;
        allowance.admit().await.unwrap().spend();
        assert_eq!(allowance.admit().await.unwrap_err(), Duration::from_secs(600));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_under_way_take_room_and_give_it_back() {
        let allowance = Allowance::new(Some(2));
        let (first, second) = (allowance.admit().await.unwrap(), allowance.admit().await.unwrap());
        assert!(timeout(WINDOW * 3, allowance.admit()).await.is_err());
        let waiting = tokio::spawn({
            let allowance = allowance.clone();
            async move { allowance.admit().await.map(drop) }
        });
        tokio::task::yield_now().await;
        first.spend();
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_when_the_last_room_is_spent() {
        let allowance = Allowance::new(Some(1));
        let room = allowance.admit().await.unwrap();
        let waiting = tokio::spawn({
            let allowance = allowance.clone();
            async move { allowance.admit().await.map(drop) }
        });
        tokio::task::yield_now().await;
        room.spend();
        assert_eq!(waiting.await.unwrap().unwrap_err(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_is_counted() {
        let allowance = Allowance::new(None);
        for _ in 0..100 {
            allowance.admit().await.unwrap().spend();
        }
        assert!(allowance.state().errors.is_empty());
    }
}
