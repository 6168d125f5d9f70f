//! `wamedia throttle …`: what the vendors' rules count and block at this moment.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use wamedia_media::PhoneNumberId;

use super::Global;
use super::output::{Table, explain, print, print_json, time_or_dash};
use super::phone::phone_number_id;
use crate::admin::view::ThrottleView;
use crate::operations::accounts;

/// Show and reset the throttles of phone numbers
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia throttle list
  wamedia throttle reset 1025723653965602
  wamedia throttle reset")]
pub struct ThrottleCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List what is counted and blocked now
    #[command(after_help = "Example:\n  wamedia throttle list --json")]
    List,
    /// Forget what was counted and blocked, of one number or of all
    #[command(after_help = "Examples:\n  wamedia throttle reset 1025723653965602\n  wamedia throttle reset")]
    Reset {
        /// A phone number id [default: all numbers]
        #[arg(value_name = "NUMBER", value_parser = phone_number_id)]
        number: Option<PhoneNumberId>,
    },
}

impl ThrottleCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| {
            match verb {
                Verb::List => {
                    let states = data.app.throttle.state(data.now())?;
                    if json {
                        print_json(&states.iter().map(ThrottleView::from).collect::<Vec<_>>())?;
                        return Ok(ExitCode::SUCCESS);
                    }
                    let mut table = Table::new(["PHONE NUMBER", "RULE", "COUNTED", "BLOCKED UNTIL"]);
                    for state in states {
                        table.row([
                            state.number.to_string(),
                            state.rule,
                            state.counted.to_string(),
                            time_or_dash(state.blocked_until),
                        ]);
                    }
                    table.print("Nothing is counted or blocked.")?;
                }
                Verb::Reset { number } => {
                    accounts::reset_throttles(data.store(), number).await.map_err(explain)?;
                    let whose = number.map_or_else(|| "all phone numbers".to_owned(), |id| id.to_string());
                    if json {
                        print_json(&json!({ "reset": number.map(|id| id.to_string()) }))?;
                    } else {
                        print(&format!("Forgot what was counted and blocked of {whose}.\n"))?;
                    }
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
