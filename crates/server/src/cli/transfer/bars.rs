//! Bars on a terminal, on stderr: one for all, one for each transfer under way, with speed and time left.
//!
//! Where nobody looks there are none, and nothing else changes.

use std::fmt::Write;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{BinaryBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::output::plain;

/// All bars of one command. Clones draw on the same lines.
#[derive(Clone)]
pub struct Bars {
    lines: MultiProgress,
    /// There where several things are done.
    overall: Option<ProgressBar>,
    /// Whether the overall bar measures bytes: when their number is known beforehand.
    by_bytes: bool,
    items: u64,
    /// Bytes of all transfers so far.
    moved: Arc<AtomicU64>,
}

const FILE: &str = "  {msg:32!} {bar:16} {binary_bytes:>10} {binary_bytes_per_sec:>12}  {left} left";
const FILE_OF_UNKNOWN_SIZE: &str = "  {msg:32!} {spinner} {binary_bytes:>10} {binary_bytes_per_sec:>12}";
const ALL_BY_BYTES: &str =
    "{prefix} {wide_bar} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {left} left";
const ALL_BY_COUNT: &str = "{prefix} {wide_bar} {moved}, {left} left";

/// How often bars are drawn anew though nothing came: a line that stalls must be seen to stall.
const TICK: Duration = Duration::from_millis(250);

impl Bars {
    /// For so many items; of so many bytes in all, where that is known. None at all unless stderr is a terminal.
    pub fn new(items: usize, bytes: Option<u64>, quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let shown = std::io::stderr().is_terminal() && !quiet && !dumb;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let lines = MultiProgress::with_draw_target(target);
        let items = items as u64;
        let moved = Arc::new(AtomicU64::new(0));
        let overall = (items > 1 && shown).then(|| {
            let (length, template) = bytes.map_or((items, ALL_BY_COUNT), |bytes| (bytes, ALL_BY_BYTES));
            let so_far = moved.clone();
            let told = move |state: &ProgressState, out: &mut dyn Write| {
                let bytes = so_far.load(Ordering::Relaxed);
                let a_second = bytes as f64 / state.elapsed().as_secs_f64().max(0.001);
                let _ = write!(out, "{}, {}/s", BinaryBytes(bytes), BinaryBytes(a_second as u64));
            };
            let bar = lines.add(ProgressBar::new(length).with_style(style(template).with_key("moved", told)));
            bar.enable_steady_tick(TICK);
            bar
        });
        let bars = Self { lines, overall, by_bytes: bytes.is_some(), items, moved };
        bars.finished(0);
        bars
    }

    /// A bar for one transfer, of so many bytes if that is known.
    pub fn file(&self, name: &str, bytes: Option<u64>) -> FileBar {
        let template = if bytes.is_some() { FILE } else { FILE_OF_UNKNOWN_SIZE };
        let bar = ProgressBar::hidden().with_style(style(template)).with_message(plain(name));
        bytes.inspect(|bytes| bar.set_length(*bytes));
        let bar = self.lines.add(bar);
        bar.enable_steady_tick(TICK);
        let whole = self.overall.clone().filter(|_| self.by_bytes);
        let (moved, done) = (self.moved.clone(), AtomicU64::new(0));
        FileBar(Arc::new(Transfer { bar, whole, moved, done, bytes: bytes.unwrap_or(0) }))
    }

    /// So many items are done with.
    pub fn finished(&self, items: u64) {
        let Some(overall) = &self.overall else { return };
        if !self.by_bytes {
            overall.set_position(items);
        }
        overall.set_prefix(format!("{items}/{}", self.items));
    }

    /// Prints something while no bar is in the way.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.lines.suspend(print)
    }

    /// Takes all bars away.
    pub fn clear(&self) {
        self.overall.iter().for_each(ProgressBar::finish_and_clear);
        let _ = self.lines.clear();
    }
}

/// The bar of one transfer. Clones are the same bar; it goes when the last one is dropped.
#[derive(Clone)]
pub struct FileBar(Arc<Transfer>);

struct Transfer {
    bar: ProgressBar,
    whole: Option<ProgressBar>,
    /// Bytes of all transfers.
    moved: Arc<AtomicU64>,
    /// Bytes that the overall bar has from this transfer.
    done: AtomicU64,
    /// Bytes that the overall bar expects of it.
    bytes: u64,
}

impl FileBar {
    /// So many bytes have come or gone, of so many; may go back when something is begun anew.
    pub fn show(&self, bytes: u64, total: Option<u64>) {
        let Transfer { bar, whole, moved, done, .. } = &*self.0;
        if let Some(total) = total.filter(|total| bar.length() != Some(*total)) {
            bar.set_length(total);
            bar.set_style(style(FILE));
        }
        bar.set_position(bytes);
        let before = done.swap(bytes, Ordering::Relaxed);
        match (bytes.checked_sub(before), whole) {
            (Some(more), None) => drop(moved.fetch_add(more, Ordering::Relaxed)),
            (Some(more), Some(whole)) => whole.inc(more),
            (None, Some(whole)) => whole.dec(before - bytes),
            (None, None) => {}
        }
    }

    /// Done with: what was not transferred is no longer waited for.
    pub fn settle(&self) {
        let Transfer { bar, whole, done, bytes, .. } = &*self.0;
        bar.finish_and_clear();
        let Some(whole) = whole else { return };
        let missing = bytes.saturating_sub(done.load(Ordering::Relaxed));
        whole.set_length(whole.length().unwrap_or(0).saturating_sub(missing));
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("left", |state: &ProgressState, out: &mut dyn Write| {
        // While nothing moves, nobody knows.
        let seconds = Some(state.eta().as_secs()).filter(|_| state.per_sec() > 0.0);
        let _ = match seconds.map(|seconds| (seconds / 3600, seconds / 60 % 60, seconds % 60)) {
            None => write!(out, "?"),
            Some((0, minutes, seconds)) => write!(out, "{minutes}:{seconds:02}"),
            Some((hours, minutes, seconds)) => write!(out, "{hours}:{minutes:02}:{seconds:02}"),
        };
    })
}
