//! `wamedia delivery …`: webhooks on their way, delivered, and given up.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use wamedia_store::{Delivery, DeliveryFilter, DeliveryId, SubscriptionId};

use super::output::{Table, Usage, explain, print, print_json, time, time_or_dash};
use super::{Global, OpenedData};
use crate::admin::webhook_views::{DeliveryView, ShownDelivery, StateName};
use crate::operations::{accounts, subscriptions};

/// Look at webhooks, make them again, drop them
///
/// What is over is kept for a day, what was given up for seven.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia delivery list --state waiting
  wamedia delivery show 17
  wamedia delivery redeliver 17
  wamedia delivery drop 17 --yes")]
pub struct DeliveryCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List deliveries, latest first
    #[command(after_help = "Example:\n  wamedia delivery list --state given_up --limit 20")]
    List {
        /// Of this account only: its id or name
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// To this subscription only
        #[arg(long, value_name = "ID")]
        subscription: Option<SubscriptionId>,
        /// In this state only
        #[arg(long, value_enum)]
        state: Option<StateName>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
    },
    /// Show one delivery with its body
    #[command(after_help = "Example:\n  wamedia delivery show 17")]
    Show {
        /// Its id, as the list shows it
        id: DeliveryId,
    },
    /// Have a delivery made again, whatever became of it
    #[command(after_help = "Example:\n  wamedia delivery redeliver 17")]
    Redeliver {
        /// Its id, as the list shows it
        id: DeliveryId,
    },
    /// Take a delivery that waits out of the queue
    #[command(after_help = "Example:\n  wamedia delivery drop 17 --yes")]
    Drop {
        /// Its id, as the list shows it
        id: DeliveryId,
        /// Yes, drop it
        #[arg(long)]
        yes: bool,
    },
}

impl DeliveryCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| {
            match verb {
                Verb::List { account, subscription, state, limit } => {
                    let account = account.map(|asked| accounts::find_account(data.store(), &asked));
                    let account = account.transpose().map_err(explain)?.map(|account| account.id);
                    let state = state.map(Into::into);
                    list(data, DeliveryFilter { account, subscription, state, before: None, limit }, json)
                }
                Verb::Show { id } => show(data, id),
                Verb::Redeliver { id } => {
                    let again = subscriptions::redeliver(&data.app, id).await.map_err(explain)?;
                    tell(&again, json, "A running server delivers it within a second or two.")
                }
                Verb::Drop { id, yes: false } => {
                    subscriptions::find_delivery(&data.app, id).map_err(explain)?;
                    Err(Usage(format!("delivery {id} would never be made; add --yes to drop it")).into())
                }
                Verb::Drop { id, yes: true } => {
                    let dropped = subscriptions::drop_delivery(&data.app, id).await.map_err(explain)?;
                    tell(&dropped, json, &format!("Dropped delivery {id}."))
                }
            }?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn tell(delivery: &Delivery, json: bool, sentence: &str) -> anyhow::Result<()> {
    if json { print_json(&DeliveryView::from(delivery)) } else { print(&format!("{sentence}\n")) }
}

fn list(data: &OpenedData, filter: DeliveryFilter, json: bool) -> anyhow::Result<()> {
    let found = subscriptions::deliveries(&data.app, filter).map_err(explain)?;
    if json {
        return print_json(&found.iter().map(DeliveryView::from).collect::<Vec<_>>());
    }
    let mut table =
        Table::new(["ID", "TO", "PHONE NUMBER", "KIND", "STATE", "TRIED", "LAST", "NEXT", "CREATED"]);
    for it in &found {
        let status = it.last_status.map(|status| status.to_string());
        table.row([
            it.id.to_string(),
            it.subscription.to_string(),
            it.phone_number_id.to_string(),
            it.kind.clone(),
            StateName::from(it.state).as_str().to_owned(),
            it.attempts.to_string(),
            status.or_else(|| it.last_error.clone()).unwrap_or_default(),
            time_or_dash(it.next_at),
            time(it.created_at),
        ]);
    }
    table.print("No deliveries.")
}

/// JSON either way: the body is JSON.
fn show(data: &OpenedData, id: DeliveryId) -> anyhow::Result<()> {
    let delivery = subscriptions::find_delivery(&data.app, id).map_err(explain)?;
    let body = subscriptions::delivery_body(&data.app, id).map_err(explain)?;
    print_json(&ShownDelivery::new(&delivery, &body))
}
