//! After a rotation: every box under the newest version of the ring. Blobs are never touched.

use crate::catalog::{StoredRecord, id_column};
use crate::envelope::Table;
use crate::error::{StoreError, blocking};
use crate::record::wrap;
use crate::store::Store;

/// Boxes in one transaction.
const BATCH: u32 = 256;

/// What a rewrap did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RewrapReport {
    /// The version everything is under now.
    pub version: u16,
    /// Boxes that were wrapped anew: of records, subscriptions and deliveries.
    pub rewrapped: u64,
    /// Boxes that do not open, left as they are: `verify` names them.
    pub unreadable: u64,
}

/// A record's new box.
struct Rewrapped {
    id: i64,
    old: Vec<u8>,
    new: Vec<u8>,
    dedup: [u8; 16],
}

/// The new box of a subscription or delivery.
struct ResealedBox {
    id: i64,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Store {
    /// Wraps every box under the newest version of the ring, which is read again first. May be interrupted and
    /// repeated, and run beside a server.
    ///
    /// # Errors
    /// The ring or the catalog cannot be read or written; what was done so far stands.
    pub async fn rewrap(&self) -> Result<RewrapReport, StoreError> {
        self.keys().reload()?;
        let version = self.keys().newest();
        let mut report = RewrapReport { version, ..RewrapReport::default() };
        let mut after = 0;
        loop {
            let store = self.clone();
            let (last, found, batch) = blocking(move || store.rewrap_batch(version, after)).await??;
            if found == 0 {
                break;
            }
            after = last;
            report.unreadable += found - batch.len() as u64;
            report.rewrapped +=
                self.catalog().write(move |connection| replace(connection, version, &batch)).await?;
        }
        for table in Table::ALL {
            self.rewrap_table(table, &mut report).await?;
        }
        self.catalog().empty_log().await?;
        Ok(report)
    }

    async fn rewrap_table(&self, table: Table, report: &mut RewrapReport) -> Result<(), StoreError> {
        let (version, mut after) = (report.version, 0);
        loop {
            let store = self.clone();
            let (last, found, batch) = blocking(move || store.rewrap_boxes(table, version, after)).await??;
            if found == 0 {
                return Ok(());
            }
            after = last;
            report.unreadable += found - batch.len() as u64;
            report.rewrapped += self
                .catalog()
                .write(move |connection| replace_boxes(connection, table, version, &batch))
                .await?;
        }
    }

    /// As [`rewrap_batch`](Self::rewrap_batch), for what is not a record. Blocking.
    fn rewrap_boxes(
        &self,
        table: Table,
        version: u16,
        after: i64,
    ) -> Result<(i64, u64, Vec<ResealedBox>), StoreError> {
        let boxes = self.catalog().boxes(table, Some(version), after, BATCH)?;
        let last = boxes.last().map_or(after, |(id, _)| *id);
        let found = boxes.len() as u64;
        let mut batch = Vec::with_capacity(boxes.len());
        // A row that cannot be read has no box that could be opened.
        for (id, stored) in boxes.into_iter().filter_map(|(id, stored)| Some((id, stored.ok()?))) {
            match stored.open(self.keys()) {
                Ok(plain) => {
                    let new = stored.place.seal(self.keys(), version, &plain)?;
                    batch.push(ResealedBox { id, old: stored.sealed, new });
                }
                Err(StoreError::BoxTampered { .. } | StoreError::BoxKeyMissing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((last, found, batch))
    }

    /// The last id looked at, how many records were, and the new boxes of those that open. Blocking.
    fn rewrap_batch(&self, version: u16, after: i64) -> Result<(i64, u64, Vec<Rewrapped>), StoreError> {
        let records = self.catalog().records_before_version(version, after, BATCH)?;
        let last = records.last().map_or(after, |record| id_column(record.id));
        let found = records.len() as u64;
        let mut batch = Vec::with_capacity(records.len());
        for record in records {
            match self.rewrap_one(version, record) {
                Ok(rewrapped) => batch.push(rewrapped),
                Err(StoreError::Tampered { .. } | StoreError::UnknownKey { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((last, found, batch))
    }

    fn rewrap_one(&self, version: u16, record: StoredRecord) -> Result<Rewrapped, StoreError> {
        let hidden = record.open(self.keys())?;
        let new = wrap(self.keys(), version, &record.bound(), &hidden)?;
        let dedup = self
            .keys()
            .dedup_tag(version, record.account, &hidden.sha256)
            .ok_or(StoreError::UnknownKey { id: record.id, version })?;
        Ok(Rewrapped { id: id_column(record.id), old: record.sealed, new, dedup })
    }
}

/// Only where the record still is what was opened: another rewrap, or a delete, may have come first.
fn replace(connection: &rusqlite::Connection, version: u16, batch: &[Rewrapped]) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(
        "UPDATE media SET box = ?3, dedup = ?4, key_version = ?5 WHERE id = ?1 AND box = ?2",
    )?;
    let mut replaced = 0;
    for one in batch {
        replaced += statement.execute((one.id, &one.old, &one.new, one.dedup, version))? as u64;
    }
    Ok(replaced)
}

/// As [`replace`], for what is not a record.
fn replace_boxes(
    connection: &rusqlite::Connection,
    table: Table,
    version: u16,
    batch: &[ResealedBox],
) -> Result<u64, StoreError> {
    let sql = format!("UPDATE {} SET box = ?3, key_version = ?4 WHERE id = ?1 AND box = ?2", table.name());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut replaced = 0;
    for one in batch {
        replaced += statement.execute((one.id, &one.old, &one.new, version))? as u64;
    }
    Ok(replaced)
}
