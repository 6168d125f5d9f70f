//! What only a stand-in has: controls that tests turn, armed by `serve --stand-in` and by nothing else.
//!
//! ```text
//! errors     every error by name, and the reserved media id that always gives it
//! fault      one thing to break: what, where, when        faults    those that are armed
//! encounter  one request meeting all this                 tamper    answers, broken on their way out
//! journal    what was asked and answered                  expect    assertions over it
//! worlds     accounts made and thrown away in one call    transfer  a world as one file
//! preload    files that are there from the start          memory    a folder that does not survive
//! embedded   a stand-in inside the process of a test
//! ```
//!
//! Without the flag [`App::stand_in`](crate::app::App) is `None`, and that is all a request ever learns of it.

pub mod embedded;
pub mod encounter;
pub mod errors;
pub mod expect;
pub mod fault;
pub mod faults;
pub mod journal;
pub mod memory;
pub mod preload;
pub mod tamper;
pub mod transfer;
pub mod worlds;

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::clock::Clock;
use faults::Faults;
use journal::Journal;
use preload::Preloaded;

/// How a stand-in is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A token or key that nobody knows is the first account's.
    pub accept_any_credential: bool,
    /// A folder whose files are uploaded for the first number at the start.
    pub preload: Option<PathBuf>,
}

/// The controls of one stand-in.
pub struct StandIn {
    options: Options,
    /// What is broken on purpose.
    pub faults: Faults,
    /// What was asked.
    pub journal: Journal,
    base: OnceLock<String>,
    preloaded: Mutex<Vec<Preloaded>>,
}

impl StandIn {
    /// Nothing broken, nothing asked yet.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            faults: Faults::default(),
            journal: Journal::default(),
            base: OnceLock::new(),
            preloaded: Mutex::default(),
        }
    }

    /// Whether a credential that nobody knows is the first account's.
    pub fn accepts_any_credential(&self) -> bool {
        self.options.accept_any_credential
    }

    /// The folder whose files are there from the start.
    pub fn preload_dir(&self) -> Option<&PathBuf> {
        self.options.preload.as_ref()
    }

    /// Where both dialects are served, without a slash at the end; empty before the service runs.
    pub fn base(&self) -> &str {
        self.base.get().map_or("", String::as_str)
    }

    /// Told once, when the sockets are bound.
    pub fn serves_at(&self, base: String) {
        let _ = self.base.set(base);
    }

    /// The files that are there from the start, by name.
    pub fn preloaded(&self) -> Vec<Preloaded> {
        self.preloaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Told whenever they were uploaded.
    pub fn set_preloaded(&self, preloaded: Vec<Preloaded>) {
        *self.preloaded.lock().unwrap_or_else(PoisonError::into_inner) = preloaded;
    }

    /// What would surprise who takes this for the real thing, one line each; nothing when nothing is armed.
    pub fn armed(&self, clock: &Clock) -> Vec<String> {
        let mut armed = Vec::new();
        if self.accepts_any_credential() {
            armed.push("any credential is accepted".to_owned());
        }
        if clock.is_turned() {
            let how = if clock.is_frozen() { "stands at" } else { "was turned to" };
            armed.push(format!("the clock {how} {}", clock.now()));
        }
        match self.faults.waiting(clock.now()) {
            0 => {}
            1 => armed.push("1 fault".to_owned()),
            many => armed.push(format!("{many} faults")),
        }
        armed
    }
}
