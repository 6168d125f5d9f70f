//! An answer's body: piece by piece, and never silent for long.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::{innermost, silence};
use crate::{ConnectionError, Error, Timeouts};

/// A body on its way in.
pub(crate) struct Arriving {
    body: Incoming,
    timeouts: Timeouts,
    deadline: Pin<Box<Sleep>>,
}

impl Arriving {
    pub(super) fn new(body: Incoming, timeouts: Timeouts) -> Self {
        Self { body, timeouts, deadline: Box::pin(sleep(timeouts.idle)) }
    }

    /// The next piece; `None` at the end that was announced. A body that ends before is an error.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_piece(cx)).await
    }

    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                ready!(self.deadline.as_mut().poll(cx));
                return Poll::Ready(Err(silence(self.timeouts.idle)));
            };
            self.deadline.as_mut().reset(Instant::now() + self.timeouts.idle);
            match frame {
                None => return Poll::Ready(Ok(None)),
                Some(Err(error)) => {
                    let source = innermost(&error).into();
                    let broken = ConnectionError { was_sent: true, source };
                    return Poll::Ready(Err(Error::Connection(broken)));
                }
                // What is no data is a trailer, and nobody's.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Ok(Some(data))),
                    _ => {}
                },
            }
        }
    }

    /// The beginning of the body, at most `limit` bytes; a rest is not read, and its connection is given up.
    pub(crate) async fn beginning(self, limit: usize) -> Result<Bytes, Error> {
        // What is no file has no right to trickle.
        let patience = self.timeouts.answer;
        timeout(patience, self.read_up_to(limit)).await.unwrap_or_else(|_| Err(silence(patience)))
    }

    async fn read_up_to(mut self, limit: usize) -> Result<Bytes, Error> {
        let mut held = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            let room = limit - held.len();
            held.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() >= room {
                break;
            }
        }
        Ok(held.freeze())
    }
}

impl fmt::Debug for Arriving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arriving")
    }
}
