//! When a connection rests: what the HTTP library holds for it, twenty kilobytes, is given back until its client speaks again.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// So long after its first answer a connection is put to rest.
pub(super) const FIRST: Duration = Duration::from_millis(100);

/// And never later than twice this after its last.
const LONGEST: Duration = Duration::from_millis(1600);

/// The HTTP library's read buffer, until it grows.
const FIRST_BUFFER_BYTES: usize = 8 * 1024;

/// Times the quiet of one connection. To rest and to wake costs as much as an answer, and so do timers for those who ask all
/// the time: who is busy, or wakes soon, is left alone for longer. Neither reading nor writing looks at the clock.
pub(super) struct Rest {
    after: Duration,
    /// Made early, so that it does not lie in memory behind what is given back.
    timer: Pin<Box<Sleep>>,
    is_armed: bool,
    /// Whether anything was read or written since the timer was armed.
    stirred: bool,
    /// Whether the library holds far more than it began with.
    is_large: bool,
    is_resting: bool,
    /// Of a rest that the timer began.
    since: Option<Instant>,
}

impl Rest {
    pub(super) fn new() -> Self {
        Self {
            after: FIRST,
            timer: Box::pin(sleep(FIRST)),
            is_armed: false,
            stirred: false,
            is_large: false,
            is_resting: false,
            since: None,
        }
    }

    /// Something was read or written.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
    }

    /// The library reads into a buffer of so many bytes. One that has grown is given back as soon as there is quiet: a client
    /// that uploads again could wait for its place for long, and an upload costs a hundred times what it takes to wake.
    pub(super) fn note_buffer(&mut self, bytes: usize) {
        self.is_large |= bytes > FIRST_BUFFER_BYTES;
    }

    /// Whether the connection rests.
    pub(super) fn is_resting(&self) -> bool {
        self.is_resting
    }

    /// Called while nothing is begun on either side; ready, with how long it was quiet at least, when the rest begins.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        if self.is_large {
            (self.is_large, self.is_resting) = (false, true);
            return Poll::Ready(Duration::ZERO);
        }
        loop {
            if !self.is_armed {
                self.timer.as_mut().reset(Instant::now() + self.after);
                self.is_armed = true;
                self.stirred = false;
            }
            ready!(self.timer.as_mut().poll(cx));
            self.is_armed = false;
            if !self.stirred {
                (self.is_resting, self.since) = (true, Some(Instant::now()));
                return Poll::Ready(self.after);
            }
            self.be_patient();
        }
    }

    /// The client speaks again. Had it been left alone for twice as long, would the rest have been spared?
    pub(super) fn end(&mut self) {
        self.is_resting = false;
        let Some(since) = self.since.take() else { return };
        if since.elapsed() < self.after { self.be_patient() } else { self.after = FIRST }
    }

    fn be_patient(&mut self) {
        self.after = (self.after * 2).min(LONGEST);
    }
}
