//! The strict front of a connection: between the socket and the HTTP library.
//!
//! Heads are held back until they are whole and unambiguous ([`sieve`]); a refused one is replaced by a request
//! for [`REFUSED_PATH`], so that its answer keeps its place behind the answers of earlier requests. Silence ends at its
//! deadline ([`Watch`]): between requests, within a head, within a body, and for a client that does not read. Between
//! requests a connection rests ([`rest`]).

mod rest;
mod sieve;
#[cfg(test)]
mod tests;
mod write;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};

use super::burst::Burst;
use super::framing::HeadLimits;
use super::signals::Signals;
use super::silence::{Deadlines, Farewell, Watch};
use rest::Rest;
use sieve::Sieve;

pub use sieve::REFUSED_PATH;

/// A connection under watch.
pub struct Front<S> {
    stream: S,
    signals: Arc<Signals>,
    sieve: Sieve,
    deadlines: Deadlines,
    /// Set while the end of a refused connection waits for what its client was still sending.
    farewell: Option<Farewell>,
    reading: Watch,
    writing: Watch,
    /// Whether something was read since the last write.
    has_read: bool,
    /// Whether an answer waits for others, see [`let_others_answer`](Self::let_others_answer).
    steps_back: bool,
    rest: Rest,
    /// Bytes that ended a rest, not yet looked at.
    ahead: Vec<u8>,
    /// What was read of a large body and has not passed yet.
    burst: Burst,
}

impl<S> Front<S> {
    /// A front before `stream`, which speaks with the service through `signals`.
    pub fn new(stream: S, limits: HeadLimits, deadlines: Deadlines, signals: Arc<Signals>) -> Self {
        Self {
            stream,
            signals,
            sieve: Sieve::new(limits),
            deadlines,
            farewell: None,
            reading: Watch::new(deadlines.idle),
            writing: Watch::new(deadlines.progress_window),
            has_read: false,
            steps_back: false,
            rest: Rest::new(),
            ahead: Vec::new(),
            burst: Burst::default(),
        }
    }

    /// Whether the HTTP library was told of an end that is none, to be given up for now.
    pub fn is_resting(&self) -> bool {
        self.rest.is_resting()
    }

    /// Nothing was begun on either side: the library holds nothing that it would have to remember.
    fn is_quiet(&self) -> bool {
        self.sieve.in_head()
            && self.sieve.is_empty()
            && self.signals.refused().is_none()
            && !self.has_read
            && !self.steps_back
            && !self.signals.is_answering()
    }

    /// The deadline of what the client owes now.
    fn owed(&self) -> (Duration, u64) {
        match (self.sieve.in_head(), self.sieve.is_empty()) {
            (true, true) => (self.deadlines.idle, 1),
            // A head is owed whole: no byte of it buys time.
            (true, false) => (self.deadlines.header, u64::MAX),
            (false, _) => (self.deadlines.progress_window, self.deadlines.progress_bytes),
        }
    }

    /// Silence, until it has lasted too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let owed = self.owed();
        self.reading.poll(cx, owed).map(|()| timed_out("the client was silent"))
    }
}

impl<S: AsyncRead + Unpin> Front<S> {
    /// Ends a rest, or waits for the first byte: true once the client has said something, false if it went.
    ///
    /// # Errors
    /// The client was silent for too long, or the stream broke.
    pub async fn heard(&mut self) -> io::Result<bool> {
        poll_fn(|cx| {
            let mut bytes = [0; 4096];
            let mut buf = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Pending => return self.poll_silence(cx).map(Err),
                Poll::Ready(read) => read?,
            }
            self.rest.end();
            self.ahead.extend_from_slice(buf.filled());
            Poll::Ready(Ok(!self.ahead.is_empty()))
        })
        .await
    }

    /// What the client sends: first what ended its rest.
    fn poll_stream(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let in_body = !self.sieve.in_head();
            return self.burst.poll_read(&mut self.stream, cx, buf, in_body);
        }
        let count = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        if self.ahead.is_empty() {
            self.ahead = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Nothing came. A rest is an end to the library; its part of the idle deadline is over by then.
    fn poll_nothing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_quiet() {
            return self.poll_silence(cx).map(Err);
        }
        let quiet_for = ready!(self.rest.poll(cx));
        self.reading.restart(self.deadlines.idle.saturating_sub(quiet_for));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Front<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.sieve.release(buf) {
                return Poll::Ready(Ok(()));
            }
            if this.signals.refused().is_some() {
                // What follows a refused request has no meaning: an end, behind which its answer is written.
                return Poll::Ready(Ok(()));
            }
            this.rest.note_buffer(buf.remaining());
            let start = buf.filled().len();
            let owed = this.owed();
            match this.poll_stream(cx, buf) {
                Poll::Pending => return this.poll_nothing(cx),
                Poll::Ready(result) => result?,
            }
            let fresh = buf.filled().len() - start;
            if fresh == 0 {
                return Poll::Ready(Ok(()));
            }
            if let Err(refusal) = this.sieve.examine(buf, start) {
                this.signals.refuse(refusal);
            }
            if this.owed() == owed {
                this.reading.count(fresh as u64, owed)
            } else {
                this.reading.restart(this.owed().0)
            }
            if buf.filled().len() > start {
                this.has_read = true;
                this.rest.stir();
                return Poll::Ready(Ok(()));
            }
        }
    }
}

fn timed_out(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, text)
}
