//! Deliveries as one looks at them: what is to be said to which endpoint, how far that has come. Bodies stay sealed until
//! one is asked for. How deliveries move is in `queue`.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use wamedia_media::PhoneNumberId;

use super::boxes::StoredBox;
use super::phone_numbers::{column, number_at};
use super::{Catalog, instant};
use crate::envelope::{Place, Table};
use crate::error::StoreError;
use crate::ids::{AccountId, DeliveryId, SubscriptionId};

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Still to be delivered.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// The endpoint did not take it in time.
    GivenUp,
    /// Taken out by an operator.
    Dropped,
}

impl DeliveryState {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::GivenUp, Self::Dropped];

    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Waiting => 1,
            Self::Delivered => 2,
            Self::GivenUp => 3,
            Self::Dropped => 4,
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A delivery to be enqueued.
#[derive(Clone)]
pub struct NewDelivery {
    /// Whose it is.
    pub account: AccountId,
    /// Which number it is about; order is kept for each.
    pub phone_number_id: PhoneNumberId,
    /// Who is told.
    pub subscription: SubscriptionId,
    /// What it is, in a word: stands plain in the catalog.
    pub kind: &'static str,
    /// The exact bytes to send; kept sealed.
    pub body: Bytes,
    /// Now.
    pub created_at: Timestamp,
    /// When it has failed for good.
    pub give_up_at: Timestamp,
}

impl fmt::Debug for NewDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewDelivery")
            .field("account", &self.account)
            .field("phone_number_id", &self.phone_number_id)
            .field("subscription", &self.subscription)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// One delivery, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number; never given twice.
    pub id: DeliveryId,
    /// Whose it is.
    pub account: AccountId,
    /// Which number it is about.
    pub phone_number_id: PhoneNumberId,
    /// Who is told.
    pub subscription: SubscriptionId,
    /// What it is, in a word.
    pub kind: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// Whether it keeps its place in its number's line: later ones wait behind it.
    pub in_line: bool,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it has failed for good.
    pub give_up_at: Timestamp,
    /// When it is next due; `None` while it waits behind an earlier one, and when it is over.
    pub next_at: Option<Timestamp>,
    /// Until when somebody is at it.
    pub claimed_until: Option<Timestamp>,
    /// How often it was begun, since it was enqueued or last redelivered.
    pub attempts: u32,
    /// When an attempt last ended.
    pub last_at: Option<Timestamp>,
    /// The HTTP status that attempt was answered with, if it was.
    pub last_status: Option<u16>,
    /// Why that attempt failed, in a word.
    pub last_error: Option<String>,
}

/// A delivery that is ours to attempt, until [`Delivery::claimed_until`].
#[derive(Clone)]
pub struct Claimed {
    /// What it is about. [`Delivery::attempts`] counts this attempt: 1 is the first.
    pub delivery: Delivery,
    /// The exact bytes to send.
    pub body: Bytes,
}

impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint took it.
    Delivered {
        /// The HTTP status.
        status: u16,
    },
    /// It did not; try again, unless `next_at` is not before [`Delivery::give_up_at`].
    Failed {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// Why, in a word.
        word: &'static str,
        /// When to try again.
        next_at: Timestamp,
        /// Whether later deliveries of its number need not wait for it any more: for one that the endpoint, alive, keeps
        /// refusing. It stays on its own from then on.
        let_others_pass: bool,
    },
    /// It did not, and trying again makes no sense.
    GaveUp {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// Why, in a word.
        word: &'static str,
    },
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this account only.
    pub account: Option<AccountId>,
    /// To this subscription only.
    pub subscription: Option<SubscriptionId>,
    /// In this state only.
    pub state: Option<DeliveryState>,
    /// Earlier than this one only: the next page.
    pub before: Option<DeliveryId>,
    /// At most so many. Default 100.
    pub limit: u32,
}

impl Default for DeliveryFilter {
    fn default() -> Self {
        Self { account: None, subscription: None, state: None, before: None, limit: 100 }
    }
}

/// How many deliveries there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryTotals {
    /// Still to be delivered.
    pub waiting: u64,
    /// When the oldest of these was enqueued.
    pub oldest_waiting: Option<Timestamp>,
    /// Taken, and not yet swept.
    pub delivered: u64,
    /// Given up, and not yet swept.
    pub given_up: u64,
    /// Dropped, and not yet swept.
    pub dropped: u64,
}

impl Delivery {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let state: i64 = row.get(5)?;
        let at = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(instant));
        Ok(Self {
            id: DeliveryId(row.get(0)?),
            account: AccountId(row.get(1)?),
            phone_number_id: number_at(row, 2)?,
            subscription: SubscriptionId(row.get(3)?),
            kind: row.get(4)?,
            state: DeliveryState::from_code(state)
                .ok_or(rusqlite::Error::IntegralValueOutOfRange(5, state))?,
            in_line: row.get(6)?,
            created_at: instant(row.get(7)?),
            give_up_at: instant(row.get(8)?),
            next_at: at(9)?,
            claimed_until: at(10)?,
            attempts: row.get(11)?,
            last_at: at(12)?,
            last_status: row.get(13)?,
            last_error: row.get(14)?,
        })
    }
}

/// The columns of a [`Delivery`], in its order.
pub(super) const COLUMNS: &str = "id, account, phone_number, subscription, kind, state, in_line, created_at, \
     give_up_at, next_at, claimed_until, attempts, last_at, last_status, last_error";

/// What the box of a delivery is bound to.
pub(super) fn place(
    id: DeliveryId,
    account: AccountId,
    number: PhoneNumberId,
    subscription: SubscriptionId,
    created_at: i64,
    kind: &str,
) -> Place {
    let mut rest = Vec::with_capacity(24 + kind.len());
    rest.extend_from_slice(&column(number).to_be_bytes());
    rest.extend_from_slice(&subscription.0.to_be_bytes());
    rest.extend_from_slice(&created_at.to_be_bytes());
    rest.extend_from_slice(kind.as_bytes());
    Place { table: Table::Delivery, account, id: id.0, rest }
}

/// What the box of the row is bound to. The row begins with [`COLUMNS`].
pub(super) fn place_at(row: &Row<'_>) -> rusqlite::Result<Place> {
    let it = Delivery::read(row)?;
    Ok(place(it.id, it.account, it.phone_number_id, it.subscription, row.get(7)?, &it.kind))
}

impl Catalog {
    /// The latest deliveries, latest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM delivery
             WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR subscription = ?2)
               AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR id < ?4)
             ORDER BY id DESC LIMIT ?5"
        );
        let reader = self.reader();
        let mut statement = reader.prepare_cached(&sql)?;
        let values = (
            filter.account.map(|it| it.0),
            filter.subscription.map(|it| it.0),
            filter.state.map(DeliveryState::code),
            filter.before.map(|it| it.0),
            filter.limit,
        );
        Ok(statement.query_map(values, Delivery::read)?.collect::<Result<_, _>>()?)
    }

    /// One delivery, if it is there.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM delivery WHERE id = ?1");
        Ok(self.reader().prepare_cached(&sql)?.query_row([id.0], Delivery::read).optional()?)
    }

    /// The exact bytes of one delivery, if it is there.
    ///
    /// # Errors
    /// The catalog cannot be read, or the box does not open ([`StoreError::BoxTampered`],
    /// [`StoreError::BoxKeyMissing`]).
    pub fn delivery_body(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, key_version, box FROM delivery WHERE id = ?1");
        let found = self
            .reader()
            .prepare_cached(&sql)?
            .query_row([id.0], |row| StoredBox::read(Table::Delivery, row))
            .optional()?;
        found.map(|sealed| Ok(Bytes::from(std::mem::take(&mut *sealed.open(self.keys())?)))).transpose()
    }

    /// How many deliveries there are in each state. Walks all of them: not for a hot path.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn delivery_totals(&self) -> Result<DeliveryTotals, StoreError> {
        let sql = "SELECT state, count(*), min(created_at) FROM delivery GROUP BY state";
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut totals = DeliveryTotals::default();
        while let Some(row) = rows.next()? {
            let count = row.get(1)?;
            match DeliveryState::from_code(row.get(0)?) {
                Some(DeliveryState::Waiting) => {
                    totals.waiting = count;
                    totals.oldest_waiting = Some(instant(row.get(2)?));
                }
                Some(DeliveryState::Delivered) => totals.delivered = count,
                Some(DeliveryState::GivenUp) => totals.given_up = count,
                Some(DeliveryState::Dropped) => totals.dropped = count,
                None => {}
            }
        }
        Ok(totals)
    }
}
