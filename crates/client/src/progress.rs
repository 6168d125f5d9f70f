//! How far a transfer has come.

use std::fmt;
use std::sync::Arc;

/// How far a transfer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the file that were sent or received. An attempt that is made anew begins at 0 again, a resumed one
    /// where it stopped.
    pub done: u64,
    /// Bytes of the whole file, where that is known.
    pub total: Option<u64>,
}

/// Whom to tell. Called on the transfer's own task, about once for each piece of up to 64 KiB: it must not block.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(Progress) + Send + Sync>);

impl Listener {
    pub(crate) fn new(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn tell(&self, done: u64, total: Option<u64>) {
        (self.0)(Progress { done, total });
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}
