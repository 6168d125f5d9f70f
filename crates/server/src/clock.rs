//! Where dates come from: the system's clock, or one that tests turn.
//!
//! Waiting is not here: it comes from the runtime's timer. File times are judged by [`Clock::system`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

/// The date, given to everything that needs one. Cheap to clone; clones turn together.
#[derive(Clone, Debug)]
pub struct Clock(Arc<State>);

#[derive(Debug)]
struct State {
    /// Milliseconds added to the system's time, or the whole date when frozen.
    shift_ms: AtomicI64,
    frozen: bool,
}

impl Clock {
    /// The system's time.
    pub fn running() -> Self {
        Self(Arc::new(State { shift_ms: AtomicI64::new(0), frozen: false }))
    }

    /// A clock that stands still until it is turned.
    pub fn frozen_at(start: Timestamp) -> Self {
        Self(Arc::new(State { shift_ms: AtomicI64::new(start.as_millisecond()), frozen: true }))
    }

    /// The date now, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let shift = self.0.shift_ms.load(Ordering::Acquire);
        let milliseconds = if self.0.frozen { shift } else { system_ms().saturating_add(shift) };
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }

    /// Turns the clock forward (or back).
    pub fn advance(&self, by: SignedDuration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.shift_ms.fetch_add(by_ms, Ordering::AcqRel);
    }

    /// The system's own time, whatever the clock says: the age of files is told by it alone.
    #[allow(clippy::disallowed_methods, reason = "this is the one place where the system's time is read")]
    pub fn system() -> SystemTime {
        SystemTime::now()
    }
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
}
