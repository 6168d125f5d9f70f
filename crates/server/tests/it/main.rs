//! The service as its callers meet it: over real sockets, told as facts. The folders mirror the API.

mod accounts;
mod d360;
mod graph;
mod isolation;
mod lifetimes;
mod links;
mod support;
mod throttles;
