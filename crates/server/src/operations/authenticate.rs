//! From a secret to an account.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use wamedia_media::PhoneNumberId;
use wamedia_store::{AccountId, Credential, CredentialKind, Permissions, StoreError, View};
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::MediaError;

/// Text that never shows itself.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text`, and forgets it when dropped.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The bytes, for hashing.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a request presented; its kind also tells the dialect.
#[derive(Clone, Debug)]
pub enum Presented {
    /// `Authorization: Bearer`, or `?access_token=`.
    Token(Secret),
    /// `D360-API-KEY`.
    D360Key(Secret),
}

impl Presented {
    fn kind(&self) -> CredentialKind {
        match self {
            Self::Token(_) => CredentialKind::Token,
            Self::D360Key(_) => CredentialKind::D360Key,
        }
    }
}

/// Who is asking, after their secret was checked.
#[derive(Clone, Debug)]
pub struct Caller {
    credential: Arc<Credential>,
}

impl Caller {
    /// The first account by one of its own credentials, if it has one that lives: for what a stand-in does by itself.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn first(app: &App) -> Result<Option<Self>, StoreError> {
        let credential = anybody(app, CredentialKind::Token, app.clock.now())?;
        Ok(credential.map(|credential| Self { credential: Arc::new(credential) }))
    }

    /// The only account whose media this caller reaches.
    pub fn account(&self) -> AccountId {
        self.credential.account
    }

    /// The number of a credential that is for one only, as every 360dialog key is.
    pub fn only_number(&self) -> Option<PhoneNumberId> {
        match self.credential.phone_number_ids.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Whether the number is the account's and the credential's.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn owns(&self, view: &View<'_>, number: PhoneNumberId) -> Result<bool, MediaError> {
        let owner = view.owner_of_number(number)?;
        Ok(owner == Some(self.account()) && self.credential.allows_number(number))
    }

    /// # Errors
    /// [`MediaError::PermissionMissing`] without `whatsapp_business_messaging`.
    pub fn check_permission(&self) -> Result<(), MediaError> {
        let allowed = self.credential.permissions.allows(Permissions::MEDIA);
        if allowed { Ok(()) } else { Err(MediaError::PermissionMissing) }
    }
}

/// Finds who holds the secret, as `view` knows it.
///
/// # Errors
/// [`MediaError::Unauthenticated`] when nobody does, no longer does, or presented it as the other kind.
pub fn authenticate(
    app: &App,
    view: &View<'_>,
    presented: Option<&Presented>,
    now: Timestamp,
) -> Result<Caller, MediaError> {
    let presented = presented.ok_or(MediaError::Unauthenticated)?;
    let found = match find(app, view, presented)? {
        None if app.stand_in.as_ref().is_some_and(|stand_in| stand_in.accepts_any_credential()) => {
            anybody(app, presented.kind(), now)?.map(Arc::new)
        }
        found => found,
    };
    let credential = found.filter(|found| found.kind == presented.kind() && found.is_live(now));
    credential.map(|credential| Caller { credential }).ok_or(MediaError::Unauthenticated)
}

/// Whose credential this is or was, dead or alive.
pub fn owner(app: &App, presented: &Presented) -> Option<AccountId> {
    find(app, &app.store.catalog().view(), presented).ok()?.map(|found| found.account)
}

fn find(app: &App, view: &View<'_>, presented: &Presented) -> Result<Option<Arc<Credential>>, StoreError> {
    let (Presented::Token(secret) | Presented::D360Key(secret)) = presented;
    // The lookup goes by a keyed hash, so its time tells nothing about any secret that exists.
    let hash = app.store.keys().credential_hash(secret.expose());
    view.credential_by_hash(&hash)
}

/// The first account's credential, for a stand-in that was told to take anybody for it.
fn anybody(app: &App, kind: CredentialKind, now: Timestamp) -> Result<Option<Credential>, StoreError> {
    let catalog = app.store.catalog();
    let Some(first) = catalog.accounts()?.into_iter().next() else { return Ok(None) };
    let mut theirs = catalog.credentials(Some(first.id))?.into_iter();
    Ok(theirs.find(|credential| credential.kind == kind && credential.is_live(now)))
}
