//! What is said on the wire: the bodies, error texts, links and forms of WhatsApp's media API, in both dialects, the
//! webhooks that follow, and the messages that send media by id.
//!
//! Pure: no I/O, no async, no clock, no randomness. Every outgoing body goes through [`json`], which escapes like
//! the vendor does; every incoming form goes through [`multipart`], which never holds more than it must.
//!
//! Deliberately not here: routes and header handling (the server's), and the making of signatures (the server has the
//! keys; [`links`] and [`signature`] are only their text).

pub mod answers;
mod base64;
pub mod d360;
pub mod fbtrace;
pub mod graph;
pub mod json;
pub mod links;
pub mod messages;
pub mod multipart;
pub mod signature;
pub mod subscription;
mod texts;
pub mod wamid;
pub mod webhook;
