//! The verdict on a file: what it is, whether WhatsApp takes it, and if not, why and what to do.
//!
//! One type for the server, the client and the command line; its serialised keys are stable.

use serde::Serialize;

use crate::{Facts, MediaType, Rule};

/// What inspection found out about one file under one declared type.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// The row it was judged under, written as its `mime`.
    pub declared: &'static MediaType,
    /// What the bytes are.
    pub found: Found,
    /// What the headers tell.
    pub facts: Facts,
    /// Why it may not work everywhere; also further broken rules of a refused file.
    pub warnings: Vec<Warning>,
    /// Why it is refused; `None` when it is accepted.
    pub refusal: Option<Refusal>,
}

impl Verdict {
    /// Whether the file is taken.
    pub fn is_accepted(&self) -> bool {
        self.refusal.is_none()
    }
}

/// What bytes are, by their structure alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The type, `application/octet-stream` when nothing is known.
    pub mime: &'static str,
    /// What a person calls it: `HEIC image`.
    pub name: &'static str,
}

impl Found {
    /// Bytes of no type known here.
    pub const UNKNOWN: Self = Self { mime: "application/octet-stream", name: "unknown data" };
}

/// Something worth saying about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The rule behind it.
    pub rule: Rule,
    /// What is so, with facts, for a person.
    pub message: String,
}

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The broken rule. [`Rule::TooLarge`] and [`Rule::NearLimit`] are answered as a size, the rest as a bad file.
    pub rule: Rule,
    /// What is wrong, with facts, for a person.
    pub message: String,
    /// The vendor's own send-time text where one fits, byte for byte; else ours in that manner.
    pub details: String,
    /// What to do about it.
    pub remedy: &'static str,
    /// A command that would mend the file, where a conversion can.
    pub hint: Option<Hint>,
}

/// A conversion command with the places `INPUT` and `OUTPUT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Hint(pub &'static str);

impl Hint {
    /// The command for one file; names are quoted for a POSIX shell.
    pub fn command(self, input: &str, output: &str) -> String {
        self.0.replace("OUTPUT", &quoted(output)).replace("INPUT", &quoted(input))
    }
}

fn quoted(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&b);
    // A leading dash would read as an option.
    let name = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
    if !name.is_empty() && name.bytes().all(plain) {
        name
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}
