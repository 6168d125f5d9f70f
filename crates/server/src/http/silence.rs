//! How long silence may last on a connection, and how it is timed.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long silence may last.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// Between requests.
    pub idle: Duration,
    /// From the first byte of a head to its last.
    pub header: Duration,
    /// In every window of this length a body must bring, and a reader must take, `progress_bytes`.
    pub progress_window: Duration,
    /// See `progress_window`.
    pub progress_bytes: u64,
}

/// Times one direction. A window begins when something is first waited for, and its timer is re-armed only when it
/// fires: a busy connection pays neither for timers nor for clock readings.
pub(super) struct Watch {
    window: Duration,
    /// None until the window has begun.
    deadline: Option<Instant>,
    progress: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    pub(super) fn new(first: Duration) -> Self {
        Self { window: first, deadline: None, progress: 0, timer: None }
    }

    pub(super) fn restart(&mut self, window: Duration) {
        self.window = window;
        self.deadline = None;
        self.progress = 0;
    }

    /// Progress that buys a new window once it is enough.
    pub(super) fn count(&mut self, bytes: u64, (window, enough): (Duration, u64)) {
        self.progress = self.progress.saturating_add(bytes);
        if self.progress >= enough {
            self.restart(window);
        }
    }

    /// Ready when the deadline has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, (window, _): (Duration, u64)) -> Poll<()> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.window);
        // What is owed may have become more urgent than when the window began.
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            let next = deadline.min(Instant::now() + window);
            timer.as_mut().reset(next);
        }
    }
}

/// Bytes that are read and thrown away behind a refused request.
const FAREWELL_BYTES: usize = 1024 * 1024;
/// How long that may take.
const FAREWELL_FOR: Duration = Duration::from_secs(2);

pub(super) struct Farewell {
    left: usize,
    timer: Pin<Box<Sleep>>,
}

impl Farewell {
    pub(super) fn new() -> Self {
        Self { left: FAREWELL_BYTES, timer: Box::pin(tokio::time::sleep(FAREWELL_FOR)) }
    }

    /// Ready when the client has ended, or was given enough.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, stream: &mut (impl AsyncRead + Unpin)) -> Poll<()> {
        let mut sink = [0; 4096];
        while self.left > 0 && self.timer.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut sink);
            match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {
                    self.left = self.left.saturating_sub(buf.filled().len())
                }
                _ => break,
            }
        }
        Poll::Ready(())
    }
}
