//! Throttles: exact sliding windows, as one small row for each thing counted. Durable before the answer.
//!
//! Which rules there are, and their figures, is the caller's business; here a rule is a name.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use wamedia_media::PhoneNumberId;

use super::phone_numbers::{column, number_at};
use super::{Catalog, duration_millis, instant, millis};
use crate::error::StoreError;

/// What stands against one number under one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleState {
    /// Whose.
    pub number: PhoneNumberId,
    /// The rule's name.
    pub rule: String,
    /// How much is in the window.
    pub counted: u32,
    /// Until when the number is blocked, if it is.
    pub blocked_until: Option<Timestamp>,
}

impl Catalog {
    /// Counts one event if fewer than `limit` stand in the window that ends now; else records nothing and says when the
    /// next one would be admitted. An event stands for exactly `window`: at its age of `window` it is out.
    ///
    /// # Errors
    /// The catalog cannot be written; nothing is counted then.
    pub async fn throttle_admit(
        &self,
        number: PhoneNumberId,
        rule: &str,
        now: Timestamp,
        window: Duration,
        limit: u32,
    ) -> Result<Result<(), Timestamp>, StoreError> {
        let event = Event::new(number, rule, now, window);
        self.write(move |connection| {
            if limit == 0 {
                return Ok(Err(instant(event.at.saturating_add(event.window))));
            }
            event.forget_what_left_the_window(connection)?;
            if let Some(oldest) = event.at_rank(connection, limit)? {
                return Ok(Err(instant(oldest.saturating_add(event.window))));
            }
            event.record(connection)?;
            Ok(Ok(()))
        })
        .await
    }

    /// Counts one event; when more than `limit` then stand in the window, blocks until `now + block_for` (or a later end
    /// that is set already) and returns that.
    ///
    /// # Errors
    /// The catalog cannot be written; nothing is counted then.
    pub async fn throttle_count(
        &self,
        number: PhoneNumberId,
        rule: &str,
        now: Timestamp,
        window: Duration,
        limit: u32,
        block_for: Duration,
    ) -> Result<Option<Timestamp>, StoreError> {
        let event = Event::new(number, rule, now, window);
        let until = millis(now).saturating_add(duration_millis(block_for));
        self.write(move |connection| {
            event.forget_what_left_the_window(connection)?;
            event.record(connection)?;
            if event.at_rank(connection, limit.saturating_add(1))?.is_none() {
                return Ok(None);
            }
            event.forget_beyond(connection, limit.saturating_add(1))?;
            let sql = "INSERT INTO throttle_block (number, rule, blocked_until) VALUES (?1, ?2, ?3)
                       ON CONFLICT (number, rule) DO UPDATE
                       SET blocked_until = max(blocked_until, excluded.blocked_until) RETURNING blocked_until";
            let until: i64 = connection
                .prepare_cached(sql)?
                .query_row((event.number, &event.rule, until), |row| row.get(0))?;
            Ok(Some(instant(until)))
        })
        .await
    }

    /// Until when this rule blocks the number, if it does at `now`; at that very instant it does no more.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn throttle_blocked_until(
        &self,
        number: PhoneNumberId,
        rule: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.view().throttle_blocked_until(number, rule, now)
    }

    pub(super) fn read_blocks(&self, number: PhoneNumberId) -> Result<Vec<(String, i64)>, StoreError> {
        let reader = self.reader();
        let mut statement =
            reader.prepare_cached("SELECT rule, blocked_until FROM throttle_block WHERE number = ?1")?;
        let rows = statement.query_map([column(number)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Everything that is counted or blocked at `now`.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn throttle_state(&self, now: Timestamp) -> Result<Vec<ThrottleState>, StoreError> {
        let sql = "SELECT number, rule, sum(counted), max(blocked_until) FROM (
                       SELECT number, rule, 1 AS counted, NULL AS blocked_until
                       FROM throttle_event WHERE gone_at > ?1
                       UNION ALL
                       SELECT number, rule, 0, blocked_until FROM throttle_block WHERE blocked_until > ?1)
                   GROUP BY number, rule ORDER BY number, rule";
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        let rows = statement.query_map([millis(now)], |row| {
            Ok(ThrottleState {
                number: number_at(row, 0)?,
                rule: row.get(1)?,
                counted: row.get(2)?,
                blocked_until: row.get::<_, Option<i64>>(3)?.map(instant),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets everything counted and blocked, of one number or of all.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn throttle_reset(&self, number: Option<PhoneNumberId>) -> Result<(), StoreError> {
        let number = number.map(column);
        self.write(move |connection| {
            for table in ["throttle_event", "throttle_block"] {
                let sql = format!("DELETE FROM {table} WHERE ?1 IS NULL OR number = ?1");
                connection.prepare_cached(&sql)?.execute([number])?;
            }
            Ok(())
        })
        .await
    }

    /// Removes the rows that count no more; part of the sweep.
    pub(crate) async fn throttle_sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let now = [millis(now)];
            let events =
                connection.prepare_cached("DELETE FROM throttle_event WHERE gone_at <= ?1")?.execute(now)?;
            let blocks = connection
                .prepare_cached("DELETE FROM throttle_block WHERE blocked_until <= ?1")?
                .execute(now)?;
            Ok((events + blocks) as u64)
        })
        .await
    }
}

/// One thing to count, as the catalog sees it.
struct Event {
    number: i64,
    rule: String,
    at: i64,
    window: i64,
}

impl Event {
    fn new(number: PhoneNumberId, rule: &str, now: Timestamp, window: Duration) -> Self {
        Self {
            number: column(number),
            rule: rule.to_owned(),
            at: millis(now),
            window: duration_millis(window),
        }
    }

    /// Keeps a number's rows as few as its limit.
    fn forget_what_left_the_window(&self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "DELETE FROM throttle_event WHERE number = ?1 AND rule = ?2 AND at <= ?3";
        let edge = self.at.saturating_sub(self.window);
        connection.prepare_cached(sql)?.execute((self.number, &self.rule, edge))?;
        Ok(())
    }

    fn record(&self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "INSERT INTO throttle_event (number, rule, at, gone_at) VALUES (?1, ?2, ?3, ?4)";
        let gone_at = self.at.saturating_add(self.window);
        connection.prepare_cached(sql)?.execute((self.number, &self.rule, self.at, gone_at))?;
        Ok(())
    }

    /// When the event at this place happened, the newest being at place one; `None` if there are fewer.
    fn at_rank(&self, connection: &Connection, place: u32) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT at FROM throttle_event WHERE number = ?1 AND rule = ?2
                   ORDER BY at DESC LIMIT 1 OFFSET ?3";
        let skip = place.saturating_sub(1);
        Ok(connection
            .prepare_cached(sql)?
            .query_row((self.number, &self.rule, skip), |row| row.get(0))
            .optional()?)
    }

    /// Events beyond the first that are over the limit change nothing: the window is full without them.
    fn forget_beyond(&self, connection: &Connection, newest: u32) -> Result<(), StoreError> {
        let sql = "DELETE FROM throttle_event WHERE rowid IN (
                       SELECT rowid FROM throttle_event WHERE number = ?1 AND rule = ?2
                       ORDER BY at DESC LIMIT -1 OFFSET ?3)";
        connection.prepare_cached(sql)?.execute((self.number, &self.rule, newest))?;
        Ok(())
    }
}
