//! Accounts, their numbers and their credentials: the same on the command line and on the admin listener, which both
//! only translate.
//!
//! A secret is made here, shown once by whoever asked, and kept only as a keyed hash.

mod credentials;
mod error;

use std::time::Duration;

use jiff::Timestamp;
use wamedia_media::PhoneNumberId;
use wamedia_store::{Account, AccountId, PhoneNumber, Store, StoreError};

use crate::chance::Chance;

pub use credentials::{
    DEFAULT_PERMISSIONS, Minted, TokenRequest, account_for, add_key, add_token, credentials, expires_after,
    permission, revoke,
};
pub use error::{AccountError, Thing};

/// The longest name or label, in characters.
const MAX_TEXT: usize = 100;

/// The account of this id, or of this name.
///
/// # Errors
/// [`AccountError::NotFound`], or the catalog cannot be read.
pub fn find_account(store: &Store, asked: &str) -> Result<Account, AccountError> {
    let found = match asked.parse::<AccountId>() {
        Ok(id) => store.catalog().account(id)?,
        Err(_) => store.catalog().accounts()?.into_iter().find(|account| account.name == asked),
    };
    found.ok_or_else(|| AccountError::not_found(Thing::Account, asked))
}

/// The account that was asked for; where nobody asked, the only one.
///
/// # Errors
/// As [`find_account`]; [`AccountError::Several`] or [`AccountError::NoneYet`] where there is no only one.
pub fn account_or_only(store: &Store, asked: Option<&str>) -> Result<Account, AccountError> {
    match asked {
        Some(asked) => find_account(store, asked),
        None => only(Thing::Account, store.catalog().accounts()?, |it| format!("{} ({})", it.id, it.name)),
    }
}

/// Makes an account, without numbers or credentials.
///
/// # Errors
/// The name is taken or no name, or the catalog cannot be written.
pub async fn add_account(store: &Store, name: &str, now: Timestamp) -> Result<Account, AccountError> {
    let name = account_name(name)?;
    let made = store.catalog().create_account(name, now).await.map_err(|error| named(error, name))?;
    tracing::info!(account = made.id.0, "an account was made");
    Ok(made)
}

/// Gives an account another name.
///
/// # Errors
/// As [`add_account`], or there is no such account.
pub async fn rename_account(store: &Store, id: AccountId, name: &str) -> Result<Account, AccountError> {
    let name = account_name(name)?;
    store.catalog().rename_account(id, name).await.map_err(|error| named(error, name))?;
    find_account(store, &id.to_string())
}

/// How long an account's media is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retention {
    /// As configured for all.
    Default,
    /// As long as this.
    For(Duration),
}

impl Retention {
    /// As the catalog keeps it.
    fn kept(self) -> Option<Duration> {
        match self {
            Self::Default => None,
            Self::For(duration) => Some(duration),
        }
    }
}

/// Sets how long the account's media is kept from now on; `None` changes nothing.
///
/// # Errors
/// A length of nothing, no such account, or the catalog cannot be written.
pub async fn set_retention(
    store: &Store,
    account: &Account,
    uploaded: Option<Retention>,
    received: Option<Retention>,
) -> Result<Account, AccountError> {
    if [uploaded, received].contains(&Some(Retention::For(Duration::ZERO))) {
        return Err(AccountError::Invalid("a retention must be longer than nothing".to_owned()));
    }
    let uploaded = uploaded.map_or(account.retention_uploaded, Retention::kept);
    let received = received.map_or(account.retention_received, Retention::kept);
    store.catalog().set_account_retention(account.id, uploaded, received).await?;
    tracing::info!(account = account.id.0, ?uploaded, ?received, "an account's retention was set");
    find_account(store, &account.id.to_string())
}

/// Removes an account with its numbers, credentials and media, at once and for ever.
///
/// # Errors
/// There is no such account, or the catalog cannot be written.
pub async fn remove_account(store: &Store, id: AccountId) -> Result<(), AccountError> {
    if !store.catalog().delete_account(id).await? {
        return Err(AccountError::not_found(Thing::Account, id));
    }
    tracing::info!(account = id.0, "an account was removed");
    Ok(())
}

/// The number of this id.
///
/// # Errors
/// [`AccountError::NotFound`], or the catalog cannot be read.
pub fn find_phone_number(store: &Store, id: PhoneNumberId) -> Result<PhoneNumber, AccountError> {
    store.catalog().phone_number(id)?.ok_or_else(|| AccountError::not_found(Thing::PhoneNumber, id))
}

/// The number that was asked for; where nobody asked, the only one.
///
/// # Errors
/// As [`find_phone_number`]; [`AccountError::Several`] or [`AccountError::NoneYet`] where there is no only one.
pub fn phone_number_or_only(
    store: &Store,
    asked: Option<PhoneNumberId>,
) -> Result<PhoneNumber, AccountError> {
    match asked {
        Some(asked) => find_phone_number(store, asked),
        None => only(Thing::PhoneNumber, store.catalog().phone_numbers(None)?, |it| it.id.to_string()),
    }
}

/// Adds a number; without an id, one of 15 digits is drawn.
///
/// # Errors
/// The id is taken, the account does not exist, or the catalog cannot be written.
pub async fn add_phone_number(
    store: &Store,
    chance: &Chance,
    account: AccountId,
    id: Option<PhoneNumberId>,
    display: &str,
    now: Timestamp,
) -> Result<PhoneNumber, AccountError> {
    let display = text("a display", display)?;
    let id = id.unwrap_or_else(|| draw_number(chance));
    let added = store.catalog().add_phone_number(account, id, display, now).await;
    let added = added.map_err(|error| match error {
        StoreError::AlreadyExists { .. } => {
            AccountError::Taken { what: Thing::PhoneNumber, name: id.to_string() }
        }
        StoreError::NotFound { .. } => AccountError::not_found(Thing::Account, account),
        error => error.into(),
    })?;
    tracing::info!(account = account.0, number = %id, "a phone number was added");
    Ok(added)
}

/// Removes a number. Its keys, and tokens that were for it alone, are revoked; its media stays with the account.
///
/// # Errors
/// There is no such number, or the catalog cannot be written.
pub async fn remove_phone_number(
    store: &Store,
    id: PhoneNumberId,
    now: Timestamp,
) -> Result<(), AccountError> {
    let number = find_phone_number(store, id)?;
    if !store.catalog().remove_phone_number(number.account, id, now).await? {
        return Err(AccountError::not_found(Thing::PhoneNumber, id));
    }
    tracing::info!(account = number.account.0, number = %id, "a phone number was removed");
    Ok(())
}

/// Forgets what the throttles counted and blocked, of one number or of all.
///
/// # Errors
/// There is no such number, or the catalog cannot be written.
pub async fn reset_throttles(store: &Store, number: Option<PhoneNumberId>) -> Result<(), AccountError> {
    let number = number.map(|id| find_phone_number(store, id)).transpose()?.map(|number| number.id);
    store.catalog().throttle_reset(number).await?;
    tracing::info!(number = number.map(PhoneNumberId::get), "throttles were reset");
    Ok(())
}

/// What a first start makes, so that there is nothing to configure.
pub struct FirstStart {
    /// The one account.
    pub account: Account,
    /// Its one number.
    pub phone_number: PhoneNumber,
    /// For the graph dialect.
    pub token: Minted,
    /// For 360dialog's.
    pub key: Minted,
}

/// Makes an account with a number, a token and a key, where there is no account yet.
///
/// # Errors
/// The catalog cannot be read or written.
pub async fn first_start(
    store: &Store,
    chance: &Chance,
    now: Timestamp,
) -> Result<Option<FirstStart>, AccountError> {
    if !store.catalog().accounts()?.is_empty() {
        return Ok(None);
    }
    let account = add_account(store, "default", now).await?;
    let phone_number = add_phone_number(store, chance, account.id, None, "+1 555 0100", now).await?;
    let token = TokenRequest {
        account: account.id,
        phone_number_ids: Vec::new(),
        permissions: DEFAULT_PERMISSIONS,
        expires_at: None,
        label: "first token".to_owned(),
    };
    let token = add_token(store, token, now).await?;
    let key = add_key(store, phone_number.id, None, "first key".to_owned(), false, now).await?;
    Ok(Some(FirstStart { account, phone_number, token, key }))
}

/// Fifteen digits, as most real ones have.
fn draw_number(chance: &Chance) -> PhoneNumberId {
    const FIRST: u64 = 100_000_000_000_000;
    let drawn = FIRST + u64::from_le_bytes(chance.bytes()) % (9 * FIRST);
    PhoneNumberId::new(drawn).expect("fifteen digits are a number")
}

fn only<T>(what: Thing, mut all: Vec<T>, shown: impl Fn(&T) -> String) -> Result<T, AccountError> {
    match (all.len(), all.pop()) {
        (1, Some(one)) => Ok(one),
        (_, None) => Err(AccountError::NoneYet { what }),
        (_, Some(last)) => {
            let choices = all.iter().chain([&last]).map(shown).collect();
            Err(AccountError::Several { what, choices })
        }
    }
}

/// A name that cannot be mistaken for an id.
fn account_name(name: &str) -> Result<&str, AccountError> {
    let name = text("an account's name", name)?;
    if name.is_empty() {
        return Err(AccountError::Invalid("an account needs a name".to_owned()));
    }
    if name.parse::<i64>().is_ok() {
        return Err(AccountError::Invalid(format!("{name:?} would be taken for an id; add a letter")));
    }
    Ok(name)
}

/// Text that people gave, fit for one line of a table.
fn text<'t>(what: &str, given: &'t str) -> Result<&'t str, AccountError> {
    let given = given.trim();
    if given.chars().count() > MAX_TEXT || given.chars().any(char::is_control) {
        return Err(AccountError::Invalid(format!("{what} is one line of at most {MAX_TEXT} characters")));
    }
    Ok(given)
}

fn named(error: StoreError, name: &str) -> AccountError {
    match error {
        StoreError::AlreadyExists { .. } => {
            AccountError::Taken { what: Thing::Account, name: name.to_owned() }
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_no_id() {
        assert_eq!(account_name("  shop ").unwrap(), "shop");
        for bad in ["", "  ", "42", "-1", "two\nlines", &"x".repeat(101)] {
            assert!(matches!(account_name(bad), Err(AccountError::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn the_only_one_is_the_default_and_several_are_listed() {
        let choose = |all: Vec<u8>| only(Thing::Account, all, u8::to_string);
        assert_eq!(choose(vec![7]).unwrap(), 7);
        assert!(choose(vec![]).unwrap_err().to_string().contains("no account yet"));
        assert!(choose(vec![1, 2, 3]).unwrap_err().to_string().ends_with("1, 2, 3"));
    }
}
