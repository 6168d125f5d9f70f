//! Phone numbers: each belongs to exactly one account.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use wamedia_media::PhoneNumberId;

use super::{Catalog, instant, is_dangling, is_taken, millis};
use crate::error::StoreError;
use crate::ids::AccountId;

/// One phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    /// Its id, as it stands in paths.
    pub id: PhoneNumberId,
    /// Whose it is.
    pub account: AccountId,
    /// How people write it.
    pub display: String,
    /// When it was added.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, account, display, created_at";

impl PhoneNumber {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: number_at(row, 0)?,
            account: AccountId(row.get(1)?),
            display: row.get(2)?,
            created_at: instant(row.get(3)?),
        })
    }
}

/// The phone number id in a column.
pub(super) fn number_at(row: &Row<'_>, column: usize) -> rusqlite::Result<PhoneNumberId> {
    let number: i64 = row.get(column)?;
    u64::try_from(number)
        .ok()
        .and_then(PhoneNumberId::new)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// A phone number id as the catalog keeps it.
pub(super) fn column(id: PhoneNumberId) -> i64 {
    // Ids fit by construction: `PhoneNumberId::new` refuses what does not.
    i64::try_from(id.get()).unwrap_or(i64::MAX)
}

impl Catalog {
    /// Adds a number to an account.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when any account has it, [`StoreError::NotFound`] without such an account.
    pub async fn add_phone_number(
        &self,
        account: AccountId,
        id: PhoneNumberId,
        display: &str,
        now: Timestamp,
    ) -> Result<PhoneNumber, StoreError> {
        let display = display.to_owned();
        self.write(move |connection| {
            let sql = format!(
                "INSERT INTO phone_number (id, account, display, created_at) VALUES (?1, ?2, ?3, ?4)
                 RETURNING {COLUMNS}"
            );
            // Asked first: an INSERT with RETURNING gives its row before it looks at foreign keys.
            let account_exists = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM account WHERE id = ?1)")?
                .query_row([account.0], |row| row.get::<_, bool>(0))?;
            if !account_exists {
                return Err(StoreError::NotFound { what: "account" });
            }
            connection
                .prepare_cached(&sql)?
                .query_row((column(id), account.0, display, millis(now)), PhoneNumber::read)
                .map_err(|error| match error {
                    error if is_taken(&error) => StoreError::AlreadyExists { what: "phone number" },
                    error if is_dangling(&error) => StoreError::NotFound { what: "account" },
                    error => error.into(),
                })
        })
        .await
    }

    /// One number, if any account has it.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn phone_number(&self, id: PhoneNumberId) -> Result<Option<PhoneNumber>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM phone_number WHERE id = ?1");
        Ok(self.reader().prepare_cached(&sql)?.query_row([column(id)], PhoneNumber::read).optional()?)
    }

    /// The numbers of one account, or of all; oldest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn phone_numbers(&self, account: Option<AccountId>) -> Result<Vec<PhoneNumber>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM phone_number WHERE ?1 IS NULL OR account = ?1 ORDER BY created_at, id"
        );
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&sql)?;
        let rows = statement.query_map([account.map(|account| account.0)], PhoneNumber::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes a number from its account; true if it was there. Its keys, and tokens that were for this number only,
    /// are revoked; its subscription, its deliveries and its throttles are forgotten; its media stays with the account.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn remove_phone_number(
        &self,
        account: AccountId,
        id: PhoneNumberId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let removed = connection
                .prepare_cached("DELETE FROM phone_number WHERE id = ?1 AND account = ?2")?
                .execute((column(id), account.0))?;
            if removed == 0 {
                return Ok(false);
            }
            connection
                .prepare_cached(
                    "UPDATE credential SET revoked_at = ?2
                     WHERE account = ?1 AND all_numbers = 0 AND revoked_at IS NULL
                       AND NOT EXISTS (SELECT 1 FROM credential_number n WHERE n.credential = credential.id)",
                )?
                .execute((account.0, millis(now)))?;
            connection
                .prepare_cached("DELETE FROM throttle_event WHERE number = ?1")?
                .execute([column(id)])?;
            connection
                .prepare_cached("DELETE FROM throttle_block WHERE number = ?1")?
                .execute([column(id)])?;
            Ok(true)
        })
        .await
    }
}
