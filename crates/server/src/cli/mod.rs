//! The command line. One file a command; each opens what it needs from the same configuration as the server.
//!
//! Commands translate; what they do is decided in `operations`, for the admin listener just the same.

#[macro_use]
mod transfer;

mod account;
mod banner;
mod check;
mod completions;
mod config;
mod credential;
mod delete;
mod delivery;
mod doctor;
mod download;
mod healthcheck;
mod key;
mod log_lines;
mod logging;
mod man;
mod master_key;
mod output;
mod phone;
mod profile;
mod receive;
mod serve;
mod subscription;
mod sweep;
mod throttle;
mod token;
mod upload;
mod url;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use wamedia_store::{KEY_FILE, Store};

use crate::app::App;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::{self as configuration, Loaded};
use crate::metrics::Metrics;
use crate::start::open_store;
use output::{Interrupted, Usage};

/// The media service of WhatsApp Business, to run yourself
#[derive(Parser)]
#[command(name = "wamedia", version, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Examples:
  wamedia serve                                     serve both dialects, with nothing to configure
  wamedia check photo.jpg clip.mp4                  would WhatsApp take these files?
  wamedia profile add local --local                 name a service; then:
  wamedia upload photo.jpg                          prints the media's id
  wamedia download 1761991787669262 -o photo.jpg    brings it back
  wamedia token add --phone 1025723653965602        make another token
  wamedia receive photo.jpg --from 51920155032      be a customer who sends a photo
  wamedia config show --origins                     every setting, its value and where it came from

Exit codes: 0 done, 1 failed, 2 wrongly called; each command's help tells of more.")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Configuration file [default: wamedia.toml in this folder, where there is one]
    #[arg(long, global = true, value_name = "FILE", env = "WAMEDIA_CONFIG")]
    config: Option<PathBuf>,
    /// Data folder
    #[arg(long, global = true, value_name = "DIR", env = "WAMEDIA_DATA")]
    data: Option<PathBuf>,
    /// One setting, over file and variables; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Account(account::AccountCommand),
    Phone(phone::PhoneCommand),
    Token(token::TokenCommand),
    Key(key::KeyCommand),
    Subscription(subscription::SubscriptionCommand),
    Delivery(delivery::DeliveryCommand),
    Receive(receive::Receive),
    Throttle(throttle::ThrottleCommand),
    Upload(upload::Upload),
    Url(url::Url),
    Download(download::Download),
    Delete(delete::Delete),
    Doctor(doctor::Doctor),
    Profile(profile::ProfileCommand),
    Check(check::Check),
    Sweep(sweep::Sweep),
    Verify(verify::Verify),
    MasterKey(master_key::MasterKeyCommand),
    Config(config::ConfigCommand),
    Healthcheck(healthcheck::Healthcheck),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Parses the arguments, runs the command, tells the exit code: 0 done, 1 failed, 2 wrongly called.
pub fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let done = match command {
        Command::Serve(serve) => serve.run(&global),
        Command::Account(account) => account.run(&global),
        Command::Phone(phone) => phone.run(&global),
        Command::Token(token) => token.run(&global),
        Command::Key(key) => key.run(&global),
        Command::Subscription(subscription) => subscription.run(&global),
        Command::Delivery(delivery) => delivery.run(&global),
        Command::Receive(receive) => receive.run(&global),
        Command::Throttle(throttle) => throttle.run(&global),
        Command::Upload(upload) => upload.run(),
        Command::Url(url) => url.run(),
        Command::Download(download) => download.run(),
        Command::Delete(delete) => delete.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Profile(profile) => profile.run(&global),
        Command::Check(check) => check.run(),
        Command::Sweep(sweep) => sweep.run(&global),
        Command::Verify(verify) => verify.run(&global),
        Command::MasterKey(master_key) => master_key.run(&global),
        Command::Config(config) => config.run(&global),
        Command::Healthcheck(healthcheck) => healthcheck.run(&global),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("wamedia: {error:#}");
        exit_code(&error)
    })
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(match error {
        error if error.is::<Usage>() => 2,
        error if error.is::<Interrupted>() => 130,
        _ => 1,
    })
}

/// A data folder that was there already, opened beside whatever server runs on it.
struct OpenedData {
    app: App,
}

impl OpenedData {
    fn store(&self) -> &Store {
        &self.app.store
    }

    fn now(&self) -> Timestamp {
        self.app.clock.now()
    }
}

impl Global {
    /// The configuration with these flags, and those of the command, on top.
    fn load(&self, flags: Vec<(&str, String)>) -> anyhow::Result<Loaded> {
        let mut all = Vec::new();
        all.extend(self.data.iter().map(|dir| ("data.dir".to_owned(), dir.display().to_string())));
        all.extend(flags.into_iter().map(|(key, value)| (key.to_owned(), value)));
        for setting in &self.set {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                Usage(format!("--set {setting:?}: write KEY=VALUE, for instance links.valid_for=60s"))
            })?;
            all.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        let file = configuration::file_or_default(self.config.clone());
        Ok(configuration::load(file.as_deref(), std::env::vars(), &all)?)
    }

    /// Runs a command on the data folder that is there, and takes no lock: a server may run on it too.
    ///
    /// # Errors
    /// There is no data folder (none is made), it cannot be opened, or the command failed.
    fn on_data(
        &self,
        command: impl AsyncFnOnce(&OpenedData) -> anyhow::Result<ExitCode>,
    ) -> anyhow::Result<ExitCode> {
        let config = self.load(Vec::new())?.config;
        logging::start_for_commands();
        let dir = &config.data.dir;
        anyhow::ensure!(
            has_data(dir)?,
            "no data folder at {}; start `wamedia serve` once, or name yours with --data",
            dir.display()
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("the runtime cannot be started")?.block_on(async {
            let metrics = Metrics::new();
            let store = open_store(&config, &metrics)?;
            let app = App::new(config, store, Clock::running(), Chance::system(), metrics);
            let data = OpenedData { app };
            let done = command(&data).await;
            data.app.store.close().await;
            done
        })
    }
}

/// Whether there is a ring or a catalog: opening a folder without them would make them.
fn has_data(dir: &Path) -> anyhow::Result<bool> {
    for file in [KEY_FILE, "catalog.sqlite"] {
        let found = dir.join(file).try_exists();
        let cause = || format!("the data folder {} cannot be read; run this as its owner", dir.display());
        if found.with_context(cause)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_with_an_example() {
        fn walk(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} has no help");
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.contains("Example") && examples.contains("wamedia "), "{name} has no example");
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }
}
