//! What leaves: answers that wait for each other once, a client that does not read, and the end behind a refusal.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::{Front, timed_out};
use crate::http::silence::Farewell;
use crate::http::socket::Socket;

impl<S: Socket> Front<S> {
    /// Whose request waits for a place is not read, so its silence means nothing; only that it leaves does. The library
    /// comes by here each time that the task is woken, and never reads up to an end that lies behind an unread body.
    fn look_after_who_waits(&mut self, cx: &mut Context<'_>) {
        self.reading.restart(self.owed().0);
        if !self.signals.has_left() && self.stream.has_ended() {
            self.signals.leave();
            cx.waker().wake_by_ref();
        }
    }

    /// An answer steps back once before it leaves. Requests that came together are then answered together, and their
    /// client is woken once and not for each; to wake it was a quarter of what a small answer costs.
    fn let_others_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let has_read = std::mem::take(&mut self.has_read);
        // Once, and no more: a client that goes on sending must not keep its answer from leaving.
        self.steps_back = has_read && !self.steps_back;
        if !self.steps_back {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What every write has in common: silence is timed, progress counted.
    fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let owed = (self.deadlines.progress_window, self.deadlines.progress_bytes);
        match written {
            Poll::Pending => {
                ready!(self.writing.poll(cx, owed));
                Poll::Ready(Err(timed_out("the client did not read")))
            }
            Poll::Ready(Ok(count)) => {
                self.writing.restart(owed.0);
                // While an answer leaves, nothing is owed by its reader but reading.
                self.reading.restart(self.deadlines.idle);
                self.rest.stir();
                Poll::Ready(Ok(count))
            }
            failed => failed,
        }
    }
}

impl<S: Socket> AsyncWrite for Front<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.let_others_answer(cx));
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.let_others_answer(cx));
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.signals.is_in_line() {
            self.look_after_who_waits(cx);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// After a refusal the client may still be sending. To close with unread bytes is a reset, and the answer would
    /// be lost: our side ends, the client's is read to its end, within bounds.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.signals.refused().is_none() {
            return Pin::new(&mut this.stream).poll_shutdown(cx);
        }
        if this.farewell.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let farewell = this.farewell.get_or_insert_with(Farewell::new);
        farewell.poll(cx, &mut this.stream).map(Ok)
    }
}
