//! The command line. One file a command; each opens what it needs from the same configuration as the server.

mod banner;
mod healthcheck;
mod logging;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Loaded};

/// The media service of WhatsApp Business, to run yourself.
#[derive(Parser)]
#[command(name = "wamedia", version, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Examples:
  wamedia serve                                     serve both dialects, with nothing to configure
  wamedia token add --phone 1025723653965602        make another token
  wamedia config show                               every setting, its value and where it came from")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Args)]
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
    Healthcheck(healthcheck::Healthcheck),
}

/// Parses the arguments, runs the command, tells the exit code: 0 done, 1 failed, 2 wrongly called.
pub fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let done = match command {
        Command::Serve(serve) => serve.run(&global),
        Command::Healthcheck(healthcheck) => healthcheck.run(&global),
    };
    done.unwrap_or_else(|error| {
        eprintln!("wamedia: {error:#}");
        ExitCode::FAILURE
    })
}

impl Global {
    /// The configuration with these flags, and those of the command, on top.
    fn load(&self, flags: Vec<(&str, String)>) -> anyhow::Result<Loaded> {
        let mut all = Vec::new();
        all.extend(self.data.iter().map(|dir| ("data.dir".to_owned(), dir.display().to_string())));
        all.extend(flags.into_iter().map(|(key, value)| (key.to_owned(), value)));
        for setting in &self.set {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                anyhow::anyhow!("--set {setting:?}: write KEY=VALUE, for instance links.valid_for=60s")
            })?;
            all.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        let file = config::file_or_default(self.config.clone());
        Ok(config::load(file.as_deref(), std::env::vars(), &all)?)
    }
}
