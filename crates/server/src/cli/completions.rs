//! `wamedia completions SHELL`: for the shell to complete commands and flags.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::output::print;

/// Print completions for a shell
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia completions bash > /etc/bash_completion.d/wamedia
  wamedia completions zsh > \"${fpath[1]}/_wamedia\"
  wamedia completions fish > ~/.config/fish/completions/wamedia.fish")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "wamedia", &mut text);
        print(&String::from_utf8(text)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
