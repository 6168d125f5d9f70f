//! A data folder, opened: keys, catalog and blobs as one thing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use wamedia_media::MediaId;

use crate::blobs::{self, BlobFolder};
use crate::catalog::{CATALOG_FILE, Catalog, Media};
use crate::error::{OpenError, ReadError, StoreError, blocking};
use crate::ids::AccountId;
use crate::keys::{KEY_FILE, KeyRing};
use crate::publisher::Publisher;
use crate::reader::{BlobReader, must_wait};
use crate::source::{SealedReader, Wait};
use crate::staging::{LARGE_PIECES_TOTAL_BYTES, MemoryBudget, Staging};

/// Something that took time, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// The catalog's writer tried to commit a group.
    GroupCommitted {
        /// How many operations shared the commit.
        operations: usize,
        /// From the group's first statement to the end of the commit.
        took: Duration,
    },
    /// A blob was made durable.
    BlobPublished {
        /// How many bytes the media has.
        bytes: u64,
        /// File, place and folder.
        took: Duration,
    },
}

/// Told of every [`Observation`], on the thread where it was made; must be quick.
pub type Observer = Arc<dyn Fn(Observation) + Send + Sync>;

/// How a store uses its machine.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Uploads up to this many bytes are staged in memory. Default 128 KiB.
    pub memory_staging_bytes: usize,
    /// What all uploads together may hold in memory for staging; beyond it small ones go to files too. Default 32 MiB: 256 of them.
    pub memory_staging_total_bytes: usize,
    /// Connections for reading. Default 4.
    pub readers: usize,
    /// Records that are remembered while nothing but our own uploads is committed, and as many credentials; each takes a
    /// kilobyte or two. Default 4096.
    pub remembered_records: usize,
    /// Whether blobs that were staged in memory share files, the packs, where the file system can give back parts of files.
    /// Default yes. Packs that are there are read in any case.
    pub packs: bool,
    /// Told how long things took. Default nobody.
    pub observer: Option<Observer>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            memory_staging_bytes: 128 * 1024,
            memory_staging_total_bytes: 32 * 1024 * 1024,
            readers: 4,
            remembered_records: 4096,
            packs: true,
            observer: None,
        }
    }
}

/// A data folder, opened. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    options: StoreOptions,
    catalog: Catalog,
    blobs: BlobFolder,
    publisher: Arc<Publisher>,
    budget: MemoryBudget,
    large_pieces: MemoryBudget,
    stops_sweeping: AtomicBool,
}

/// While it lives, no other server serves the folder.
#[derive(Debug)]
pub struct ServingLock {
    _file: File,
}

impl Store {
    /// Opens a data folder, or makes one: `master.key`, `catalog.sqlite`, `blobs/`, `packs/`, `staging/`. Blocking; milliseconds.
    ///
    /// # Errors
    /// The folder cannot be made or read, its parts do not belong together, or it was written by a later wamedia.
    pub fn open(dir: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let at = |source| OpenError::Io { path: dir.to_owned(), source };
        if !dir.is_dir() {
            if let Some(parent) = dir.parent() {
                std::fs::create_dir_all(parent).map_err(at)?;
            }
            blobs::make_dir(dir).map_err(at)?;
            blobs::sync_dir(dir.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")))
                .map_err(at)?;
        }
        let key_path = dir.join(KEY_FILE);
        // The ring is made before the catalog, so a catalog without a ring has lost it; a new ring would open nothing.
        if !key_path.exists() && dir.join(CATALOG_FILE).exists() {
            return Err(OpenError::KeyMissing { path: key_path });
        }
        let keys = KeyRing::open(dir)?;
        let blobs = BlobFolder::open(dir, options.packs).map_err(at)?;
        let catalog = Catalog::open(dir, keys, &options)?;
        blobs::sync_dir(dir).map_err(at)?;
        let budget = MemoryBudget::new(options.memory_staging_total_bytes);
        let publisher = Publisher::new(blobs.clone(), options.observer.clone());
        let dir = dir.to_owned();
        let large_pieces = MemoryBudget::new(LARGE_PIECES_TOTAL_BYTES);
        let stops_sweeping = AtomicBool::new(false);
        let shared = Shared { dir, options, catalog, blobs, publisher, budget, large_pieces, stops_sweeping };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes the folder for serving: there is one server for a folder at a time. The command line does without.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another server has it.
    pub fn lock_for_serving(&self) -> Result<ServingLock, OpenError> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.dir().join("lock");
        let at = |source| OpenError::Io { path: path.clone(), source };
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at)?;
        match file.try_lock() {
            Ok(()) => Ok(ServingLock { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse { path: self.dir().to_owned() }),
            Err(std::fs::TryLockError::Error(source)) => Err(at(source)),
        }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The master key ring.
    pub fn keys(&self) -> &KeyRing {
        self.catalog().keys()
    }

    /// What there is, whose and until when.
    pub fn catalog(&self) -> &Catalog {
        &self.shared.catalog
    }

    pub(crate) fn blobs(&self) -> &BlobFolder {
        &self.shared.blobs
    }

    pub(crate) fn publisher(&self) -> &Arc<Publisher> {
        &self.shared.publisher
    }

    pub(crate) fn memory_budget(&self) -> &MemoryBudget {
        &self.shared.budget
    }

    pub(crate) fn large_pieces(&self) -> &MemoryBudget {
        &self.shared.large_pieces
    }

    /// Has sweeps end after the batch they are at, and later ones after their first: for the end of a process. Whoever waits for
    /// them then, rather than dropping them, leaves no file behind whose record is gone.
    pub fn stop_sweeping(&self) {
        self.shared.stops_sweeping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stops_sweeping(&self) -> bool {
        self.shared.stops_sweeping.load(Ordering::Relaxed)
    }

    pub(crate) fn memory_staging_bytes(&self) -> usize {
        self.shared.options.memory_staging_bytes
    }

    pub(crate) fn observe(&self, observation: Observation) {
        if let Some(observer) = &self.shared.options.observer {
            observer(observation);
        }
    }

    /// Begins an upload of at most `max_bytes`.
    pub fn stage(&self, account: AccountId, max_bytes: u64) -> Staging {
        Staging::new(self.clone(), account, max_bytes)
    }

    /// Opens the bytes of a media whose record was just read.
    ///
    /// # Errors
    /// [`ReadError::Gone`] if it was deleted meanwhile; [`ReadError::Missing`] and [`ReadError::Damaged`] if the blob is
    /// not what it must be.
    pub async fn open_media(&self, media: &Media) -> Result<BlobReader, ReadError> {
        let opened = match self.open_sealed(media, Wait::Never) {
            Err(error) if must_wait(&error) => {
                let (store, media) = (self.clone(), media.clone());
                blocking(move || store.open_sealed(&media, Wait::ForDisk)).await?
            }
            opened => opened,
        };
        opened.map(|reader| BlobReader::new(reader, self.clone(), (media.account, media.id)))
    }

    /// Opens the bytes of a media.
    pub(crate) fn open_sealed(&self, media: &Media, wait: Wait) -> Result<SealedReader, ReadError> {
        let whose = (media.account, media.id);
        match self.blobs().open_blob(media.blob, wait) {
            Ok(blob) => SealedReader::open(blob, media.bytes, |header| media.cipher(header), wait)
                .map_err(|error| self.unless_gone(whose, error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(self.unless_gone(whose, ReadError::Missing))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is wrong with the bytes of a media, unless they are as they must be by now: it was deleted since its record was
    /// read, and they with it.
    pub(crate) fn unless_gone(&self, whose: (AccountId, MediaId), error: ReadError) -> ReadError {
        match error {
            ReadError::Damaged | ReadError::Missing => match self.catalog().has_media(whose.0, whose.1) {
                Ok(true) => error,
                Ok(false) => ReadError::Gone,
                Err(error) => error.into(),
            },
            other => other,
        }
    }

    /// Deletes a media; true if it was there and had not expired. When this returns, the record and with it the key of the
    /// bytes is gone durably; the bytes go with it unless another record of the account shares them.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn delete(&self, account: AccountId, id: MediaId, now: Timestamp) -> Result<bool, StoreError> {
        let Some(removed) = self.catalog().delete_media(account, id, now).await? else { return Ok(false) };
        if removed.blob_is_free {
            let blobs = self.blobs().clone();
            if let Err(error) = blocking(move || blobs.remove(&[removed.blob])).await? {
                tracing::warn!(%error, "the bytes of a deleted media could not be removed; the sweep will");
            }
        }
        Ok(removed.was_live)
    }

    /// Commits what waits, empties the catalog's log into its file and ends the writer. Later writes fail with
    /// [`StoreError::Closed`].
    pub async fn close(self) {
        self.catalog().close().await;
    }
}
