//! Subscriptions and what waits for them: the same on the command line and on the admin listener, which only translate.

use jiff::Timestamp;
use wamedia_media::PhoneNumberId;
use wamedia_store::{
    AccountId, Delivery, DeliveryFilter, DeliveryId, Endpoint, NewSubscription, StoreError, Subscription,
    SubscriptionId, WebhookDialect,
};

use super::accounts::{AccountError, Thing, account_or_only, find_phone_number};
use crate::app::App;
use crate::webhooks::{CallError, Target, challenge, check_texts};

/// A subscription to be added.
pub struct SubscriptionRequest {
    /// Whose: its id or name; the only account where nobody says. Not needed with a number.
    pub account: Option<String>,
    /// For this number only.
    pub phone_number_id: Option<PhoneNumberId>,
    /// In whose manner.
    pub dialect: WebhookDialect,
    /// Whom to call.
    pub endpoint: Endpoint,
    /// Whether what is not public may be called.
    pub allow_private: bool,
    /// Whether the endpoint must be there already, and answer the challenge if there is a verify token.
    pub check: bool,
}

/// Adds a subscription whose endpoint may be called, after it answered the challenge if it has a verify token.
///
/// # Errors
/// [`AccountError::Invalid`] with the remedy: a URL that may not be called, a header that cannot be sent, a check that
/// was not passed. [`AccountError::Taken`] where the number, or the account, has one.
pub async fn add_subscription(app: &App, request: SubscriptionRequest) -> Result<Subscription, AccountError> {
    let SubscriptionRequest { account, phone_number_id, dialect, endpoint, allow_private, check } = request;
    let account = whose(app, account.as_deref(), phone_number_id)?;
    let caller = app.deliveries.caller();
    let (target, reach) = (invalid(Target::parse(&endpoint.url))?, caller.reach(allow_private));
    check_texts(dialect, &endpoint).map_err(AccountError::Invalid)?;
    match caller.addresses(&target, reach).await {
        Ok(_) => {}
        // What has no address today may have one tomorrow; each call judges it again.
        Err(CallError::NoSuchHost | CallError::Timeout) if !check => {}
        Err(error) => return Err(AccountError::Invalid(format!("{}: {error}", target.host))),
    }
    if check && let Some(token) = &endpoint.verify_token {
        let bits = u32::from_le_bytes(app.chance.bytes());
        let told = challenge(caller, &endpoint.url, reach, token, bits).await;
        told.map_err(|told| {
            AccountError::Invalid(format!(
                "the endpoint did not pass the check (GET with hub.challenge): {told}; mend it, or add it unchecked: \
                 --no-check, or \"check\": false"
            ))
        })?;
    }
    let name = phone_number_id
        .map_or_else(|| format!("of account {account}"), |number| format!("of phone number {number}"));
    let new = NewSubscription {
        account,
        phone_number_id,
        dialect,
        allow_private,
        endpoint,
        created_at: app.clock.now(),
    };
    let added = app.store.catalog().add_subscription(new).await.map_err(|error| match error {
        StoreError::AlreadyExists { .. } => AccountError::Taken { what: Thing::Subscription, name },
        error => error.into(),
    })?;
    tracing::info!(subscription = %added.id, account = account.0, "a subscription was added");
    Ok(added)
}

/// The account of the number, or the one that was asked for.
fn whose(app: &App, account: Option<&str>, number: Option<PhoneNumberId>) -> Result<AccountId, AccountError> {
    let Some(number) = number else { return Ok(account_or_only(&app.store, account)?.id) };
    let number = find_phone_number(&app.store, number)?;
    let asked = account.map(|asked| account_or_only(&app.store, Some(asked))).transpose()?;
    match asked {
        Some(asked) if asked.id != number.account => {
            Err(AccountError::not_found(Thing::PhoneNumber, number.id))
        }
        _ => Ok(number.account),
    }
}

fn invalid<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, AccountError> {
    result.map_err(|error| AccountError::Invalid(error.to_string()))
}

/// The subscription of this id.
///
/// # Errors
/// [`AccountError::NotFound`], or the catalog cannot be read.
pub fn find_subscription(app: &App, id: SubscriptionId) -> Result<Subscription, AccountError> {
    let found = app.store.catalog().subscription(id)?;
    found.ok_or_else(|| AccountError::not_found(Thing::Subscription, id))
}

/// Removes a subscription with everything that waits for it.
///
/// # Errors
/// There is no such subscription, or the catalog cannot be written.
pub async fn remove_subscription(app: &App, id: SubscriptionId) -> Result<(), AccountError> {
    if !app.store.catalog().remove_subscription(id).await? {
        return Err(AccountError::not_found(Thing::Subscription, id));
    }
    tracing::info!(subscription = %id, "a subscription was removed");
    Ok(())
}

/// The latest deliveries, latest first.
///
/// # Errors
/// The catalog cannot be read.
pub fn deliveries(app: &App, filter: DeliveryFilter) -> Result<Vec<Delivery>, AccountError> {
    Ok(app.store.catalog().deliveries(filter)?)
}

/// The delivery of this id.
///
/// # Errors
/// [`AccountError::NotFound`], or the catalog cannot be read.
pub fn find_delivery(app: &App, id: DeliveryId) -> Result<Delivery, AccountError> {
    app.store.catalog().delivery(id)?.ok_or_else(|| AccountError::not_found(Thing::Delivery, id))
}

/// The exact bytes of a delivery, which are JSON.
///
/// # Errors
/// As [`find_delivery`]; the body does not open.
pub fn delivery_body(app: &App, id: DeliveryId) -> Result<Vec<u8>, AccountError> {
    let body = app.store.catalog().delivery_body(id)?;
    Ok(body.ok_or_else(|| AccountError::not_found(Thing::Delivery, id))?.to_vec())
}

/// Has a delivery made again, whatever became of it: now, and with all its patience.
///
/// # Errors
/// There is no such delivery, or the catalog cannot be written.
pub async fn redeliver(app: &App, id: DeliveryId) -> Result<Delivery, AccountError> {
    let now = app.clock.now();
    let patience = app.config.webhooks.give_up_after.signed();
    let give_up_at = now.saturating_add(patience).unwrap_or(Timestamp::MAX);
    if !app.store.catalog().redeliver(id, now, give_up_at).await? {
        return Err(AccountError::not_found(Thing::Delivery, id));
    }
    app.deliveries.wake();
    tracing::info!(delivery = %id, "a delivery is made again");
    find_delivery(app, id)
}

/// Takes a delivery that waits out of the queue.
///
/// # Errors
/// There is no such delivery, it does not wait, or the catalog cannot be written.
pub async fn drop_delivery(app: &App, id: DeliveryId) -> Result<Delivery, AccountError> {
    let dropped = app.store.catalog().drop_delivery(id, app.clock.now()).await?;
    let delivery = find_delivery(app, id)?;
    if !dropped {
        return Err(AccountError::Invalid(format!("delivery {id} does not wait any more")));
    }
    app.deliveries.wake();
    tracing::info!(delivery = %id, "a delivery was dropped");
    Ok(delivery)
}
