//! Log lines, always to stderr: pretty on a terminal, JSON otherwise.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

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
    match log.format {
        LogFormat::Pretty => builder.with_ansi(on_terminal).init(),
        LogFormat::Auto if on_terminal => builder.with_ansi(true).init(),
        LogFormat::Json | LogFormat::Auto => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
