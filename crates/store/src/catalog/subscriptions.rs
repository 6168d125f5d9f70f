//! Subscriptions: which endpoint is told about which number. Address, secrets and headers are only ever sealed here.
//!
//! A number has one of its own or shares its account's. Nothing is called from here, and no address is judged.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use wamedia_media::PhoneNumberId;

use super::boxes::{StoredBox, next_id};
use super::phone_numbers::{column, number_at};
use super::{Catalog, instant, is_taken, millis};
use crate::envelope::{Place, Table};
use crate::error::StoreError;
use crate::ids::{AccountId, SubscriptionId};
use crate::keys::KeyRing;

/// In whose manner an endpoint is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookDialect {
    /// Meta's: subscription check, `X-Hub-Signature-256`.
    Graph,
    /// 360dialog's: no check, `x-360dialog-signature`.
    D360,
}

impl WebhookDialect {
    const fn code(self) -> i64 {
        match self {
            Self::Graph => 1,
            Self::D360 => 2,
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        [Self::Graph, Self::D360].into_iter().find(|dialect| dialect.code() == code)
    }
}

/// Whom to call and how to prove who calls: what the box hides. Debug is blind.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Endpoint {
    /// The address, as the operator gave it.
    pub url: String,
    /// What the subscription check sends along.
    pub verify_token: Option<String>,
    /// What bodies are signed with; without one they are not signed.
    pub app_secret: Option<String>,
    /// Sent with each delivery: name and value, in this order.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(…)")
    }
}

impl Endpoint {
    /// As it stands in the box: `docs/formats.md`.
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        const TOO_LONG: StoreError = StoreError::Invalid("an endpoint is at most 64 KiB, with its headers");
        let mut encoded = Vec::with_capacity(256);
        push(&mut encoded, &self.url);
        for optional in [&self.verify_token, &self.app_secret] {
            encoded.push(u8::from(optional.is_some()));
            if let Some(text) = optional {
                push(&mut encoded, text);
            }
        }
        for (name, value) in &self.headers {
            push(&mut encoded, name);
            push(&mut encoded, value);
        }
        if encoded.len() > Self::MAX_BYTES { Err(TOO_LONG) } else { Ok(encoded) }
    }

    const MAX_BYTES: usize = 64 * 1024;

    /// `None` when it is no endpoint's encoding.
    pub(super) fn decode(mut encoded: &[u8]) -> Option<Self> {
        let rest = &mut encoded;
        let url = take(rest)?;
        let (verify_token, app_secret) = (take_optional(rest)?, take_optional(rest)?);
        let mut headers = Vec::new();
        while !rest.is_empty() {
            headers.push((take(rest)?, take(rest)?));
        }
        Some(Self { url, verify_token, app_secret, headers })
    }
}

fn push(encoded: &mut Vec<u8>, text: &str) {
    // What is longer than this is refused as a whole.
    let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
    encoded.extend_from_slice(&len.to_be_bytes());
    encoded.extend_from_slice(text.as_bytes());
}

fn take(rest: &mut &[u8]) -> Option<String> {
    let (len, after) = rest.split_first_chunk::<4>()?;
    let (text, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

fn take_optional(rest: &mut &[u8]) -> Option<Option<String>> {
    let (flag, after) = rest.split_first()?;
    *rest = after;
    match flag {
        0 => Some(None),
        1 => take(rest).map(Some),
        _ => None,
    }
}

/// A subscription to be added.
#[derive(Debug, Clone)]
pub struct NewSubscription {
    /// Whose it will be.
    pub account: AccountId,
    /// For this number only; `None` is for every number of the account that has none of its own.
    pub phone_number_id: Option<PhoneNumberId>,
    /// In whose manner.
    pub dialect: WebhookDialect,
    /// Whether loopback and private addresses may be called.
    pub allow_private: bool,
    /// Whom to call.
    pub endpoint: Endpoint,
    /// Now.
    pub created_at: Timestamp,
}

/// One subscription, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its number; never given twice.
    pub id: SubscriptionId,
    /// Whose it is.
    pub account: AccountId,
    /// For this number only; `None` is for every number of the account that has none of its own.
    pub phone_number_id: Option<PhoneNumberId>,
    /// In whose manner.
    pub dialect: WebhookDialect,
    /// Whether loopback and private addresses may be called.
    pub allow_private: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whom to call.
    pub endpoint: Endpoint,
}

/// A subscription as it stands in the catalog, box closed.
struct StoredSubscription {
    id: SubscriptionId,
    account: AccountId,
    phone_number_id: Option<PhoneNumberId>,
    dialect: WebhookDialect,
    allow_private: bool,
    created_at: i64,
}

impl StoredSubscription {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let dialect: i64 = row.get(3)?;
        let out_of_range = rusqlite::Error::IntegralValueOutOfRange(3, dialect);
        Ok(Self {
            id: SubscriptionId(row.get(0)?),
            account: AccountId(row.get(1)?),
            phone_number_id: row.get::<_, Option<i64>>(2)?.map(|_| number_at(row, 2)).transpose()?,
            dialect: WebhookDialect::from_code(dialect).ok_or(out_of_range)?,
            allow_private: row.get(4)?,
            created_at: row.get(5)?,
        })
    }

    /// Everything but the box itself never changes, so all of it is bound.
    fn place(&self) -> Place {
        let mut rest = Vec::with_capacity(18);
        rest.extend_from_slice(&self.phone_number_id.map_or(0, column).to_be_bytes());
        rest.push(self.dialect.code() as u8);
        rest.push(u8::from(self.allow_private));
        rest.extend_from_slice(&self.created_at.to_be_bytes());
        Place { table: Table::Subscription, account: self.account, id: self.id.0, rest }
    }

    fn into_subscription(self, keys: &KeyRing, sealed: &StoredBox) -> Result<Subscription, StoreError> {
        let endpoint = Endpoint::decode(&sealed.open(keys)?).ok_or_else(|| sealed.place.tampered())?;
        Ok(self.with(endpoint))
    }

    fn with(self, endpoint: Endpoint) -> Subscription {
        Subscription {
            id: self.id,
            account: self.account,
            phone_number_id: self.phone_number_id,
            dialect: self.dialect,
            allow_private: self.allow_private,
            created_at: instant(self.created_at),
            endpoint,
        }
    }
}

/// What the box of the row is bound to.
pub(super) fn place_at(row: &Row<'_>) -> rusqlite::Result<Place> {
    StoredSubscription::read(row).map(|stored| stored.place())
}

/// A statement that selects subscriptions: the columns in their order, then the rest.
macro_rules! select_subscriptions {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.account, s.phone_number, s.dialect, s.allow_private, s.created_at, s.key_version, s.box ",
            "FROM subscription s ",
            $rest
        )
    };
}

fn read_closed(row: &Row<'_>) -> rusqlite::Result<(StoredSubscription, StoredBox)> {
    Ok((StoredSubscription::read(row)?, StoredBox::read(Table::Subscription, row)?))
}

impl Catalog {
    /// Adds a subscription.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when account or number are not there (or are not each other's),
    /// [`StoreError::AlreadyExists`] when the number, or the account for its other numbers, has one;
    /// [`StoreError::Invalid`] for an endpoint of more than 64 KiB.
    pub async fn add_subscription(&self, new: NewSubscription) -> Result<Subscription, StoreError> {
        let encoded = zeroize::Zeroizing::new(new.endpoint.encode()?);
        let keys = self.keys().clone();
        self.write(move |connection| {
            check_owner(connection, &new)?;
            let stored = StoredSubscription {
                id: SubscriptionId(next_id(connection, Table::Subscription)?),
                account: new.account,
                phone_number_id: new.phone_number_id,
                dialect: new.dialect,
                allow_private: new.allow_private,
                created_at: millis(new.created_at),
            };
            let key_version = keys.newest();
            let sealed = stored.place().seal(&keys, key_version, &encoded)?;
            insert(connection, &stored, key_version, &sealed)?;
            Ok(stored.with(new.endpoint))
        })
        .await
    }

    /// One subscription, if it exists.
    ///
    /// # Errors
    /// The catalog cannot be read, or the box does not open ([`StoreError::BoxTampered`],
    /// [`StoreError::BoxKeyMissing`]).
    pub fn subscription(&self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        self.one_subscription(select_subscriptions!("WHERE s.id = ?1"), id.0)
    }

    /// The subscription that is told about a number: its own, else its account's.
    ///
    /// # Errors
    /// As [`subscription`](Self::subscription).
    pub fn subscription_for(&self, number: PhoneNumberId) -> Result<Option<Subscription>, StoreError> {
        let sql = select_subscriptions!(
            "JOIN phone_number n ON n.account = s.account AND (s.phone_number = n.id OR s.phone_number IS NULL)
             WHERE n.id = ?1 ORDER BY s.phone_number IS NULL LIMIT 1"
        );
        self.one_subscription(sql, column(number))
    }

    fn one_subscription(&self, sql: &str, value: i64) -> Result<Option<Subscription>, StoreError> {
        let found = self.reader().prepare_cached(sql)?.query_row([value], read_closed).optional()?;
        found.map(|(stored, sealed)| stored.into_subscription(self.keys(), &sealed)).transpose()
    }

    /// The subscriptions of one account, or of all; oldest first.
    ///
    /// # Errors
    /// As [`subscription`](Self::subscription), of any of them.
    pub fn subscriptions(&self, account: Option<AccountId>) -> Result<Vec<Subscription>, StoreError> {
        let sql = select_subscriptions!("WHERE ?1 IS NULL OR s.account = ?1 ORDER BY s.id");
        let found: Vec<_> = {
            let reader = self.reader();
            let mut statement = reader.prepare_cached(sql)?;
            let rows = statement.query_map([account.map(|account| account.0)], read_closed)?;
            rows.collect::<Result<_, _>>()?
        };
        found.into_iter().map(|(stored, sealed)| stored.into_subscription(self.keys(), &sealed)).collect()
    }

    /// Gives a subscription another endpoint; what waits for it goes there. True if there is such a subscription.
    ///
    /// # Errors
    /// The catalog cannot be written; [`StoreError::Invalid`] for an endpoint of more than 64 KiB.
    pub async fn change_subscription(
        &self,
        id: SubscriptionId,
        allow_private: bool,
        endpoint: &Endpoint,
    ) -> Result<bool, StoreError> {
        let encoded = zeroize::Zeroizing::new(endpoint.encode()?);
        let keys = self.keys().clone();
        self.write(move |connection| {
            let found = connection
                .prepare_cached(select_subscriptions!("WHERE s.id = ?1"))?
                .query_row([id.0], StoredSubscription::read)
                .optional()?;
            let Some(stored) = found else { return Ok(false) };
            let key_version = keys.newest();
            let changed = StoredSubscription { allow_private, ..stored };
            let sealed = changed.place().seal(&keys, key_version, &encoded)?;
            let sql = "UPDATE subscription SET allow_private = ?2, key_version = ?3, box = ?4 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute((id.0, allow_private, key_version, sealed))?;
            Ok(true)
        })
        .await
    }

    /// Removes a subscription with all its deliveries; true if there was one.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn remove_subscription(&self, id: SubscriptionId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            Ok(connection.prepare_cached("DELETE FROM subscription WHERE id = ?1")?.execute([id.0])? > 0)
        })
        .await
    }
}

fn check_owner(connection: &Connection, new: &NewSubscription) -> Result<(), StoreError> {
    if !connection.prepare_cached("SELECT 1 FROM account WHERE id = ?1")?.exists([new.account.0])? {
        return Err(StoreError::NotFound { what: "account" });
    }
    let Some(number) = new.phone_number_id else { return Ok(()) };
    let mut owned = connection.prepare_cached("SELECT 1 FROM phone_number WHERE id = ?1 AND account = ?2")?;
    if owned.exists((column(number), new.account.0))? {
        Ok(())
    } else {
        Err(StoreError::NotFound { what: "phone number" })
    }
}

fn insert(
    connection: &Connection,
    new: &StoredSubscription,
    key_version: u16,
    sealed: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO subscription (id, account, phone_number, dialect, allow_private, created_at, key_version, box)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let number = new.phone_number_id.map(column);
    connection
        .prepare_cached(sql)?
        .execute((
            new.id.0,
            new.account.0,
            number,
            new.dialect.code(),
            new.allow_private,
            new.created_at,
            key_version,
            sealed,
        ))
        .map_err(|error| match error {
            error if is_taken(&error) => StoreError::AlreadyExists { what: "subscription" },
            error => error.into(),
        })?;
    Ok(())
}
