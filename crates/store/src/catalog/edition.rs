//! Whether the catalog is still the one that was read: told without a transaction, whoever wrote.
//!
//! In WAL mode every commit of every process changes the header of the index that all connections share (`-shm`): a
//! counter of transactions, the end of the log and a running checksum of it (<https://sqlite.org/walformat.html>, "The
//! WAL-Index Format"). SQLite itself tells by that header whether the pages it holds are current; so do we. To look costs
//! one read of 96 bytes; to ask SQLite costs two locks as well. What is told before a commit returns may be old; what is
//! told after it never is.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::lineage::Lineage;

/// The header stands twice at the beginning of the index; a writer changes the second copy first.
const HEADER_BYTES: usize = 48;
/// The one layout that there is. Another one is not understood.
const LAYOUT: u32 = 3_007_000;
/// The byte of the header that says whether it is filled.
const IS_INIT: usize = 12;
/// Where the number of commits stands, which grows by one with each.
const CHANGES: usize = 8;
/// Where the end of the log stands, in frames.
const FRAMES: usize = 16;

/// A state of the catalog: equal only if nothing was committed between.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edition([u8; HEADER_BYTES]);

impl Edition {
    /// None while the header is being changed, and before it is filled.
    fn of(copies: &[u8; 2 * HEADER_BYTES]) -> Option<Self> {
        let (first, second) = copies.split_first_chunk::<HEADER_BYTES>()?;
        let layout = u32::from_ne_bytes(*first.first_chunk()?);
        (first == second && layout == LAYOUT && first[IS_INIT] == 1).then_some(Self(*first))
    }

    /// Whether exactly one commit, which ended the log at `frames`, lies between `before` and this. Zero frames are none.
    pub(super) fn is_next_of(&self, before: &Self, frames: u32) -> bool {
        frames > 0
            && self.number(FRAMES) == frames
            && self.number(CHANGES) == before.number(CHANGES).wrapping_add(1)
    }

    fn number(&self, at: usize) -> u32 {
        self.0[at..].first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    #[cfg(test)]
    pub(super) fn for_test(changes: u32, frames: u32) -> Self {
        let mut header = [0; HEADER_BYTES];
        header[CHANGES..CHANGES + 4].copy_from_slice(&changes.to_ne_bytes());
        header[FRAMES..FRAMES + 4].copy_from_slice(&frames.to_ne_bytes());
        Self(header)
    }
}

type Inode = (u64, u64);

/// Every index that this process looks at. Closing any file of a process gives up all locks that the process has on it
/// (a rule of POSIX), SQLite's among them: so each index is opened once, and closed only behind the last connection.
static WATCHED: Mutex<Vec<(Inode, Weak<File>)>> = Mutex::new(Vec::new());

/// Held while a catalog's connections are opened: no index is closed meanwhile.
pub(super) struct Opening(MutexGuard<'static, Vec<(Inode, Weak<File>)>>);

/// Begins to open connections.
pub(super) fn opening() -> Opening {
    Opening(WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Opening {
    /// Looks at the index of a catalog to which there are connections by now. The watch must outlive them.
    pub(super) fn watch(mut self, index: &Path) -> io::Result<Watch> {
        let metadata = index.metadata()?;
        let inode = (metadata.dev(), metadata.ino());
        self.0.retain(|(_, file)| file.strong_count() > 0);
        let known = self.0.iter().find(|(it, _)| *it == inode).and_then(|(_, file)| file.upgrade());
        let file = match known {
            Some(file) => file,
            None => {
                let file = Arc::new(File::open(index)?);
                self.0.push((inode, Arc::downgrade(&file)));
                file
            }
        };
        Ok(Watch { file: Some(file), distrusted: AtomicBool::new(false), lineage: Lineage::default() })
    }
}

/// Looks at the index of one catalog.
pub(super) struct Watch {
    /// None only while it is dropped.
    file: Option<Arc<File>>,
    /// Whether a commit left the header as it was: then it tells nothing, and is asked no more.
    distrusted: AtomicBool,
    pub(super) lineage: Lineage,
}

impl Watch {
    /// The edition now; `None` if that cannot be told.
    pub(super) fn edition(&self) -> Option<Edition> {
        if self.distrusted.load(Ordering::Relaxed) {
            return None;
        }
        let mut copies = [0; 2 * HEADER_BYTES];
        self.file.as_ref()?.read_exact_at(&mut copies, 0).ok()?;
        Edition::of(&copies)
    }

    /// The generation of the edition now; `None` if that cannot be told.
    pub(super) fn generation(&self) -> Option<u64> {
        self.lineage.generation(self.edition()?)
    }

    /// Something was committed since `before`: holds that against what the header says.
    pub(super) fn committed_since(&self, before: Option<Edition>) {
        if before.is_some() && before == self.edition() {
            self.distrusted.store(true, Ordering::Relaxed);
            tracing::warn!("this file system does not show commits: from now on nothing read is remembered");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _held = opening();
        self.file = None;
    }
}
