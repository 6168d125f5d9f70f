//! Worlds: an account with a number and credentials, made in one call and thrown away in one call.
//!
//! Accounts never see each other, so tests that have a world each can run at once against one stand-in.

use wamedia_media::PhoneNumberId;
use wamedia_store::{Account, AccountId, DeliveryFilter, DeliveryState, Media, PhoneNumber, StoreError};

use super::StandIn;
use super::preload::{self, PreloadError};
use crate::app::App;
use crate::chance::Chance;
use crate::operations::accounts::{self, AccountError, Minted, TokenRequest};

/// A world, just made. Its secrets are not shown again.
pub struct World {
    /// Its account.
    pub account: Account,
    /// Its number.
    pub number: PhoneNumber,
    /// For the graph dialect.
    pub token: Minted,
    /// For 360dialog's.
    pub key: Minted,
}

/// Makes a world; without a name or a number, they are drawn.
///
/// # Errors
/// The name or the number is taken, or the catalog cannot be written; then nothing is made.
pub async fn make(
    app: &App,
    name: Option<&str>,
    number: Option<PhoneNumberId>,
    display: &str,
) -> Result<World, AccountError> {
    let now = app.clock.now();
    // Names of worlds are nobody's ids: drawing them from a seed would only change the ids that tests compare.
    let drawn = format!("world-{:016x}", u64::from_le_bytes(Chance::system().bytes()));
    let account = accounts::add_account(&app.store, name.unwrap_or(&drawn), now).await?;
    match furnish(app, &account, number, display).await {
        Ok((number, token, key)) => Ok(World { account, number, token, key }),
        Err(error) => {
            accounts::remove_account(&app.store, account.id).await?;
            Err(error)
        }
    }
}

async fn furnish(
    app: &App,
    account: &Account,
    number: Option<PhoneNumberId>,
    display: &str,
) -> Result<(PhoneNumber, Minted, Minted), AccountError> {
    let (store, now) = (&app.store, app.clock.now());
    let number = accounts::add_phone_number(store, &app.chance, account.id, number, display, now).await?;
    let token = TokenRequest {
        account: account.id,
        phone_number_ids: Vec::new(),
        permissions: accounts::DEFAULT_PERMISSIONS,
        expires_at: None,
        label: "world".to_owned(),
    };
    let token = accounts::add_token(store, token, now).await?;
    let key = accounts::add_key(store, number.id, None, "world".to_owned(), false, now).await?;
    Ok((number, token, key))
}

/// The numbers of an account.
///
/// # Errors
/// The catalog cannot be read.
pub fn numbers(app: &App, account: AccountId) -> Result<Vec<PhoneNumberId>, StoreError> {
    let numbers = app.store.catalog().phone_numbers(Some(account))?;
    Ok(numbers.into_iter().map(|number| number.id).collect())
}

/// The live media of an account, oldest first.
///
/// # Errors
/// The catalog cannot be read.
pub fn media(app: &App, account: AccountId) -> Result<Vec<Media>, StoreError> {
    let now = app.clock.now();
    let mut media = app.store.catalog().media_of(account)?;
    media.retain(|media| media.expires_at > now);
    Ok(media)
}

/// Forgets everything of a world but its number, credentials and subscriptions: media with its bytes, throttles, sent
/// messages, webhooks that wait, faults, journal.
///
/// # Errors
/// The catalog cannot be written; what was done stands.
pub async fn reset(app: &App, stand_in: &StandIn, account: AccountId) -> Result<(), AccountError> {
    let numbers = numbers(app, account)?;
    // Faults first: nothing should break while the rest goes.
    stand_in.faults.clear(Some(account), &numbers);
    for media in app.store.catalog().media_of(account)? {
        app.store.delete(account, media.id, app.clock.now()).await?;
    }
    for number in numbers {
        accounts::reset_throttles(&app.store, Some(number)).await?;
        app.outbox.clear(Some(number));
    }
    drop_deliveries(app, account).await?;
    stand_in.journal.clear(Some(account));
    Ok(())
}

/// Webhooks that wait are about things that are gone.
async fn drop_deliveries(app: &App, account: AccountId) -> Result<(), StoreError> {
    let catalog = app.store.catalog();
    let waiting = Some(DeliveryState::Waiting);
    loop {
        let filter = DeliveryFilter { account: Some(account), state: waiting, ..DeliveryFilter::default() };
        let page = catalog.deliveries(filter)?;
        let mut dropped = false;
        for delivery in &page {
            dropped |= catalog.drop_delivery(delivery.id, app.clock.now()).await?;
        }
        // A page of which nothing went would come again for ever.
        if !dropped {
            return Ok(());
        }
    }
}

/// As [`reset`], of everybody; the clock runs with the system's again, and what was preloaded is there again.
///
/// # Errors
/// The catalog cannot be written, or a file to preload is refused.
pub async fn reset_all(app: &App, stand_in: &StandIn) -> Result<(), PreloadError> {
    stand_in.faults.clear(None, &[]);
    app.clock.reset();
    for account in app.store.catalog().accounts()? {
        reset(app, stand_in, account.id).await?;
    }
    stand_in.journal.clear(None);
    preload::preload(app).await
}

/// Throws a world away, with its media and their bytes, at once.
///
/// # Errors
/// The catalog cannot be written.
pub async fn discard(app: &App, stand_in: &StandIn, account: AccountId) -> Result<(), AccountError> {
    reset(app, stand_in, account).await?;
    accounts::remove_account(&app.store, account).await?;
    stand_in.journal.clear(Some(account));
    Ok(())
}
