//! What commands print: tables, JSON, times; calm, aligned, coloured only for people.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write as _};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use wamedia_media::Hint;

use crate::operations::accounts::{AccountError, Thing};

/// The command was called wrongly: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Ctrl-C: exit code 130, as shells have it.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Errors of accounts in the words of the command line: what was called wrongly says which flag is meant.
pub fn explain(error: AccountError) -> anyhow::Error {
    match &error {
        AccountError::Several { what: Thing::Account, .. } => {
            Usage(format!("{error}; choose with --account")).into()
        }
        AccountError::Several { .. } => Usage(format!("{error}; choose with --phone")).into(),
        AccountError::NoneYet { what: Thing::Account } => {
            anyhow::anyhow!("there is no account yet; make one: wamedia account add NAME")
        }
        AccountError::NoneYet { .. } => {
            anyhow::anyhow!("there is no phone number yet; add one: wamedia phone add")
        }
        AccountError::Invalid(_) => Usage(error.to_string()).into(),
        AccountError::NotFound { .. } | AccountError::Taken { .. } | AccountError::Store(_) => error.into(),
    }
}

/// Prints to stdout. A reader that has seen enough is no failure; a full disk is.
pub fn print(text: &str) -> anyhow::Result<()> {
    print_unless_closed(text).map(drop)
}

/// As [`print`]; false when nobody reads any more.
pub fn print_unless_closed(text: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("stdout cannot be written"),
    }
}

/// Prints one object or array for machines.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Whether people look at this stream in colour: a terminal, and <https://no-color.org> not asked for.
pub fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Bold on a terminal.
pub fn bold(text: &str) -> Cow<'_, str> {
    painted(text, "1")
}

/// Faint on a terminal.
pub fn faint(text: &str) -> Cow<'_, str> {
    painted(text, "2")
}

fn painted<'t>(text: &'t str, code: &str) -> Cow<'t, str> {
    if colours(&io::stdout()) { format!("\x1b[{code}m{text}\x1b[0m").into() } else { text.into() }
}

/// RFC 3339 in UTC, to the second.
pub fn time(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// As [`time`]; nothing is a dash.
pub fn time_or_dash(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), time)
}

/// A count and its thing, in the plural where it is one.
pub fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Bytes in the unit that people read.
pub fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// The command for a file; with the places INPUT and OUTPUT where its name cannot be pasted, or there is none.
pub fn hint_for(hint: &Hint, file: &str) -> String {
    let has_name = file != "-" && !file.contains(char::REPLACEMENT_CHARACTER) && plain(file) == file;
    if has_name { hint.command(file) } else { hint.0.to_string() }
}

/// A length of time that is read at a glance.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0..10) => format!("{}.{} s", seconds, ms / 100 % 10),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Text from outside without what moves a terminal's cursor or turns its direction of writing.
pub fn plain(text: &str) -> String {
    let is_plain =
        |c: &char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |c: char| if is_plain(&c) { c.to_string() } else { c.escape_unicode().to_string() };
    text.chars().map(shown).collect()
}

/// Rows under a heading, each column as wide as its widest cell.
pub struct Table<const N: usize> {
    heading: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// Without rows yet.
    pub fn new(heading: [&'static str; N]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    /// One more row; an empty cell is a dash.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell }));
    }

    /// Prints it, or `nothing` where it has no rows.
    pub fn print(&self, nothing: &str) -> anyhow::Result<()> {
        if self.rows.is_empty() { print(&format!("{nothing}\n")) } else { print(&self.text()) }
    }

    fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.heading[column].len()]).max().unwrap_or_default()
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let line = |cells: [&str; N]| {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut text = format!("{}\n", faint(&line(self.heading)));
        for row in &self.rows {
            text += &line(row.each_ref().map(String::as_str));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["ID", "NAME"]);
        table.row(["1".into(), "läden".into()]);
        table.row(["1000".into(), String::new()]);
        assert_eq!(table.text(), "ID    NAME\n1     läden\n1000  -\n");
    }

    #[test]
    fn times_are_utc_to_the_second() {
        let at = Timestamp::from_millisecond(1_778_766_865_123).unwrap();
        assert_eq!(time(at), "2026-05-14T13:54:25Z");
        assert_eq!(time_or_dash(None), "-");
    }

    #[test]
    fn durations_are_read_at_a_glance() {
        let told = [900, 9_990, 61_000, 3_725_000].map(duration);
        assert_eq!(told, ["0.9 s", "9.9 s", "1:01", "1:02:05"]);
    }

    #[test]
    fn names_cannot_write_on_the_terminal() {
        assert_eq!(plain("a\x1b[31m\n\u{202e}é"), "a\\u{1b}[31m\\u{a}\\u{202e}é");
    }
}
