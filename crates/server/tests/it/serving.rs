//! Connections: strict framing, early refusal, caps, deadlines, keep-alive, the drain, TLS.

mod framing;
mod limits;
mod line;
mod memory;
mod shutdown;
mod tls;
