//! Accepting connections and ending them well: caps, nodelay, TLS, and a drain that loses nothing.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use wamedia_wire::fbtrace::TraceId;
use wamedia_wire::graph::GraphError;

use super::framing::HeadLimits;
use super::front::{Deadlines, Front, REFUSED_PATH, Refused};
use super::tls::Tls;
use crate::config::Limits;

/// The library's read buffer: also the most of a body that is in memory between socket and parser.
const BUFFER_BYTES: usize = 64 * 1024;

/// How long a drained listener goes on accepting. Connections that were already on their way are served rather
/// than reset, and every answer tells its client to go.
const LAME_FOR: Duration = Duration::from_millis(200);

/// What a connection over the cap hears, in the shape that both dialects' clients read. No request was read, so
/// there is no trace to name.
fn farewell() -> String {
    let body = GraphError::overloaded().to_json(TraceId::from_random([0; 16]).as_str());
    let body = String::from_utf8_lossy(&body);
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=UTF-8\r\nretry-after: 1\r\n\
         cache-control: no-store\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    )
}

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

/// Bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    connections: usize,
    head: HeadLimits,
    deadlines: Deadlines,
    drain_for: Duration,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            head: HeadLimits { max_bytes: limits.header_bytes.as_usize(), max_headers: limits.headers },
            deadlines: Deadlines {
                idle: limits.idle_deadline.duration(),
                header: limits.header_deadline.duration(),
                progress_window: limits.progress_window.duration(),
                progress_bytes: limits.progress_bytes.0,
            },
            drain_for: limits.drain_for.duration(),
        }
    }
}

/// One request as the front let it pass.
pub struct Arrived {
    /// The request.
    pub request: Request<Incoming>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Set where the front refused what the client sent; the request only stands in for it.
    pub refused: Option<super::framing::Refusal>,
}

/// Serves `listener` until `phase` ends it, then drains. Returns how many connections had to be cut.
pub async fn serve<F, Fut, B>(
    listener: TcpListener,
    tls: Option<Tls>,
    bounds: Bounds,
    open: Gauge,
    mut phase: watch::Receiver<Phase>,
    service: F,
) -> usize
where
    F: Fn(Arrived) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response<B>> + Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(bounds.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = until(&mut phase, Phase::Draining) => break,
            // Ended connections are forgotten as they end.
            Some(_) = connections.join_next() => continue,
        };
        let Some(stream) = check(accepted).await else { continue };
        let Ok(place) = places.clone().try_acquire_owned() else {
            connections.spawn(turn_away(stream, tls.is_some()));
            continue;
        };
        let counted = Counted::new(open.clone(), place);
        let connection = Connection { bounds, phase: phase.clone(), service: service.clone() };
        let tls = tls.clone();
        connections.spawn(async move {
            let _counted = counted;
            match tls {
                None => connection.run(stream, "http").await,
                Some(tls) => {
                    let handshake =
                        tokio::time::timeout(bounds.deadlines.header, tls.acceptor().accept(stream));
                    match handshake.await {
                        Ok(Ok(stream)) => connection.run(stream, "https").await,
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                }
            }
        });
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(bounds.drain_for, drained).await;
    let cut = connections.len();
    connections.shutdown().await;
    cut
}

/// Lets clients go before the door closes: see [`LAME_FOR`].
pub async fn drain(phase: &watch::Sender<Phase>) {
    phase.send_replace(Phase::Lame);
    tokio::time::sleep(LAME_FOR).await;
    phase.send_replace(Phase::Draining);
}

/// Waits for a phase; a sender that is gone has ended them all.
async fn until(phase: &mut watch::Receiver<Phase>, awaited: Phase) {
    let _ = phase.wait_for(|phase| *phase >= awaited).await;
}

/// An accepted stream, or a short rest where the machine has no more to give.
async fn check(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<TcpStream> {
    match accepted {
        Ok((stream, _)) => {
            // Without it a small answer waits for the client's delayed acknowledgement: 40 ms.
            let _ = stream.set_nodelay(true);
            Some(stream)
        }
        Err(error) => {
            let own_fault_of_client =
                matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
            if !own_fault_of_client {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            None
        }
    }
}

/// Over the cap: one sentence and goodbye. Under TLS there is no cheap sentence.
async fn turn_away(mut stream: TcpStream, tls: bool) {
    let said = async {
        if !tls && stream.write_all(farewell().as_bytes()).await.is_ok() {
            let _ = stream.shutdown().await;
            // Read what was sent, so that the close is no reset; the bound is the timeout below.
            let mut sink = [0; 1024];
            while tokio::io::AsyncReadExt::read(&mut stream, &mut sink).await.is_ok_and(|count| count > 0) {}
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(500), said).await;
}

/// Holds a connection's place and its count.
struct Counted {
    open: Gauge,
    _place: OwnedSemaphorePermit,
}

impl Counted {
    fn new(open: Gauge, place: OwnedSemaphorePermit) -> Self {
        open.inc();
        Self { open, _place: place }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.dec();
    }
}

struct Connection<F> {
    bounds: Bounds,
    phase: watch::Receiver<Phase>,
    service: F,
}

impl<F> Connection<F> {
    async fn run<S, Fut, B>(self, stream: S, scheme: &'static str)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Fn(Arrived) -> Fut,
        Fut: Future<Output = Response<B>>,
        B: http_body::Body + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { bounds, mut phase, service } = self;
        let refused = Refused::default();
        let front = Front::new(stream, bounds.head, bounds.deadlines, refused.clone());
        let seen = phase.clone();
        let service = service_fn(|request: Request<Incoming>| {
            let refusal = refused.get().copied().filter(|_| request.uri().path() == REFUSED_PATH);
            let answer = service(Arrived { request, scheme, refused: refusal });
            let seen = seen.clone();
            async move {
                let mut response = answer.await;
                let lame = *seen.borrow() >= Phase::Lame;
                if lame {
                    let close = http::HeaderValue::from_static("close");
                    response.headers_mut().insert(http::header::CONNECTION, close);
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        // The front has its own bounds and deadlines; these are a second fence behind it.
        builder
            .max_buf_size(BUFFER_BYTES.max(bounds.head.max_bytes))
            .max_headers(bounds.head.max_headers + 1);
        let serving = builder.serve_connection(TokioIo::new(front), service);
        tokio::pin!(serving);
        let served = tokio::select! {
            served = serving.as_mut() => served,
            () = until(&mut phase, Phase::Draining) => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
