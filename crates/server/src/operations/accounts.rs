//! Accounts, their numbers and their credentials: the same on the command line and on the admin listener.
//!
//! A secret is made here, shown once by whoever asked, and kept only as a keyed hash.

use jiff::Timestamp;
use wamedia_media::PhoneNumberId;
use wamedia_store::{
    Account, AccountId, Credential, CredentialKind, NewCredential, Permissions, PhoneNumber, Store,
    StoreError,
};

use crate::chance::{Chance, secret};

/// Put in front of tokens, so that secret scanners and people know them from Meta's.
const TOKEN_PREFIX: &str = "wat_";
/// Put in front of 360dialog keys.
const KEY_PREFIX: &str = "wak_";

/// A credential and its secret, which nobody can show again.
pub struct Minted {
    /// What is kept.
    pub credential: Credential,
    /// What is not.
    pub secret: String,
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Whose it will be.
    pub account: AccountId,
    /// For which numbers; empty means all of the account, also later ones.
    pub phone_number_ids: Vec<PhoneNumberId>,
    /// What it may do.
    pub permissions: Permissions,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// What people call it.
    pub label: String,
}

/// Makes a token.
///
/// # Errors
/// The account or a number does not exist, or the catalog cannot be written.
pub async fn add_token(store: &Store, request: TokenRequest, now: Timestamp) -> Result<Minted, StoreError> {
    let TokenRequest { account, phone_number_ids, permissions, expires_at, label } = request;
    let (kind, revoke_others_at) = (CredentialKind::Token, None);
    let new = |hash| NewCredential {
        account,
        kind,
        hash,
        label,
        permissions,
        phone_number_ids,
        expires_at,
        created_at: now,
        revoke_others_at,
    };
    mint(store, TOKEN_PREFIX, new).await
}

/// Makes a 360dialog key for one number; with `ends_older` the number's other keys end now.
///
/// # Errors
/// The number does not exist, or the catalog cannot be written.
pub async fn add_key(
    store: &Store,
    number: PhoneNumberId,
    expires_at: Option<Timestamp>,
    label: String,
    ends_older: bool,
    now: Timestamp,
) -> Result<Minted, StoreError> {
    let owner = store.catalog().phone_number(number)?.ok_or(StoreError::NotFound { what: "phone number" })?;
    let new = |hash| NewCredential {
        account: owner.account,
        kind: CredentialKind::D360Key,
        hash,
        label,
        permissions: Permissions::MEDIA,
        phone_number_ids: vec![number],
        expires_at,
        created_at: now,
        revoke_others_at: ends_older.then_some(now),
    };
    mint(store, KEY_PREFIX, new).await
}

async fn mint(
    store: &Store,
    prefix: &str,
    new: impl FnOnce([u8; 32]) -> NewCredential,
) -> Result<Minted, StoreError> {
    let secret = secret(prefix);
    let credential =
        store.catalog().add_credential(new(store.keys().credential_hash(secret.as_bytes()))).await?;
    Ok(Minted { credential, secret })
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
) -> Result<PhoneNumber, StoreError> {
    let id = id.unwrap_or_else(|| draw_number(chance));
    store.catalog().add_phone_number(account, id, display, now).await
}

/// Fifteen digits, as most real ones have.
fn draw_number(chance: &Chance) -> PhoneNumberId {
    const FIRST: u64 = 100_000_000_000_000;
    let drawn = FIRST + u64::from_le_bytes(chance.bytes()) % (9 * FIRST);
    PhoneNumberId::new(drawn).expect("fifteen digits are a number")
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
) -> Result<Option<FirstStart>, StoreError> {
    if !store.catalog().accounts()?.is_empty() {
        return Ok(None);
    }
    let account = store.catalog().create_account("default", now).await?;
    let phone_number = add_phone_number(store, chance, account.id, None, "+1 555 0100", now).await?;
    let token = TokenRequest {
        account: account.id,
        phone_number_ids: Vec::new(),
        permissions: Permissions::MEDIA.with(Permissions::MANAGEMENT),
        expires_at: None,
        label: "first token".to_owned(),
    };
    let token = add_token(store, token, now).await?;
    let key = add_key(store, phone_number.id, None, "first key".to_owned(), false, now).await?;
    Ok(Some(FirstStart { account, phone_number, token, key }))
}
