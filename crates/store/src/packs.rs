//! Packs: files that small blobs share, so that one sync makes many of them durable and none costs a file of its own.
//!
//! A process appends only to packs that it made, each locked for as long as anything in it is not promised yet. A blob has its
//! place for life, at a multiple of 4 KiB, and no place is used twice: what is deleted is punched out of the file, and a pack
//! without blobs is removed. Where the file system cannot punch, no packs are made, and each blob has a file of its own.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::blob_name::{BlobName, PackName, UNIT_BYTES};
use crate::blobs::{Unpromised, make_dir, sync_dir};
use crate::holes::punch;
use crate::source::Wait;

/// A pack ends before it is longer. Many blobs share one, and yet one that holds few more for a month costs little.
const MAX_PACK_BYTES: u64 = 256 * 1024 * 1024 - UNIT_BYTES;
/// What fills a place behind its blob.
static ZEROS: [u8; UNIT_BYTES as usize] = [0; UNIT_BYTES as usize];
/// Packs that are held open for reading; more are opened again when they are asked for.
const MAX_OPEN: usize = 256;

/// `packs/` of a data folder.
#[derive(Debug, Clone)]
pub(crate) struct Packs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    /// `packs/`, opened: what is in it is found by a short path.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux opens below a folder"))]
    dir_file: File,
    opened: Mutex<HashMap<PackName, Arc<File>>>,
    /// Packs that this process appends to, and some that it did.
    ours: Mutex<Vec<Weak<Pack>>>,
    /// Whether new packs are made.
    enabled: AtomicBool,
}

impl Packs {
    /// Makes the folder if it is missing. Packs that are there are read in any case; new ones are made only if `enabled`.
    pub(crate) fn open(dir: &Path, enabled: bool) -> io::Result<Self> {
        let dir = dir.join("packs");
        make_dir(&dir)?;
        let dir_file = File::open(&dir)?;
        let enabled = AtomicBool::new(enabled);
        let shared = Shared { dir, dir_file, opened: Mutex::default(), ours: Mutex::default(), enabled };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// `packs/`.
    pub(crate) fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Where a pack is.
    pub(crate) fn path(&self, name: PackName) -> PathBuf {
        self.shared.dir.join(name.to_string())
    }

    /// A new pack, locked; `None` where packs are not made.
    fn create(&self) -> io::Result<Option<Arc<Pack>>> {
        if !self.shared.enabled.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let name = PackName::random()?;
        let file = Unpromised::create(self.path(name))?;
        // Tried where it costs nothing: what could not be given back later must not be put here.
        if let Err(error) = punch(file.file(), 0..UNIT_BYTES) {
            self.shared.enabled.store(false, Ordering::Relaxed);
            tracing::info!(%error, "this file system cannot give back parts of files: each blob gets a file of its own");
            return Ok(None);
        }
        let dir = self.shared.dir.clone();
        let (is_in_place, is_broken) = (AtomicBool::new(false), AtomicBool::new(false));
        let taken = Mutex::default();
        let pack = Arc::new(Pack { name, file: file.into_file()?, dir, is_in_place, is_broken, taken });
        let mut ours = self.ours();
        ours.retain(|pack| pack.strong_count() > 0);
        ours.push(Arc::downgrade(&pack));
        Ok(Some(pack))
    }

    /// The pack of this name, if it is one that this process appends to.
    pub(crate) fn our_pack(&self, name: PackName) -> Option<Arc<Pack>> {
        self.ours().iter().filter_map(Weak::upgrade).find(|pack| pack.name == name)
    }

    fn ours(&self) -> MutexGuard<'_, Vec<Weak<Pack>>> {
        self.shared.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a pack for reading and punching, or finds it open. Where the disk may not be waited for, whatever fails is
    /// worth a second try elsewhere.
    pub(crate) fn open_pack(&self, name: PackName, wait: Wait) -> io::Result<Arc<File>> {
        if let Some(file) = self.opened().get(&name) {
            return Ok(file.clone());
        }
        let file = Arc::new(match wait {
            Wait::Never => self.open_from_memory(name).map_err(|_| io::ErrorKind::WouldBlock)?,
            Wait::ForDisk => open_untouched(&self.path(name))?,
        });
        let mut opened = self.opened();
        if opened.len() >= MAX_OPEN {
            opened.clear();
        }
        opened.insert(name, file.clone());
        Ok(file)
    }

    /// Opens a pack if the kernel knows its place without looking at the disk.
    #[cfg(target_os = "linux")]
    fn open_from_memory(&self, name: PackName) -> rustix::io::Result<File> {
        use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOATIME;
        let dir = &self.shared.dir_file;
        openat2(dir, name.to_string(), flags, Mode::empty(), ResolveFlags::CACHED).map(File::from)
    }

    #[cfg(not(target_os = "linux"))]
    fn open_from_memory(&self, _: PackName) -> rustix::io::Result<File> {
        Err(rustix::io::Errno::AGAIN)
    }

    /// Gives a part of a pack back; false if the pack is gone.
    pub(crate) fn remove_part(&self, pack: PackName, part: Range<u64>) -> io::Result<bool> {
        match self.open_pack(pack, Wait::ForDisk) {
            Ok(file) => punch(&file, part).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens packs anew from now on: for whoever wants to know whether they are still there.
    pub(crate) fn let_go(&self) {
        self.opened().clear();
    }

    /// Removes a pack in which nothing is kept any more.
    pub(crate) fn remove_pack(&self, name: PackName) -> io::Result<()> {
        self.opened().remove(&name);
        fs::remove_file(self.path(name))
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<PackName, Arc<File>>> {
        self.shared.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a pack so that reading it does not change its inode, as far as it is ours.
#[cfg(target_os = "linux")]
fn open_untouched(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    match open(path, flags | OFlags::NOATIME, Mode::empty()) {
        Err(rustix::io::Errno::PERM) => Ok(open(path, flags, Mode::empty())?.into()),
        opened => Ok(opened?.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_untouched(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).open(path)
}

/// A pack that this process appends to. Its lock goes when the last place in it is promised, or given up.
#[derive(Debug)]
pub(crate) struct Pack {
    name: PackName,
    file: File,
    dir: PathBuf,
    /// Whether its name is durable.
    is_in_place: AtomicBool,
    /// A sync failed: nothing that was not durable before is believed any more.
    is_broken: AtomicBool,
    taken: Mutex<Taken>,
}

/// What of a pack is somebody's without a record that says so.
#[derive(Debug, Default)]
struct Taken {
    /// Where the next place begins.
    end: u64,
    /// Places that are not promised to anyone yet: where they begin and end.
    places: BTreeMap<u64, u64>,
}

impl Pack {
    pub(crate) fn name(&self) -> PackName {
        self.name
    }

    /// What the sweep must leave alone, whatever records say that it reads from now on: places that are not promised yet, and all
    /// that follows the last place.
    pub(crate) fn taken_now(&self) -> Vec<Range<u64>> {
        let taken = self.taken();
        let places = taken.places.iter().map(|(start, end)| *start..*end);
        places.chain(std::iter::once(taken.end..u64::MAX)).collect()
    }

    /// The next place for so many sealed bytes; `None` where the pack is full or broken.
    fn reserve(self: &Arc<Self>, sealed_bytes: u64) -> Option<Slot> {
        let mut taken = self.taken();
        let units = sealed_bytes.div_ceil(UNIT_BYTES);
        let part = taken.end..taken.end + units * UNIT_BYTES;
        if self.is_broken() || part.end > MAX_PACK_BYTES {
            return None;
        }
        let start = u32::try_from(part.start / UNIT_BYTES).ok()?;
        let name = BlobName::in_pack(self.name, start, u16::try_from(units).ok()?);
        taken.end = part.end;
        taken.places.insert(part.start, part.end);
        Some(Slot { pack: self.clone(), name, part, is_ours_to_punch: false })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// Makes durable what was written before. Of one thread at a time: two that share an open file would share its errors.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if self.is_broken() {
            return Err(io::Error::other("an earlier sync of this pack failed"));
        }
        let synced = self.file.sync_data().and_then(|()| match self.is_in_place.load(Ordering::Relaxed) {
            true => Ok(()),
            false => sync_dir(&self.dir),
        });
        match &synced {
            Ok(()) => self.is_in_place.store(true, Ordering::Relaxed),
            Err(_) => self.is_broken.store(true, Ordering::Relaxed),
        }
        synced
    }
}

/// The pack that is being filled.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    pack: Option<Arc<Pack>>,
}

impl Filling {
    /// The next place for so many sealed bytes, in another pack where this one is full or broken. `None` where packs are not
    /// made, or not for so much. Blocks only to make a file, once in 256 MiB.
    pub(crate) fn reserve(&mut self, packs: &Packs, sealed_bytes: u64) -> io::Result<Option<Slot>> {
        if sealed_bytes > MAX_PACK_BYTES {
            return Ok(None);
        }
        if let Some(slot) = self.pack.as_ref().and_then(|pack| pack.reserve(sealed_bytes)) {
            return Ok(Some(slot));
        }
        self.pack = packs.create()?;
        Ok(self.pack.as_ref().and_then(|pack| pack.reserve(sealed_bytes)))
    }
}

/// A place in a pack that is not promised to anyone: punched out when dropped, unless it is kept.
#[derive(Debug)]
pub(crate) struct Slot {
    pack: Arc<Pack>,
    name: BlobName,
    part: Range<u64>,
    /// Something was written, and no record may refer to it.
    is_ours_to_punch: bool,
}

impl Slot {
    /// The name of the blob that belongs here.
    pub(crate) fn name(&self) -> BlobName {
        self.name
    }

    pub(crate) fn pack(&self) -> &Arc<Pack> {
        &self.pack
    }

    /// Writes all parts, one behind the other, and zeros to the end of the place: where a file ends amid a block, some file systems
    /// fill the block when the file grows, even if it was given back.
    pub(crate) fn write(&mut self, mut parts: Vec<IoSlice<'_>>) -> io::Result<()> {
        let bytes: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let rest = (self.part.end - self.part.start).saturating_sub(bytes);
        debug_assert!(rest < UNIT_BYTES && bytes > 0, "a blob fills its place, and no other's");
        let rest = usize::try_from(rest).map_err(io::Error::other)?;
        parts.push(IoSlice::new(ZEROS.get(..rest).unwrap_or_default()));
        let mut parts = &mut parts[..];
        self.is_ours_to_punch = true;
        let mut at = self.part.start;
        while parts.iter().any(|part| !part.is_empty()) {
            match rustix::io::pwritev(&self.pack.file, parts, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    at += count as u64;
                    IoSlice::advance_slices(&mut parts, count);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// From now on the place is not punched out on drop: a record refers to it, or may.
    fn keep(&mut self) {
        self.is_ours_to_punch = false;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.is_ours_to_punch
            && let Err(error) = punch(&self.pack.file, self.part.clone())
        {
            tracing::warn!(%error, "a place in a pack could not be given back; the sweep will");
        }
        self.pack.taken().places.remove(&self.part.start);
    }
}

/// A blob of one's own, durable and not promised to anyone: gone when dropped, unless it is kept.
#[derive(Debug)]
pub(crate) enum Own {
    File(Unpromised),
    Slot(Slot),
}

impl Own {
    /// A record refers to it, or may.
    pub(crate) fn keep(&mut self) {
        match self {
            Self::File(file) => file.keep(),
            Self::Slot(slot) => slot.keep(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holes::data_outside;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_or_broken_pack_is_followed_by_another() {
        let dir = tempfile::tempdir().unwrap();
        let packs = Packs::open(dir.path(), true).unwrap();
        let mut filling = Filling::default();
        let mut reserve = |bytes| filling.reserve(&packs, bytes).unwrap().unwrap();
        let (first, second) = (reserve(MAX_PACK_BYTES - UNIT_BYTES), reserve(UNIT_BYTES));
        assert_eq!(first.pack.name, second.pack.name);
        let third = reserve(1);
        assert_ne!(third.pack.name, second.pack.name);
        third.pack.is_broken.store(true, Ordering::Relaxed);
        assert!(third.pack.sync().is_err(), "nothing is believed of it any more");
        assert_ne!(reserve(1).pack.name, third.pack.name);
        assert!(filling.reserve(&packs, MAX_PACK_BYTES + 1).unwrap().is_none());
        assert_eq!(fs::read_dir(packs.dir()).unwrap().count(), 3, "nothing was made for what is too large");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn places_follow_one_another_and_what_is_not_kept_is_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let packs = Packs::open(dir.path(), true).unwrap();
        let mut filling = Filling::default();
        let mut written = |bytes: u64| {
            let mut slot = filling.reserve(&packs, bytes).unwrap().unwrap();
            let data = vec![7; usize::try_from(bytes).unwrap()];
            slot.write(vec![IoSlice::new(&data)]).unwrap();
            slot
        };
        let (mut first, second, mut third) = (written(1), written(5000), written(4096));
        assert_eq!(first.name.place(), Some((first.pack.name, 0..4096)));
        assert_eq!(second.name.place(), Some((first.pack.name, 4096..12_288)));
        first.keep();
        third.keep();
        let file = packs.open_pack(first.pack.name, Wait::ForDisk).unwrap();
        let outside = |kept| -> Vec<_> {
            data_outside(&file, kept).unwrap().into_iter().map(|it| (it.start, it.end)).collect()
        };
        let kept = || vec![12_288..16_384, 0..4096];
        assert_eq!(first.pack.taken_now(), [0..4096, 4096..12_288, 12_288..16_384, 16_384..u64::MAX]);
        assert_eq!(outside(kept()), [(4096, 12_288)]);
        drop(second);
        assert_eq!(first.pack.taken_now(), [0..4096, 12_288..16_384, 16_384..u64::MAX]);
        assert_eq!(outside(kept()), []);
        assert_eq!(outside(kept()[1..].to_vec()), [(12_288, 16_384)]);
    }
}
