//! Tokens and 360dialog keys. A secret is in the answer to its making, and nowhere else, ever.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use wamedia_store::{CredentialId, CredentialKind, Permissions};

use super::Admin;
use super::accounts::{AccountName, number_in_body};
use super::input::{Body, Query};
use super::problem::Problem;
use super::view::CredentialView;
use crate::config::Span;
use crate::operations::accounts::{self, TokenRequest};

/// The query of both lists.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    account: Option<String>,
    /// Also those that are expired or revoked.
    #[serde(default)]
    all: bool,
}

/// `GET /v1/tokens`
pub async fn list_tokens(
    State(admin): State<Admin>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<CredentialView>>, Problem> {
    list(&admin, CredentialKind::Token, which)
}

/// `GET /v1/keys`
pub async fn list_keys(
    State(admin): State<Admin>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<CredentialView>>, Problem> {
    list(&admin, CredentialKind::D360Key, which)
}

fn list(admin: &Admin, kind: CredentialKind, which: Which) -> Result<Json<Vec<CredentialView>>, Problem> {
    let (store, now) = (&admin.app.store, admin.app.clock.now());
    let account = which.account.map(|asked| accounts::find_account(store, &asked)).transpose()?;
    let found = accounts::credentials(store, kind, account.map(|account| account.id), which.all, now)?;
    Ok(Json(found.iter().map(|credential| CredentialView::new(credential, now)).collect()))
}

/// The body of `POST /v1/tokens`; everything may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    account: Option<AccountName>,
    #[serde(default)]
    phone_number_ids: Vec<String>,
    permissions: Option<Vec<String>>,
    expires_in: Option<Span>,
    #[serde(default)]
    label: String,
}

/// `POST /v1/tokens`
pub async fn add_token(
    State(admin): State<Admin>,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<CredentialView>), Problem> {
    let (store, now) = (&admin.app.store, admin.app.clock.now());
    let phone_number_ids: Vec<_> =
        new.phone_number_ids.iter().map(|id| number_in_body(id)).collect::<Result<_, _>>()?;
    let asked = new.account.map(AccountName::asked);
    let request = TokenRequest {
        account: accounts::account_for(store, asked.as_deref(), &phone_number_ids)?,
        phone_number_ids,
        permissions: permissions(new.permissions)?,
        expires_at: expires_at(new.expires_in, now)?,
        label: new.label,
    };
    let minted = accounts::add_token(store, request, now).await?;
    Ok((StatusCode::CREATED, Json(CredentialView::minted(&minted, now))))
}

/// The body of `POST /v1/keys`; everything may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    phone_number_id: Option<String>,
    expires_in: Option<Span>,
    #[serde(default)]
    label: String,
    revoke_others: Option<bool>,
}

/// `POST /v1/keys`
pub async fn add_key(
    State(admin): State<Admin>,
    Body(new): Body<NewKey>,
) -> Result<(StatusCode, Json<CredentialView>), Problem> {
    let (store, now) = (&admin.app.store, admin.app.clock.now());
    let asked = new.phone_number_id.as_deref().map(number_in_body).transpose()?;
    let number = accounts::phone_number_or_only(store, asked)?.id;
    let expires_at = expires_at(new.expires_in, now)?;
    let revoke_others = new.revoke_others.unwrap_or(admin.app.config.d360.new_key_revokes_old);
    let minted = accounts::add_key(store, number, expires_at, new.label, revoke_others, now).await?;
    Ok((StatusCode::CREATED, Json(CredentialView::minted(&minted, now))))
}

/// The body of both revocations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// How long it still lives; without it, it ends at once.
    #[serde(rename = "in")]
    after: Option<Span>,
}

/// `POST /v1/tokens/{id}/revoke`
pub async fn revoke_token(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    Body(revocation): Body<Revocation>,
) -> Result<Json<CredentialView>, Problem> {
    revoke(&admin, CredentialKind::Token, &id, revocation).await
}

/// `POST /v1/keys/{id}/revoke`
pub async fn revoke_key(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    Body(revocation): Body<Revocation>,
) -> Result<Json<CredentialView>, Problem> {
    revoke(&admin, CredentialKind::D360Key, &id, revocation).await
}

async fn revoke(
    admin: &Admin,
    kind: CredentialKind,
    id: &str,
    revocation: Revocation,
) -> Result<Json<CredentialView>, Problem> {
    let id: CredentialId = id.parse().map_err(|_| Problem::not_found(format!("{id:?} is no id")))?;
    let after = revocation.after.map(Span::duration).unwrap_or_default();
    let now = admin.app.clock.now();
    let revoked = accounts::revoke(&admin.app.store, kind, id, after, now).await?;
    Ok(Json(CredentialView::new(&revoked, now)))
}

/// By the vendor's names; those of a first token where none are named.
fn permissions(names: Option<Vec<String>>) -> Result<Permissions, Problem> {
    let Some(names) = names else { return Ok(accounts::DEFAULT_PERMISSIONS) };
    names.iter().try_fold(Permissions::NONE, |all, name| Ok(all.with(accounts::permission(name)?)))
}

fn expires_at(life: Option<Span>, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    Ok(life.map(|life| accounts::expires_after(now, life.duration())).transpose()?)
}
