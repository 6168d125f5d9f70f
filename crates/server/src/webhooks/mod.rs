//! Telling a business's endpoint what happened: at least once, signed, and only where it may be called.
//!
//! ```text
//! target    which addresses may be called          schedule  when to try again
//! caller    one HTTP call, bounded in every way     worker    the queue, drained a few at a time per endpoint
//! check     what a subscription must be
//! ```
//!
//! What is told is written in `operations::announce`; the queue itself is the catalog's. Deliberately not here: order and
//! durability, which are the queue's.

mod caller;
mod check;
mod schedule;
mod target;
mod worker;

use std::sync::OnceLock;

use tokio::sync::Notify;

use crate::config;

pub use caller::{Answer, CallError, Caller, own_authorities};
pub use check::{challenge, check_texts};
pub use target::{Reach, Target, TargetError};
pub(crate) use worker::run;

/// The part of the service that delivers: a bell for its worker, and what its calls need.
pub struct Deliveries {
    bell: Notify,
    caller: Caller,
    own_address: OnceLock<String>,
}

impl Deliveries {
    /// With the configured bounds. Nothing is called before there is something to deliver.
    pub fn new(settings: &config::Webhooks) -> Self {
        Self { bell: Notify::new(), caller: Caller::new(settings), own_address: OnceLock::new() }
    }

    /// Has the worker look at the queue now: after something was put into it, and after the clock was turned.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// Says where the public listener is, for links in webhooks: `http://127.0.0.1:8480`. Once, at the start.
    pub fn served_at(&self, base: String) {
        let _ = self.own_address.set(base);
    }

    /// As it was said at the start, else as configured: what a command says that serves nothing itself.
    pub(crate) fn own_address(&self, config: &config::Config) -> String {
        self.own_address.get().cloned().unwrap_or_else(|| format!("http://{}", config.public.listen))
    }

    /// Makes calls.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}
