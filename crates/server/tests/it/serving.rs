//! Connections: strict framing, early refusal, caps, deadlines, keep-alive, the drain, TLS.

mod framing;
mod limits;
mod shutdown;
mod tls;
