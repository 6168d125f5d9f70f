//! Subscriptions and deliveries. Of a subscription's secrets only that they are there is ever told.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use wamedia_store::{DeliveryFilter, DeliveryId, Endpoint, SubscriptionId};

use super::Admin;
use super::accounts::{AccountName, number_in_body};
use super::input::{Body, Query};
use super::problem::Problem;
use super::webhook_views::{DeliveryView, DialectName, ShownDelivery, StateName, SubscriptionView};
use crate::operations::accounts::find_account;
use crate::operations::subscriptions::{self, SubscriptionRequest};

/// The query of the list of subscriptions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfAccount {
    account: Option<String>,
}

/// `GET /v1/subscriptions`
pub async fn list(
    State(admin): State<Admin>,
    Query(query): Query<OfAccount>,
) -> Result<Json<Vec<SubscriptionView>>, Problem> {
    let store = &admin.app.store;
    let account = query.account.map(|asked| find_account(store, &asked)).transpose()?;
    let found = store.catalog().subscriptions(account.map(|account| account.id))?;
    Ok(Json(found.iter().map(SubscriptionView::from).collect()))
}

/// The body of `POST /v1/subscriptions`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSubscription {
    url: String,
    account: Option<AccountName>,
    phone_number_id: Option<String>,
    #[serde(default)]
    dialect: DialectName,
    verify_token: Option<String>,
    app_secret: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default = "yes")]
    check: bool,
}

fn yes() -> bool {
    true
}

/// `POST /v1/subscriptions`
pub async fn add(
    State(admin): State<Admin>,
    Body(new): Body<NewSubscription>,
) -> Result<(StatusCode, Json<SubscriptionView>), Problem> {
    let request = SubscriptionRequest {
        account: new.account.map(AccountName::asked),
        phone_number_id: new.phone_number_id.as_deref().map(number_in_body).transpose()?,
        dialect: new.dialect.into(),
        endpoint: Endpoint {
            url: new.url,
            verify_token: new.verify_token,
            app_secret: new.app_secret,
            headers: new.headers.into_iter().collect(),
        },
        allow_private: new.allow_private,
        check: new.check,
    };
    let added = subscriptions::add_subscription(&admin.app, request).await?;
    Ok((StatusCode::CREATED, Json((&added).into())))
}

/// `GET /v1/subscriptions/{id}`
pub async fn show(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionView>, Problem> {
    Ok(Json((&subscriptions::find_subscription(&admin.app, subscription_id(&id)?)?).into()))
}

/// `DELETE /v1/subscriptions/{id}`, with everything that waits for it.
pub async fn remove(State(admin): State<Admin>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    subscriptions::remove_subscription(&admin.app, subscription_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn subscription_id(text: &str) -> Result<SubscriptionId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("{text:?} is no id")))
}

fn delivery_id(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("{text:?} is no id")))
}

/// The query of the list of deliveries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    account: Option<String>,
    subscription: Option<i64>,
    state: Option<StateName>,
    before: Option<i64>,
    limit: Option<u32>,
}

/// The longest page.
const MAX_LISTED: u32 = 1000;

/// `GET /v1/deliveries`, latest first.
pub async fn list_deliveries(
    State(admin): State<Admin>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<DeliveryView>>, Problem> {
    let account = which.account.map(|asked| find_account(&admin.app.store, &asked)).transpose()?;
    let filter = DeliveryFilter {
        account: account.map(|account| account.id),
        subscription: which.subscription.map(SubscriptionId),
        state: which.state.map(Into::into),
        before: which.before.map(DeliveryId),
        limit: which.limit.unwrap_or(DeliveryFilter::default().limit).min(MAX_LISTED),
    };
    let found = subscriptions::deliveries(&admin.app, filter)?;
    Ok(Json(found.iter().map(DeliveryView::from).collect()))
}

/// `GET /v1/deliveries/{id}`, with its body.
pub async fn show_delivery(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<ShownDelivery>, Problem> {
    let id = delivery_id(&id)?;
    let delivery = subscriptions::find_delivery(&admin.app, id)?;
    let body = subscriptions::delivery_body(&admin.app, id)?;
    Ok(Json(ShownDelivery::new(&delivery, &body)))
}

/// `POST /v1/deliveries/{id}/redeliver`
pub async fn redeliver(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryView>, Problem> {
    Ok(Json((&subscriptions::redeliver(&admin.app, delivery_id(&id)?).await?).into()))
}

/// `DELETE /v1/deliveries/{id}`: takes it out of the queue.
pub async fn drop_delivery(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryView>, Problem> {
    Ok(Json((&subscriptions::drop_delivery(&admin.app, delivery_id(&id)?).await?).into()))
}
