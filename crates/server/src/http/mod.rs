//! The public listener: both dialects over HTTP/1.1.
//!
//! Bytes come through [`listener`], [`front`] (with [`framing`]) and the HTTP library to [`service`], which finds
//! the route, the caller and the file of the action. No admin route exists here.

mod body;
mod burst;
mod connection;
mod d360;
mod delete;
mod dialect;
mod download;
mod framing;
mod front;
mod graph;
pub mod listener;
mod messages;
mod range;
mod request;
mod request_body;
mod retrieve_url;
mod route;
mod service;
mod signals;
mod silence;
mod socket;
mod stand_in;
pub mod tls;
mod upload;

pub use body::Body;
pub use route::{ApiVersion, Route, Target, route};
pub use service::answer;
