//! Accounts and phone numbers.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use wamedia_media::PhoneNumberId;

use super::Admin;
use super::input::{Body, Query};
use super::problem::Problem;
use super::view::{AccountView, PhoneNumberView};
use crate::operations::accounts::{self, Retention, Thing};

/// `GET /v1/accounts`
pub async fn list(State(admin): State<Admin>) -> Result<Json<Vec<AccountView>>, Problem> {
    let all = admin.app.store.catalog().accounts()?;
    Ok(Json(all.iter().map(AccountView::from).collect()))
}

/// The body of `POST /v1/accounts`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    name: String,
}

/// `POST /v1/accounts`
pub async fn add(
    State(admin): State<Admin>,
    Body(new): Body<NewAccount>,
) -> Result<(StatusCode, Json<AccountView>), Problem> {
    let account = accounts::add_account(&admin.app.store, &new.name, admin.app.clock.now()).await?;
    Ok((StatusCode::CREATED, Json((&account).into())))
}

/// `GET /v1/accounts/{account}`
pub async fn show(
    State(admin): State<Admin>,
    Path(account): Path<String>,
) -> Result<Json<AccountView>, Problem> {
    Ok(Json((&accounts::find_account(&admin.app.store, &account)?).into()))
}

/// The body of `PATCH /v1/accounts/{account}`: what is missing stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    name: Option<String>,
    retention_uploaded: Option<Retention>,
    retention_received: Option<Retention>,
}

/// `PATCH /v1/accounts/{account}`
pub async fn change(
    State(admin): State<Admin>,
    Path(account): Path<String>,
    Body(change): Body<AccountChange>,
) -> Result<Json<AccountView>, Problem> {
    let store = &admin.app.store;
    let mut account = accounts::find_account(store, &account)?;
    if let Some(name) = change.name {
        account = accounts::rename_account(store, account.id, &name).await?;
    }
    if change.retention_uploaded.is_some() || change.retention_received.is_some() {
        let AccountChange { retention_uploaded, retention_received, .. } = change;
        account = accounts::set_retention(store, &account, retention_uploaded, retention_received).await?;
    }
    Ok(Json((&account).into()))
}

/// `DELETE /v1/accounts/{account}`
pub async fn remove(State(admin): State<Admin>, Path(account): Path<String>) -> Result<StatusCode, Problem> {
    let account = accounts::find_account(&admin.app.store, &account)?;
    accounts::remove_account(&admin.app.store, account.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query of lists: those of one account only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfAccount {
    account: Option<String>,
}

/// `GET /v1/phone-numbers`
pub async fn list_numbers(
    State(admin): State<Admin>,
    Query(query): Query<OfAccount>,
) -> Result<Json<Vec<PhoneNumberView>>, Problem> {
    let store = &admin.app.store;
    let account = query.account.map(|asked| accounts::find_account(store, &asked)).transpose()?;
    let numbers = store.catalog().phone_numbers(account.map(|account| account.id))?;
    Ok(Json(numbers.iter().map(PhoneNumberView::from).collect()))
}

/// The body of `POST /v1/phone-numbers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPhoneNumber {
    id: Option<String>,
    account: Option<AccountName>,
    #[serde(default)]
    display: String,
}

/// An account in a body: its id as a number, or its id or name as text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an account: its id or its name")]
pub enum AccountName {
    /// Its id.
    Id(i64),
    /// Its id or its name.
    Text(String),
}

impl AccountName {
    /// As it is looked for.
    pub fn asked(self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// `POST /v1/phone-numbers`
pub async fn add_number(
    State(admin): State<Admin>,
    Body(new): Body<NewPhoneNumber>,
) -> Result<(StatusCode, Json<PhoneNumberView>), Problem> {
    let (store, now) = (&admin.app.store, admin.app.clock.now());
    let id = new.id.as_deref().map(number_in_body).transpose()?;
    let asked = new.account.map(AccountName::asked);
    let account = accounts::account_or_only(store, asked.as_deref())?.id;
    let added = accounts::add_phone_number(store, &admin.app.chance, account, id, &new.display, now).await?;
    Ok((StatusCode::CREATED, Json((&added).into())))
}

/// `GET /v1/phone-numbers/{phone_number_id}`
pub async fn show_number(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<PhoneNumberView>, Problem> {
    Ok(Json((&accounts::find_phone_number(&admin.app.store, number_in_path(&id)?)?).into()))
}

/// `DELETE /v1/phone-numbers/{phone_number_id}`
pub async fn remove_number(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = number_in_path(&id)?;
    accounts::remove_phone_number(&admin.app.store, id, admin.app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What no number is called is a number that does not exist.
pub fn number_in_path(text: &str) -> Result<PhoneNumberId, Problem> {
    let not_found = |_| accounts::AccountError::not_found(Thing::PhoneNumber, text).into();
    text.parse().map_err(not_found)
}

/// In a body it is a mistake that can be told.
pub fn number_in_body(text: &str) -> Result<PhoneNumberId, Problem> {
    text.parse()
        .map_err(|_| Problem::bad_request(format!("{text:?} is no phone number id: write its digits")))
}
