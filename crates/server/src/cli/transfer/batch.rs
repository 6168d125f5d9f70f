//! Many transfers at once: begun in order, told as they end, stopped when going on would be no use.

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Telling;
use super::bars::Bars;
use super::failure::{Failure, Reach};
use crate::cli::output::{bytes, counted, duration, plain, print_unless_closed};

/// Failures of the line in a row after which nothing more is begun.
const BAD_LINE: u32 = 3;

/// What became of one file or id.
pub struct Told {
    /// What it was called.
    pub label: String,
    /// The keys of its JSON object, whatever became of it; `status` and `error` are added.
    pub json: Map<String, Value>,
    /// And so?
    pub result: Result<Success, Failure>,
}

/// What is told of one that went well.
pub struct Success {
    /// Its line on stdout, without the line feed; nothing where stdout has the bytes themselves.
    pub line: Option<String>,
    /// Bytes that went over the line for it.
    pub bytes: u64,
    /// It was done before, by an earlier run.
    pub was_there: bool,
    /// Worth knowing all the same.
    pub warnings: Vec<String>,
}

/// How a batch is run and told.
pub struct Batch {
    /// How many at once, and how they are told.
    pub telling: Telling,
    /// What one is: `file`.
    pub thing: &'static str,
    /// What was done with it: `uploaded`.
    pub done: &'static str,
    /// What to do after a batch that was stopped.
    pub resume: &'static str,
}

/// Ctrl-C, and a service manager's word to stop.
pub struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
    /// From now on, signals are waited for instead of ending the process.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened for");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for one; gives the exit code that shells expect.
    pub async fn wait(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

/// Why nothing more is begun.
enum Stop {
    /// Not worth going on.
    Failure(&'static str),
    /// A signal, with its exit code.
    Signal(u8),
    /// Nobody reads stdout any more.
    Closed,
}

/// How many of what.
#[derive(Default)]
struct Tally {
    done: u64,
    was_there: u64,
    failed: u64,
    bytes: u64,
    /// One of the failures was the service's as a whole.
    beyond_one: bool,
    bad_lines_in_a_row: u32,
}

impl Batch {
    /// Runs `work` on every job and tells each outcome as it comes.
    ///
    /// Exit code 0 when all went well, 1 when some failed, 3 when the service could not be reached or did not let us in,
    /// 130 and 143 after a signal.
    ///
    /// # Errors
    /// stdout cannot be written, or a transfer panicked.
    pub async fn run<J, F>(
        &self,
        jobs: Vec<J>,
        bars: &Bars,
        interruption: &mut Interruption,
        work: impl Fn(J) -> F,
    ) -> anyhow::Result<ExitCode>
    where
        F: Future<Output = Told> + Send + 'static,
    {
        let (total, began) = (jobs.len() as u64, Instant::now());
        let (mut jobs, mut running) = (jobs.into_iter(), JoinSet::new());
        let (mut tally, mut stop) = (Tally::default(), None);
        loop {
            while stop.is_none() && running.len() < usize::from(self.telling.parallel) {
                let Some(job) = jobs.next() else { break };
                running.spawn(work(job));
            }
            let told = tokio::select! {
                code = interruption.wait() => {
                    stop = Some(Stop::Signal(code));
                    break;
                }
                told = running.join_next() => told,
            };
            let Some(told) = told else { break };
            let told = told.context("a transfer broke down")?;
            let stopping = tally.count(&told);
            stop = stop.or(stopping);
            bars.finished(tally.ended());
            if !bars.suspend(|| self.tell(&told))? {
                stop = Some(Stop::Closed);
                break;
            }
        }
        // What is under way ends here; files under temporary names stay for the next time.
        running.shutdown().await;
        bars.clear();
        self.sum_up(&tally, stop.as_ref(), total, began);
        Ok(tally.exit_code(stop.as_ref()))
    }

    /// Says what became of one; false when nobody reads any more.
    fn tell(&self, told: &Told) -> anyhow::Result<bool> {
        match &told.result {
            Ok(success) if !self.telling.quiet && !self.telling.json => {
                let label = plain(&told.label);
                success.warnings.iter().for_each(|it| eprintln!("wamedia: {label}: warning: {}", plain(it)));
            }
            Err(failure) if !self.telling.json => {
                eprintln!("wamedia: {}", failure.lines(&told.label, "         "))
            }
            _ => {}
        }
        if self.telling.json {
            return print_unless_closed(&format!("{}\n", self.object(told)));
        }
        match told.result.as_ref().ok().and_then(|success| success.line.as_ref()) {
            Some(line) => print_unless_closed(&format!("{line}\n")),
            None => Ok(true),
        }
    }

    fn object(&self, told: &Told) -> Value {
        let (status, error) = match &told.result {
            Ok(success) if success.was_there => ("already", Value::Null),
            Ok(_) => (self.done, Value::Null),
            Err(failure) => ("failed", json!(failure)),
        };
        let mut object = told.json.clone();
        object.insert("status".to_owned(), status.into());
        object.insert("error".to_owned(), error);
        Value::Object(object)
    }

    /// What people read at the end, on stderr: of none or several, or when it ended early.
    fn sum_up(&self, tally: &Tally, stop: Option<&Stop>, total: u64, began: Instant) {
        let untried = total - tally.ended();
        let why = match stop {
            Some(Stop::Failure(why)) => Some(*why),
            Some(Stop::Signal(_)) => Some("interrupted"),
            Some(Stop::Closed) => Some("nobody reads the output any more"),
            None => None,
        };
        if let Some(why) = why.filter(|_| untried > 0) {
            eprintln!(
                "wamedia: stopped: {why}; {} not {}. {}",
                counted(untried, self.thing),
                self.done,
                self.resume
            );
        }
        if self.telling.quiet || total == 1 {
            return;
        }
        let mut text = format!("{}: {} {}", counted(total, self.thing), tally.done, self.done);
        let more = [(tally.was_there, "already there"), (tally.failed, "failed"), (untried, "not done")];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            text += &format!(", {count} {what}");
        }
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        if tally.bytes > 0 {
            text += &format!("; {}", bytes(tally.bytes));
        }
        // Of less than a moment, a speed says nothing.
        if tally.bytes > 0 && ms >= 100 {
            let a_second = u64::try_from(u128::from(tally.bytes) * 1000 / u128::from(ms)).unwrap_or(u64::MAX);
            text += &format!(" in {} ({}/s)", duration(ms), bytes(a_second));
        }
        eprintln!("wamedia: {text}");
    }
}

impl Tally {
    fn ended(&self) -> u64 {
        self.done + self.was_there + self.failed
    }

    /// Counts one; gives the reason to stop, where it is one.
    fn count(&mut self, told: &Told) -> Option<Stop> {
        let reach = match &told.result {
            Ok(success) if success.was_there => {
                self.was_there += 1;
                return None;
            }
            Ok(success) => {
                self.done += 1;
                self.bytes += success.bytes;
                Reach::One
            }
            Err(failure) => {
                self.failed += 1;
                failure.reach
            }
        };
        self.beyond_one |= reach != Reach::One;
        self.bad_lines_in_a_row = if reach == Reach::Line { self.bad_lines_in_a_row + 1 } else { 0 };
        match (&told.result, reach) {
            (Err(failure), Reach::All) => Some(Stop::Failure(why(failure.kind))),
            (_, Reach::Line) if self.bad_lines_in_a_row >= BAD_LINE => {
                Some(Stop::Failure("the service is not reached"))
            }
            _ => None,
        }
    }

    fn exit_code(&self, stop: Option<&Stop>) -> ExitCode {
        ExitCode::from(match stop {
            Some(Stop::Signal(code)) => *code,
            _ if self.beyond_one => 3,
            Some(Stop::Closed) => 1,
            _ if self.failed > 0 => 1,
            _ => 0,
        })
    }
}

/// Why all others would fail, too.
fn why(kind: &str) -> &'static str {
    match kind {
        "unauthorized" => "the credential is not accepted",
        "forbidden" => "the credential may not do this",
        "throttled" => "the service asks to wait",
        "held-back" => "more errors would block the number",
        _ => "the phone number is not there",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reach: Option<Reach>) -> Told {
        let result = match reach {
            None => Ok(Success { line: None, bytes: 1, was_there: false, warnings: Vec::new() }),
            Some(reach) => Err(Failure { reach, ..Failure::local("io", "broken", "") }),
        };
        Told { label: "x".into(), json: Map::new(), result }
    }

    fn run(reaches: &[Option<Reach>]) -> (usize, ExitCode) {
        let mut tally = Tally::default();
        let stop = reaches.iter().position(|reach| tally.count(&told(*reach)).is_some());
        (stop.unwrap_or(usize::MAX), tally.exit_code(None))
    }

    #[test]
    fn a_bad_line_stops_after_three_in_a_row_and_a_dead_credential_at_once() {
        let (one, line, all) = (Some(Reach::One), Some(Reach::Line), Some(Reach::All));
        assert_eq!(run(&[line, line, None, line, line, one, line, line, line]).0, 8);
        assert_eq!(run(&[None, all, None]).0, 1);
        assert_eq!(run(&[one; 100]).0, usize::MAX);
    }

    #[test]
    fn exit_codes_tell_one_from_all() {
        let code = |reaches: &[Option<Reach>]| format!("{:?}", run(reaches).1);
        let is = |code: u8| format!("{:?}", ExitCode::from(code));
        assert_eq!(code(&[None, None]), is(0));
        assert_eq!(code(&[None, Some(Reach::One)]), is(1));
        assert_eq!(code(&[Some(Reach::One), Some(Reach::Line), None]), is(3));
        assert_eq!(code(&[Some(Reach::All)]), is(3));
    }
}
