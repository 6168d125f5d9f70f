//! One thing to break on purpose: where, when, and what.
//!
//! Read from flat JSON, so that one `curl` is enough: `{"action":"download","next":2,"cut":1000}`.

use std::time::Duration;

use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize, Serializer};
use wamedia_media::PhoneNumberId;
use wamedia_store::AccountId;

use super::errors::{self, Given};
use crate::action::Action;
use crate::config::Span;

/// A fault as it is asked for. What is left out does not matter to it; it breaks exactly one thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultRequest {
    // Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// A world, that is an account, by id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_id: Option<String>,
    // When.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    always: bool,
    /// Of clock time.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none", serialize_with = "span")]
    lasts: Option<Span>,
    // What.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    declared: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "span")]
    retry_after: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "span")]
    delay: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flip: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stall: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "span")]
    stall_for: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    gzip: bool,
    #[serde(skip_serializing_if = "is_false")]
    redirect: bool,
    #[serde(skip_serializing_if = "is_false")]
    not_there_yet: bool,
    #[serde(skip_serializing_if = "is_false")]
    expired_credential: bool,
}

/// Which requests a fault is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Where {
    /// By its name, as metrics spell it.
    pub action: Option<&'static str>,
    /// Whose.
    pub account: Option<AccountId>,
    /// For which number.
    pub number: Option<PhoneNumberId>,
    /// About which media.
    pub media: Option<String>,
}

/// Which of those requests it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The first so many.
    Next(u64),
    /// The second, the fourth, … for 2.
    Every(u64),
    /// All.
    Always,
}

/// What it does to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An error instead of the action, in the request's dialect.
    Error {
        /// By its name.
        name: &'static str,
        /// See [`Given`].
        details: Option<String>,
        /// See [`Given`].
        declared: Option<String>,
        /// See [`Given`].
        retry_after: Option<SignedDuration>,
    },
    /// This status and no body, instead of the action.
    Status(StatusCode),
    /// 308 to the same address, instead of the action.
    Redirect,
    /// As if the media did not exist.
    NotThereYet,
    /// As if the credential had just ended.
    ExpiredCredential,
    /// This long before the action; real time.
    Delay(Duration),
    /// The action is done and the answer ends after so many bytes of its body.
    Cut(u64),
    /// The action is done; this byte of the answer's body is inverted.
    Flip(u64),
    /// The action is done; after so many bytes nothing comes for a while (for ever where no length is given).
    Stall(u64, Option<Duration>),
    /// The action is done; its answer trickles, so many bytes in a second.
    Rate(u64),
    /// The action is done; its answer is gzip-coded, asked or not.
    Gzip,
}

impl What {
    /// Whether the action is not done at all.
    pub fn is_instead(&self) -> bool {
        matches!(
            self,
            Self::Error { .. }
                | Self::Status(_)
                | Self::Redirect
                | Self::NotThereYet
                | Self::ExpiredCredential
        )
    }
}

/// A fault, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which requests.
    pub at: Where,
    /// Which of them.
    pub when: When,
    /// How long it is armed, in clock time.
    pub lasts: Option<SignedDuration>,
    /// What happens.
    pub what: What,
}

impl FaultRequest {
    /// What it says, for the account that its `world` was found to be.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    pub fn read(&self, account: Option<AccountId>) -> Result<Fault, String> {
        let number = self.phone_number_id.as_deref().map(|text| {
            text.parse().map_err(|_| format!("phone_number_id {text:?}: write the digits of a number"))
        });
        let at = Where {
            action: self.action.as_deref().map(action).transpose()?,
            account,
            number: number.transpose()?,
            media: self.media_id.clone(),
        };
        Ok(Fault { at, when: self.when()?, lasts: self.lasts.map(Span::signed), what: self.what()? })
    }

    fn when(&self) -> Result<When, String> {
        match (self.next, self.every, self.always) {
            (Some(0), ..) | (_, Some(0), _) => Err("next and every count from 1".to_owned()),
            (Some(next), None, false) => Ok(When::Next(next)),
            (None, Some(every), false) => Ok(When::Every(every)),
            (None, None, true) => Ok(When::Always),
            (None, None, false) if self.lasts.is_some() => Ok(When::Always),
            (None, None, false) => Ok(When::Next(1)),
            _ => Err("say only one of next, every and always".to_owned()),
        }
    }

    fn what(&self) -> Result<What, String> {
        if self.error.is_none() && self.says_more_of_error() {
            return Err("details, type and retry_after belong to error".to_owned());
        }
        if self.stall.is_none() && self.stall_for.is_some() {
            return Err("stall_for belongs to stall, the bytes before it".to_owned());
        }
        let said = [
            self.error.as_deref().map(|name| self.error(name)).transpose()?,
            self.status.map(status).transpose()?,
            self.redirect.then_some(What::Redirect),
            self.not_there_yet.then_some(What::NotThereYet),
            self.expired_credential.then_some(What::ExpiredCredential),
            self.delay.map(|delay| What::Delay(delay.duration())),
            self.cut.map(What::Cut),
            self.flip.map(What::Flip),
            self.stall.map(|after| What::Stall(after, self.stall_for.map(Span::duration))),
            self.rate.map(rate).transpose()?,
            self.gzip.then_some(What::Gzip),
        ];
        let mut said = said.into_iter().flatten();
        match (said.next(), said.next()) {
            (Some(what), None) => Ok(what),
            _ => {
                Err("say exactly one of error, status, redirect, not_there_yet, expired_credential, delay, \
                      cut, flip, stall, rate and gzip; several faults may be armed at once"
                    .to_owned())
            }
        }
    }

    fn error(&self, name: &str) -> Result<What, String> {
        let row = errors::by_name(name).ok_or_else(|| {
            let names: Vec<_> = errors::ERRORS.iter().map(|row| row.name).collect();
            format!("error {name:?}: there are {}", names.join(", "))
        })?;
        Ok(What::Error {
            name: row.name,
            details: self.details.clone(),
            declared: self.declared.clone(),
            retry_after: self.retry_after.map(Span::signed),
        })
    }

    fn says_more_of_error(&self) -> bool {
        self.details.is_some() || self.declared.is_some() || self.retry_after.is_some()
    }
}

/// An action by its name; `messages` is the path's word for `send`.
///
/// # Errors
/// A sentence with the names there are.
pub fn action(name: &str) -> Result<&'static str, String> {
    let asked = if name == "messages" { "send" } else { name };
    let names = Action::ALL.map(Action::as_str);
    let found = names.into_iter().find(|known| *known == asked);
    found.ok_or_else(|| format!("action {name:?}: there are {}", names.join(", ")))
}

fn status(number: u16) -> Result<What, String> {
    // Interim answers, and those that hyper would not send, are no answers.
    let status = StatusCode::from_u16(number).ok().filter(|_| (200..=599).contains(&number));
    status.map(What::Status).ok_or_else(|| format!("status {number}: write one from 200 to 599"))
}

fn rate(bytes: u64) -> Result<What, String> {
    if bytes == 0 { Err("rate 0 is a stall".to_owned()) } else { Ok(What::Rate(bytes)) }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn span<S: Serializer>(value: &Option<Span>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(span) => to.serialize_str(&format!("{}ms", span.duration().as_millis())),
        None => to.serialize_none(),
    }
}

impl Given {
    /// What an error fault adds to what the request knows.
    pub fn with(
        self,
        details: Option<String>,
        declared: Option<String>,
        after: Option<SignedDuration>,
    ) -> Self {
        Self { details, declared, retry_after: after, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Fault, String> {
        serde_json::from_str::<FaultRequest>(json).map_err(|error| error.to_string())?.read(None)
    }

    #[test]
    fn one_line_says_where_when_and_what() {
        let fault = read(r#"{"action":"download","media_id":"123","every":3,"cut":1000}"#).unwrap();
        assert_eq!(fault.at.action, Some("download"));
        assert_eq!(fault.at.media.as_deref(), Some("123"));
        assert_eq!((fault.when, fault.what), (When::Every(3), What::Cut(1000)));
        assert_eq!(read(r#"{"gzip":true}"#).unwrap().when, When::Next(1));
        assert_eq!(read(r#"{"gzip":true,"for":"5m"}"#).unwrap().when, When::Always);
    }

    #[test]
    fn what_makes_no_sense_is_explained() {
        for (json, told) in [
            (r#"{}"#, "exactly one of"),
            (r#"{"cut":1,"flip":1}"#, "exactly one of"),
            (r#"{"cut":1,"next":1,"every":2}"#, "only one of next"),
            (r#"{"cut":1,"next":0}"#, "count from 1"),
            (r#"{"action":"fetch","cut":1}"#, "retrieve_url"),
            (r#"{"error":"oops"}"#, "unauthenticated"),
            (r#"{"status":100}"#, "from 200"),
            (r#"{"rate":0}"#, "stall"),
            (r#"{"cut":1,"details":"x"}"#, "belong to error"),
            (r#"{"cut":1,"number":"5"}"#, "unknown field `number`"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(told), "{json}: {error}");
        }
    }
}
