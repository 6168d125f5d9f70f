//! Log lines, always to stderr: pretty on a terminal, JSON otherwise.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::output::colours;
use crate::config::{Log, LogFormat};

/// Starts logging as configured.
///
/// # Errors
/// The level is no filter.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&log.level).with_context(|| format!("log.level = {:?} is no level", log.level))?;
    let on_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let builder = builder.with_ansi(colours(&std::io::stderr()));
    match log.format {
        LogFormat::Pretty => builder.init(),
        LogFormat::Auto if on_terminal => builder.init(),
        LogFormat::Json | LogFormat::Auto => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Only warnings, for commands that end by themselves and say on stdout what they did.
pub fn start_for_commands() {
    let colours = colours(&std::io::stderr());
    let builder = tracing_subscriber::fmt().with_max_level(Level::WARN).with_writer(std::io::stderr);
    builder.with_ansi(colours).without_time().with_target(false).init();
}
