//! Small blobs made durable, several in one go.
//!
//! They go into packs, where one sync serves all that wait: while one pack is synced, another takes what comes. Where
//! there are no packs, each blob gets its file, on as many threads as may wait for the disk at once. A thread that is done with one
//! group takes the next without having to be woken, and hands the records on itself. The order for each blob stays: its bytes,
//! the name of its file, and only then the record.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::blob_name::{BlobName, PackName};
use crate::blobs::BlobFolder;
use crate::packs::{Filling, Own, Slot};
use crate::sealed_file::SealedBytes;
use crate::store::{Observation, Observer};

/// Packs that are filled at once, each by a thread of its own.
const LANES: usize = 2;
/// Blobs in a pack that share a sync, so that the first does not wait for too many.
const MAX_PACK_GROUP: usize = 64;
/// Threads that make files at once. File systems commit for all who wait at the same time, so few of them are slow: with 8, each
/// serving four, 100 KiB at 32 at once took twice as long. Some of the runtime's threads that may block are left to others.
const MAX_FILES_AT_WORK: usize = 28;
/// Files that share the sync of their folder.
const MAX_FILE_GROUP: usize = 16;

/// Where a new blob will be, and its name there.
pub(crate) struct Place {
    pub(crate) name: BlobName,
    /// Its lane and its place in a pack; a file of its own if there is none.
    in_pack: Option<(usize, Slot)>,
}

/// A blob to publish.
pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) sealed: SealedBytes,
    /// How many bytes the media has.
    pub(crate) bytes: u64,
    /// Told once the blob is durable, or why it is not. Must not block.
    pub(crate) then: Box<dyn FnOnce(io::Result<Own>) + Send>,
}

/// Publishes on threads that may block; none is held while there is nothing to do.
pub(crate) struct Publisher {
    blobs: BlobFolder,
    observer: Option<Observer>,
    /// One for each pack that is filled, and the last for files.
    queues: [Mutex<Queue>; LANES + 1],
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    at_work: usize,
    /// Whether its pack is being written or synced.
    is_writing: bool,
    filling: Filling,
}

/// The queue of blobs that get files.
const FILES: usize = LANES;

impl Publisher {
    pub(crate) fn new(blobs: BlobFolder, observer: Option<Observer>) -> Arc<Self> {
        Arc::new(Self { blobs, observer, queues: std::array::from_fn(|_| Mutex::default()) })
    }

    /// Where the next blob of so many sealed bytes goes: into the pack that nobody writes to at this moment, if there is one.
    pub(crate) fn place(&self, sealed_bytes: u64) -> io::Result<Place> {
        let lane = (0..LANES).min_by_key(|lane| {
            let queue = self.queue(*lane);
            (queue.is_writing, queue.jobs.len())
        });
        let lane = lane.unwrap_or(0);
        match self.queue(lane).filling.reserve(self.blobs.packs(), sealed_bytes)? {
            Some(slot) => Ok(Place { name: slot.name(), in_pack: Some((lane, slot)) }),
            None => Ok(Place { name: self.blobs.fresh_name()?, in_pack: None }),
        }
    }

    /// Takes a job, to be done soon.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) {
        let index = job.place.in_pack.as_ref().map_or(FILES, |(lane, _)| *lane);
        let mut queue = self.queue(index);
        queue.jobs.push_back(job);
        if queue.at_work < max_at_work(index) {
            queue.at_work += 1;
            drop(queue);
            let shift = Shift { publisher: self.clone(), index, ended: false };
            spawn_blocking(move || shift.work());
        }
    }

    fn queue(&self, index: usize) -> MutexGuard<'_, Queue> {
        self.queues[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all, syncs once, then tells all.
    fn publish_in_pack(&self, lane: usize, group: Vec<Job>) {
        self.queue(lane).is_writing = true;
        let started = Instant::now();
        let written: Vec<_> = group
            .into_iter()
            .map(|mut job| {
                let slot = job.place.in_pack.take().map(|(_, mut slot)| {
                    let written = job.sealed.write_to(&mut slot);
                    written.map(|()| slot)
                });
                (job, slot.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())))
            })
            .collect();
        // More than one where a pack became full.
        let mut synced: BTreeMap<PackName, io::Result<()>> = BTreeMap::new();
        let mut sync = |slot: Slot| {
            let pack = slot.pack();
            let synced = synced.entry(pack.name()).or_insert_with(|| pack.sync());
            synced.as_ref().map_err(same_error)?;
            Ok(Own::Slot(slot))
        };
        let published: Vec<_> =
            written.into_iter().map(|(job, written)| (job, written.and_then(&mut sync))).collect();
        // Who is told may come with the next at once: it goes to the same pack.
        self.queue(lane).is_writing = false;
        for (job, published) in published {
            self.tell(job, started, published);
        }
    }

    /// Writes all, then syncs all: while one is waited for, the bytes of the others are on their way.
    fn publish_files(&self, group: Vec<Job>) {
        let started = Instant::now();
        let written: Vec<_> =
            group.iter().map(|job| job.sealed.write_file(&self.blobs, job.place.name)).collect();
        let placed: Vec<_> = group
            .iter()
            .zip(written)
            .map(|(job, written)| written.and_then(|file| self.blobs.place(job.place.name, file)))
            .collect();
        let mut folders = BTreeMap::new();
        for (job, placed) in group.into_iter().zip(placed) {
            let published = placed.and_then(|file| {
                let name = job.place.name;
                let synced = folders.entry(name.folder()).or_insert_with(|| self.blobs.sync_folder_of(name));
                synced.as_ref().map_err(same_error)?;
                Ok(Own::File(file))
            });
            self.tell(job, started, published);
        }
    }

    fn tell(&self, job: Job, started: Instant, published: io::Result<Own>) {
        if let (Ok(_), Some(observer)) = (&published, &self.observer) {
            observer(Observation::BlobPublished { bytes: job.bytes, took: started.elapsed() });
        }
        (job.then)(published);
    }
}

fn max_at_work(index: usize) -> usize {
    if index == FILES { MAX_FILES_AT_WORK } else { 1 }
}

/// One thread's turn: it ends when nothing waits any more.
struct Shift {
    publisher: Arc<Publisher>,
    index: usize,
    ended: bool,
}

impl Shift {
    fn work(mut self) {
        while let Some(group) = self.next_group() {
            if self.index == FILES {
                self.publisher.publish_files(group);
            } else {
                self.publisher.publish_in_pack(self.index, group);
            }
        }
    }

    /// Of packs whatever waits, of files a fair share: the others at work will be back for the rest.
    fn next_group(&mut self) -> Option<Vec<Job>> {
        let mut queue = self.publisher.queue(self.index);
        if queue.jobs.is_empty() {
            queue.at_work -= 1;
            self.ended = true;
            return None;
        }
        let most = if self.index == FILES { MAX_FILE_GROUP } else { MAX_PACK_GROUP };
        let share = queue.jobs.len().div_ceil(max_at_work(self.index)).min(most);
        Some(queue.jobs.drain(..share).collect())
    }
}

impl Drop for Shift {
    /// Also where the thread never came to work (the runtime is shutting down) or did not come to the end of it.
    fn drop(&mut self) {
        if !self.ended {
            let mut queue = self.publisher.queue(self.index);
            queue.at_work -= 1;
            queue.is_writing = false;
        }
    }
}

/// A sync that failed failed for all who waited for it.
fn same_error(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}
