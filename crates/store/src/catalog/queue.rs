//! How deliveries move: in at the end of their number's line, claimed when due, out when taken, given up or dropped.
//!
//! A *line* is what waits for one subscription about one number. Only its first has a time at which it is due (`next_at`);
//! the others get one when they become first. A delivery that has let others pass, or was redelivered, stands beside the
//! line and has a time of its own. Every change keeps this true within one transaction, so that finding what is due never
//! depends on how much waits.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::boxes::{StoredBox, next_id};
use super::deliveries::{COLUMNS, Claimed, Delivery, DeliveryState, NewDelivery, Outcome, place};
use super::phone_numbers::column;
use super::{Catalog, duration_millis, instant, millis};
use crate::envelope::Table;
use crate::error::StoreError;
use crate::ids::DeliveryId;
use crate::keys::KeyRing;

const HOUR: Duration = Duration::from_secs(3600);

/// How long a delivery that is over can still be shown and redelivered.
const fn kept_for(state: DeliveryState) -> Option<Duration> {
    match state {
        DeliveryState::Waiting => None,
        DeliveryState::Delivered | DeliveryState::Dropped => Some(HOUR.saturating_mul(24)),
        // An operator who comes back after the endpoint was given up on still finds what it missed.
        DeliveryState::GivenUp => Some(HOUR.saturating_mul(24 * 7)),
    }
}

/// When the sweep may have a delivery that gets into this state now.
fn gone_at(state: DeliveryState, now: i64) -> Option<i64> {
    kept_for(state).map(|kept_for| now.saturating_add(duration_millis(kept_for)))
}

/// The deliveries of subscription `s` that may be in somebody's hands: those that are, then the earliest due, as many as
/// its share (`?1`) allows. An index has them in this order.
macro_rules! share {
    () => {
        "SELECT id FROM delivery WHERE subscription = s.id AND next_at IS NOT NULL
         ORDER BY claimed_until IS NULL, next_at, id LIMIT ?1"
    };
}

/// Claims what is due: `?1` a subscription's share, `?2` now, `?3` the most of all, `?4` the end of the lease.
fn claim_sql() -> String {
    format!(
        "UPDATE delivery SET attempts = attempts + 1, claimed_until = ?4, next_at = ?4
         WHERE id IN (
             SELECT d.id FROM subscription s JOIN delivery d ON d.id IN ({})
             WHERE d.next_at <= ?2 ORDER BY d.next_at, d.id LIMIT ?3)
         RETURNING {COLUMNS}, key_version, box",
        share!()
    )
}

/// When something is next wanted: `?1` a subscription's share.
const NEXT_DUE: &str =
    concat!("SELECT min(d.next_at) FROM subscription s JOIN delivery d ON d.id IN (", share!(), ")");

/// Whoever is first in the line `?1`, `?2` and was not before is due at `?3`.
const ADVANCE: &str = "UPDATE delivery SET next_at = ?3
    WHERE next_at IS NULL AND id = (
        SELECT id FROM delivery WHERE subscription = ?1 AND phone_number = ?2 AND state = 1 AND in_line = 1
        ORDER BY id LIMIT 1)";

fn read_sealed(row: &Row<'_>) -> rusqlite::Result<(Delivery, StoredBox)> {
    Ok((Delivery::read(row)?, StoredBox::read(Table::Delivery, row)?))
}

impl Catalog {
    /// Puts deliveries at the ends of their lines, in this order; durable when this returns. Those whose subscription or
    /// number is gone meanwhile, or is not the account's, are left out.
    ///
    /// # Errors
    /// The catalog cannot be written; nothing is enqueued then.
    pub async fn enqueue(&self, deliveries: Vec<NewDelivery>) -> Result<Vec<DeliveryId>, StoreError> {
        let keys = self.keys().clone();
        self.write(move |connection| enqueue(connection, &keys, &deliveries)).await
    }

    /// Claims up to `at_most` deliveries, those that have been due for longest, for `lease`: until then nobody else gets
    /// them, and afterwards they are due again. No subscription has more than `per_subscription` claimed at once.
    ///
    /// What was tampered with is given up; what is sealed under a missing key is left until the lease has run out.
    ///
    /// # Errors
    /// The catalog cannot be written; nothing is claimed then.
    pub async fn claim_due(
        &self,
        now: Timestamp,
        per_subscription: usize,
        at_most: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        let until = millis(now).saturating_add(duration_millis(lease));
        let values = (limit(per_subscription), millis(now), limit(at_most), until);
        let mut rows = self
            .write(move |connection| {
                let sql = claim_sql();
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map(values, |row| Ok((row.get("id")?, read_sealed(row))))?;
                Ok(rows.collect::<Result<Vec<(i64, _)>, _>>()?)
            })
            .await?;
        rows.sort_by_key(|(id, _)| *id);

        let mut claimed = Vec::with_capacity(rows.len());
        for (id, row) in rows {
            let opened = row.map_err(StoreError::from).and_then(|(delivery, sealed)| {
                let mut body = sealed.open(self.keys())?;
                Ok(Claimed { delivery, body: Bytes::from(std::mem::take(&mut *body)) })
            });
            match opened {
                Ok(opened) => claimed.push(opened),
                Err(error) => self.put_away(DeliveryId(id), error, now).await?,
            }
        }
        Ok(claimed)
    }

    /// Nothing that cannot be sent may hold up what can.
    async fn put_away(&self, id: DeliveryId, error: StoreError, now: Timestamp) -> Result<(), StoreError> {
        tracing::error!(%error, delivery = %id, "a delivery cannot be read");
        if matches!(error, StoreError::BoxTampered { .. } | StoreError::Catalog(_)) {
            self.end(id, DeliveryState::GivenUp, Some("damaged"), now).await?;
        }
        Ok(())
    }

    /// When [`claim_due`](Self::claim_due) with this share will next find something, if nothing else happens: a claim that
    /// runs out counts as something. An instant in the past means now.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn next_due(&self, per_subscription: usize) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> =
            self.reader().prepare_cached(NEXT_DUE)?.query_row([limit(per_subscription)], |row| row.get(0))?;
        Ok(at.map(instant))
    }

    /// Records how an attempt ended, durably; gives the state that the delivery is in then. `None` when that claim counts
    /// no more: it ran out and another took it, or the delivery is over or gone. A success counts as long as it waits.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn record_attempt(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Option<DeliveryState>, StoreError> {
        let ended = Ended::new(delivery, outcome);
        let (id, claim, now) = (delivery.id, delivery.claimed_until.map(millis), millis(now));
        self.write(move |connection| {
            let sql = "UPDATE delivery SET state = ?3, next_at = ?4, claimed_until = NULL, in_line = in_line AND ?5,
                           last_at = ?6, last_status = ?7, last_error = ?8, gone_at = ?9
                       WHERE id = ?1 AND state = 1 AND (claimed_until = ?2 OR ?3 = 2)
                       RETURNING subscription, phone_number";
            let line = connection
                .prepare_cached(sql)?
                .query_row(
                    (
                        id.0,
                        claim,
                        ended.state.code(),
                        ended.next_at,
                        ended.in_line,
                        now,
                        ended.status,
                        ended.word,
                        gone_at(ended.state, now),
                    ),
                    line_at,
                )
                .optional()?;
            let Some(line) = line else { return Ok(None) };
            advance(connection, line, now)?;
            Ok(Some(ended.state))
        })
        .await
    }

    /// Lets go of every claim, so that all of it is due now: for a server that starts and knows itself alone. Gives how
    /// many there were.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn release_claims(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let sql = "UPDATE delivery SET claimed_until = NULL, next_at = ?1
                       WHERE next_at IS NOT NULL AND claimed_until IS NOT NULL";
            Ok(connection.prepare_cached(sql)?.execute([millis(now)])? as u64)
        })
        .await
    }

    /// Makes a delivery due now, whatever became of it, beside its line and with a new end; true if it is there. One that
    /// is being attempted at this moment is left to that.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn redeliver(
        &self,
        id: DeliveryId,
        now: Timestamp,
        give_up_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (now, give_up_at) = (millis(now), millis(give_up_at));
        self.write(move |connection| {
            let sql = "UPDATE delivery SET state = 1, in_line = 0, next_at = ?2, claimed_until = NULL, attempts = 0,
                           give_up_at = ?3, gone_at = NULL
                       WHERE id = ?1 AND (claimed_until IS NULL OR claimed_until <= ?2)
                       RETURNING subscription, phone_number";
            let line =
                connection.prepare_cached(sql)?.query_row((id.0, now, give_up_at), line_at).optional()?;
            match line {
                Some(line) => advance(connection, line, now).map(|()| true),
                None => Ok(connection.prepare_cached("SELECT 1 FROM delivery WHERE id = ?1")?.exists([id.0])?),
            }
        })
        .await
    }

    /// Takes a delivery out, if it waits; true if it did. An attempt that is under way may still reach the endpoint.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn drop_delivery(&self, id: DeliveryId, now: Timestamp) -> Result<bool, StoreError> {
        self.end(id, DeliveryState::Dropped, None, now).await
    }

    /// Ends a delivery that waits, whoever is at it.
    async fn end(
        &self,
        id: DeliveryId,
        state: DeliveryState,
        word: Option<&'static str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let now = millis(now);
        self.write(move |connection| {
            let sql = "UPDATE delivery SET state = ?2, next_at = NULL, claimed_until = NULL, gone_at = ?3,
                           last_error = coalesce(?4, last_error)
                       WHERE id = ?1 AND state = 1 RETURNING subscription, phone_number";
            let values = (id.0, state.code(), gone_at(state, now), word);
            let line = connection.prepare_cached(sql)?.query_row(values, line_at).optional()?;
            let Some(line) = line else { return Ok(false) };
            advance(connection, line, now).map(|()| true)
        })
        .await
    }

    /// Deletes up to `limit` deliveries that were over long enough; part of the sweep.
    pub(crate) async fn delete_old_deliveries(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let sql = "DELETE FROM delivery
                       WHERE id IN (SELECT id FROM delivery WHERE gone_at <= ?1 ORDER BY gone_at LIMIT ?2)";
            Ok(connection.prepare_cached(sql)?.execute((millis(now), limit))? as u64)
        })
        .await
    }
}

/// What an attempt makes of a delivery.
struct Ended {
    state: DeliveryState,
    next_at: Option<i64>,
    in_line: bool,
    status: Option<u16>,
    word: Option<&'static str>,
}

impl Ended {
    fn new(delivery: &Delivery, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Delivered { status } => Self {
                state: DeliveryState::Delivered,
                next_at: None,
                in_line: true,
                status: Some(status),
                word: None,
            },
            Outcome::Failed { status, word, next_at, let_others_pass } if next_at < delivery.give_up_at => {
                Self {
                    state: DeliveryState::Waiting,
                    next_at: Some(millis(next_at)),
                    in_line: !let_others_pass,
                    status,
                    word: Some(word),
                }
            }
            Outcome::Failed { status, word, .. } | Outcome::GaveUp { status, word } => {
                Self { state: DeliveryState::GivenUp, next_at: None, in_line: true, status, word: Some(word) }
            }
        }
    }
}

/// A subscription and a number.
type Line = (i64, i64);

fn line_at(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok((row.get(0)?, row.get(1)?))
}

/// Whoever is first in the line now, and was not before, is due.
fn advance(connection: &Connection, (subscription, number): Line, now: i64) -> Result<(), StoreError> {
    connection.prepare_cached(ADVANCE)?.execute((subscription, number, now))?;
    Ok(())
}

/// Puts deliveries at the ends of their lines, as part of a write.
pub(crate) fn enqueue(
    connection: &Connection,
    keys: &KeyRing,
    deliveries: &[NewDelivery],
) -> Result<Vec<DeliveryId>, StoreError> {
    let sql = "INSERT INTO delivery (id, account, phone_number, subscription, kind, state, in_line, created_at, give_up_at,
                   next_at, key_version, box)
               SELECT ?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?7,
                   CASE WHEN EXISTS (SELECT 1 FROM delivery
                                     WHERE subscription = ?4 AND phone_number = ?3 AND state = 1 AND in_line = 1)
                        THEN NULL ELSE ?6 END,
                   ?8, ?9
               WHERE EXISTS (SELECT 1 FROM phone_number WHERE id = ?3 AND account = ?2)
                 AND EXISTS (SELECT 1 FROM subscription
                             WHERE id = ?4 AND account = ?2 AND (phone_number IS NULL OR phone_number = ?3))";
    let key_version = keys.newest();
    let mut statement = connection.prepare_cached(sql)?;
    let mut ids = Vec::with_capacity(deliveries.len());
    for new in deliveries {
        let id = DeliveryId(next_id(connection, Table::Delivery)?);
        let created_at = millis(new.created_at);
        let place = place(id, new.account, new.phone_number_id, new.subscription, created_at, new.kind);
        let inserted = statement.execute((
            id.0,
            new.account.0,
            column(new.phone_number_id),
            new.subscription.0,
            new.kind,
            created_at,
            millis(new.give_up_at),
            key_version,
            place.seal(keys, key_version, &new.body)?,
        ))?;
        if inserted > 0 {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// A bound on rows, as SQLite takes it.
fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
