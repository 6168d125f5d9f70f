//! `wamedia man`: manual pages, rendered from the same help.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory};

use super::Cli;
use super::output::print;

/// Write manual pages
///
/// Without a folder, the page of wamedia itself goes to stdout; with one, a page for every command is written there.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia man | man -l -
  wamedia man /usr/local/share/man/man1")]
pub struct Man {
    /// Folder for a page of every command; made where it is missing
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.dir {
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(Cli::command()).render(&mut page)?;
                print(&String::from_utf8(page)?)?;
            }
            Some(dir) => {
                let at = || format!("the pages cannot be written to {}", dir.display());
                std::fs::create_dir_all(&dir).with_context(at)?;
                clap_mangen::generate_to(Cli::command(), &dir).with_context(at)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
