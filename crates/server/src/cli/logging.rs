//! Log lines, always to stderr: pretty on a terminal, JSON ([`log_lines`](super::log_lines)) otherwise.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::log_lines::{Gathered, JsonLines};
use super::output::colours;
use crate::config::{Log, LogFormat};

/// While it lives, lines may wait to be written; dropping it writes them.
pub struct Logging(Option<Gathered>);

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(gathered) = &self.0 {
            gathered.flush();
        }
    }
}

/// Starts logging as configured.
///
/// # Errors
/// The level is no filter.
pub fn start(log: &Log) -> anyhow::Result<Logging> {
    let filter =
        EnvFilter::try_new(&log.level).with_context(|| format!("log.level = {:?} is no level", log.level))?;
    let on_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    let pretty = log.format == LogFormat::Pretty || (log.format == LogFormat::Auto && on_terminal);
    if pretty {
        builder.with_writer(std::io::stderr).with_ansi(colours(&std::io::stderr())).init();
        return Ok(Logging(None));
    }
    let gathered = Gathered::start().context("the log's thread cannot be started")?;
    builder.event_format(JsonLines).with_writer(gathered.clone()).init();
    Ok(Logging(Some(gathered)))
}

/// Only warnings, for commands that end by themselves and say on stdout what they did.
pub fn start_for_commands() {
    let colours = colours(&std::io::stderr());
    let builder = tracing_subscriber::fmt().with_max_level(Level::WARN).with_writer(std::io::stderr);
    builder.with_ansi(colours).without_time().with_target(false).init();
}
