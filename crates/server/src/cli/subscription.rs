//! `wamedia subscription …`: who is told by webhook what happens to phone numbers.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use wamedia_media::PhoneNumberId;
use wamedia_store::{Endpoint, Subscription, SubscriptionId};

use super::output::{Table, Usage, explain, print, print_json, time};
use super::phone::phone_number_id;
use super::{Global, OpenedData};
use crate::admin::webhook_views::{DialectName, SubscriptionView};
use crate::operations::accounts;
use crate::operations::subscriptions::{self, SubscriptionRequest};

/// Add, list and remove webhook subscriptions
///
/// A subscription is one number's, or its account's for all numbers that have none of their own. Endpoints are called by
/// https and at public addresses; this machine and private networks only with --allow-private, as far as
/// webhooks.allow_private goes.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia subscription add https://example.com/webhook --verify-token @token.txt --app-secret @secret.txt
  wamedia subscription add http://127.0.0.1:3000/webhook --allow-private --dialect d360
  wamedia subscription list
  wamedia subscription remove 1 --yes")]
pub struct SubscriptionCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Add(Add),
    /// List subscriptions
    #[command(after_help = "Example:\n  wamedia subscription list --account shop")]
    List {
        /// Of this account only: its id or name
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Remove a subscription with everything that waits for it
    #[command(after_help = "Example:\n  wamedia subscription remove 1 --yes")]
    Remove {
        /// Its id, as the list shows it
        id: SubscriptionId,
        /// Yes, remove it
        #[arg(long)]
        yes: bool,
    },
}

/// Add a subscription, after its endpoint answered the check
///
/// With a verify token, the endpoint is asked to say a challenge back, as Meta does. Secrets may be given as @FILE, so
/// that no list of processes shows them.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia subscription add https://example.com/webhook --verify-token meow --app-secret @secret.txt
  wamedia subscription add http://localhost:3000/ --allow-private --header \"Authorization: Bearer abc\"")]
struct Add {
    /// Where webhooks are posted to
    url: String,
    /// For this number only
    #[arg(long, value_name = "NUMBER", value_parser = phone_number_id)]
    phone: Option<PhoneNumberId>,
    /// The account's id or name; the only one where there is one
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// In whose manner
    #[arg(long, value_enum, default_value_t = DialectName::Graph)]
    dialect: DialectName,
    /// What the check sends along, or @FILE
    #[arg(long, value_name = "TEXT")]
    verify_token: Option<String>,
    /// What bodies are signed with, or @FILE; without it they are not signed
    #[arg(long, value_name = "TEXT")]
    app_secret: Option<String>,
    /// Sent with each webhook; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Let it be this machine or a private network
    #[arg(long)]
    allow_private: bool,
    /// Do not call the endpoint now
    #[arg(long)]
    no_check: bool,
}

impl SubscriptionCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| {
            match verb {
                Verb::Add(add) => add.run(data, json).await,
                Verb::List { account } => list(data, account.as_deref(), json),
                Verb::Remove { id, yes } => remove(data, id, yes, json).await,
            }?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

impl Add {
    async fn run(self, data: &OpenedData, json: bool) -> anyhow::Result<()> {
        let request = SubscriptionRequest {
            account: self.account,
            phone_number_id: self.phone,
            dialect: self.dialect.into(),
            endpoint: Endpoint {
                url: self.url,
                verify_token: self.verify_token.map(secret).transpose()?,
                app_secret: self.app_secret.map(secret).transpose()?,
                headers: self.headers.iter().map(|line| header(line)).collect::<anyhow::Result<_>>()?,
            },
            allow_private: self.allow_private,
            check: !self.no_check,
        };
        let added = subscriptions::add_subscription(&data.app, request).await.map_err(explain)?;
        tell(&added, json, &format!("Added subscription {}, for {}.", added.id, whose(&added)))
    }
}

/// As it stands, or what a file holds, without the line feed at its end.
fn secret(given: String) -> anyhow::Result<String> {
    let Some(path) = given.strip_prefix('@') else { return Ok(given) };
    let text = std::fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
    Ok(text.trim().to_owned())
}

fn header(line: &str) -> anyhow::Result<(String, String)> {
    let (name, value) =
        line.split_once(':').ok_or_else(|| Usage(format!("--header {line:?}: write \"Name: value\"")))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn whose(subscription: &Subscription) -> String {
    match subscription.phone_number_id {
        Some(number) => format!("phone number {number}"),
        None => format!("account {}", subscription.account),
    }
}

fn tell(subscription: &Subscription, json: bool, sentence: &str) -> anyhow::Result<()> {
    if json { print_json(&SubscriptionView::from(subscription)) } else { print(&format!("{sentence}\n")) }
}

fn list(data: &OpenedData, account: Option<&str>, json: bool) -> anyhow::Result<()> {
    let store = data.store();
    let account = account.map(|asked| accounts::find_account(store, asked)).transpose().map_err(explain)?;
    let found = store.catalog().subscriptions(account.map(|account| account.id))?;
    if json {
        return print_json(&found.iter().map(SubscriptionView::from).collect::<Vec<_>>());
    }
    let mut table =
        Table::new(["ID", "ACCOUNT", "PHONE NUMBER", "DIALECT", "SIGNED", "PRIVATE", "CREATED", "URL"]);
    for it in &found {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        table.row([
            it.id.to_string(),
            it.account.to_string(),
            it.phone_number_id.map_or_else(|| "all others".to_owned(), |number| number.to_string()),
            DialectName::from(it.dialect).as_str().to_owned(),
            yes(it.endpoint.app_secret.is_some()),
            yes(it.allow_private),
            time(it.created_at),
            it.endpoint.url.clone(),
        ]);
    }
    table.print("No subscriptions. Add one: wamedia subscription add URL")
}

async fn remove(data: &OpenedData, id: SubscriptionId, yes: bool, json: bool) -> anyhow::Result<()> {
    let found = subscriptions::find_subscription(&data.app, id).map_err(explain)?;
    if !yes {
        let whose = whose(&found);
        let sentence =
            format!("subscription {id} of {whose} would go with all that waits for it; add --yes to do it");
        return Err(Usage(sentence).into());
    }
    subscriptions::remove_subscription(&data.app, id).await.map_err(explain)?;
    tell(&found, json, &format!("Removed subscription {id} of {}.", whose(&found)))
}
