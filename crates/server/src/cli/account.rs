//! `wamedia account …`: accounts of the data folder, also while a server runs on it.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use wamedia_store::{Account, CredentialKind};

use super::output::{Table, Usage, counted, explain, print, print_json, time};
use super::{Global, OpenedData};
use crate::admin::view::{AccountView, retention_text, span_text};
use crate::operations::accounts::{self, Retention};

/// Make, list and change accounts
///
/// An account owns phone numbers, credentials and media; nobody reaches another account's. A running server sees every
/// change at its next request.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia account add shop
  wamedia account list
  wamedia account retention shop --uploaded 7d
  wamedia account remove shop --yes")]
pub struct AccountCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make an account
    #[command(after_help = "Example:
  wamedia account add shop && wamedia phone add --account shop && wamedia token add --account shop")]
    Add {
        /// What people call it; unique
        name: String,
    },
    /// List all accounts
    #[command(after_help = "Example:\n  wamedia account list --json")]
    List,
    /// Show one account with its numbers and credentials
    #[command(after_help = "Examples:\n  wamedia account show 1\n  wamedia account show shop")]
    Show {
        /// Its id or name
        #[arg(value_name = "ID")]
        account: String,
    },
    /// Give an account another name
    #[command(after_help = "Example:\n  wamedia account rename 1 shop")]
    Rename {
        /// Its id or name
        #[arg(value_name = "ID")]
        account: String,
        /// What it will be called
        name: String,
    },
    /// Set how long an account's media is kept; media that is there keeps its own life
    #[command(after_help = "Examples:
  wamedia account retention shop --uploaded 7d
  wamedia account retention shop --uploaded default --received default")]
    Retention {
        /// Its id or name
        #[arg(value_name = "ID")]
        account: String,
        /// Uploaded media: a length such as 30d, or default for as configured
        #[arg(long, value_name = "LENGTH", required_unless_present = "received")]
        uploaded: Option<Retention>,
        /// Media received by webhook, likewise
        #[arg(long, value_name = "LENGTH")]
        received: Option<Retention>,
    },
    /// Remove an account with its numbers, credentials and media, for ever
    #[command(after_help = "Example:\n  wamedia account remove shop --yes")]
    Remove {
        /// Its id or name
        #[arg(value_name = "ID")]
        account: String,
        /// Yes, remove it
        #[arg(long)]
        yes: bool,
    },
}

impl AccountCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| {
            match verb {
                Verb::Add { name } => add(data, &name, json).await,
                Verb::List => list(data, json),
                Verb::Show { account } => show(data, &find(data, &account)?, json),
                Verb::Rename { account, name } => {
                    let id = find(data, &account)?.id;
                    let account = accounts::rename_account(data.store(), id, &name).await.map_err(explain)?;
                    tell(&account, json, &format!("Account {id} is called {} now.", account.name))
                }
                Verb::Retention { account, uploaded, received } => {
                    retention(data, &find(data, &account)?, uploaded, received, json).await
                }
                Verb::Remove { account, yes } => remove(data, &find(data, &account)?, yes, json).await,
            }?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn find(data: &OpenedData, asked: &str) -> anyhow::Result<Account> {
    accounts::find_account(data.store(), asked).map_err(explain)
}

fn tell(account: &Account, json: bool, sentence: &str) -> anyhow::Result<()> {
    if json { print_json(&AccountView::from(account)) } else { print(&format!("{sentence}\n")) }
}

async fn add(data: &OpenedData, name: &str, json: bool) -> anyhow::Result<()> {
    let account = accounts::add_account(data.store(), name, data.now()).await.map_err(explain)?;
    let id = account.id;
    let sentence = format!(
        "Made account {id} ({}). Next:\n  wamedia phone add --account {id}\n  wamedia token add --account {id}",
        account.name
    );
    tell(&account, json, &sentence)
}

fn list(data: &OpenedData, json: bool) -> anyhow::Result<()> {
    let all = data.store().catalog().accounts()?;
    if json {
        return print_json(&all.iter().map(AccountView::from).collect::<Vec<_>>());
    }
    let mut table = Table::new(["ID", "NAME", "UPLOADED", "RECEIVED", "CREATED"]);
    for account in &all {
        table.row([
            account.id.to_string(),
            account.name.clone(),
            retention_text(account.retention_uploaded),
            retention_text(account.retention_received),
            time(account.created_at),
        ]);
    }
    table.print("No accounts. Make one: wamedia account add NAME")
}

/// How much an account has: numbers, and live tokens and keys.
fn contents(data: &OpenedData, account: &Account) -> anyhow::Result<[(u64, &'static str); 3]> {
    let (store, now) = (data.store(), data.now());
    let live = |kind| accounts::credentials(store, kind, Some(account.id), false, now);
    let numbers = store.catalog().phone_numbers(Some(account.id))?.len() as u64;
    let tokens = live(CredentialKind::Token)?.len() as u64;
    let keys = live(CredentialKind::D360Key)?.len() as u64;
    Ok([(numbers, "phone number"), (tokens, "token"), (keys, "key")])
}

fn show(data: &OpenedData, account: &Account, json: bool) -> anyhow::Result<()> {
    let mut text = format!("id        {}\nname      {}\n", account.id, account.name);
    text += &format!("created   {}\n", time(account.created_at));
    text += &format!("uploaded  kept {}\n", kept(account.retention_uploaded));
    text += &format!("received  kept {}\n", kept(account.retention_received));
    let contents = contents(data, account)?.map(|(count, thing)| counted(count, thing));
    text += &format!("has       {}", contents.join(", "));
    tell(account, json, &text)
}

fn kept(retention: Option<Duration>) -> String {
    retention.map_or_else(|| "as configured for all".to_owned(), |life| format!("for {}", span_text(life)))
}

async fn retention(
    data: &OpenedData,
    account: &Account,
    uploaded: Option<Retention>,
    received: Option<Retention>,
    json: bool,
) -> anyhow::Result<()> {
    let set = accounts::set_retention(data.store(), account, uploaded, received).await.map_err(explain)?;
    let sentence = format!(
        "From now on, of account {} ({}): uploaded media is kept {}, received media {}.",
        set.id,
        set.name,
        kept(set.retention_uploaded),
        kept(set.retention_received)
    );
    tell(&set, json, &sentence)
}

async fn remove(data: &OpenedData, account: &Account, yes: bool, json: bool) -> anyhow::Result<()> {
    let (id, name) = (account.id, &account.name);
    if !yes {
        let contents = contents(data, account)?.map(|(count, thing)| counted(count, thing)).join(", ");
        return Err(Usage(format!(
            "account {id} ({name}) would go for ever, with {contents} and all its media; add --yes to do it"
        ))
        .into());
    }
    accounts::remove_account(data.store(), id).await.map_err(explain)?;
    tell(account, json, &format!("Removed account {id} ({name}). Its media cannot be read any more."))
}
