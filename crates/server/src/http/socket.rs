//! What the front stands on: a stream, and whether its other side has ended without anybody reading up to there.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A connection's stream.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// Whether the client has ended its side, or is gone, as far as the system has told; true even where bytes are still to
    /// be read before that end. Costs no system call, and wakes nobody later.
    fn has_ended(&self) -> bool;
}

impl Socket for TcpStream {
    fn has_ended(&self) -> bool {
        let ready = pin!(self.ready(Interest::READABLE));
        let ready = ready.poll(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }
}

impl Socket for TlsStream<TcpStream> {
    fn has_ended(&self) -> bool {
        self.get_ref().0.has_ended()
    }
}
