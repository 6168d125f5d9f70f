//! `wamedia check`: would WhatsApp take this file, and if not, why, and what would mend it?
//!
//! Files are judged on a few threads and told in the order they were named in; only what is in hand is in memory.
//! Deliberately not here: the rules; they are [`wamedia_media`]'s, the same as the server's.

mod judge;
mod report;
pub(super) mod walk;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wamedia_media::{Kind, MimeType, Strictness};

use judge::{Asked, Outcome};
use report::{Report, Tally};
use walk::{Item, Walk};

/// Judge files as the service and WhatsApp would, and say what would mend them
///
/// Looks at what a file is, not at its name, against the rules in docs/media-rules.md. Needs no data folder and no
/// configuration, and changes nothing. Exit code 0 when all files are fine, 1 when some are refused, 2 when some cannot
/// be read.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia check photo.jpg clip.mp4
  wamedia check --quiet pictures/                         only what would be refused
  wamedia check --as sticker cat.webp                     as what a message would carry it
  wamedia check --type 'audio/ogg; codecs=opus' note.ogg  as a client would declare it
  ffmpeg -i in.wav -f ogg - | wamedia check -
  wamedia check --json pictures/ | jq -r 'select(.refusal).file'")]
pub struct Check {
    /// Files, folders with all they hold, and - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The type it would be declared as [default: guessed by content, then by name]
    #[arg(long = "type", value_name = "MIME", value_parser = MimeType::parse)]
    declared: Option<MimeType>,
    /// What a message would carry it as
    #[arg(long = "as", value_name = "KIND", conflicts_with = "declared", value_parser = kinds())]
    kind: Option<Kind>,
    /// How doubtful files are taken
    #[arg(long, value_name = "HOW", default_value = "default", value_parser = strictnesses())]
    strictness: Strictness,
    /// Tell of refused files only
    #[arg(long, short)]
    quiet: bool,
    /// Print one JSON object a line for each file
    #[arg(long)]
    json: bool,
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    let find = |name: String| Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
    PossibleValuesParser::new(Kind::ALL.map(Kind::as_str))
        .try_map(move |name| find(name).ok_or("no such kind"))
}

fn strictnesses() -> impl clap::builder::TypedValueParser<Value = Strictness> {
    PossibleValuesParser::new(["lenient", "default", "strict"]).map(|name| match name.as_str() {
        "lenient" => Strictness::Lenient,
        "strict" => Strictness::Strict,
        _ => Strictness::Default,
    })
}

/// Files that are walked to and judged before they are told: what bounds memory when one of them is slow.
const AHEAD: usize = 64;

/// Threads at most: beyond, the disk is what is waited for.
const MAX_THREADS: usize = 8;

/// Files from which a bar is shown.
const MANY_FILES: usize = 50;

/// A file to judge, and where its outcome is awaited.
struct Job {
    item: Item,
    answer: Sender<Outcome>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let asked = Asked { declared: self.declared, kind: self.kind, strictness: self.strictness };
        let report = Report { json: self.json, quiet: self.quiet };
        let threads = thread::available_parallelism().map_or(2, usize::from).min(MAX_THREADS);
        let (jobs, waiting) = sync_channel::<Job>(AHEAD);
        let (answers, in_order) = sync_channel::<Receiver<Outcome>>(AHEAD);
        let (waiting, bar, files) = (Mutex::new(waiting), hidden_bar(), &self.files);
        thread::scope(|scope| {
            scope.spawn(move || hand_out(Walk::new(files), &jobs, &answers));
            if io::stderr().is_terminal() {
                scope.spawn(|| show_bar(&bar, files));
            }
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(job) = next(&waiting) {
                        // Nobody waits any more when the reader of the output has gone.
                        let _ = job.answer.send(judge::judge(job.item, &asked));
                    }
                });
            }
            tell(&report, in_order, &bar)
        })
    }
}

fn hand_out(walk: Walk, jobs: &SyncSender<Job>, answers: &SyncSender<Receiver<Outcome>>) {
    for item in walk {
        let (answer, outcome) = channel();
        if answers.send(outcome).is_err() || jobs.send(Job { item, answer }).is_err() {
            return;
        }
    }
}

fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Tells every outcome in its turn, and sums up. A reader that has seen enough is no failure; a full disk is.
fn tell(
    report: &Report,
    in_order: Receiver<Receiver<Outcome>>,
    bar: &ProgressBar,
) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    let mut out = io::stdout();
    let mut write = |text: &str| match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("stdout cannot be written"),
    };
    for outcome in in_order.into_iter().filter_map(|answer| answer.recv().ok()) {
        bar.inc(1);
        tally.count(&outcome);
        let (text, trouble) = (report.text(&outcome), report.trouble(&outcome));
        let goes_on = bar.suspend(|| {
            trouble.inspect(|trouble| eprintln!("{trouble}"));
            write(&text)
        });
        if !goes_on? {
            return Ok(tally.exit_code());
        }
    }
    bar.finish_and_clear();
    write(&report.summary(&tally))?;
    Ok(tally.exit_code())
}

fn hidden_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} files, {eta} left");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Counts the files beside the judging, and shows the bar when they are many.
fn show_bar(bar: &ProgressBar, files: &[PathBuf]) {
    let count = Walk::new(files).count();
    if count >= MANY_FILES {
        bar.set_length(count as u64);
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}
