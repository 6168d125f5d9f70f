//! What the two ends of a connection tell each other: the front, which has the socket, and the service, which has the request.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::framing::Refusal;

/// One for each connection, shared by its front and its requests, which are answered by the same task one after another.
#[derive(Debug, Default)]
pub struct Signals {
    refused: OnceLock<Refusal>,
    answering: AtomicUsize,
    in_line: AtomicBool,
    has_left: AtomicBool,
}

impl Signals {
    /// The front refuses what it read; only the first refusal counts, and is the connection's end.
    pub fn refuse(&self, refusal: Refusal) {
        let _ = self.refused.set(refusal);
    }

    /// Why the connection's last request was refused.
    pub fn refused(&self) -> Option<Refusal> {
        self.refused.get().copied()
    }

    /// Whether a request is being answered.
    pub fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }

    /// Whether the request waits for a place: nobody reads its body then, so its client owes nothing.
    pub fn is_in_line(&self) -> bool {
        self.in_line.load(Ordering::Relaxed)
    }

    /// The front saw the client end its side while its request waits.
    pub fn leave(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }

    /// Whether the client ended its side while its request waits.
    pub fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
    }

    /// A request is being answered until this is dropped.
    pub fn answering(&self) -> impl Drop + use<'_> {
        self.answering.fetch_add(1, Ordering::Relaxed);
        Until(|| {
            self.answering.fetch_sub(1, Ordering::Relaxed);
        })
    }

    /// The request waits for a place until this is dropped.
    pub fn in_line(&self) -> impl Drop + use<'_> {
        self.in_line.store(true, Ordering::Relaxed);
        Until(|| self.in_line.store(false, Ordering::Relaxed))
    }
}

/// Runs at its end.
struct Until<F: Fn()>(F);

impl<F: Fn()> Drop for Until<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
