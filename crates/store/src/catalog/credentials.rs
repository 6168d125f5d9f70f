//! Credentials: tokens and keys, kept as keyed hashes. The secrets themselves never come here.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use wamedia_media::PhoneNumberId;

use super::phone_numbers::column;
use super::{Catalog, instant, is_taken, millis};
use crate::error::StoreError;
use crate::ids::{AccountId, CredentialId};

/// What kind of credential; it also tells the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A bearer token of the graph dialect, for several numbers of its account.
    Token,
    /// A `D360-API-KEY`, for exactly one number.
    D360Key,
}

impl CredentialKind {
    const fn code(self) -> i64 {
        match self {
            Self::Token => 1,
            Self::D360Key => 2,
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        [Self::Token, Self::D360Key].into_iter().find(|kind| kind.code() == code)
    }
}

/// What a credential may do: a small set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `whatsapp_business_messaging`: the media actions.
    pub const MEDIA: Self = Self(1);
    /// `whatsapp_business_management`.
    pub const MANAGEMENT: Self = Self(2);

    const NAMES: [(Self, &'static str); 2] =
        [(Self::MEDIA, "whatsapp_business_messaging"), (Self::MANAGEMENT, "whatsapp_business_management")];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    pub const fn allows(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The vendor's names of what is in this set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(one, _)| self.allows(*one)).map(|(_, name)| name)
    }

    /// The permission of this vendor's name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, known)| *known == name).map(|(one, _)| one)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A credential to be added.
#[derive(Clone)]
pub struct NewCredential {
    /// Whose it will be.
    pub account: AccountId,
    /// Token or key.
    pub kind: CredentialKind,
    /// [`KeyRing::credential_hash`](crate::KeyRing::credential_hash) of the secret.
    pub hash: [u8; 32],
    /// What people call it.
    pub label: String,
    /// What it may do.
    pub permissions: Permissions,
    /// Exactly one for a key; for a token, empty means all numbers of the account, also later ones.
    pub phone_number_ids: Vec<PhoneNumberId>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub created_at: Timestamp,
    /// When the other live keys of a key's number end; `None` lets them live. 360dialog ends them when a new key is made.
    pub revoke_others_at: Option<Timestamp>,
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCredential")
            .field("account", &self.account)
            .field("kind", &self.kind)
            .field("label", &self.label)
            .field("permissions", &self.permissions)
            .field("phone_number_ids", &self.phone_number_ids)
            .finish_non_exhaustive()
    }
}

/// One credential, live or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its number; never given twice.
    pub id: CredentialId,
    /// Whose it is.
    pub account: AccountId,
    /// Token or key.
    pub kind: CredentialKind,
    /// What people call it.
    pub label: String,
    /// What it may do.
    pub permissions: Permissions,
    /// Whether it is for all numbers of the account, also later ones.
    pub all_numbers: bool,
    /// The numbers it is for, unless it is for all.
    pub phone_number_ids: Vec<PhoneNumberId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was, or will be, revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Credential {
    /// Whether it opens anything at `now`: dead from the very instant of its expiry or revocation.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at) && self.revoked_at.is_none_or(|at| now < at)
    }

    /// Whether it is for this number. That the number belongs to the account is for the caller to know.
    pub fn allows_number(&self, id: PhoneNumberId) -> bool {
        self.all_numbers || self.phone_number_ids.contains(&id)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let kind: i64 = row.get(2)?;
        let numbers: Option<String> = row.get(9)?;
        Ok(Self {
            id: CredentialId(row.get(0)?),
            account: AccountId(row.get(1)?),
            kind: CredentialKind::from_code(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, kind))?,
            label: row.get(3)?,
            permissions: Permissions(row.get(4)?),
            all_numbers: row.get(5)?,
            created_at: instant(row.get(6)?),
            expires_at: row.get::<_, Option<i64>>(7)?.map(instant),
            revoked_at: row.get::<_, Option<i64>>(8)?.map(instant),
            phone_number_ids: numbers
                .iter()
                .flat_map(|list| list.split(','))
                .filter_map(|id| id.parse().ok())
                .collect(),
        })
    }
}

/// A statement that selects [`Credential`]s: its columns in its order, then the rest.
macro_rules! select_credentials {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, kind, label, permissions, all_numbers, created_at, expires_at, revoked_at, ",
            "(SELECT group_concat(n.phone_number) FROM credential_number n WHERE n.credential = c.id) ",
            "FROM credential c ",
            $rest
        )
    };
}

impl Catalog {
    /// Adds a credential, and ends the others of its number if that is asked for, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when account or number are not there (or are not each other's),
    /// [`StoreError::AlreadyExists`] for a hash that is known, [`StoreError::Invalid`] for a key without exactly one
    /// number.
    pub async fn add_credential(&self, new: NewCredential) -> Result<Credential, StoreError> {
        if new.kind == CredentialKind::D360Key && new.phone_number_ids.len() != 1 {
            return Err(StoreError::Invalid("a 360dialog key belongs to exactly one phone number"));
        }
        self.write(move |connection| {
            check_owner(connection, &new)?;
            if let Some(at) = new.revoke_others_at {
                end_other_keys(connection, &new, at)?;
            }
            let id = insert(connection, &new)?;
            let sql = select_credentials!("WHERE c.id = ?1");
            Ok(connection.prepare_cached(sql)?.query_row([id], Credential::read)?)
        })
        .await
    }

    /// As [`View::credential_by_hash`](super::View::credential_by_hash), of this moment.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn credential_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Arc<Credential>>, StoreError> {
        self.view().credential_by_hash(hash)
    }

    pub(super) fn read_credential(&self, hash: &[u8; 32]) -> Result<Option<Credential>, StoreError> {
        let sql = select_credentials!("WHERE c.hash = ?1");
        Ok(self.reader().prepare_cached(sql)?.query_row([hash.as_slice()], Credential::read).optional()?)
    }

    /// The credentials of one account, or of all; oldest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn credentials(&self, account: Option<AccountId>) -> Result<Vec<Credential>, StoreError> {
        let sql = select_credentials!("WHERE ?1 IS NULL OR c.account = ?1 ORDER BY c.id");
        let reader = self.reader();
        let mut statement = reader.prepare_cached(sql)?;
        let rows = statement.query_map([account.map(|account| account.0)], Credential::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ends a credential at `at`, or leaves it an earlier end; true if there is such a credential.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn revoke_credential(&self, id: CredentialId, at: Timestamp) -> Result<bool, StoreError> {
        let before = self.edition();
        let found = self
            .write(move |connection| {
                let sql =
                    "UPDATE credential SET revoked_at = min(coalesce(revoked_at, ?2), ?2) WHERE id = ?1";
                Ok(connection.prepare_cached(sql)?.execute((id.0, millis(at)))? > 0)
            })
            .await?;
        if found {
            self.committed_since(before);
        }
        Ok(found)
    }
}

fn check_owner(connection: &Connection, new: &NewCredential) -> Result<(), StoreError> {
    let exists = |sql: &str, values: &[i64]| -> Result<bool, StoreError> {
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.exists(rusqlite::params_from_iter(values))?)
    };
    if !exists("SELECT 1 FROM account WHERE id = ?1", &[new.account.0])? {
        return Err(StoreError::NotFound { what: "account" });
    }
    for number in &new.phone_number_ids {
        let sql = "SELECT 1 FROM phone_number WHERE id = ?1 AND account = ?2";
        if !exists(sql, &[column(*number), new.account.0])? {
            return Err(StoreError::NotFound { what: "phone number" });
        }
    }
    Ok(())
}

fn end_other_keys(connection: &Connection, new: &NewCredential, at: Timestamp) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "UPDATE credential SET revoked_at = min(coalesce(revoked_at, ?4), ?4)
         WHERE account = ?1 AND kind = ?2
           AND id IN (SELECT credential FROM credential_number WHERE account = ?1 AND phone_number = ?3)",
    )?;
    for number in &new.phone_number_ids {
        statement.execute((new.account.0, CredentialKind::D360Key.code(), column(*number), millis(at)))?;
    }
    Ok(())
}

fn insert(connection: &Connection, new: &NewCredential) -> Result<i64, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO credential (account, kind, hash, label, permissions, all_numbers, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            new.account.0,
            new.kind.code(),
            new.hash,
            &new.label,
            new.permissions.0,
            new.phone_number_ids.is_empty(),
            millis(new.created_at),
            new.expires_at.map(millis),
        ))
        .map_err(|error| match error {
            error if is_taken(&error) => StoreError::AlreadyExists { what: "credential" },
            error => error.into(),
        })?;
    let id = connection.last_insert_rowid();
    let mut statement = connection.prepare_cached(
        "INSERT INTO credential_number (credential, account, phone_number) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
    )?;
    for number in &new.phone_number_ids {
        statement.execute((id, new.account.0, column(*number)))?;
    }
    Ok(id)
}
