//! The rows behind media: what the rest of the store asks of them, box closed.
//!
//! Every statement that decides whether a blob may be shared or removed is here.

use std::ops::Range;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use wamedia_media::{MediaId, PhoneNumberId};

use super::media::{Media, NewMedia, Opened, Origin};
use super::phone_numbers::{column, number_at};
use super::{Catalog, duration_millis, from_millis, instant, is_dangling, is_taken, millis};
use crate::blob_name::{BlobName, PackName};
use crate::error::StoreError;
use crate::ids::AccountId;
use crate::keys::KeyRing;
use crate::record::{Bound, Hidden, unwrap};

/// A record as it stands in the catalog, box closed.
pub(crate) struct StoredRecord {
    pub(crate) id: MediaId,
    pub(crate) account: AccountId,
    phone_number_id: PhoneNumberId,
    mime_type: String,
    pub(crate) bytes: u64,
    origin: Origin,
    pub(crate) created_at: i64,
    pub(crate) last_used_at: i64,
    pub(crate) expires_at: i64,
    keep_for_ms: Option<i64>,
    pub(crate) blob: BlobName,
    pub(crate) dedup: [u8; 16],
    pub(crate) key_version: u16,
    pub(crate) sealed: Vec<u8>,
}

/// A statement that selects [`StoredRecord`]s: its columns in its order, then the rest.
macro_rules! select_records {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, phone_number, mime_type, bytes, origin, created_at, last_used_at, expires_at, ",
            "keep_for_ms, blob, dedup, key_version, box FROM media ",
            $rest
        )
    };
}

impl StoredRecord {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let out_of_range = rusqlite::Error::IntegralValueOutOfRange;
        let id: i64 = row.get(0)?;
        let origin: i64 = row.get(5)?;
        Ok(Self {
            id: u64::try_from(id).ok().and_then(MediaId::new).ok_or(out_of_range(0, id))?,
            account: AccountId(row.get(1)?),
            phone_number_id: number_at(row, 2)?,
            mime_type: row.get(3)?,
            bytes: row.get(4)?,
            origin: Origin::from_code(origin).ok_or(out_of_range(5, origin))?,
            created_at: row.get(6)?,
            last_used_at: row.get(7)?,
            expires_at: row.get(8)?,
            keep_for_ms: row.get(9)?,
            blob: BlobName::from_bytes(row.get(10)?),
            dedup: row.get(11)?,
            key_version: row.get(12)?,
            sealed: row.get(13)?,
        })
    }

    /// What the box must be bound to.
    pub(crate) fn bound(&self) -> Bound<'_> {
        Bound {
            account: self.account,
            id: self.id,
            phone_number_id: self.phone_number_id,
            blob: self.blob,
            mime_type: &self.mime_type,
            bytes: self.bytes,
            origin: self.origin,
            created_at: instant(self.created_at),
            keep_for_ms: self.keep_for_ms,
        }
    }

    /// Opens the box.
    pub(crate) fn open(&self, keys: &KeyRing) -> Result<Hidden, StoreError> {
        unwrap(keys, self.key_version, &self.bound(), &self.sealed)
    }

    /// The record as callers see it.
    pub(crate) fn into_media(self, keys: &KeyRing) -> Result<Media, StoreError> {
        let Hidden { data_key, sha256, file_name } = self.open(keys)?;
        Ok(Media {
            id: self.id,
            account: self.account,
            phone_number_id: self.phone_number_id,
            mime_type: self.mime_type,
            bytes: self.bytes,
            sha256,
            file_name,
            origin: self.origin,
            created_at: instant(self.created_at),
            last_used_at: instant(self.last_used_at),
            expires_at: instant(self.expires_at),
            keep_for: self.keep_for_ms.map(from_millis),
            blob: self.blob,
            data_key,
            opened: Opened::default(),
        })
    }
}

/// Where a walk over the records stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordPlace {
    blob: Vec<u8>,
    pub(crate) id: i64,
}

/// A record to insert.
#[derive(Clone)]
pub(crate) struct Insert {
    pub(crate) id: MediaId,
    pub(crate) new: NewMedia,
    pub(crate) bytes: u64,
    pub(crate) blob: BlobName,
    pub(crate) dedup: [u8; 16],
    pub(crate) key_version: u16,
    pub(crate) sealed: Vec<u8>,
    /// The blob is another record's: insert only while a record of this account refers to it.
    pub(crate) shares: bool,
}

/// What became of an insert.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Yes,
    /// Another media has this id.
    IdTaken,
    /// No record of the account refers to the blob any more.
    NothingToShare,
}

/// With `shares` (?14), the blob is safe from the moment this row stands: a blob is only removed by someone who saw, on
/// this same thread, that no record refers to it.
///
/// The `+` keeps SQLite from looking through all records of the account, by the index that begins with it, instead of
/// the few of the blob.
const INSERT: &str =
    "INSERT INTO media (id, account, phone_number, mime_type, bytes, origin, created_at, last_used_at,
        expires_at, keep_for_ms, blob, dedup, key_version, box)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?13
    WHERE NOT ?14 OR EXISTS (SELECT 1 FROM media WHERE blob = ?10 AND +account = ?2)";

impl Insert {
    pub(crate) fn run(&self, connection: &Connection) -> Result<Inserted, StoreError> {
        let new = &self.new;
        let inserted = connection.prepare_cached(INSERT)?.execute(rusqlite::params![
            id_column(self.id),
            new.account.0,
            column(new.phone_number_id),
            new.mime_type,
            self.bytes,
            new.origin.code(),
            millis(new.created_at),
            millis(new.expires_at),
            new.keep_for.map(duration_millis),
            self.blob.as_bytes(),
            self.dedup,
            self.key_version,
            self.sealed,
            self.shares,
        ]);
        match inserted {
            Ok(0) => Ok(Inserted::NothingToShare),
            Ok(_) => Ok(Inserted::Yes),
            Err(error) if is_taken(&error) => Ok(Inserted::IdTaken),
            Err(error) if is_dangling(&error) => Err(StoreError::NotFound { what: "account" }),
            Err(error) => Err(error.into()),
        }
    }
}

/// A record that is gone, and what remains of it.
pub(crate) struct Removed {
    pub(crate) blob: BlobName,
    /// Whether it had not expired.
    pub(crate) was_live: bool,
    /// Whether no other record refers to the blob. Once so, always so: sharing needs a record to share with.
    pub(crate) blob_is_free: bool,
}

impl Catalog {
    /// One record of an account, unless it has expired.
    pub(super) fn live_record(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<Option<StoredRecord>, StoreError> {
        let sql = select_records!("WHERE id = ?1 AND account = ?2 AND expires_at > ?3");
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        Ok(statement.query_row((id_column(id), account.0, millis(now)), StoredRecord::read).optional()?)
    }

    /// Every media of an account, oldest first, expired ones that the sweep has not met included. Holds all of them in
    /// memory: for accounts of a test, not for a hot path.
    ///
    /// # Errors
    /// The catalog cannot be read, or a record does not open.
    pub fn media_of(&self, account: AccountId) -> Result<Vec<Media>, StoreError> {
        let sql = select_records!("WHERE account = ?1 ORDER BY created_at, id");
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        let stored = statement.query_map([account.0], StoredRecord::read)?;
        stored.map(|stored| stored?.into_media(self.keys())).collect()
    }

    /// Whether a record is there, expired or not.
    pub(crate) fn has_media(&self, account: AccountId, id: MediaId) -> Result<bool, StoreError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached("SELECT 1 FROM media WHERE id = ?1 AND account = ?2")?;
        Ok(statement.exists((id_column(id), account.0))?)
    }

    /// The newest record of the same content in the account, live or not.
    pub(crate) fn same_content(
        &self,
        account: AccountId,
        dedup: [u8; 16],
    ) -> Result<Option<StoredRecord>, StoreError> {
        let sql = select_records!("WHERE account = ?1 AND dedup = ?2 ORDER BY created_at DESC LIMIT 1");
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        Ok(statement.query_row((account.0, dedup), StoredRecord::read).optional()?)
    }

    /// Deletes one record.
    pub(crate) async fn delete_media(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<Option<Removed>, StoreError> {
        let before = self.edition();
        let removed = self
            .write(move |connection| {
                let sql = "DELETE FROM media WHERE id = ?1 AND account = ?2 RETURNING blob, expires_at > ?3";
                let removed = connection
                    .prepare_cached(sql)?
                    .query_row((id_column(id), account.0, millis(now)), read_removed)
                    .optional()?;
                removed.map(|removed| look_for_sharers(connection, removed)).transpose()
            })
            .await?;
        if removed.is_some() {
            self.committed_since(before);
            self.forget_media(account, id);
        }
        Ok(removed)
    }

    /// Deletes up to `limit` expired records.
    pub(crate) async fn delete_expired(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Removed>, StoreError> {
        self.write(move |connection| {
            let sql = "DELETE FROM media WHERE id IN (SELECT id FROM media WHERE expires_at <= ?1 LIMIT ?2)
                       RETURNING blob, 0";
            let removed: Vec<Removed> = connection
                .prepare_cached(sql)?
                .query_map((millis(now), limit), read_removed)?
                .collect::<Result<_, _>>()?;
            removed.into_iter().map(|removed| look_for_sharers(connection, removed)).collect()
        })
        .await
    }

    /// Whether a record refers to the blob.
    pub(crate) fn is_referenced(&self, blob: BlobName) -> Result<bool, StoreError> {
        is_referenced(&self.reader(), blob)
    }

    /// What of a pack belongs to blobs that records refer to.
    pub(crate) fn parts_of_pack(&self, pack: PackName) -> Result<Vec<Range<u64>>, StoreError> {
        let (first, last) = BlobName::all_in_pack(pack);
        let reader = self.reader();
        let mut statement =
            reader.prepare_cached("SELECT DISTINCT blob FROM media WHERE blob BETWEEN ?1 AND ?2")?;
        let rows = statement.query_map((first.as_bytes(), last.as_bytes()), |row| {
            Ok(BlobName::from_bytes(row.get(0)?).place())
        })?;
        rows.filter_map(|row| row.map(|place| place.map(|(_, part)| part)).transpose())
            .collect::<Result<_, _>>()
            .map_err(Into::into)
    }

    /// The blobs of one folder that records refer to, in order: one walk of the index instead of a search for each file.
    pub(crate) fn blobs_in_folder(&self, folder: u8) -> Result<Vec<BlobName>, StoreError> {
        let (first, last) = BlobName::in_folder(folder);
        let reader = self.reader();
        let mut statement =
            reader.prepare_cached("SELECT blob FROM media WHERE blob BETWEEN ?1 AND ?2 ORDER BY blob")?;
        let rows = statement
            .query_map((first.as_bytes(), last.as_bytes()), |row| row.get(0).map(BlobName::from_bytes))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Which of these blobs no record refers to, as the writer sees it.
    pub(crate) async fn unreferenced(&self, blobs: Vec<BlobName>) -> Result<Vec<BlobName>, StoreError> {
        self.write(move |connection| {
            let mut free = Vec::new();
            for blob in blobs {
                if !is_referenced(connection, blob)? {
                    free.push(blob);
                }
            }
            Ok(free)
        })
        .await
    }

    /// Records in the order of their blobs, after the place given: for walks that must not hold a long read.
    pub(crate) fn records_by_blob(
        &self,
        after: &RecordPlace,
        limit: u32,
    ) -> Result<Vec<(RecordPlace, rusqlite::Result<StoredRecord>)>, StoreError> {
        let sql = select_records!("WHERE (blob, id) > (?1, ?2) ORDER BY blob, id LIMIT ?3");
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        let rows = statement.query_map((&after.blob, after.id, limit), |row| {
            Ok((RecordPlace { blob: row.get("blob")?, id: row.get("id")? }, StoredRecord::read(row)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records under older versions of the ring, in the order of their ids, after the one given.
    pub(crate) fn records_before_version(
        &self,
        version: u16,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let sql = select_records!("WHERE id > ?1 AND key_version < ?2 ORDER BY id LIMIT ?3");
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        let rows = statement.query_map((after, version, limit), StoredRecord::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A media id as the catalog keeps it.
pub(crate) fn id_column(id: MediaId) -> i64 {
    // Ids fit by construction: they have at most 17 digits.
    i64::try_from(id.get()).unwrap_or(i64::MAX)
}

fn read_removed(row: &Row<'_>) -> rusqlite::Result<Removed> {
    // A name that cannot be read belongs to no file; it must not keep the rest from being swept.
    let blob = BlobName::from_bytes(row.get(0).unwrap_or_default());
    Ok(Removed { blob, was_live: row.get(1)?, blob_is_free: false })
}

fn look_for_sharers(connection: &Connection, removed: Removed) -> Result<Removed, StoreError> {
    let is_free = !is_referenced(connection, removed.blob)? && !overlaps_another(connection, removed.blob)?;
    Ok(Removed { blob_is_free: is_free, ..removed })
}

/// Whether a place in a pack is partly another's. It never is, unless a record was damaged; then its neighbours must not go
/// with it, and what is left of it is the sweep's.
fn overlaps_another(connection: &Connection, blob: BlobName) -> Result<bool, StoreError> {
    let Some((pack, part)) = blob.place() else { return Ok(false) };
    let (first, last) = BlobName::all_in_pack(pack);
    let sql = "SELECT (SELECT max(blob) FROM media WHERE blob >= ?1 AND blob < ?2),
                      (SELECT min(blob) FROM media WHERE blob > ?2 AND blob <= ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    let neighbours: [Option<[u8; 16]>; 2] = statement
        .query_row((first.as_bytes(), blob.as_bytes(), last.as_bytes()), |row| {
            Ok([row.get(0)?, row.get(1)?])
        })?;
    let places = neighbours.into_iter().flatten().filter_map(|name| BlobName::from_bytes(name).place());
    Ok(places.map(|(_, other)| other).any(|other| other.start < part.end && part.start < other.end))
}

fn is_referenced(connection: &Connection, blob: BlobName) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM media WHERE blob = ?1")?;
    Ok(statement.exists([blob.as_bytes()])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_that_shares_looks_at_the_records_of_its_blob_only() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema_1.sql")).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {INSERT}")).unwrap();
        let plan: Vec<String> = statement
            .query_map([rusqlite::types::Null; 14], |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(plan.iter().any(|line| line.contains("media_by_blob (blob=?)")), "{plan:?}");
        assert!(!plan.iter().any(|line| line.contains("media_by_content")), "{plan:?}");
    }
}
