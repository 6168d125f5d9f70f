//! What commands print: tables, JSON, times; calm, aligned, coloured only for people.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write as _};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;

use crate::operations::accounts::{AccountError, Thing};

/// The command was called wrongly: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

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
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("stdout cannot be written")
        }
        _ => Ok(()),
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
}
