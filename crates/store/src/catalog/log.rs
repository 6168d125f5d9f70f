//! Keeping the write-ahead log short without uploads waiting for it.
//!
//! Moving the log into the catalog's file writes pages all over it and syncs it: tens of milliseconds for a large catalog.
//! A thread of its own does that while commits go on. What they add meanwhile is little; the writer moves that itself,
//! between two groups, and so the next commit begins the log anew.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::schema::connect;
use crate::error::OpenError;

/// Pages in the log from which on it is moved: 4 MiB, SQLite's own habit.
const MOVE_PAGES: u32 = 1000;
/// Pages from which on the writer does not rely on the thread any more: 64 MiB.
const MAX_PAGES: u32 = 16_000;

const IDLE: u8 = 0;
const MOVING: u8 = 1;
/// Most of it is moved; what came meanwhile is left.
const MOVED: u8 = 2;

/// How long the log is, and who is at work on it.
#[derive(Default)]
struct State {
    pages: AtomicU32,
    /// The same as of the commit that is under way; zero until it has written.
    committed: AtomicU32,
    step: AtomicU8,
    /// Held while the log is moved.
    at_work: Mutex<()>,
}

/// The thread that moves the log. Dropping it waits for its end.
pub(super) struct LogKeeper {
    state: Arc<State>,
    nudge: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LogKeeper {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let (nudge, nudged) = sync_channel(1);
        let state = Arc::new(State::default());
        let (shared, at) = (state.clone(), path.to_owned());
        let thread = std::thread::Builder::new()
            .name("wamedia-log".to_owned())
            .spawn(move || keep(at, &shared, &nudged))
            .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        Ok(Self { state, nudge: Some(nudge), thread: Some(thread) })
    }

    /// Learns of the commits of the writer's connection, which then leaves the log alone.
    pub(super) fn follow(&self, writing: &mut Connection) -> Result<(), rusqlite::Error> {
        let state = self.state.clone();
        writing.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            let pages = u32::try_from(pages).unwrap_or(0);
            state.pages.store(pages, Ordering::Relaxed);
            state.committed.store(pages, Ordering::Relaxed);
            Ok(())
        }))
    }

    /// The end of the log as our last commit left it, in frames, if that was since this was asked before; else zero.
    pub(super) fn take_committed(&self) -> u32 {
        self.state.committed.swap(0, Ordering::Relaxed)
    }

    /// After a group was committed and answered: begins to move the log, or takes the last step.
    pub(super) fn after_commit(&self, writing: &Connection) {
        let (pages, step) =
            (self.state.pages.load(Ordering::Relaxed), self.state.step.load(Ordering::Acquire));
        if step == MOVED || pages >= MAX_PAGES {
            let _held = self.wait();
            move_log(writing);
            self.state.step.store(IDLE, Ordering::Release);
        } else if step == IDLE && pages >= MOVE_PAGES {
            self.state.step.store(MOVING, Ordering::Release);
            if let Some(nudge) = &self.nudge {
                let _ = nudge.try_send(());
            }
        }
    }

    /// Waits until nobody moves the log; nobody does as long as the guard lives.
    pub(super) fn wait(&self) -> MutexGuard<'_, ()> {
        self.state.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LogKeeper {
    fn drop(&mut self) {
        self.nudge.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Moves the log whenever asked to, over a connection that is opened when it is first needed.
fn keep(path: PathBuf, state: &State, nudged: &Receiver<()>) {
    let mut connection = None;
    while nudged.recv().is_ok() {
        let held = state.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.is_none() {
            // Without one the writer finds it all left to do.
            connection = connect(&path).inspect_err(|error| tracing::warn!(%error, "the catalog's log")).ok();
        }
        if let Some(connection) = &connection {
            move_log(connection);
        }
        drop(held);
        state.step.store(MOVED, Ordering::Release);
    }
}

/// As far as no reader is in the way; waits for nobody.
fn move_log(connection: &Connection) {
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        tracing::warn!(%error, "the catalog's log was not moved into its file; it will be tried again");
    }
}
