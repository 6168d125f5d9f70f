//! What crashes left in packs, and packs in which nothing is left.

use std::fs::{self, File};
use std::io;
use std::time::SystemTime;

use super::{SweepReport, entries, is_older};
use crate::blob_name::PackName;
use crate::blobs::try_lock;
use crate::error::{StoreError, blocking};
use crate::holes::{data_outside, punch};
use crate::source::Wait;
use crate::store::Store;

/// What was found in a pack that nobody appends to.
pub(crate) struct PackLeftovers {
    /// How much data belongs to no record.
    pub(crate) bytes: u64,
    /// Whether no record refers to anything in it, nor will.
    pub(crate) is_empty: bool,
    /// Holds the lock, where it is not ours.
    _locked: File,
    parts: Vec<std::ops::Range<u64>>,
}

impl Store {
    pub(super) async fn sweep_packs(
        &self,
        before: SystemTime,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let dir = self.blobs().packs().dir().to_owned();
        for entry in blocking(move || entries(&dir)).await?? {
            if self.stops_sweeping() {
                break;
            }
            let Some(pack) = entry.file_name().to_str().and_then(PackName::parse) else { continue };
            // Ours is written to at any time, and tells itself what is in use.
            if !is_older(&entry, before) && self.blobs().packs().our_pack(pack).is_none() {
                continue;
            }
            let store = self.clone();
            let swept = blocking(move || store.sweep_pack(pack)).await??;
            report.orphans_removed += swept.orphans_removed;
            report.packs_removed += swept.packs_removed;
            report.bytes_freed += swept.bytes_freed;
        }
        Ok(())
    }

    /// Blocking.
    fn sweep_pack(&self, pack: PackName) -> Result<SweepReport, StoreError> {
        let mut report = SweepReport::default();
        let Some(found) = self.pack_leftovers(pack)? else { return Ok(report) };
        report.orphans_removed = found.parts.len() as u64;
        report.bytes_freed = found.bytes;
        if found.is_empty {
            match self.blobs().packs().remove_pack(pack) {
                Ok(()) => report.packs_removed = 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        } else if !found.parts.is_empty() {
            let file = self.blobs().packs().open_pack(pack, Wait::ForDisk)?;
            found.parts.iter().try_for_each(|part| punch(&file, part.clone()))?;
        }
        Ok(report)
    }

    /// What of a pack belongs to no record; `None` where another process appends to it, or if it is gone. Blocking.
    ///
    /// What no record refers to by then stays so: no more is appended behind our back, and sharing a blob needs a record to
    /// share with.
    pub(crate) fn pack_leftovers(&self, pack: PackName) -> Result<Option<PackLeftovers>, StoreError> {
        let packs = self.blobs().packs();
        // Asked before the records are: a place that is promised meanwhile is in one of both.
        let ours = packs.our_pack(pack).map(|pack| pack.taken_now());
        let file = match File::open(packs.path(pack)) {
            Ok(file) if ours.is_some() || try_lock(&file)? => file,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let records = self.catalog().parts_of_pack(pack)?;
        let is_empty = records.is_empty() && ours.is_none();
        let parts = data_outside(&file, records.into_iter().chain(ours.unwrap_or_default()).collect())?;
        let bytes = parts.iter().map(|part| part.end - part.start).sum();
        Ok(Some(PackLeftovers { bytes, is_empty, _locked: file, parts }))
    }

    /// Every pack, and what else lies among them. Blocking.
    pub(crate) fn pack_files(&self) -> io::Result<Vec<(fs::DirEntry, Option<PackName>)>> {
        let entries = entries(self.blobs().packs().dir())?;
        Ok(entries
            .into_iter()
            .map(|entry| {
                let name = entry.file_name().to_str().and_then(PackName::parse);
                (entry, name)
            })
            .collect())
    }
}
