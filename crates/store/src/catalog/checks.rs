//! What the catalog can say about its own soundness, for `verify`.

use std::path::Path;

use rusqlite::Connection;

use wamedia_media::PhoneNumberId;

use super::phone_numbers::number_at;
use super::{CATALOG_FILE, Catalog, connect};
use crate::error::StoreError;
use crate::ids::{CredentialId, SubscriptionId};

/// What is broken inside the catalog, as SQLite and the schema's own rules see it.
#[derive(Debug, Default)]
pub(crate) struct CatalogChecks {
    /// Lines of SQLite's integrity check.
    pub(crate) corruption: Vec<String>,
    /// Tables with rows that refer to nothing, and how many.
    pub(crate) dangling: Vec<(String, u64)>,
    /// Live credentials that are for some numbers, of which none is left, and keys for more than one.
    pub(crate) credentials: Vec<CredentialId>,
    /// Lines of deliveries of which not the first, and only the first, has a time.
    pub(crate) lines: Vec<(SubscriptionId, PhoneNumberId)>,
}

/// Lines of a broken file that are worth reading.
const MAX_LINES: u32 = 100;

impl Catalog {
    /// Asks everything; `deep` compares the indexes with their tables too. On a connection of its own: it may take long.
    pub(crate) fn checks(&self, dir: &Path, deep: bool) -> Result<CatalogChecks, StoreError> {
        let connection = connect(&dir.join(CATALOG_FILE))?;
        Ok(CatalogChecks {
            corruption: corruption(&connection, deep)?,
            dangling: dangling(&connection)?,
            credentials: credentials(&connection)?,
            lines: lines(&connection)?,
        })
    }
}

fn corruption(connection: &Connection, deep: bool) -> Result<Vec<String>, StoreError> {
    let pragma = if deep { "integrity_check" } else { "quick_check" };
    let mut statement = connection.prepare(&format!("PRAGMA {pragma}({MAX_LINES})"))?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(if lines == ["ok"] { Vec::new() } else { lines })
}

fn dangling(connection: &Connection) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = "SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1 ORDER BY 1";
    let mut statement = connection.prepare(sql)?;
    Ok(statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

fn credentials(connection: &Connection) -> Result<Vec<CredentialId>, StoreError> {
    let sql = "SELECT c.id FROM credential c
               LEFT JOIN credential_number n ON n.credential = c.id
               GROUP BY c.id
               HAVING c.revoked_at IS NULL
                  AND ((c.all_numbers = 0 AND count(n.phone_number) = 0)
                    OR (c.all_numbers = 1 AND count(n.phone_number) > 0)
                    OR (c.kind = 2 AND count(n.phone_number) != 1))
               ORDER BY c.id";
    let mut statement = connection.prepare(sql)?;
    Ok(statement.query_map([], |row| row.get(0).map(CredentialId))?.collect::<Result<_, _>>()?)
}

fn lines(connection: &Connection) -> Result<Vec<(SubscriptionId, PhoneNumberId)>, StoreError> {
    let sql = "SELECT subscription, phone_number FROM delivery WHERE state = 1 AND in_line = 1
               GROUP BY subscription, phone_number
               HAVING count(next_at) != 1 OR min(CASE WHEN next_at IS NOT NULL THEN id END) != min(id)
               UNION
               SELECT subscription, phone_number FROM delivery
               WHERE state = 1 AND in_line = 0 AND next_at IS NULL";
    let mut statement = connection.prepare(sql)?;
    // A row whose number makes no sense is named by the walk over the rows.
    let rows =
        statement.query_map([], |row| Ok(number_at(row, 1).ok().zip(row.get(0).map(SubscriptionId).ok())))?;
    let lines: Vec<_> = rows.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().flatten().map(|(number, subscription)| (subscription, number)).collect())
}
