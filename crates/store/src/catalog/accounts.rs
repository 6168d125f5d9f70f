//! Accounts: whose things are whose. Nothing crosses from one to another.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};

use super::{Catalog, duration_millis, from_millis, instant, is_taken, millis};
use crate::error::StoreError;
use crate::ids::AccountId;

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number; never given twice.
    pub id: AccountId,
    /// Its name; no two accounts share one.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How long its uploaded media is kept, if not as configured for all.
    pub retention_uploaded: Option<Duration>,
    /// How long its received media is kept, if not as configured for all.
    pub retention_received: Option<Duration>,
}

const COLUMNS: &str = "id, name, created_at, retention_uploaded_ms, retention_received_ms";

impl Account {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: AccountId(row.get(0)?),
            name: row.get(1)?,
            created_at: instant(row.get(2)?),
            retention_uploaded: row.get::<_, Option<i64>>(3)?.map(from_millis),
            retention_received: row.get::<_, Option<i64>>(4)?.map(from_millis),
        })
    }
}

impl Catalog {
    /// Makes an account.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when the name is taken.
    pub async fn create_account(&self, name: &str, now: Timestamp) -> Result<Account, StoreError> {
        let name = name.to_owned();
        self.write(move |connection| {
            let sql = format!("INSERT INTO account (name, created_at) VALUES (?1, ?2) RETURNING {COLUMNS}");
            connection.prepare_cached(&sql)?.query_row((name, millis(now)), Account::read).map_err(taken)
        })
        .await
    }

    /// One account, if it exists.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM account WHERE id = ?1");
        Ok(self.reader().prepare_cached(&sql)?.query_row([id.0], Account::read).optional()?)
    }

    /// All accounts, oldest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM account ORDER BY id");
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&sql)?;
        Ok(statement.query_map([], Account::read)?.collect::<Result<_, _>>()?)
    }

    /// Sets how long the account's media is kept; `None` is "as configured for all". Media that is there keeps its own.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such an account.
    pub async fn set_account_retention(
        &self,
        id: AccountId,
        uploaded: Option<Duration>,
        received: Option<Duration>,
    ) -> Result<(), StoreError> {
        let (uploaded, received) = (uploaded.map(duration_millis), received.map(duration_millis));
        self.write(move |connection| {
            let sql =
                "UPDATE account SET retention_uploaded_ms = ?2, retention_received_ms = ?3 WHERE id = ?1";
            found(connection.prepare_cached(sql)?.execute((id.0, uploaded, received))?)
        })
        .await
    }

    /// Gives the account another name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such an account, [`StoreError::AlreadyExists`] when the name is taken.
    pub async fn rename_account(&self, id: AccountId, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |connection| {
            let sql = "UPDATE account SET name = ?2 WHERE id = ?1";
            found(connection.prepare_cached(sql)?.execute((id.0, name)).map_err(taken)?)
        })
        .await
    }

    /// Deletes the account with its numbers, credentials, records, subscriptions and deliveries; true if there was one. The records' keys are gone
    /// when this returns; the blobs go with the next sweep.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn delete_account(&self, id: AccountId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            for table in ["throttle_event", "throttle_block"] {
                let sql = format!(
                    "DELETE FROM {table} WHERE number IN (SELECT id FROM phone_number WHERE account = ?1)"
                );
                connection.prepare_cached(&sql)?.execute([id.0])?;
            }
            Ok(connection.prepare_cached("DELETE FROM account WHERE id = ?1")?.execute([id.0])? > 0)
        })
        .await
    }
}

fn taken(error: rusqlite::Error) -> StoreError {
    if is_taken(&error) { StoreError::AlreadyExists { what: "account" } } else { error.into() }
}

fn found(rows: usize) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound { what: "account" }) } else { Ok(()) }
}
