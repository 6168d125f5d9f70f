//! Accepting connections and ending them well: caps, nodelay, TLS, and a drain that loses nothing.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use wamedia_wire::fbtrace::TraceId;
use wamedia_wire::graph::GraphError;

use super::connection::Connection;
pub use super::connection::{Arrived, Phase, until};
use super::framing::HeadLimits;
use super::silence::Deadlines;
use super::tls::Tls;
use crate::config::Limits;

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
    let door = Door { tls, bounds, open, places, phase: phase.clone(), service };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Some(stream) = check(accepted).await {
                door.welcome(stream, &mut connections);
            },
            () = until(&mut phase, Phase::Draining) => break,
            // Ended connections are forgotten as they end.
            Some(ended) = connections.join_next() => report_panic(ended),
        }
    }
    // Who knocked before the door closed is still served.
    while let Ok(accepted) = tokio::time::timeout(Duration::ZERO, listener.accept()).await {
        let Some(stream) = check(accepted).await else { break };
        door.welcome(stream, &mut connections);
    }
    drop(listener);
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            report_panic(ended);
        }
    };
    let _ = tokio::time::timeout(bounds.drain_for, drained).await;
    let cut = connections.len();
    connections.shutdown().await;
    cut
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked; the service goes on");
    }
}

/// What every connection is given.
struct Door<F> {
    tls: Option<Tls>,
    bounds: Bounds,
    open: Gauge,
    places: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
    service: F,
}

impl<F> Door<F> {
    fn welcome<Fut, B>(&self, stream: TcpStream, connections: &mut JoinSet<()>)
    where
        F: Fn(Arrived) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<B>> + Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let tls = self.tls.clone();
        // A connection that is gone already has no address, and nobody to welcome.
        let Ok(local) = stream.local_addr() else { return };
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            connections.spawn(turn_away(stream, tls.is_some()));
            return;
        };
        let counted = Counted::new(self.open.clone(), place);
        let deadline = self.bounds.deadlines.header;
        let connection = Connection {
            head: self.bounds.head,
            deadlines: self.bounds.deadlines,
            phase: self.phase.clone(),
            service: self.service.clone(),
        };
        connections.spawn(async move {
            let _counted = counted;
            let Some(tls) = tls else { return connection.run(stream, "http", local).await };
            // Boxed, so that plain connections do not carry room for it.
            Box::pin(async move {
                match tokio::time::timeout(deadline, tls.acceptor().accept(stream)).await {
                    Ok(Ok(stream)) => connection.run(stream, "https", local).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            })
            .await;
        });
    }
}

/// Lets clients go before the door closes: see [`LAME_FOR`].
pub async fn drain(phase: &watch::Sender<Phase>) {
    phase.send_replace(Phase::Lame);
    tokio::time::sleep(LAME_FOR).await;
    phase.send_replace(Phase::Draining);
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
