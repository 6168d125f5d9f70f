//! One connection, from its first byte to its last: the front, the HTTP library behind it, and a gentle end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::framing::{HeadLimits, Refusal};
use super::front::{Front, REFUSED_PATH};
use super::signals::Signals;
use super::silence::Deadlines;
use super::socket::Socket;

/// The library's read buffer: also the most of a body that is in memory between socket and parser.
const BUFFER_BYTES: usize = 32 * 1024;

/// After the door has closed: how long a connection may still bring the request that was already on its way.
const LAST_CALL: Duration = Duration::from_millis(50);

/// Where a service runs: running, draining, ending.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Serving.
    Running,
    /// Still accepting, but sending clients away.
    Lame,
    /// Accepting no more; finishing what was begun.
    Draining,
}

/// One request as the front let it pass.
pub struct Arrived {
    /// The request.
    pub request: Request<Incoming>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Our own address, as this connection reached it.
    pub local: SocketAddr,
    /// Set where the front refused what the client sent; the request only stands in for it.
    pub refused: Option<Refusal>,
    /// How the front and the service speak of this connection.
    pub signals: Arc<Signals>,
}

/// Waits for a phase; a sender that is gone has ended them all.
pub async fn until(phase: &mut watch::Receiver<Phase>, awaited: Phase) {
    let _ = phase.wait_for(|phase| *phase >= awaited).await;
}

/// What a connection needs to be served.
pub struct Connection<F> {
    /// Bounds of a request's head.
    pub head: HeadLimits,
    /// Bounds of silence.
    pub deadlines: Deadlines,
    /// How the service is.
    pub phase: watch::Receiver<Phase>,
    /// Who answers.
    pub service: F,
}

impl<F> Connection<F> {
    /// Serves `stream` until either side ends it, or the service drains.
    pub async fn run<S, Fut, B>(self, stream: S, scheme: &'static str, local: SocketAddr)
    where
        S: Socket + Send + 'static,
        F: Fn(Arrived) -> Fut,
        Fut: Future<Output = Response<B>>,
        B: http_body::Body + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut phase = self.phase.clone();
        let last_call = async move {
            until(&mut phase, Phase::Draining).await;
            tokio::time::sleep(LAST_CALL).await;
        };
        tokio::pin!(last_call);
        let signals = Arc::<Signals>::default();
        let mut front = Front::new(stream, self.head, self.deadlines, signals.clone());
        loop {
            // Who says nothing costs a task and a socket, and no more.
            let heard = tokio::select! {
                biased;
                heard = front.heard() => heard,
                () = last_call.as_mut() => Ok(false),
            };
            match heard {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return tracing::debug!(%error, "a connection ended early"),
            }
            let round = Round { scheme, local, signals: &signals };
            // Boxed: it is large, and gone while the connection rests.
            match Box::pin(self.serve(front, round, last_call.as_mut())).await {
                Some(resting) => front = resting,
                None => return,
            }
        }
    }

    /// Serves until the client rests, which gives the front back, or until the connection is at its end.
    async fn serve<S, Fut, B>(
        &self,
        front: Front<S>,
        round: Round<'_>,
        mut last_call: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<Front<S>>
    where
        S: Socket + Send + 'static,
        F: Fn(Arrived) -> Fut,
        Fut: Future<Output = Response<B>>,
        B: http_body::Body + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Round { scheme, local, signals } = round;
        let service = service_fn(|request: Request<Incoming>| {
            let refused = signals.refused().filter(|_| request.uri().path() == REFUSED_PATH);
            let answering = signals.answering();
            let answer =
                (self.service)(Arrived { request, scheme, local, refused, signals: signals.clone() });
            Box::pin(async move {
                let _answering = answering;
                let mut response = answer.await;
                let leaving = *self.phase.borrow() >= Phase::Lame;
                if leaving {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            })
        });
        let mut builder = http1::Builder::new();
        // The front has its own bounds and deadlines; these are a second fence behind it. A client may end its own
        // side once it has asked, and still reads the answer.
        builder
            .half_close(true)
            .max_buf_size(BUFFER_BYTES.max(self.head.max_bytes))
            .max_headers(self.head.max_headers + 1);
        let mut serving = builder.serve_connection(TokioIo::new(front), service);
        let served = tokio::select! {
            served = poll_fn(|cx| serving.poll_without_shutdown(cx)) => Some(served),
            () = last_call.as_mut() => None,
        };
        let is_last = served.is_none();
        let served = match served {
            Some(served) => served,
            None => {
                Pin::new(&mut serving).graceful_shutdown();
                poll_fn(|cx| serving.poll_without_shutdown(cx)).await
            }
        };
        let mut front = serving.into_parts().io.into_inner();
        let ended = match served {
            Ok(()) if front.is_resting() && !is_last => return Some(front),
            Ok(()) => front.shutdown().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
        None
    }
}

/// What stays with a connection from rest to rest.
struct Round<'a> {
    scheme: &'static str,
    local: SocketAddr,
    signals: &'a Arc<Signals>,
}
