//! The strict front of a connection: between the socket and the HTTP library.
//!
//! Heads are held back until they are whole and unambiguous ([`Framing`]); a refused one is replaced by a request
//! for [`REFUSED_PATH`], so that its answer keeps its place behind the answers of earlier requests. Silence ends at its
//! deadline ([`Watch`]): between requests, within a head, within a body, and for a client that does not read.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::burst::Burst;
use super::framing::{Framing, HeadLimits, Refusal, Step};
use super::signals::Signals;
use super::silence::{Deadlines, Farewell, Watch};
use super::socket::Socket;

/// The path of the request that stands in for a refused one. Only believed where [`Signals::refused`] says so.
pub const REFUSED_PATH: &str = "/-/refused";

const STAND_IN: &[u8] = b"GET /-/refused HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// A connection under watch.
pub struct Front<S> {
    stream: S,
    framing: Framing,
    signals: Arc<Signals>,
    /// The beginning of a head that is not whole, or bytes that were read behind one.
    held: Vec<u8>,
    /// Bytes of `held` that may pass.
    passable: usize,
    deadlines: Deadlines,
    /// Set while the end of a refused connection waits for what its client was still sending.
    farewell: Option<Farewell>,
    reading: Watch,
    writing: Watch,
    /// Whether something was read since the last write.
    has_read: bool,
    /// Whether an answer waits for others, see [`let_others_answer`](Self::let_others_answer).
    steps_back: bool,
    /// Bytes that ended a rest, not yet looked at.
    ahead: Vec<u8>,
    /// What was read of a large body and has not passed yet.
    burst: Burst,
    /// Times how long nothing has been asked.
    quiet: Watch,
    resting: bool,
}

/// So long after its last answer a connection is put to rest: what the HTTP library holds for it is given back, twenty
/// kilobytes, until its client speaks again.
const REST_AFTER: Duration = Duration::from_millis(100);

impl<S> Front<S> {
    /// A front before `stream`, which speaks with the service through `signals`.
    pub fn new(stream: S, limits: HeadLimits, deadlines: Deadlines, signals: Arc<Signals>) -> Self {
        let framing = Framing::new(limits);
        let reading = Watch::new(deadlines.idle);
        let writing = Watch::new(deadlines.progress_window);
        Self {
            stream,
            framing,
            signals,
            held: Vec::new(),
            passable: 0,
            deadlines,
            farewell: None,
            reading,
            writing,
            has_read: false,
            steps_back: false,
            ahead: Vec::new(),
            burst: Burst::default(),
            quiet: Watch::prepared(REST_AFTER),
            resting: false,
        }
    }

    /// Lets bytes that were just read pass, holds them back, or puts the stand-in in their place.
    fn examine(&mut self, buf: &mut ReadBuf<'_>, start: usize) {
        let fresh = buf.filled().len() - start;
        if self.held.is_empty() {
            // The common case: a whole head, or a piece of body, passes where it was read.
            let mut passed = 0;
            while passed < fresh {
                match self.framing.step(&buf.filled()[start + passed..]) {
                    Ok(Step::Pass(count)) => passed += count,
                    Ok(Step::HeadBegins) => break,
                    Err(refusal) => return self.refuse(refusal, buf, start + passed),
                }
            }
            self.held.extend_from_slice(&buf.filled()[start + passed..]);
            buf.set_filled(start + passed);
        } else {
            self.held.extend_from_slice(&buf.filled()[start..]);
            buf.set_filled(start);
            while self.passable < self.held.len() {
                match self.framing.step(&self.held[self.passable..]) {
                    Ok(Step::Pass(count)) => self.passable += count,
                    Ok(Step::HeadBegins) => break,
                    Err(refusal) => {
                        self.held.truncate(self.passable);
                        self.held.extend_from_slice(STAND_IN);
                        self.passable = self.held.len();
                        self.signals.refuse(refusal);
                        break;
                    }
                }
            }
            self.release(buf);
        }
    }

    fn refuse(&mut self, refusal: Refusal, buf: &mut ReadBuf<'_>, at: usize) {
        self.signals.refuse(refusal);
        buf.set_filled(at);
        self.held.clear();
        self.held.extend_from_slice(STAND_IN);
        self.passable = STAND_IN.len();
        self.release(buf);
    }

    /// Moves passable bytes out; true if there were any.
    fn release(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let count = self.passable.min(buf.remaining());
        if count > 0 {
            buf.put_slice(&self.held[..count]);
            self.held.drain(..count);
            self.passable -= count;
            if self.held.is_empty() {
                self.held = Vec::new();
            }
        }
        count > 0
    }

    /// Whether the HTTP library was told of an end that is none, to be given up for now.
    pub fn is_resting(&self) -> bool {
        self.resting
    }

    /// Nothing was begun on either side: the library holds nothing that it would have to remember.
    fn is_quiet(&self) -> bool {
        self.framing.in_head()
            && self.held.is_empty()
            && self.signals.refused().is_none()
            && !self.has_read
            && !self.steps_back
            && !self.signals.is_answering()
    }

    /// The deadline of what the client owes now.
    fn owed(&self) -> (Duration, u64) {
        match (self.framing.in_head(), self.held.is_empty()) {
            (true, true) => (self.deadlines.idle, 1),
            // A head is owed whole: no byte of it buys time.
            (true, false) => (self.deadlines.header, u64::MAX),
            (false, _) => (self.deadlines.progress_window, self.deadlines.progress_bytes),
        }
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
                Poll::Pending => {
                    let owed = self.owed();
                    return self.reading.poll(cx, owed).map(|()| Err(timed_out("the client was silent")));
                }
                Poll::Ready(read) => read?,
            }
            self.resting = false;
            self.quiet.restart(REST_AFTER);
            self.ahead.extend_from_slice(buf.filled());
            Poll::Ready(Ok(!self.ahead.is_empty()))
        })
        .await
    }

    /// What the client sends: first what ended its rest.
    fn poll_stream(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let in_body = !self.framing.in_head();
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
}

impl<S: AsyncRead + Unpin> AsyncRead for Front<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.release(buf) {
                return Poll::Ready(Ok(()));
            }
            if this.signals.refused().is_some() {
                // What follows a refused request has no meaning: an end, behind which its answer is written.
                return Poll::Ready(Ok(()));
            }
            let start = buf.filled().len();
            let owed = this.owed();
            match this.poll_stream(cx, buf) {
                Poll::Pending if this.is_quiet() && this.quiet.poll(cx, (REST_AFTER, 1)).is_ready() => {
                    this.resting = true;
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => {
                    return this.reading.poll(cx, owed).map(|()| Err(timed_out("the client was silent")));
                }
                Poll::Ready(result) => result?,
            }
            let fresh = buf.filled().len() - start;
            if fresh == 0 {
                return Poll::Ready(Ok(()));
            }
            this.examine(buf, start);
            if this.owed() == owed {
                this.reading.count(fresh as u64, owed)
            } else {
                this.reading.restart(this.owed().0)
            }
            if buf.filled().len() > start {
                this.has_read = true;
                this.quiet.restart(REST_AFTER);
                return Poll::Ready(Ok(()));
            }
        }
    }
}

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
                self.quiet.restart(REST_AFTER);
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

fn timed_out(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, text)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    const LIMITS: HeadLimits = HeadLimits { max_bytes: 1024, max_headers: 16 };
    const DEADLINES: Deadlines = Deadlines {
        idle: Duration::from_secs(75),
        header: Duration::from_secs(10),
        progress_window: Duration::from_secs(20),
        progress_bytes: 1000,
    };
    const POST: &[u8] = b"POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";

    impl Socket for DuplexStream {
        fn has_ended(&self) -> bool {
            false
        }
    }

    fn front() -> (DuplexStream, Front<DuplexStream>, Arc<Signals>) {
        let (client, server) = duplex(1 << 20);
        let signals = Arc::<Signals>::default();
        (client, Front::new(server, LIMITS, DEADLINES, signals.clone()), signals)
    }

    async fn waits(front: &mut Front<DuplexStream>) -> Duration {
        let start = Instant::now();
        let error = front.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        start.elapsed()
    }

    #[tokio::test]
    async fn a_head_in_pieces_arrives_whole_or_not_at_all() {
        let (mut client, mut front, _) = front();
        let sent = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut read = [0; 100];
        client.write_all(&sent[..10]).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(20), front.read(&mut read)).await.is_err());
        client.write_all(&sent[10..]).await.unwrap();
        let mut got = Vec::new();
        while got.len() < sent.len() {
            let count = front.read(&mut read[..7]).await.unwrap();
            got.extend_from_slice(&read[..count]);
        }
        assert_eq!(got, sent);
    }

    #[tokio::test]
    async fn a_refused_request_is_stood_in_for_and_ends_the_connection() {
        let (mut client, mut front, signals) = front();
        client
            .write_all(
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n",
            )
            .await
            .unwrap();
        client
            .write_all(b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        let mut got = String::new();
        front.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{}", str::from_utf8(STAND_IN).unwrap()));
        assert_eq!(signals.refused().unwrap().status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_at_the_deadline_of_what_is_owed() {
        let (_client, mut idle, _) = front();
        let start = Instant::now();
        assert_eq!(idle.heard().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 75);

        let (mut client, mut in_head, _) = front();
        client.write_all(&POST[..9]).await.unwrap();
        assert_eq!(waits(&mut in_head).await.as_secs(), 10);

        let (mut client, mut in_body, _) = front();
        client.write_all(POST).await.unwrap();
        let mut head = vec![0; POST.len()];
        in_body.read_exact(&mut head).await.unwrap();
        assert_eq!(waits(&mut in_body).await.as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn who_rests_is_heard_again_and_shown_out_in_time() {
        let (mut client, mut front, _) = front();
        let mut read = [0; 100];
        for _ in 0..3 {
            client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            assert!(front.heard().await.unwrap());
            client.write_all(b"Host: x\r\n\r\n").await.unwrap();
            assert_eq!(front.read(&mut read).await.unwrap(), 27);
            // While an answer is owed there is no rest, and no end either: the deadline comes first.
            let owed = tokio::time::timeout(REST_AFTER * 10, front.read(&mut read));
            assert!(owed.await.is_err() && !front.is_resting());
            front.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let start = Instant::now();
            assert_eq!(front.read(&mut read).await.unwrap(), 0);
            assert!(front.is_resting() && start.elapsed() == REST_AFTER);
        }
        let start = Instant::now();
        assert_eq!(front.heard().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= Duration::from_secs(74) - REST_AFTER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_does_not_buy_time_and_a_flow_does() {
        let drip = |bytes: usize| async move {
            let (mut client, mut front, _) = front();
            client.write_all(POST).await.unwrap();
            tokio::spawn(async move {
                for _ in 0..5 {
                    tokio::time::sleep(Duration::from_secs(9)).await;
                    let _ = client.write_all(&vec![b'x'; bytes]).await;
                }
                tokio::time::sleep(Duration::from_secs(600)).await;
            });
            let start = Instant::now();
            let mut sink = Vec::new();
            assert_eq!(front.read_to_end(&mut sink).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
            start.elapsed().as_secs()
        };
        assert_eq!(drip(1).await, 20);
        assert_eq!(drip(2000).await, 45 + 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_left() {
        let (_client, server) = duplex(64);
        let mut front = Front::new(server, LIMITS, DEADLINES, Arc::default());
        let start = Instant::now();
        assert_eq!(front.write_all(&[0; 1000]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 20);
    }
}
