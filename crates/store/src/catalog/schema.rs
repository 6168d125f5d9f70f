//! The catalog's tables, how they came to be, and the settings that make a commit durable.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::error::OpenError;
use crate::keys::KeyRing;

/// The catalog's file in the data folder.
pub(crate) const CATALOG_FILE: &str = "catalog.sqlite";
/// What SQLite's connections share of its log.
pub(super) const INDEX_FILE: &str = "catalog.sqlite-shm";

/// Each step brings a catalog from its index to the next number; `PRAGMA user_version` counts the steps taken.
///
/// A step that has been released is never changed. Times are milliseconds since the epoch.
const MIGRATIONS: &[&str] =
    &[include_str!("schema_1.sql"), include_str!("schema_2.sql"), include_str!("schema_3.sql")];

/// How long another process (the command line beside a server) may hold the catalog before we give up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pages that each connection may keep: negative means KiB. What readers keep is void with every commit.
const CACHE_KIB: i64 = -1024;
/// What the writer keeps stays good: the upper levels of a million records' indexes and the leaves in use.
const WRITER_CACHE_KIB: i64 = -4096;
/// Statements that each connection keeps prepared: all that there are.
const PREPARED_STATEMENTS: usize = 96;

/// A connection with our settings, to a catalog that exists.
pub(crate) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(
        path,
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    // A plan does not depend on the values that are bound: else SQLite prepares some statements anew for each of them (it looks
    // whether a number is -1, 0 or 1, and at limits), which took a twentieth of an upload.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // A deleted record's wrapped key does not stay behind in a free page.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    Ok(connection)
}

/// The writer's connection. Makes the file, for its owner only, if there is none.
pub(crate) fn open_for_writing(path: &Path) -> Result<Connection, OpenError> {
    // SQLite gives -wal and -shm the mode of the main file.
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let connection = connect(path)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(OpenError::Catalog)?;
    if mode != "wal" {
        return Err(OpenError::NotDurable { setting: "journal_mode=WAL" });
    }
    connection.pragma_update(None, "cache_size", WRITER_CACHE_KIB)?;
    assert_setting(&connection, "synchronous", 2, "synchronous=FULL")?;
    assert_setting(&connection, "foreign_keys", 1, "foreign_keys=ON")?;
    assert_setting(&connection, "secure_delete", 1, "secure_delete=ON")?;
    Ok(connection)
}

fn assert_setting(
    connection: &Connection,
    pragma: &str,
    expected: i64,
    setting: &'static str,
) -> Result<(), OpenError> {
    let value: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
    if value == expected { Ok(()) } else { Err(OpenError::NotDurable { setting }) }
}

/// Takes the steps that this catalog has not taken yet, all in one transaction.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found = version(connection)?;
    if found == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again: another process may have migrated while we waited.
    let found = version(&transaction)?;
    if found > known {
        return Err(OpenError::NewerCatalog { found, known });
    }
    for step in &MIGRATIONS[found as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<u32, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Holds the ring against the catalog: a version that both know must be the same key in both.
pub(crate) fn check_keys(connection: &mut Connection, keys: &KeyRing) -> Result<(), OpenError> {
    for version in keys.version_numbers() {
        let known: Option<[u8; 16]> = connection
            .query_row("SELECT fingerprint FROM master_key WHERE version = ?1", [version], |row| row.get(0))
            .optional()?;
        let Some(ours) = keys.fingerprint(version) else { continue };
        match known {
            Some(known) if known == ours => {}
            Some(_) => return Err(OpenError::KeyMismatch { version }),
            None => {
                connection.execute(
                    "INSERT INTO master_key (version, fingerprint) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    (version, ours),
                )?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn statements_are_not_prepared_anew_for_other_values() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(CATALOG_FILE);
        migrate(&mut open_for_writing(&path).unwrap()).unwrap();
        let connection = connect(&path).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT id FROM media WHERE account = ?1 AND dedup = ?2 ORDER BY created_at DESC LIMIT ?3",
            )
            .unwrap();
        for n in 0..5_u8 {
            assert!(!statement.exists((1, [n; 16], n)).unwrap());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
