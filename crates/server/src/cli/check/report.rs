//! What is told of files: a few calm lines for people, one JSON object a line for programs.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use serde::Serialize;
use wamedia_media::{Facts, Found, Rule, TrackFacts, Warning};

use super::judge::{Judged, Outcome};
use crate::cli::output::{bytes, colours, counted, duration, hint_for, plain};

/// What is to be told, and how.
pub(super) struct Report {
    pub(super) json: bool,
    pub(super) quiet: bool,
}

/// How many files were what.
#[derive(Default)]
pub(super) struct Tally {
    fine: u64,
    warned: u64,
    refused: u64,
    unreadable: u64,
}

impl Tally {
    pub(super) fn count(&mut self, outcome: &Outcome) {
        match &outcome.judged {
            Ok(judged) if judged.refusal.is_some() => self.refused += 1,
            Ok(judged) => {
                self.fine += 1;
                self.warned += u64::from(!judged.warnings.is_empty());
            }
            Err(_) => self.unreadable += 1,
        }
    }

    /// 2 when some file could not be read, else 1 when some was refused, else 0.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match (self.unreadable, self.refused) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        })
    }
}

/// One line of JSON. The keys are stable, and all of them are always there.
#[derive(Serialize)]
struct Line<'o> {
    file: &'o str,
    declared: Option<&'o str>,
    found: Option<&'o Found>,
    facts: Option<&'o Facts>,
    warnings: &'o [Warning],
    refusal: Option<RefusalLine<'o>>,
    error: Option<String>,
}

#[derive(Serialize)]
struct RefusalLine<'o> {
    rule: Rule,
    message: &'o str,
    details: &'o str,
    remedy: &'o str,
    /// The command for this very file.
    hint: Option<String>,
}

impl Report {
    /// What stdout gets of one file; nothing where nothing is to be said.
    pub(super) fn text(&self, outcome: &Outcome) -> String {
        let is_refused = outcome.judged.as_ref().map_or(true, |judged| judged.refusal.is_some());
        if self.quiet && !is_refused {
            return String::new();
        }
        match &outcome.judged {
            _ if self.json => json(outcome),
            Ok(judged) => block(&outcome.file, judged),
            Err(_) => String::new(),
        }
    }

    /// What people get on stderr of a file that cannot be read.
    pub(super) fn trouble(&self, outcome: &Outcome) -> Option<String> {
        let error = outcome.judged.as_ref().err().filter(|_| !self.json)?;
        Some(format!("wamedia: {}: {error}", plain(&outcome.file)))
    }

    /// The last line for people who asked about several files.
    pub(super) fn summary(&self, tally: &Tally) -> String {
        let total = tally.fine + tally.refused + tally.unreadable;
        if self.json || self.quiet || total == 1 {
            return String::new();
        }
        let mut text = format!("{}: {} fine", counted(total, "file"), tally.fine);
        let more =
            [(tally.warned, "with a warning"), (tally.refused, "refused"), (tally.unreadable, "unreadable")];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(text, ", {count} {what}");
        }
        text + "\n"
    }
}

fn json(outcome: &Outcome) -> String {
    let judged = outcome.judged.as_ref().ok();
    let line = Line {
        file: &outcome.file,
        declared: judged.and_then(|judged| judged.declared.as_deref()),
        found: judged.map(|judged| &judged.found),
        facts: judged.map(|judged| &judged.facts),
        warnings: judged.map(|judged| &judged.warnings[..]).unwrap_or_default(),
        refusal: judged.and_then(|judged| judged.refusal.as_ref()).map(|refusal| RefusalLine {
            rule: refusal.rule,
            message: &refusal.message,
            details: &refusal.details,
            remedy: refusal.remedy,
            hint: refusal.hint.as_ref().map(|hint| hint_for(hint, &outcome.file)),
        }),
        error: outcome.judged.as_ref().err().map(io::Error::to_string),
    };
    // Strings and numbers only: they always serialise.
    serde_json::to_string(&line).map(|line| line + "\n").unwrap_or_default()
}

/// A file's lines for people.
fn block(file: &str, judged: &Judged) -> String {
    let (verdict, colour) = match (&judged.refusal, judged.warnings.is_empty()) {
        (Some(_), _) => ("refused", "31"),
        (None, true) => ("fine", "32"),
        (None, false) => ("fine", "33"),
    };
    let padding = " ".repeat("refused".len() - verdict.len());
    let mut text = format!("{}{padding}  {}", painted(verdict, colour), painted(&plain(file), "1"));
    let _ = writeln!(text, "  {}", painted(&plain(&described(judged)), "2"));
    let mut say = |line: &str| {
        let _ = writeln!(text, "         {line}");
    };
    if let Some(refusal) = &judged.refusal {
        say(&format!("{} [{}]", plain(&refusal.message), refusal.rule));
        say(refusal.remedy);
        if let Some(hint) = &refusal.hint {
            say(&format!("$ {}", hint_for(hint, file)));
        }
    }
    for warning in &judged.warnings {
        say(&format!("{}: {} [{}]", painted("warning", "33"), plain(&warning.message), warning.rule));
    }
    text
}

/// What the file is, in one line: its type and the facts worth knowing.
fn described(judged: &Judged) -> String {
    let facts = &judged.facts;
    let mut parts = vec![judged.found.name.to_owned()];
    if let Some(declared) = judged.declared.as_deref().filter(|declared| *declared != judged.found.mime) {
        parts[0] += &format!(" as {declared}");
    }
    if facts.tracks.is_empty() {
        parts.extend(facts.width.zip(facts.height).map(|(width, height)| format!("{width} × {height}")));
    }
    parts.extend(facts.color.map(str::to_owned));
    parts.extend(facts.coding.map(str::to_owned));
    parts.extend(facts.frames.map(|frames| counted(frames.into(), "frame")));
    parts.extend(facts.tracks.iter().map(track));
    parts.extend(facts.duration_ms.map(duration));
    parts.extend(facts.encoding.map(str::to_owned));
    parts.extend(facts.pdf_version.as_ref().map(|version| format!("version {version}")));
    parts.push(bytes(facts.bytes));
    parts.join(", ")
}

fn track(track: &TrackFacts) -> String {
    let mut words = vec![track.codec.clone()];
    words.extend(track.profile.clone());
    words.extend(track.level.clone());
    words.extend(track.width.zip(track.height).map(|(width, height)| format!("{width} × {height}")));
    words.extend(track.sample_rate.map(|rate| format!("{} kHz", f64::from(rate) / 1000.0)));
    words.extend(track.channels.map(|channels| match channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    }));
    words.join(" ")
}

fn painted(text: &str, code: &str) -> String {
    if colours(&io::stdout()) { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
