//! Where dates come from: the system's clock, or one that tests turn.
//!
//! Waiting is not here: it comes from the runtime's timer. File times are judged by [`Clock::system`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The date, given to everything that needs one. Cheap to clone; clones turn together.
#[derive(Clone, Debug)]
pub struct Clock(Arc<State>);

/// Read without a lock by every request; changed only inside `turned`, one change at a time.
#[derive(Debug)]
struct State {
    /// Milliseconds added to the system's time.
    shift_ms: AtomicI64,
    /// The whole date while the clock stands, else [`RUNS`].
    stands_at_ms: AtomicI64,
    /// Counts the turns, and tells them to who waits for a date.
    turned: watch::Sender<u64>,
}

/// No date is this early.
const RUNS: i64 = i64::MIN;

impl Clock {
    /// The system's time.
    pub fn running() -> Self {
        Self::starting_with(RUNS)
    }

    /// A clock that stands still until it is turned.
    pub fn frozen_at(start: Timestamp) -> Self {
        Self::starting_with(start.as_millisecond())
    }

    fn starting_with(stands_at_ms: i64) -> Self {
        Self(Arc::new(State {
            shift_ms: AtomicI64::new(0),
            stands_at_ms: AtomicI64::new(stands_at_ms),
            turned: watch::Sender::new(0),
        }))
    }

    /// The date now, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let milliseconds = match self.0.stands_at_ms.load(Ordering::Acquire) {
            RUNS => system_ms().saturating_add(self.0.shift_ms.load(Ordering::Acquire)),
            stands => stands,
        };
        legal(milliseconds)
    }

    /// Turns the clock forward (or back), whether it runs or stands.
    pub fn advance(&self, by: SignedDuration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.turn(|state| {
            let place = if state.stands() { &state.stands_at_ms } else { &state.shift_ms };
            place.store(place.load(Ordering::Acquire).saturating_add(by_ms), Ordering::Release);
        });
    }

    /// Sets the date; the clock goes on to run or to stand.
    pub fn set(&self, to: Timestamp) {
        self.turn(|state| match state.stands() {
            true => state.stands_at_ms.store(to.as_millisecond(), Ordering::Release),
            false => state.shift_ms.store(to.as_millisecond() - system_ms(), Ordering::Release),
        });
    }

    /// Stops it at the date that it shows.
    pub fn freeze(&self) {
        self.turn(|state| state.stands_at_ms.store(self.now().as_millisecond(), Ordering::Release));
    }

    /// Lets it run on from the date that it shows.
    pub fn resume(&self) {
        self.turn(|state| {
            // In this order no reader sees a date that is neither.
            state.shift_ms.store(self.now().as_millisecond() - system_ms(), Ordering::Release);
            state.stands_at_ms.store(RUNS, Ordering::Release);
        });
    }

    /// Back to the system's time.
    pub fn reset(&self) {
        self.turn(|state| {
            state.shift_ms.store(0, Ordering::Release);
            state.stands_at_ms.store(RUNS, Ordering::Release);
        });
    }

    /// Whether it stands.
    pub fn is_frozen(&self) -> bool {
        self.0.stands()
    }

    /// Whether it shows anything but the system's time.
    pub fn is_turned(&self) -> bool {
        self.is_frozen() || self.0.shift_ms.load(Ordering::Acquire) != 0
    }

    /// Changes whenever the clock is turned: for jobs that wait for a date.
    pub fn turns(&self) -> watch::Receiver<u64> {
        self.0.turned.subscribe()
    }

    /// Waits until the clock shows `at`, however it gets there: by itself, or because somebody turned it.
    pub async fn reached(&self, at: Timestamp) {
        /// A date may be further ahead than a timer can count; and the system's own clock may be set.
        const LONGEST_NAP: Duration = Duration::from_secs(3600);
        let mut turns = self.turns();
        loop {
            let left = at.duration_since(self.now());
            if left <= SignedDuration::ZERO {
                return;
            }
            let nap = Duration::try_from(left).unwrap_or(LONGEST_NAP).min(LONGEST_NAP);
            let nap = async {
                match self.is_frozen() {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(nap).await,
                }
            };
            tokio::select! {
                () = nap => {}
                // The sender lives as long as this clock.
                _ = turns.changed() => {}
            }
        }
    }

    /// The system's own time, whatever the clock says: the age of files is told by it alone.
    #[allow(clippy::disallowed_methods, reason = "this is the one place where the system's time is read")]
    pub fn system() -> SystemTime {
        SystemTime::now()
    }

    fn turn(&self, change: impl FnOnce(&State)) {
        self.0.turned.send_modify(|turns| {
            change(&self.0);
            *turns += 1;
        });
    }
}

impl State {
    fn stands(&self) -> bool {
        self.stands_at_ms.load(Ordering::Acquire) != RUNS
    }
}

fn legal(milliseconds: i64) -> Timestamp {
    let end = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(milliseconds).unwrap_or(end)
}

fn system_ms() -> i64 {
    let since = Clock::system().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_turned() {
        let clock = Clock::frozen_at(Timestamp::from_second(1_000).unwrap());
        let twin = clock.clone();
        assert_eq!(clock.now().as_second(), 1_000);
        twin.advance(SignedDuration::from_secs(300));
        assert_eq!(clock.now().as_second(), 1_300);
    }

    #[test]
    fn a_running_clock_is_turned_stopped_and_let_go() {
        let clock = Clock::running();
        assert!(!clock.is_turned());
        let before = clock.now();
        clock.advance(SignedDuration::from_hours(30 * 24));
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(30 * 24));
        clock.freeze();
        let stopped = clock.now();
        clock.advance(SignedDuration::from_secs(-5));
        assert_eq!(stopped.duration_since(clock.now()), SignedDuration::from_secs(5));
        clock.resume();
        assert!(clock.is_turned() && !clock.is_frozen());
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(29 * 24));
        clock.reset();
        assert!(!clock.is_turned());
        clock.set(Timestamp::from_second(1_000).unwrap());
        assert!((1_000..1_100).contains(&clock.now().as_second()));
        clock.advance(SignedDuration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[tokio::test]
    async fn who_waits_for_a_date_notices_that_it_came() {
        let clock = Clock::frozen_at(Timestamp::from_second(1_000).unwrap());
        let month = Timestamp::from_second(1_000 + 30 * 86_400).unwrap();
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reached(month).await }
        });
        tokio::task::yield_now().await;
        clock.advance(SignedDuration::from_hours(29 * 24));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(SignedDuration::from_hours(24));
        waiting.await.unwrap();
    }
}
