//! The verdict on a file: what it is, whether WhatsApp takes it, and if not, why and what to do.
//!
//! One type for the server, the client and the command line; its serialised keys are stable.

use std::borrow::Cow;

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
    /// The broken rule. [`Rule::TooLarge`] is answered as a size, the rest as a bad file.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Hint(pub Cow<'static, str>);

impl Hint {
    pub(crate) fn of(command: &'static str) -> Self {
        Self(Cow::Borrowed(command))
    }

    /// The command for one file, quoted for a POSIX shell; the result is named after it, `clip-whatsapp.mp4`.
    pub fn command(&self, input: &str) -> String {
        let words = self.0.split(' ').map(|word| match word.strip_prefix("OUTPUT") {
            Some(extension) => quoted(&format!("{}-whatsapp{extension}", stem(input))),
            None if word == "INPUT" => quoted(input),
            None => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// The path without its extension.
fn stem(path: &str) -> &str {
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    match path[name_at..].rfind('.') {
        Some(dot) if dot > 0 => &path[..name_at + dot],
        _ => path,
    }
}

fn quoted(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&b);
    // A leading dash would read as an option, a name before a colon as a protocol.
    let is_plain = !path.starts_with('-') && !path.split('/').next().unwrap_or_default().contains(':');
    let path = if is_plain { path.to_owned() } else { format!("./{path}") };
    if !path.is_empty() && path.bytes().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_survive_hostile_names() {
        let hint = Hint::of("ffmpeg -i INPUT OUTPUT.mp4");
        assert_eq!(hint.command("a/b.c/clip.mov"), "ffmpeg -i a/b.c/clip.mov a/b.c/clip-whatsapp.mp4");
        assert_eq!(hint.command("-y"), "ffmpeg -i ./-y ./-y-whatsapp.mp4");
        assert_eq!(hint.command("a:b"), "ffmpeg -i ./a:b ./a:b-whatsapp.mp4");
        assert_eq!(hint.command("INPUT OUTPUT"), "ffmpeg -i 'INPUT OUTPUT' 'INPUT OUTPUT-whatsapp.mp4'");
        assert_eq!(hint.command("it's;rm.avi"), r"ffmpeg -i 'it'\''s;rm.avi' 'it'\''s;rm-whatsapp.mp4'");
    }
}
