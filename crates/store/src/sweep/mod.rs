//! The sweep: expired records, their blobs, and what crashes left behind.
//!
//! It works in small steps, so that uploads and downloads go on beside it, and never touches what is in use: a file that is
//! being made is locked by its maker, and a blob is removed only after the writer has seen that no record refers to it.

mod packs;

use std::fs::{self, DirEntry, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::blob_name::BlobName;
use crate::blobs::{BlobFolder, try_lock};
use crate::error::{StoreError, blocking};
use crate::source::Wait;
use crate::store::Store;

/// Expired records in one transaction: few enough that an upload beside it does not feel them.
const EXPIRED_BATCH: u32 = 128;
/// Deliveries in one transaction, likewise.
const DELIVERY_BATCH: u32 = 256;
/// Blobs that are held open at a time while the catalog is asked about them.
const ORPHAN_BATCH: usize = 64;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Expired records that were deleted.
    pub expired: u64,
    /// Blobs of expired records that were removed.
    pub blobs_removed: u64,
    /// Blobs without any record that were removed; in a pack, neighbours count as one.
    pub orphans_removed: u64,
    /// Packs in which nothing was left, and that were removed.
    pub packs_removed: u64,
    /// Files of unfinished uploads that were removed.
    pub staging_removed: u64,
    /// Bytes that were given back to the file system: of files, and of places in packs.
    pub bytes_freed: u64,
    /// Rows of throttles that counted no more.
    pub throttle_rows_removed: u64,
    /// Deliveries that had been over for long enough.
    pub deliveries_removed: u64,
}

impl Store {
    /// Removes what has expired at `now`, and blobs and staging files that nothing refers to and that were last written
    /// more than `older_than` before `system_now` (the clock of the file system, not one that tests turn).
    ///
    /// Files in use stay whatever their age. Several sweeps may run at once, also in other processes. One that is dropped
    /// may leave files of records that it deleted; [`stop_sweeping`](Self::stop_sweeping) ends it between two batches.
    ///
    /// # Errors
    /// The catalog or the folder cannot be read or written; what was done so far stands.
    pub async fn sweep(
        &self,
        now: Timestamp,
        system_now: SystemTime,
        older_than: Duration,
    ) -> Result<SweepReport, StoreError> {
        let mut report = self.sweep_expired(now).await?;
        let before = system_now.checked_sub(older_than).unwrap_or(SystemTime::UNIX_EPOCH);
        self.sweep_orphans(before, &mut report).await?;
        self.sweep_packs(before, &mut report).await?;
        self.sweep_staging(before, &mut report).await?;
        Ok(report)
    }

    /// Only the part of [`sweep`](Self::sweep) that costs nothing when there is nothing to do: expired records with their
    /// blobs, old throttle rows, and deliveries that are long over.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub async fn sweep_expired(&self, now: Timestamp) -> Result<SweepReport, StoreError> {
        let mut report = SweepReport::default();
        let mut free = Vec::new();
        loop {
            // The bytes of one batch go while the records of the next do.
            let (bytes_gone, records_gone) = tokio::join!(
                self.remove_blobs(std::mem::take(&mut free)),
                self.catalog().delete_expired(now, EXPIRED_BATCH)
            );
            let (files, bytes) = bytes_gone?;
            report.blobs_removed += files;
            report.bytes_freed += bytes;
            let removed = records_gone?;
            report.expired += removed.len() as u64;
            let is_free = removed.iter().filter(|removed| removed.blob_is_free);
            free = is_free.map(|removed| removed.blob).collect();
            if self.stops_sweeping() {
                let (files, bytes) = self.remove_blobs(free).await?;
                report.blobs_removed += files;
                report.bytes_freed += bytes;
                return Ok(report);
            }
            if removed.is_empty() {
                break;
            }
        }
        report.throttle_rows_removed = self.catalog().throttle_sweep(now).await?;
        loop {
            let removed = self.catalog().delete_old_deliveries(now, DELIVERY_BATCH).await?;
            report.deliveries_removed += removed;
            if removed < u64::from(DELIVERY_BATCH) {
                break;
            }
        }
        // The keys of deleted records, these and others, leave the log with it.
        self.catalog().empty_log().await?;
        // Memory forgets with the disk.
        self.catalog().forget_what_was_read();
        Ok(report)
    }

    /// Tells how many there were, and how many bytes were given back.
    async fn remove_blobs(&self, names: Vec<BlobName>) -> Result<(u64, u64), StoreError> {
        let blobs = self.blobs().clone();
        blocking(move || {
            let mut removed = (0, 0);
            for group in neighbours(names) {
                match blobs.remove(&group) {
                    Ok(Some(bytes)) => removed = (removed.0 + group.len() as u64, removed.1 + bytes),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, blobs = ?group, "could not be removed; the next sweep will")
                    }
                }
            }
            removed
        })
        .await
    }

    async fn sweep_orphans(&self, before: SystemTime, report: &mut SweepReport) -> Result<(), StoreError> {
        for first in 0..=255_u8 {
            if self.stops_sweeping() {
                break;
            }
            let store = self.clone();
            let candidates = blocking(move || store.orphan_candidates(first, before)).await??;
            for batch in candidates.chunks(ORPHAN_BATCH) {
                self.sweep_orphan_batch(batch.to_vec(), before, report).await?;
            }
        }
        Ok(())
    }

    /// Old blobs of a folder that no record refers to at this moment. Files that records refer to are not looked at. Blocking.
    fn orphan_candidates(&self, folder: u8, before: SystemTime) -> Result<Vec<BlobName>, StoreError> {
        let dir = self.blobs().blobs().join(format!("{folder:02x}"));
        let files = entries(&dir)?;
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let referenced = self.catalog().blobs_in_folder(folder)?;
        let mut candidates = Vec::new();
        for entry in files {
            let Some(name) = blob_name(&entry) else { continue };
            if referenced.binary_search(&name).is_err() && is_older(&entry, before) {
                candidates.push(name);
            }
        }
        Ok(candidates)
    }

    /// Locks each candidate, which shows that nobody is about to commit it, then asks again, then removes.
    async fn sweep_orphan_batch(
        &self,
        candidates: Vec<BlobName>,
        before: SystemTime,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let blobs = self.blobs().clone();
        let locked: Vec<(BlobName, File)> = blocking(move || lock_unused(&blobs, candidates, before)).await?;
        let free = self.catalog().unreferenced(locked.iter().map(|(name, _)| *name).collect()).await?;
        let (files, bytes) = self.remove_blobs(free).await?;
        drop(locked);
        report.orphans_removed += files;
        report.bytes_freed += bytes;
        Ok(())
    }

    async fn sweep_staging(&self, before: SystemTime, report: &mut SweepReport) -> Result<(), StoreError> {
        let staging = self.blobs().staging().to_owned();
        let (files, bytes) = blocking(move || remove_abandoned(&staging, before)).await??;
        report.staging_removed += files;
        report.bytes_freed += bytes;
        Ok(())
    }
}

fn lock_unused(blobs: &BlobFolder, names: Vec<BlobName>, before: SystemTime) -> Vec<(BlobName, File)> {
    let unused = |name: &BlobName| {
        let file = blobs.open_file(*name, Wait::ForDisk).ok()?;
        let unused = try_lock(&file).ok()? && file.metadata().and_then(|it| it.modified()).ok()? <= before;
        unused.then_some(file)
    };
    names.into_iter().filter_map(|name| unused(&name).map(|file| (name, file))).collect()
}

/// Groups blobs that lie one behind the other in a pack, as those of one time do: to give back one part costs hardly less than
/// to give back many in one go.
fn neighbours(mut names: Vec<BlobName>) -> Vec<Vec<BlobName>> {
    names.sort_unstable();
    let touch = |first: &BlobName, second: &BlobName| match (first.place(), second.place()) {
        (Some((pack, part)), Some((other, next))) => pack == other && part.end == next.start,
        _ => false,
    };
    names.chunk_by(touch).map(<[_]>::to_vec).collect()
}

fn remove_abandoned(staging: &Path, before: SystemTime) -> io::Result<(u64, u64)> {
    let mut removed = (0, 0);
    for entry in entries(staging)? {
        if !is_older(&entry, before) || !is_part(&entry.path()) {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else { continue };
        if try_lock(&file)? {
            let bytes = file.metadata()?.len();
            match fs::remove_file(entry.path()) {
                Ok(()) => removed = (removed.0 + 1, removed.1 + bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(removed)
}

/// The entries of a folder; none if the folder is missing.
pub(crate) fn entries(dir: &Path) -> io::Result<Vec<DirEntry>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The blob that a file is, if it is named like one and lies in its place.
pub(crate) fn blob_name(entry: &DirEntry) -> Option<BlobName> {
    let path: PathBuf = entry.path();
    let name = path.file_name()?.to_str()?;
    let folder = path.parent()?.file_name()?.to_str()?;
    if name.starts_with(folder) { BlobName::parse(name) } else { None }
}

/// Whether a file in `staging/` is one of ours.
pub(crate) fn is_part(path: &Path) -> bool {
    let stem = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".part"));
    stem.and_then(BlobName::parse).is_some()
}

fn is_older(entry: &DirEntry, before: SystemTime) -> bool {
    entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|modified| modified <= before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob_name::PackName;

    #[test]
    fn only_what_touches_is_removed_together() {
        let (one, two) =
            (PackName::parse("0000000000000001").unwrap(), PackName::parse("0000000000000002").unwrap());
        let at = BlobName::in_pack;
        let own = BlobName::random(0).unwrap();
        let free = vec![at(one, 5, 1), at(one, 0, 2), own, at(two, 3, 1), at(one, 2, 1), at(one, 6, 9)];
        let groups = neighbours(free);
        let expected = [
            vec![own],
            vec![at(one, 0, 2), at(one, 2, 1)],
            vec![at(one, 5, 1), at(one, 6, 9)],
            vec![at(two, 3, 1)],
        ];
        assert_eq!(groups, expected);
    }
}
