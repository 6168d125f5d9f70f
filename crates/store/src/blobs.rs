//! The folder of blobs: names, and the order in which bytes become durable.
//!
//! Names say nothing and are never used twice. A file that is being made carries a lock on itself until its record is
//! committed; the sweep leaves locked files alone, in this process and in others. Nothing here knows what is inside.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::blob_name::BlobName;
use crate::packs::Packs;
use crate::secret::fill_random;
use crate::source::Wait;

/// `blobs/` and `staging/` of a data folder.
#[derive(Debug, Clone)]
pub(crate) struct BlobFolder {
    blobs: PathBuf,
    /// `blobs/`, opened: what is below it is found by a short path.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux opens below a folder"))]
    opened: Arc<File>,
    staging: PathBuf,
    /// Which folders below `blobs/` are known to be durable. One that is found may be another process's of a moment ago.
    known: Arc<[AtomicBool; 256]>,
    run: Arc<Mutex<Run>>,
    packs: Packs,
}

/// Blobs made one after the other share a few folders for a while: what is synced together lies together, in the file
/// system's tables as in the catalog's index of blobs. A few, because a folder takes one new file at a time.
#[derive(Debug, Default)]
struct Run {
    folders: [u8; 4],
    left: u32,
}

/// Blobs in one run. A million of them fill the 256 folders evenly enough: about 4000 each.
const RUN_BLOBS: u32 = 2048;

/// A blob, opened: where in which file it begins.
#[derive(Debug)]
pub(crate) struct OpenBlob {
    pub(crate) file: Arc<File>,
    pub(crate) start: u64,
    /// Whether the file holds nothing else: then its length tells whether it was cut or extended.
    pub(crate) is_alone: bool,
}

impl OpenBlob {
    /// A file with nothing but a blob in it.
    pub(crate) fn alone(file: File) -> Self {
        Self { file: Arc::new(file), start: 0, is_alone: true }
    }
}

/// A file that is not promised to anyone: removed when dropped, unless it is kept.
#[derive(Debug)]
pub(crate) struct Unpromised {
    file: File,
    path: Option<PathBuf>,
}

impl BlobFolder {
    /// Makes what is missing; the folders below `blobs/` are made when they are first needed. New packs are made only if
    /// `pack` says so.
    pub(crate) fn open(dir: &Path, pack: bool) -> io::Result<Self> {
        let known = Arc::new(std::array::from_fn(|_| AtomicBool::new(false)));
        let (blobs, staging) = (dir.join("blobs"), dir.join("staging"));
        make_dir(&staging)?;
        make_dir(&blobs)?;
        let opened = Arc::new(File::open(&blobs)?);
        let packs = Packs::open(dir, pack)?;
        Ok(Self { blobs, opened, staging, known, run: Arc::default(), packs })
    }

    /// `packs/`.
    pub(crate) fn packs(&self) -> &Packs {
        &self.packs
    }

    /// `blobs/`.
    pub(crate) fn blobs(&self) -> &Path {
        &self.blobs
    }

    /// `staging/`.
    pub(crate) fn staging(&self) -> &Path {
        &self.staging
    }

    /// The name for a new blob: random, but for the folder of its run.
    pub(crate) fn fresh_name(&self) -> io::Result<BlobName> {
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        if run.left == 0 {
            fill_random(&mut run.folders)?;
            run.left = RUN_BLOBS;
        }
        run.left -= 1;
        BlobName::random(run.folders[run.left as usize % run.folders.len()])
    }

    /// Where a blob is.
    pub(crate) fn path(&self, name: BlobName) -> PathBuf {
        let text = name.to_string();
        self.blobs.join(&text[..2]).join(text)
    }

    /// A new file for bytes that come slowly: in `staging/`, to be moved by [`publish`](Self::publish).
    pub(crate) fn create_staging(&self, name: BlobName) -> io::Result<Unpromised> {
        Unpromised::create(self.staging.join(format!("{name}.part")))
    }

    /// A new file for bytes that are all here, directly under its final name: nobody knows the name before the record.
    pub(crate) fn create_direct(&self, name: BlobName) -> io::Result<Unpromised> {
        let path = self.path(name);
        in_its_folder(&path, || Unpromised::create(path.clone()))
    }

    /// Makes a written file durable under its final name: the file, then its place, then the folder of its place.
    ///
    /// Any failure drops the file: a sync that failed once is never repeated and believed.
    pub(crate) fn publish(&self, name: BlobName, unpromised: Unpromised) -> io::Result<Unpromised> {
        let placed = self.place(name, unpromised)?;
        self.sync_folder_of(name)?;
        Ok(placed)
    }

    /// The first part of [`publish`](Self::publish): the file is durable and in its place, the place not yet.
    pub(crate) fn place(&self, name: BlobName, mut unpromised: Unpromised) -> io::Result<Unpromised> {
        unpromised.file.sync_all()?;
        let path = self.path(name);
        if let Some(staged) = unpromised.path.as_deref().filter(|staged| **staged != *path) {
            in_its_folder(&path, || fs::rename(staged, &path))?;
            unpromised.path = Some(path);
        }
        Ok(unpromised)
    }

    /// The second part of [`publish`](Self::publish), for every file that was placed in this folder before.
    pub(crate) fn sync_folder_of(&self, name: BlobName) -> io::Result<()> {
        sync_dir(self.path(name).parent().unwrap_or(&self.blobs))?;
        self.sync_place_of(name)
    }

    /// Makes the folder that a blob will be in, and makes it durable, ahead of time.
    pub(crate) fn prepare_folder_of(&self, name: BlobName) -> io::Result<()> {
        match self.path(name).parent() {
            Some(folder) if !self.is_known(name).load(Ordering::Relaxed) => make_dir(folder)?,
            _ => return Ok(()),
        }
        self.sync_place_of(name)
    }

    /// Makes the folder of a blob, which is there, durable in `blobs/`.
    fn sync_place_of(&self, name: BlobName) -> io::Result<()> {
        let known = self.is_known(name);
        if !known.load(Ordering::Relaxed) {
            sync_dir(&self.blobs)?;
            known.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn is_known(&self, name: BlobName) -> &AtomicBool {
        &self.known[usize::from(name.folder())]
    }

    /// Opens a blob for reading. Where the disk may not be waited for, whatever fails is worth a second try elsewhere.
    pub(crate) fn open_blob(&self, name: BlobName, wait: Wait) -> io::Result<OpenBlob> {
        if let Some((pack, part)) = name.place() {
            match self.packs.open_pack(pack, wait) {
                // Before there were packs, one random name in 65,536 looked like this.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return Ok(OpenBlob { file: opened?, start: part.start, is_alone: false }),
            }
        }
        self.open_file(name, wait).map(OpenBlob::alone)
    }

    /// Opens a blob that has a file of its own.
    pub(crate) fn open_file(&self, name: BlobName, wait: Wait) -> io::Result<File> {
        match wait {
            Wait::Never => self.open_from_memory(name).map_err(|_| io::ErrorKind::WouldBlock.into()),
            Wait::ForDisk => File::open(self.path(name)),
        }
    }

    /// Opens a blob if the kernel knows its place without looking at the disk.
    #[cfg(target_os = "linux")]
    fn open_from_memory(&self, name: BlobName) -> rustix::io::Result<File> {
        use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
        let path = name.relative_path();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        openat2(&*self.opened, path.as_slice(), flags, Mode::empty(), ResolveFlags::CACHED).map(File::from)
    }

    #[cfg(not(target_os = "linux"))]
    fn open_from_memory(&self, _: BlobName) -> rustix::io::Result<File> {
        Err(rustix::io::Errno::AGAIN)
    }

    /// Removes one blob, or several that lie one behind the other in a pack; tells how many bytes were given back, and none
    /// where they were gone already.
    pub(crate) fn remove(&self, names: &[BlobName]) -> io::Result<Option<u64>> {
        if let (Some(first), Some(last)) = (names.first(), names.last())
            && let (Some((pack, from)), Some((_, to))) = (first.place(), last.place())
            && self.packs.remove_part(pack, from.start..to.end)?
        {
            return Ok(Some(to.end - from.start));
        }
        let mut freed = None;
        for name in names {
            let path = self.path(*name);
            let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            match fs::remove_file(path) {
                Ok(()) => freed = Some(freed.unwrap_or(0) + bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(freed)
    }
}

impl Unpromised {
    /// A new file, for its owner only, locked.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        for _ in 0..MAX_CREATE_TRIES {
            let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            // Removes the file if anything fails from here on.
            let mut unpromised = Self { file, path: Some(path.clone()) };
            lock(&unpromised.file)?;
            if unpromised.file.metadata()?.nlink() > 0 {
                return Ok(unpromised);
            }
            unpromised.path = None;
        }
        Err(io::Error::other("a new file is swept away as soon as it is made"))
    }

    /// The file, locked.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The file alone, still locked, not to be removed any more.
    pub(crate) fn into_file(mut self) -> io::Result<File> {
        self.keep();
        self.file.try_clone()
    }

    /// From now on the file is not removed on drop: a record refers to it, or may.
    pub(crate) fn keep(&mut self) {
        self.path = None;
    }
}

impl Drop for Unpromised {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a staged file could not be removed; the sweep will");
        }
    }
}

/// A sweep that is told to spare nothing may come between making a file and locking it; then it is made again.
const MAX_CREATE_TRIES: usize = 16;

/// Takes the lock that marks a file as being made, after whoever looks at it at this moment.
fn lock(file: &File) -> io::Result<()> {
    match file.lock() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        other => other,
    }
}

/// Takes the same lock if nobody has it; false when someone does.
///
/// File systems without locks (some network ones) give none; there the age of the file protects it from the sweep.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Does what puts a file at `path`; where the folder is missing, makes it and tries once more.
fn in_its_folder<T>(path: &Path, place: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match (place(), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            make_dir(folder)?;
            place()
        }
        (placed, _) => placed,
    }
}

/// Makes a folder that only its owner may enter; fine if it is there.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// One process at a time changes what the data folder starts from: a lock on the folder itself, held until dropped.
pub(crate) fn lock_dir(path: &Path) -> io::Result<File> {
    let folder = File::open(path)?;
    lock(&folder)?;
    Ok(folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
