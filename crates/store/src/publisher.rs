//! Small blobs made durable, several in one go.
//!
//! A thread that is done with one takes the next without having to be woken, and hands the record on itself. Where more
//! wait than there are threads, some share the sync of their folder. The order for each of them stays: file, folder, and
//! only then the record.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::blobs::{BlobFolder, Unpromised};
use crate::sealed_file::SealedBytes;
use crate::store::{Observation, Observer};

/// Threads at work at once. File systems commit for all who wait at the same time, so few of them are slow: with 8, each
/// serving four, 100 KiB at 32 at once took twice as long. Some of the runtime's threads that may block are left to others.
const MAX_AT_WORK: usize = 28;
/// Blobs that share a sync, so that the first does not wait for too many.
const MAX_GROUP: usize = 16;

/// A blob to publish.
pub(crate) struct Job {
    pub(crate) sealed: SealedBytes,
    /// How many bytes the media has.
    pub(crate) bytes: u64,
    /// Told once the blob is durable, or why it is not. Must not block.
    pub(crate) then: Box<dyn FnOnce(io::Result<Unpromised>) + Send>,
}

/// Publishes on threads that may block; none is held while there is nothing to do.
pub(crate) struct Publisher {
    blobs: BlobFolder,
    observer: Option<Observer>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    at_work: usize,
}

impl Publisher {
    pub(crate) fn new(blobs: BlobFolder, observer: Option<Observer>) -> Arc<Self> {
        Arc::new(Self { blobs, observer, waiting: Mutex::default() })
    }

    /// Takes a job, to be done soon.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) {
        let mut waiting = self.lock();
        waiting.jobs.push_back(job);
        if waiting.at_work < MAX_AT_WORK {
            waiting.at_work += 1;
            drop(waiting);
            let shift = Shift { publisher: self.clone(), ended: false };
            spawn_blocking(move || shift.work());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all, then syncs all: while one is waited for, the bytes of the others are on their way.
    fn publish(&self, group: Vec<Job>) {
        let started = Instant::now();
        let written: Vec<_> = group.iter().map(|job| job.sealed.write(&self.blobs)).collect();
        let placed: Vec<_> = group
            .iter()
            .zip(written)
            .map(|(job, written)| written.and_then(|file| self.blobs.place(job.sealed.name, file)))
            .collect();
        let mut folders = BTreeMap::new();
        for (job, placed) in group.into_iter().zip(placed) {
            let published = placed.and_then(|file| {
                let name = job.sealed.name;
                let synced = folders.entry(name.folder()).or_insert_with(|| self.blobs.sync_folder_of(name));
                synced.as_ref().map(|()| file).map_err(same_error)
            });
            if let (Ok(_), Some(observer)) = (&published, &self.observer) {
                observer(Observation::BlobPublished { bytes: job.bytes, took: started.elapsed() });
            }
            (job.then)(published);
        }
    }
}

/// One thread's turn: it ends when nothing waits any more.
struct Shift {
    publisher: Arc<Publisher>,
    ended: bool,
}

impl Shift {
    fn work(mut self) {
        while let Some(group) = self.next_group() {
            self.publisher.publish(group);
        }
    }

    /// A fair share of what waits: the others at work will be back for the rest.
    fn next_group(&mut self) -> Option<Vec<Job>> {
        let mut waiting = self.publisher.lock();
        if waiting.jobs.is_empty() {
            waiting.at_work -= 1;
            self.ended = true;
            return None;
        }
        let share = waiting.jobs.len().div_ceil(MAX_AT_WORK).min(MAX_GROUP);
        Some(waiting.jobs.drain(..share).collect())
    }
}

impl Drop for Shift {
    /// Also where the thread never came to work (the runtime is shutting down) or did not come to the end of it.
    fn drop(&mut self) {
        if !self.ended {
            self.publisher.lock().at_work -= 1;
        }
    }
}

/// A sync that failed failed for all who waited for it.
fn same_error(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}
