//! The walk over everything: does every promise about what is on disk hold?
//!
//! It reads only, in short steps, and may run beside a server: what is being uploaded or deleted at that moment is no
//! finding.

mod finding;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use jiff::Timestamp;

pub use finding::Finding;

use crate::blob_name::BlobName;
use crate::blobs::try_lock;
use crate::catalog::{CATALOG_FILE, Media, RecordPlace, StoredRecord, millis};
use crate::envelope::Table;
use crate::error::{ReadError, StoreError};
use crate::keys::KEY_FILE;
use crate::record::finished;
use crate::seal::CHUNK_BYTES;
use crate::source::Wait;
use crate::store::Store;
use crate::sweep::{blob_name, entries, is_part};

/// Records that are read at a time.
const BATCH: u32 = 512;
/// Findings that are kept; more are only counted. A folder that is wholly broken must not fill the memory.
const MAX_FINDINGS: usize = 10_000;

/// How far the walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifyProgress {
    /// Records looked at.
    pub records: u64,
    /// Records there were when the walk began.
    pub records_total: u64,
    /// Bytes of media opened (a deep walk).
    pub bytes: u64,
    /// Bytes of all media when the walk began.
    pub bytes_total: u64,
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Records looked at.
    pub records: u64,
    /// Of these, expired ones that wait for the sweep.
    pub expired: u64,
    /// Subscriptions looked at.
    pub subscriptions: u64,
    /// Deliveries looked at.
    pub deliveries: u64,
    /// Blobs looked at.
    pub blobs: u64,
    /// Bytes of media opened (a deep walk).
    pub bytes: u64,
    /// What is broken: the first ten thousand.
    pub findings: Vec<Finding>,
    /// How many findings there were.
    pub findings_total: u64,
    /// How many of them are leftovers that the sweep removes.
    pub leftovers: u64,
}

impl VerifyReport {
    /// Whether nothing was found at all.
    pub fn is_clean(&self) -> bool {
        self.findings_total == 0
    }

    /// Whether nothing was found but what a crash may leave and the sweep removes.
    pub fn is_sound(&self) -> bool {
        self.findings_total == self.leftovers
    }

    fn add(&mut self, finding: Finding) {
        self.findings_total += 1;
        self.leftovers += u64::from(finding.is_leftover());
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}

impl Store {
    /// Walks every record, box, blob and file. `deep` also opens every byte and compares its hash. Blocking.
    ///
    /// # Errors
    /// The catalog or the folder cannot be read at all; whatever is broken inside them is a [`Finding`].
    pub fn verify(
        &self,
        now: Timestamp,
        deep: bool,
        on_progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<VerifyReport, StoreError> {
        let mut walk =
            Walk { store: self, now: millis(now), deep, report: VerifyReport::default(), checked: None };
        // What is held open would hide what is gone.
        self.blobs().packs().let_go();
        walk.files()?;
        walk.catalog()?;
        walk.records(on_progress)?;
        walk.boxes()?;
        walk.blobs()?;
        walk.packs()?;
        walk.staging()?;
        Ok(walk.report)
    }
}

struct Walk<'a> {
    store: &'a Store,
    now: i64,
    deep: bool,
    report: VerifyReport,
    /// The blob that was just found good, and the content it has: the next records may share it.
    checked: Option<(BlobName, u64, [u8; 32])>,
}

impl Walk<'_> {
    fn files(&mut self) -> io::Result<()> {
        let dir = self.store.dir().to_owned();
        let blobs = self.store.blobs().clone();
        let named = [KEY_FILE, CATALOG_FILE, "catalog.sqlite-wal", "catalog.sqlite-shm", "lock"];
        let mut paths: Vec<PathBuf> = named.iter().map(|name| dir.join(name)).collect();
        paths.extend([blobs.blobs().to_owned(), blobs.packs().dir().to_owned(), blobs.staging().to_owned()]);
        for path in paths {
            self.check_mode(&path)?;
        }
        Ok(())
    }

    fn check_mode(&mut self, path: &Path) -> io::Result<()> {
        match fs::metadata(path) {
            Ok(metadata) => {
                let mode = metadata.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    self.report.add(Finding::Permissions { path: path.to_owned(), mode });
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn catalog(&mut self) -> Result<(), StoreError> {
        let checks = self.store.catalog().checks(self.store.dir(), self.deep)?;
        checks.corruption.into_iter().for_each(|detail| self.report.add(Finding::CatalogCorrupt { detail }));
        checks
            .dangling
            .into_iter()
            .for_each(|(table, rows)| self.report.add(Finding::Dangling { table, rows }));
        checks.credentials.into_iter().for_each(|id| self.report.add(Finding::CredentialNumbers { id }));
        checks.lines.into_iter().for_each(|(subscription, number)| {
            self.report.add(Finding::LineOutOfOrder { subscription, number })
        });
        Ok(())
    }

    fn records(&mut self, on_progress: &mut dyn FnMut(VerifyProgress)) -> Result<(), StoreError> {
        let totals = self.store.catalog().totals()?;
        let mut place = RecordPlace::default();
        loop {
            let batch = self.store.catalog().records_by_blob(&place, BATCH)?;
            if batch.is_empty() {
                return Ok(());
            }
            for (at, record) in batch {
                self.report.records += 1;
                match record {
                    Ok(record) => self.record(record)?,
                    Err(error) => {
                        self.report.add(Finding::RecordUnreadable { id: at.id, detail: error.to_string() });
                    }
                }
                place = at;
                if self.deep {
                    self.tell(on_progress, totals);
                }
            }
            self.tell(on_progress, totals);
        }
    }

    /// What is not a record: does each box open in its place?
    fn boxes(&mut self) -> Result<(), StoreError> {
        for table in Table::ALL {
            let (what, mut after) = (table.name(), 0);
            loop {
                let batch = self.store.catalog().boxes(table, None, after, BATCH)?;
                if batch.is_empty() {
                    break;
                }
                for (id, stored) in batch {
                    after = id;
                    match table {
                        Table::Subscription => self.report.subscriptions += 1,
                        Table::Delivery => self.report.deliveries += 1,
                    }
                    match stored.map(|stored| stored.open(self.store.keys())) {
                        Ok(Ok(_)) => {}
                        Ok(Err(StoreError::BoxTampered { what, id })) => {
                            self.report.add(Finding::BoxTampered { what, id });
                        }
                        Ok(Err(StoreError::BoxKeyMissing { what, id, version })) => {
                            self.report.add(Finding::BoxKeyMissing { what, id, version });
                        }
                        Ok(Err(error)) => return Err(error),
                        Err(error) => {
                            self.report.add(Finding::RowUnreadable { what, id, detail: error.to_string() });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn tell(&self, on_progress: &mut dyn FnMut(VerifyProgress), totals: crate::catalog::Totals) {
        on_progress(VerifyProgress {
            records: self.report.records,
            records_total: totals.media,
            bytes: self.report.bytes,
            bytes_total: totals.bytes,
        });
    }

    fn record(&mut self, record: StoredRecord) -> Result<(), StoreError> {
        let id = record.id;
        self.report.expired += u64::from(record.expires_at <= self.now);
        if record.last_used_at < record.created_at || record.expires_at < record.created_at {
            self.report.add(Finding::TimesOutOfOrder { id });
        }
        let keys = self.store.keys();
        let (version, dedup) = (record.key_version, record.dedup);
        let media = match record.into_media(keys) {
            Ok(media) => media,
            Err(StoreError::Tampered { id }) => {
                self.report.add(Finding::RecordTampered { id });
                return Ok(());
            }
            Err(StoreError::UnknownKey { id, version }) => {
                self.report.add(Finding::UnknownKeyVersion { id, version });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if keys.dedup_tag(version, media.account, &media.sha256) != Some(dedup) {
            self.report.add(Finding::ContentTag { id });
        }
        let content = Some((media.blob, media.bytes, media.sha256));
        if self.checked != content {
            self.checked = if self.blob(&media)? { content } else { None };
        }
        Ok(())
    }

    /// Whether the blob of a media is what the record says.
    fn blob(&mut self, media: &Media) -> Result<bool, StoreError> {
        let (id, blob) = (media.id, media.blob);
        self.report.blobs += 1;
        let finding = match self.open(media) {
            Ok(None) => return Ok(true),
            Ok(Some(sha256)) if sha256 == media.sha256 => return Ok(true),
            Ok(Some(_)) => Finding::WrongContent { id, blob },
            // Deleted since its record was read: nothing is wrong.
            Err(ReadError::Gone) => return Ok(false),
            Err(ReadError::Missing) => Finding::BlobMissing { id, blob },
            Err(ReadError::Damaged) => Finding::BlobDamaged { id, blob },
            Err(ReadError::Io(error)) => Finding::BlobUnreadable { id, blob, detail: error.to_string() },
            Err(ReadError::Store(error)) => return Err(error),
        };
        self.report.add(finding);
        Ok(false)
    }

    /// Opens the blob; a deep walk opens all of it and gives the hash.
    fn open(&mut self, media: &Media) -> Result<Option<[u8; 32]>, ReadError> {
        let reader = self.store.open_sealed(media, Wait::ForDisk)?;
        if !self.deep {
            return Ok(None);
        }
        let mut hash = digest::Context::new(&digest::SHA256);
        for first in (0..media.bytes.div_ceil(CHUNK_BYTES as u64)).step_by(4) {
            let piece = reader.read_chunks(first, 4, Wait::ForDisk)?;
            hash.update(&piece);
            self.report.bytes += piece.len() as u64;
        }
        Ok(Some(finished(hash.finish())))
    }

    fn blobs(&mut self) -> Result<(), StoreError> {
        let blobs = self.store.blobs().blobs().to_owned();
        for folder in entries(&blobs)? {
            let path = folder.path();
            let is_ours = folder.file_name().to_str().is_some_and(|name| {
                name.len() == 2 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            });
            if !is_ours || !path.is_dir() {
                self.report.add(Finding::ForeignFile { path });
                continue;
            }
            self.check_mode(&path)?;
            for entry in entries(&path)? {
                match blob_name(&entry) {
                    Some(name) => self.blob_file(name)?,
                    None => self.report.add(Finding::ForeignFile { path: entry.path() }),
                }
            }
        }
        Ok(())
    }

    fn blob_file(&mut self, blob: BlobName) -> Result<(), StoreError> {
        let path = self.store.blobs().path(blob);
        self.check_mode(&path)?;
        if self.store.catalog().is_referenced(blob)? {
            return Ok(());
        }
        if let Some(bytes) = abandoned(&path)?
            && !self.store.catalog().is_referenced(blob)?
        {
            self.report.add(Finding::OrphanedBlob { blob, bytes });
        }
        Ok(())
    }

    fn packs(&mut self) -> Result<(), StoreError> {
        for (entry, pack) in self.store.pack_files()? {
            self.check_mode(&entry.path())?;
            let Some(pack) = pack else {
                self.report.add(Finding::ForeignFile { path: entry.path() });
                continue;
            };
            if let Some(found) = self.store.pack_leftovers(pack)?
                && found.bytes > 0
            {
                self.report.add(Finding::OrphansInPack { pack, bytes: found.bytes });
            }
        }
        Ok(())
    }

    fn staging(&mut self) -> io::Result<()> {
        for entry in entries(self.store.blobs().staging())? {
            let path = entry.path();
            self.check_mode(&path)?;
            if !is_part(&path) {
                self.report.add(Finding::ForeignFile { path });
            } else if let Some(bytes) = abandoned(&path)? {
                self.report.add(Finding::AbandonedUpload { path, bytes });
            }
        }
        Ok(())
    }
}

/// The length of a file that nobody is making at this moment; `None` if someone is, or if it is gone.
fn abandoned(path: &Path) -> io::Result<Option<u64>> {
    match fs::File::open(path) {
        Ok(file) if try_lock(&file)? => file.metadata().map(|metadata| Some(metadata.len())),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
