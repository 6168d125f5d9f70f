//! wamedia as a library: everything behind the command line, so that tests can run it in their own process.
//!
//! `cli` → `start` → `http` and `admin` → `operations` → the store. See ARCHITECTURE.md for the map.

#![allow(rustdoc::private_intra_doc_links, reason = "these documents are for who works in this crate")]

pub mod action;
mod admin;
pub mod app;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
mod form;
pub mod gates;
pub mod http;
mod jobs;
mod links;
pub mod metrics;
pub mod operations;
mod outbox;
pub mod stand_in;
pub mod start;
mod throttle;
pub mod webhooks;
