//! Log lines as JSON: one object a line, written with as little work as a line can take, and gathered before they are
//! handed to the system. A line a request is the price of an access log; it should not be a tenth of the request's.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

/// `{"timestamp":…,"level":…,<the event's fields>,"target":…}`.
pub struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        LINE.with_borrow_mut(|line| {
            line.text.clear();
            line.text.push_str("{\"timestamp\":\"");
            line.push_date();
            line.text.push_str("\",\"level\":\"");
            line.text.push_str(metadata.level().as_str());
            line.text.push('"');
            event.record(line);
            line.push_name("target");
            line.push_text(metadata.target());
            line.text.push_str("}\n");
            out.write_str(&line.text)
        })
    }
}

thread_local! {
    static LINE: RefCell<Line> = const { RefCell::new(Line::new()) };
}

/// A line while it is written.
struct Line {
    text: String,
    /// What a value says of itself before it is escaped.
    shown: String,
    /// The second that was written last: `2026-11-21T08:22:27`.
    second: i64,
    date: String,
}

impl Line {
    const fn new() -> Self {
        Self { text: String::new(), shown: String::new(), second: i64::MIN, date: String::new() }
    }

    fn push_date(&mut self) {
        let now = Timestamp::try_from(Clock::system()).unwrap_or_default();
        if self.second != now.as_second() {
            self.second = now.as_second();
            self.date.clear();
            let _ = write!(self.date, "{}", now.strftime("%Y-%m-%dT%H:%M:%S"));
        }
        self.text.push_str(&self.date);
        let _ = write!(self.text, ".{:06}Z", now.subsec_microsecond() + 1000 * now.subsec_millisecond());
    }

    /// Names are identifiers of ours: nothing in them needs escaping.
    fn push_name(&mut self, name: &str) {
        self.text.push_str(",\"");
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    fn push_text(&mut self, text: &str) {
        self.text.push('"');
        push_escaped(&mut self.text, text);
        self.text.push('"');
    }

    fn push_shown(&mut self, name: &str, value: fmt::Arguments<'_>) {
        self.push_name(name);
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        let _ = shown.write_fmt(value);
        self.push_text(&shown);
        self.shown = shown;
    }
}

fn push_escaped(out: &mut String, text: &str) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(plain) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // No control character reaches a terminal or breaks a line.
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push_shown(field.name(), format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push_name(field.name());
        self.push_text(value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push_name(field.name());
        let _ = write!(self.text, "{value}");
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push_name(field.name());
        let _ = write!(self.text, "{value}");
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push_name(field.name());
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push_name(field.name());
        // JSON has no word for what is no number.
        let _ = if value.is_finite() { write!(self.text, "{value}") } else { self.text.write_str("null") };
    }
}

/// How long a line may wait for others. A warning does not wait.
const GATHER_FOR: Duration = Duration::from_millis(100);
/// Bytes that are written at once, however young they are.
const GATHER_BYTES: usize = 32 * 1024;

/// Gathers lines and writes them to stderr, many at once.
#[derive(Clone)]
pub struct Gathered(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<u8>>,
    some_wait: Condvar,
    /// Held from taking lines to having written them, so that they stay in order.
    out: Mutex<io::Stderr>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gathered {
    /// Starts the thread that writes what has waited long enough.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start() -> io::Result<Self> {
        let shared =
            Shared { waiting: Mutex::default(), some_wait: Condvar::new(), out: Mutex::new(io::stderr()) };
        let gathered = Self(Arc::new(shared));
        let writer = gathered.clone();
        std::thread::Builder::new().name("wamedia-log".to_owned()).spawn(move || writer.write_for_ever())?;
        Ok(gathered)
    }

    fn write_for_ever(&self) {
        loop {
            let waiting = lock(&self.0.waiting);
            drop(
                self.0
                    .some_wait
                    .wait_while(waiting, |waiting| waiting.is_empty())
                    .unwrap_or_else(PoisonError::into_inner),
            );
            std::thread::sleep(GATHER_FOR);
            self.flush();
        }
    }

    fn add(&self, lines: &[u8], urgent: bool) {
        let mut waiting = lock(&self.0.waiting);
        let first = waiting.is_empty();
        waiting.extend_from_slice(lines);
        let many = waiting.len() >= GATHER_BYTES;
        drop(waiting);
        if urgent || many {
            self.flush();
        } else if first {
            self.0.some_wait.notify_one();
        }
    }

    /// Writes what waits.
    pub fn flush(&self) {
        let mut out = lock(&self.0.out);
        let lines = std::mem::replace(&mut *lock(&self.0.waiting), Vec::with_capacity(GATHER_BYTES));
        // Nobody can be told that nobody can be told.
        let _ = out.write_all(&lines);
    }
}

/// Writes lines of one event.
pub struct LineWriter<'a> {
    gathered: &'a Gathered,
    urgent: bool,
}

impl<'a> MakeWriter<'a> for Gathered {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { gathered: self, urgent: true }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter<'a> {
        LineWriter { gathered: self, urgent: *metadata.level() <= Level::WARN }
    }
}

impl io::Write for LineWriter<'_> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.gathered.add(lines, self.urgent);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.gathered.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_json_with_its_fields() {
        #[derive(Clone, Default)]
        struct Kept(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Kept {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                lock(&self.0).extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLines)
            .with_writer(move || writer.clone())
            .with_max_level(Level::TRACE)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let text = "a \"quoted\" \\ line\nand another\u{1b}[0m \u{85} ü";
            tracing::info!(target: "wamedia::access", text, number = Some(7_u64), ms = 0.25, ok = true, none = None::<u64>);
            tracing::warn!(error = %text, shown = ?text, nan = f64::NAN, below = -1_i64, "went {}", "wrong");
        });
        let said = String::from_utf8(lock(&kept.0).clone()).unwrap();
        let lines: Vec<serde_json::Value> =
            said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{said}");
        assert!(!said.contains('\u{1b}') && !said.contains('\u{85}'));
        assert_eq!((&lines[0]["level"], &lines[0]["target"]), (&"INFO".into(), &"wamedia::access".into()));
        assert_eq!(lines[0]["text"], "a \"quoted\" \\ line\nand another\u{1b}[0m \u{85} ü");
        assert_eq!((&lines[0]["number"], &lines[0]["ms"]), (&7.into(), &0.25.into()));
        assert_eq!((&lines[0]["ok"], lines[0].get("none")), (&true.into(), None));
        assert_eq!(lines[1]["error"], lines[0]["text"]);
        assert_eq!((&lines[1]["nan"], &lines[1]["below"]), (&serde_json::Value::Null, &(-1).into()));
        assert_eq!(lines[1]["message"], "went wrong");
        let at: Timestamp = lines[0]["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(at.duration_until(Timestamp::try_from(Clock::system()).unwrap()).as_secs().abs() < 60);
    }
}
