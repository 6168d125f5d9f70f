//! What the commands that talk to a service share: profiles and secrets, many transfers at once, bars, and what is told.
//!
//! Deliberately not here: how a service is spoken to; that is [`wamedia_client`]'s.

/// A command's examples, and the exit codes that all these commands have.
macro_rules! help {
    ($examples:literal) => {
        concat!(
            $examples,
            "\nExit codes: 0 all done, 1 some failed, 2 wrongly called, 3 the service cannot be reached, does not accept \
             the credential, or asks to wait, 130 interrupted."
        )
    };
}

pub mod bars;
pub mod batch;
pub mod failure;
pub mod fields;
pub mod ids;
pub mod ledger;
pub mod profiles;
pub mod secret;
pub mod target;

use std::future::Future;

use anyhow::Context as _;
use clap::Args;
use wamedia_client::Retries;

/// How many at once, how patiently, and what is told.
#[derive(Args)]
pub struct Telling {
    /// How many at once
    #[arg(long, short = 'j', value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub parallel: u8,
    /// How often a request is sent, at most, before it counts as failed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
    /// Print one JSON object a line for each
    #[arg(long)]
    pub json: bool,
    /// No bars, no summary, no warnings
    #[arg(long, short)]
    pub quiet: bool,
}

impl Telling {
    /// The client's usual waits, as often as asked for.
    pub fn retries(&self) -> Retries {
        Retries::default().with_attempts(self.attempts)
    }
}

/// Runs a command's transfers. What still blocks at its end, such as a read of standard input, is left to the system.
///
/// # Errors
/// The command's own, or there is no runtime.
pub fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.context("the runtime cannot be started")?;
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}

/// Hashing, TLS and bars of 32 transfers fit on so many.
const THREADS: usize = 4;
