//! The body of a request: read under the client's own pace, and read to its end even when nobody wants it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

/// A body that remembers whether anybody began to read it.
pub struct RequestBody {
    incoming: Incoming,
    touched: bool,
    received: u64,
}

impl RequestBody {
    /// Around what the connection brings.
    pub fn new(incoming: Incoming) -> Self {
        Self { incoming, touched: false, received: 0 }
    }

    /// Bytes that were read.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether there is nothing left to read.
    pub fn is_done(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// Whether a client that waits for `100 Continue` still waits.
    pub fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// Bytes still to come, if the client said.
    pub fn remaining(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// Reads and forgets the rest beside the answer, so that a client that sends first and reads later can read
    /// it. A connection closed with unread bytes would be reset, and the answer lost with it.
    pub fn linger(mut self, max_bytes: u64, longest: Duration) {
        tokio::spawn(async move {
            let mut forgotten = 0;
            let read_on = async {
                while forgotten < max_bytes {
                    match std::future::poll_fn(|cx| Pin::new(&mut self.incoming).poll_frame(cx)).await {
                        Some(Ok(frame)) => {
                            forgotten += frame.data_ref().map_or(0, |bytes| bytes.len() as u64)
                        }
                        _ => return,
                    }
                }
            };
            // Over the bound, or too slow: dropping the body closes the connection.
            let _ = tokio::time::timeout(longest, read_on).await;
        });
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.touched = true;
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.received += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
