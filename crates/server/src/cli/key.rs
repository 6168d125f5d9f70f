//! `wamedia key …`: API keys of 360dialog's dialect.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use wamedia_media::PhoneNumberId;
use wamedia_store::CredentialKind;

use super::credential::{Listing, Making, Revoking, expires_at, show_minted};
use super::output::explain;
use super::phone::phone_number_id;
use super::{Global, OpenedData};
use crate::operations::accounts;

/// Make, list and revoke API keys of 360dialog's dialect
///
/// A key belongs to exactly one phone number. Several may live at once, unless d360.new_key_revokes_old is set.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia key add
  wamedia key add --phone 1025723653965602 --revoke-others
  wamedia key list
  wamedia key revoke 2 --in 1h")]
pub struct KeyCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a key and show it, once
    #[command(after_help = "Examples:
  wamedia key add
  wamedia key add --phone 1025723653965602 --expires-in 60d --revoke-others")]
    Add(Add),
    /// List live keys, never their secrets
    #[command(after_help = "Examples:\n  wamedia key list\n  wamedia key list --all --json")]
    List(Listing),
    /// End a key, now or in a while
    #[command(after_help = "Examples:\n  wamedia key revoke 2\n  wamedia key revoke 2 --in 1h")]
    Revoke(Revoking),
}

#[derive(Args)]
struct Add {
    /// Its phone number; the only one where there is one
    #[arg(long, value_name = "ID", value_parser = phone_number_id)]
    phone: Option<PhoneNumberId>,
    /// End the number's other keys now, as 360dialog does [default: as d360.new_key_revokes_old says]
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    revoke_others: Option<bool>,
    #[command(flatten)]
    making: Making,
}

impl KeyCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| {
            match verb {
                Verb::Add(add) => add.run(data, json).await,
                Verb::List(listing) => listing.show(data, CredentialKind::D360Key, json),
                Verb::Revoke(revoking) => revoking.run(data, CredentialKind::D360Key, json).await,
            }?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

impl Add {
    async fn run(self, data: &OpenedData, json: bool) -> anyhow::Result<()> {
        let store = data.store();
        let number = accounts::phone_number_or_only(store, self.phone).map_err(explain)?.id;
        let revoke_others = self.revoke_others.unwrap_or(data.app.config.d360.new_key_revokes_old);
        let expires_at = expires_at(data, self.making.expires_in)?;
        let label = self.making.label;
        let minted = accounts::add_key(store, number, expires_at, label, revoke_others, data.now()).await;
        show_minted(data, &minted.map_err(explain)?, "D360-API-KEY: …", json)
    }
}
