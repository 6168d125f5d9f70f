//! Why one file or id failed, what to do about it, and whether anything else is worth trying.

use std::time::Duration;

use serde::Serialize;
use wamedia_client::{Error, Missing, Rejection};

use crate::cli::output::{counted, hint_for, plain};

/// What one failure says of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Nothing: it is this file's or id's own.
    One,
    /// The line is bad: after a few in a row it is not worth going on.
    Line,
    /// All others would fail alike, and failing may block the number for longer.
    All,
}

/// Why something was not done. Holds no secret: what is told by [`Error`] holds none.
#[derive(Clone, Serialize, Debug)]
pub struct Failure {
    /// A stable word for scripts.
    pub kind: &'static str,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// A command that mends the file, where there is one.
    pub hint: Option<String>,
    /// The broken rule of the pre-flight, where it was one.
    pub rule: Option<String>,
    /// When it may be tried again, where that is known.
    pub retry_after_seconds: Option<u64>,
    /// What to name to the vendor's support.
    pub request_id: Option<String>,
    /// What it says of the others.
    #[serde(skip)]
    pub reach: Reach,
}

impl Failure {
    /// This machine's own: a file that cannot be read or written.
    pub fn local(kind: &'static str, message: impl Into<String>, remedy: &str) -> Self {
        Self {
            kind,
            message: message.into(),
            remedy: Some(remedy.to_owned()).filter(|remedy| !remedy.is_empty()),
            hint: None,
            rule: None,
            retry_after_seconds: None,
            request_id: None,
            reach: Reach::One,
        }
    }

    /// What a client said, about the file of this name.
    pub fn of(error: &Error, file: &str) -> Self {
        let remedy = remedy(error);
        let (mut hint, mut rule) = (None, None);
        if let Error::Rejected(rejection) = error
            && let Rejection::Preflight { refusal, .. } = &**rejection
        {
            hint = refusal.hint.as_ref().map(|hint| hint_for(hint, file));
            rule = Some(refusal.rule.to_string());
        }
        Self {
            kind: error.word(),
            message: error.to_string(),
            remedy: Some(remedy).filter(|remedy| !remedy.is_empty()),
            hint,
            rule,
            retry_after_seconds: error.retry_after().map(|wait| wait.as_secs().max(1)),
            request_id: error.request_id().map(str::to_owned),
            reach: reach(error),
        }
    }

    /// Its lines for people, each at this indentation but the first.
    pub fn lines(&self, label: &str, indentation: &str) -> String {
        let rule = self.rule.as_ref().map_or_else(String::new, |rule| format!(" [{rule}]"));
        let mut text = format!("{}: {}{rule}", plain(label), plain(&self.message));
        for line in self.remedy.iter() {
            text += &format!("\n{indentation}{}", plain(line));
        }
        if let Some(hint) = &self.hint {
            text += &format!("\n{indentation}$ {hint}");
        }
        if let Some(id) = &self.request_id {
            text += &format!("\n{indentation}(request {})", plain(id));
        }
        text
    }
}

/// What to do about it, with the flags and commands of this command line where they help; else in the client's words.
fn remedy(error: &Error) -> String {
    match error {
        Error::Rejected(rejection) => match &**rejection {
            Rejection::Preflight { refusal, .. } => refusal.remedy.to_owned(),
            _ => error.remedy(),
        },
        Error::Unauthorized(_) => {
            "Get a new token or key from where this one came; a profile takes it with `wamedia profile add NAME \
             --force`, a variable by itself."
        }
        .to_owned(),
        Error::NotFound { what: Missing::PhoneNumber(_), .. } => {
            "Name the phone number's id (not the number itself) with --phone-number-id, or in the profile."
        }
        .to_owned(),
        Error::Connection(_) => "Look at the network, then run it again; `wamedia doctor` finds what is broken.".to_owned(),
        Error::Throttled { retry_after: Some(wait), .. } | Error::HeldBack { retry_after: wait, .. } => {
            format!("Try again in {}.", in_words(*wait))
        }
        _ => error.remedy(),
    }
}

/// Rounded up: who comes back too early is sent away again.
fn in_words(wait: Duration) -> String {
    match wait.as_secs() + u64::from(wait.subsec_nanos() > 0) {
        seconds @ ..=90 => counted(seconds.max(1), "second"),
        seconds => counted(seconds.div_ceil(60), "minute"),
    }
}

fn reach(error: &Error) -> Reach {
    match error {
        Error::Unauthorized(_) | Error::Forbidden(_) | Error::Throttled { .. } | Error::HeldBack { .. } => {
            Reach::All
        }
        Error::NotFound { what: Missing::PhoneNumber(_), .. } => Reach::All,
        Error::Connection(_) => Reach::Line,
        _ => Reach::One,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_words_and_rounded_up() {
        let told = |ms| in_words(Duration::from_millis(ms));
        assert_eq!([told(0), told(200), told(60_000)], ["1 second", "1 second", "60 seconds"]);
        assert_eq!([told(90_500), told(1_800_000)], ["2 minutes", "30 minutes"]);
    }
}
