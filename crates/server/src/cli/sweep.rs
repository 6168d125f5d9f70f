//! `wamedia sweep`: what the server does every few minutes, now.

use std::process::ExitCode;

use clap::Args;

use super::Global;
use super::output::{bytes, counted, print, print_json};
use crate::admin::view::SweepView;
use crate::jobs;

/// Remove expired media and what crashes left behind, now
///
/// A running server does it by itself every retention.sweep_every. Expired media is out of reach at its second all the
/// same; files that may belong to an upload under way stay for a day.
#[derive(Args)]
#[command(after_help = "Examples:\n  wamedia sweep\n  wamedia sweep --json")]
pub struct Sweep {
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

impl Sweep {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        global.on_data(async |data| {
            let report = jobs::sweep_once(&data.app).await?;
            if self.json {
                print_json(&SweepView::from(&report))?;
            } else {
                print(&format!(
                    "Removed {} with {}, {}, {}. Freed {}.\n",
                    counted(report.expired, "expired record"),
                    counted(report.blobs_removed, "blob"),
                    counted(report.orphans_removed, "orphaned blob"),
                    counted(report.staging_removed, "abandoned upload"),
                    bytes(report.bytes_freed),
                ))?;
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
