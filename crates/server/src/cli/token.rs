//! `wamedia token …`: bearer tokens of Meta's dialect.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use wamedia_media::PhoneNumberId;
use wamedia_store::{CredentialKind, Permissions};

use super::credential::{Listing, Making, Revoking, expires_at, show_minted};
use super::output::explain;
use super::phone::phone_number_id;
use super::{Global, OpenedData};
use crate::operations::accounts::{self, TokenRequest};

/// Make, list and revoke bearer tokens of Meta's dialect
///
/// Any number of tokens may live at once: make the new one, hand it out, then revoke the old one. A running server sees
/// both at its next request.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia token add
  wamedia token add --phone 1025723653965602 --expires-in 60d --label \"shop 2\"
  TOKEN=$(wamedia token add --json | jq -r .secret)
  wamedia token list --all
  wamedia token revoke 1 --in 1h")]
pub struct TokenCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a token and show it, once
    #[command(after_help = "Examples:
  wamedia token add
  wamedia token add --account shop --expires-in 60d --label \"shop 2\"
  wamedia token add --permission whatsapp_business_messaging")]
    Add(Add),
    /// List live tokens, never their secrets
    #[command(after_help = "Examples:\n  wamedia token list\n  wamedia token list --all --json")]
    List(Listing),
    /// End a token, now or in a while
    #[command(after_help = "Examples:\n  wamedia token revoke 1\n  wamedia token revoke 1 --in 1h")]
    Revoke(Revoking),
}

#[derive(Args)]
struct Add {
    /// The account's id or name [default: that of --phone, else the only one]
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// For this phone number only; may be repeated [default: all of the account, also later ones]
    #[arg(long = "phone", value_name = "ID", value_parser = phone_number_id)]
    phones: Vec<PhoneNumberId>,
    /// What it may do; may be repeated [default: whatsapp_business_messaging and whatsapp_business_management]
    #[arg(long = "permission", value_name = "NAME", value_parser = permission)]
    permissions: Vec<Permissions>,
    #[command(flatten)]
    making: Making,
}

fn permission(name: &str) -> Result<Permissions, String> {
    accounts::permission(name).map_err(|error| error.to_string())
}

impl TokenCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| {
            match verb {
                Verb::Add(add) => add.run(data, json).await,
                Verb::List(listing) => listing.show(data, CredentialKind::Token, json),
                Verb::Revoke(revoking) => revoking.run(data, CredentialKind::Token, json).await,
            }?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

impl Add {
    async fn run(self, data: &OpenedData, json: bool) -> anyhow::Result<()> {
        let store = data.store();
        let account = accounts::account_for(store, self.account.as_deref(), &self.phones).map_err(explain)?;
        let asked = self.permissions.into_iter().reduce(Permissions::with);
        let request = TokenRequest {
            account,
            phone_number_ids: self.phones,
            permissions: asked.unwrap_or(accounts::DEFAULT_PERMISSIONS),
            expires_at: expires_at(data, self.making.expires_in)?,
            label: self.making.label,
        };
        let minted = accounts::add_token(store, request, data.now()).await.map_err(explain)?;
        show_minted(data, &minted, "Authorization: Bearer …", json)
    }
}
