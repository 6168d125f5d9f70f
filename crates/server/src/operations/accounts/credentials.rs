//! Tokens and 360dialog keys: made, listed, revoked. Several may live at once, so that one can follow another.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wamedia_media::PhoneNumberId;
use wamedia_store::{
    AccountId, Credential, CredentialId, CredentialKind, NewCredential, Permissions, Store, StoreError,
};

use super::{AccountError, Thing, account_or_only, find_account, find_phone_number, text};
use crate::chance::secret;

/// Put in front of tokens, so that secret scanners and people know them from Meta's.
const TOKEN_PREFIX: &str = "wat_";
/// Put in front of 360dialog keys.
const KEY_PREFIX: &str = "wak_";

/// What a token may do where nobody says: everything that Meta's tokens for this API can.
pub const DEFAULT_PERMISSIONS: Permissions = Permissions::MEDIA.with(Permissions::MANAGEMENT);

/// A permission by the vendor's name.
///
/// # Errors
/// [`AccountError::Invalid`] with the names there are.
pub fn permission(name: &str) -> Result<Permissions, AccountError> {
    Permissions::by_name(name).ok_or_else(|| {
        let names: Vec<_> = DEFAULT_PERMISSIONS.names().collect();
        AccountError::Invalid(format!("{name:?} is no permission; there are {}", names.join(" and ")))
    })
}

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

/// Whose a token will be: the account that was asked for, else that of its numbers, else the only one.
///
/// # Errors
/// There is no such account or number, or the numbers are not all the account's.
pub fn account_for(
    store: &Store,
    asked: Option<&str>,
    numbers: &[PhoneNumberId],
) -> Result<AccountId, AccountError> {
    let account = match (asked, numbers.first()) {
        (None, Some(first)) => find_phone_number(store, *first)?.account,
        (asked, _) => account_or_only(store, asked)?.id,
    };
    for number in numbers {
        if find_phone_number(store, *number)?.account != account {
            let what = format!("{number} of account {account}");
            return Err(AccountError::not_found(Thing::PhoneNumber, what));
        }
    }
    Ok(account)
}

/// Makes a token.
///
/// # Errors
/// The account or a number does not exist, or the catalog cannot be written.
pub async fn add_token(store: &Store, request: TokenRequest, now: Timestamp) -> Result<Minted, AccountError> {
    let TokenRequest { account, phone_number_ids, permissions, expires_at, label } = request;
    find_account(store, &account.to_string())?;
    let new = |hash| NewCredential {
        account,
        kind: CredentialKind::Token,
        hash,
        label,
        permissions,
        phone_number_ids,
        expires_at,
        created_at: now,
        revoke_others_at: None,
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
) -> Result<Minted, AccountError> {
    let owner = find_phone_number(store, number)?;
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
) -> Result<Minted, AccountError> {
    let secret = secret(prefix);
    let mut new = new(store.keys().credential_hash(secret.as_bytes()));
    new.label = text("a label", &new.label)?.to_owned();
    let credential = store.catalog().add_credential(new).await?;
    tracing::info!(account = credential.account.0, credential = credential.id.0, "a credential was made");
    Ok(Minted { credential, secret })
}

/// The instant that lies this far ahead.
///
/// # Errors
/// [`AccountError::Invalid`] for a length of nothing, which would be born dead, and for what no calendar has.
pub fn expires_after(now: Timestamp, life: Duration) -> Result<Timestamp, AccountError> {
    if life.is_zero() {
        return Err(AccountError::Invalid("it would end at once; give it a length such as 60d".to_owned()));
    }
    later(now, life)
}

/// Credentials of one kind, of one account or of all, oldest first; the dead ones only `with_dead`.
///
/// # Errors
/// The catalog cannot be read.
pub fn credentials(
    store: &Store,
    kind: CredentialKind,
    account: Option<AccountId>,
    with_dead: bool,
    now: Timestamp,
) -> Result<Vec<Credential>, StoreError> {
    let mut found = store.catalog().credentials(account)?;
    found.retain(|credential| credential.kind == kind && (with_dead || credential.is_live(now)));
    Ok(found)
}

/// Ends a credential `after` some time (nothing: at once), or leaves it an earlier end.
///
/// # Errors
/// There is no credential of this kind and id, or the catalog cannot be written.
pub async fn revoke(
    store: &Store,
    kind: CredentialKind,
    id: CredentialId,
    after: Duration,
    now: Timestamp,
) -> Result<Credential, AccountError> {
    let find = || -> Result<Credential, AccountError> {
        let found = store.catalog().credentials(None)?.into_iter().find(|it| it.id == id && it.kind == kind);
        found.ok_or_else(|| AccountError::not_found(thing(kind), id))
    };
    find()?;
    store.catalog().revoke_credential(id, later(now, after)?).await?;
    let revoked = find()?;
    tracing::info!(credential = id.0, at = ?revoked.revoked_at, "a credential was revoked");
    Ok(revoked)
}

fn thing(kind: CredentialKind) -> Thing {
    match kind {
        CredentialKind::Token => Thing::Token,
        CredentialKind::D360Key => Thing::Key,
    }
}

fn later(now: Timestamp, by: Duration) -> Result<Timestamp, AccountError> {
    let by = SignedDuration::try_from(by).ok().and_then(|by| now.checked_add(by).ok());
    by.ok_or_else(|| AccountError::Invalid("that is further ahead than any calendar goes".to_owned()))
}
