//! `wamedia verify`: does every promise about what is on disk hold?

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wamedia_store::{VerifyProgress, VerifyReport};

use super::Global;
use super::output::{bytes, counted, print, print_json};
use crate::admin::view::VerifyView;

/// Walk over every record and file, and report what is broken
///
/// Reads only, and may run beside a server. Exit code 0 when nothing is found, 1 when something is.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  wamedia verify\n  wamedia verify --deep         also every byte, against its hash
  wamedia verify --json | jq .findings"
)]
pub struct Verify {
    /// Open every byte and compare its hash
    #[arg(long)]
    deep: bool,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        global.on_data(async |data| {
            let bar = Bar::new(self.deep);
            let report = data.store().verify(data.now(), self.deep, &mut |progress| bar.show(progress))?;
            bar.0.finish_and_clear();
            if self.json {
                print_json(&VerifyView::new(&report, usize::MAX))?;
            } else {
                print(&text(&report, self.deep))?;
            }
            Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }
}

fn text(report: &VerifyReport, deep: bool) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        text += &format!("{finding}\n");
    }
    let untold = report.findings_total.saturating_sub(report.findings.len() as u64);
    if untold > 0 {
        text += &format!("and {} more\n", untold);
    }
    let mut walked = format!("{}, {}", counted(report.records, "record"), counted(report.blobs, "blob"));
    if deep {
        walked += &format!(", {}", bytes(report.bytes));
    }
    let verdict = if report.is_clean() {
        "everything is as it must be".to_owned()
    } else if report.is_sound() {
        format!(
            "{}, harmless: the sweep removes them when they are a day old",
            counted(report.leftovers, "leftover")
        )
    } else {
        counted(report.findings_total, "finding")
    };
    text + &format!("{walked}: {verdict}\n")
}

/// On a terminal only, and on stderr.
struct Bar(ProgressBar);

impl Bar {
    fn new(deep: bool) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let template = if deep {
            "{bar:40} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left"
        } else {
            "{bar:40} {human_pos} of {human_len} records, {eta} left"
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::with_draw_target(Some(0), target).with_style(style))
    }

    fn show(&self, progress: VerifyProgress) {
        let by_bytes = progress.bytes > 0;
        let (done, total) = if by_bytes {
            (progress.bytes, progress.bytes_total)
        } else {
            (progress.records, progress.records_total)
        };
        self.0.set_length(total.max(done));
        self.0.set_position(done);
    }
}
