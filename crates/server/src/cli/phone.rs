//! `wamedia phone …`: phone numbers of the data folder.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use wamedia_media::PhoneNumberId;
use wamedia_store::PhoneNumber;

use super::output::{Table, Usage, explain, print, print_json, time};
use super::{Global, OpenedData};
use crate::admin::view::PhoneNumberView;
use crate::operations::accounts;

/// Add, list and remove phone numbers
///
/// A number belongs to one account. Its id stands in the paths of Meta's dialect; a 360dialog key belongs to one number.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia phone add
  wamedia phone add 1025723653965602 --display \"+1 555 0100\"
  wamedia phone list
  wamedia phone remove 1025723653965602 --yes")]
pub struct PhoneCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Add a number to an account
    #[command(after_help = "Examples:
  wamedia phone add
  wamedia phone add 1025723653965602 --account shop --display \"+1 555 0100\"")]
    Add {
        /// Its phone number id; drawn where none is given
        #[arg(value_parser = phone_number_id)]
        id: Option<PhoneNumberId>,
        /// The account's id or name; the only one where there is one
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// How people write the number
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        display: String,
    },
    /// List numbers
    #[command(after_help = "Example:\n  wamedia phone list --account shop")]
    List {
        /// Of this account only: its id or name
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Remove a number; its keys, and tokens for it alone, end; its media stays with the account
    #[command(after_help = "Example:\n  wamedia phone remove 1025723653965602 --yes")]
    Remove {
        /// Its phone number id
        #[arg(value_parser = phone_number_id)]
        id: PhoneNumberId,
        /// Yes, remove it
        #[arg(long)]
        yes: bool,
    },
}

/// For clap: the digits of a phone number id.
pub(super) fn phone_number_id(text: &str) -> Result<PhoneNumberId, String> {
    text.parse()
        .map_err(|_| "write the digits of a phone number id, as `wamedia phone list` shows them".to_owned())
}

impl PhoneCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| {
            match verb {
                Verb::Add { id, account, display } => add(data, id, account.as_deref(), &display, json).await,
                Verb::List { account } => list(data, account.as_deref(), json),
                Verb::Remove { id, yes } => remove(data, id, yes, json).await,
            }?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn add(
    data: &OpenedData,
    id: Option<PhoneNumberId>,
    account: Option<&str>,
    display: &str,
    json: bool,
) -> anyhow::Result<()> {
    let store = data.store();
    let account = accounts::account_or_only(store, account).map_err(explain)?;
    let chance = &data.app.chance;
    let added = accounts::add_phone_number(store, chance, account.id, id, display, data.now()).await;
    let added = added.map_err(explain)?;
    let sentence = format!("Added phone number {} to account {} ({}).", added.id, account.id, account.name);
    tell(&added, json, &sentence)
}

fn tell(number: &PhoneNumber, json: bool, sentence: &str) -> anyhow::Result<()> {
    if json { print_json(&PhoneNumberView::from(number)) } else { print(&format!("{sentence}\n")) }
}

fn list(data: &OpenedData, account: Option<&str>, json: bool) -> anyhow::Result<()> {
    let store = data.store();
    let account = account.map(|asked| accounts::find_account(store, asked)).transpose().map_err(explain)?;
    let numbers = store.catalog().phone_numbers(account.map(|account| account.id))?;
    if json {
        return print_json(&numbers.iter().map(PhoneNumberView::from).collect::<Vec<_>>());
    }
    let mut table = Table::new(["ID", "ACCOUNT", "DISPLAY", "CREATED"]);
    for number in &numbers {
        table.row([
            number.id.to_string(),
            number.account.to_string(),
            number.display.clone(),
            time(number.created_at),
        ]);
    }
    table.print("No phone numbers. Add one: wamedia phone add")
}

async fn remove(data: &OpenedData, id: PhoneNumberId, yes: bool, json: bool) -> anyhow::Result<()> {
    let number = accounts::find_phone_number(data.store(), id).map_err(explain)?;
    if !yes {
        return Err(Usage(format!(
            "phone number {id} of account {} would go, and its keys would end; add --yes to do it",
            number.account
        ))
        .into());
    }
    accounts::remove_phone_number(data.store(), id, data.now()).await.map_err(explain)?;
    tell(&number, json, &format!("Removed phone number {id} of account {}.", number.account))
}
