//! The boxes of subscriptions and deliveries as a walk sees them: all of one table, closed, whatever is in them.

use rusqlite::{Connection, Row};
use zeroize::Zeroizing;

use super::{Catalog, deliveries, subscriptions};
use crate::envelope::{Place, Table};
use crate::error::StoreError;
use crate::keys::KeyRing;

/// A box, and what it is bound to.
pub(crate) struct StoredBox {
    pub(crate) place: Place,
    pub(crate) key_version: u16,
    pub(crate) sealed: Vec<u8>,
}

impl StoredBox {
    /// The box in a row of this table whose statement selected what [`columns`] says.
    pub(super) fn read(table: Table, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            place: match table {
                Table::Subscription => subscriptions::place_at(row)?,
                Table::Delivery => deliveries::place_at(row)?,
            },
            key_version: row.get("key_version")?,
            sealed: row.get("box")?,
        })
    }

    /// What is in it.
    pub(crate) fn open(&self, keys: &KeyRing) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let opened = self.place.open(keys, self.key_version, &self.sealed)?;
        // A box that opens but makes no sense is as damaged as one that does not.
        if self.place.table == Table::Subscription && subscriptions::Endpoint::decode(&opened).is_none() {
            return Err(self.place.tampered());
        }
        Ok(opened)
    }
}

impl Catalog {
    /// Boxes of a table in the order of their ids, after the one given: all of them, or those under versions of the ring
    /// before `version`.
    pub(crate) fn boxes(
        &self,
        table: Table,
        version: Option<u16>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, rusqlite::Result<StoredBox>)>, StoreError> {
        let sql = format!(
            "SELECT * FROM {} WHERE id > ?1 AND (?2 IS NULL OR key_version < ?2) ORDER BY id LIMIT ?3",
            table.name()
        );
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&sql)?;
        let rows = statement
            .query_map((after, version, limit), |row| Ok((row.get("id")?, StoredBox::read(table, row))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The next id of a table; only the writer may ask, which holds the catalog's lock.
///
/// A box is bound to its row's id, so the id must be known before the row is written.
pub(super) fn next_id(connection: &Connection, table: Table) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0) + 1";
    Ok(connection.prepare_cached(sql)?.query_row([table.name()], |row| row.get(0))?)
}
