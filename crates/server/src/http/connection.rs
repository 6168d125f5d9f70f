//! One connection, from its first byte to its last: the front, the HTTP library behind it, and a gentle end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::framing::{HeadLimits, Refusal};
use super::front::{Front, REFUSED_PATH, Refused};
use super::silence::Deadlines;

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
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Fn(Arrived) -> Fut,
        Fut: Future<Output = Response<B>>,
        B: http_body::Body + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { head, deadlines, mut phase, service } = self;
        let refused = Refused::default();
        let front = Front::new(stream, head, deadlines, refused.clone());
        let seen = phase.clone();
        let service = service_fn(|request: Request<Incoming>| {
            let refusal = refused.get().copied().filter(|_| request.uri().path() == REFUSED_PATH);
            let answer = service(Arrived { request, scheme, local, refused: refusal });
            let seen = seen.clone();
            async move {
                let mut response = answer.await;
                let leaving = *seen.borrow() >= Phase::Lame;
                if leaving {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        // The front has its own bounds and deadlines; these are a second fence behind it. A client may end its own
        // side once it has asked, and still reads the answer.
        builder
            .half_close(true)
            .max_buf_size(BUFFER_BYTES.max(head.max_bytes))
            .max_headers(head.max_headers + 1);
        let serving = builder.serve_connection(TokioIo::new(front), service);
        tokio::pin!(serving);
        let last_call = async {
            until(&mut phase, Phase::Draining).await;
            tokio::time::sleep(LAST_CALL).await;
        };
        let served = tokio::select! {
            served = serving.as_mut() => served,
            () = last_call => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
