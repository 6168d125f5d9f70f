//! How things are told to machines: the bodies of the admin listener, and what `--json` prints on the command line.
//!
//! Keys are stable. Phone number ids are text, as on the wire: they may be longer than JavaScript's numbers.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use wamedia_store::{
    Account, Credential, CredentialKind, PhoneNumber, SweepReport, ThrottleState, VerifyReport,
};

use crate::config::Span;
use crate::operations::accounts::{Minted, Retention};

/// What "as configured for all" is called.
const DEFAULT: &str = "default";

/// An account.
#[derive(Serialize)]
pub struct AccountView {
    id: i64,
    name: String,
    created_at: Timestamp,
    retention_uploaded: String,
    retention_received: String,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.0,
            name: account.name.clone(),
            created_at: account.created_at,
            retention_uploaded: retention_text(account.retention_uploaded),
            retention_received: retention_text(account.retention_received),
        }
    }
}

/// A phone number.
#[derive(Serialize)]
pub struct PhoneNumberView {
    id: String,
    account: i64,
    display: String,
    created_at: Timestamp,
}

impl From<&PhoneNumber> for PhoneNumberView {
    fn from(number: &PhoneNumber) -> Self {
        Self {
            id: number.id.to_string(),
            account: number.account.0,
            display: number.display.clone(),
            created_at: number.created_at,
        }
    }
}

/// A token or a key; with its secret only when it was made just now.
#[derive(Serialize)]
pub struct CredentialView {
    id: i64,
    kind: &'static str,
    account: i64,
    label: String,
    permissions: Vec<&'static str>,
    all_numbers: bool,
    phone_number_ids: Vec<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl CredentialView {
    /// As it stands at `now`.
    pub fn new(credential: &Credential, now: Timestamp) -> Self {
        let kind = match credential.kind {
            CredentialKind::Token => "token",
            CredentialKind::D360Key => "d360_key",
        };
        Self {
            id: credential.id.0,
            kind,
            account: credential.account.0,
            label: credential.label.clone(),
            permissions: credential.permissions.names().collect(),
            all_numbers: credential.all_numbers,
            phone_number_ids: credential.phone_number_ids.iter().map(ToString::to_string).collect(),
            created_at: credential.created_at,
            expires_at: credential.expires_at,
            revoked_at: credential.revoked_at,
            status: status(credential, now),
            secret: None,
        }
    }

    /// Just made, with the secret that is shown this once.
    pub fn minted(minted: &Minted, now: Timestamp) -> Self {
        Self { secret: Some(minted.secret.clone()), ..Self::new(&minted.credential, now) }
    }
}

/// `live`, `revoked` or `expired`; one that ends later is live until then.
pub fn status(credential: &Credential, now: Timestamp) -> &'static str {
    if credential.is_live(now) {
        "live"
    } else if credential.revoked_at.is_some_and(|at| at <= now) {
        "revoked"
    } else {
        "expired"
    }
}

/// What stands against a number under one rule.
#[derive(Serialize)]
pub struct ThrottleView {
    phone_number_id: String,
    rule: String,
    counted: u32,
    blocked_until: Option<Timestamp>,
}

impl From<&ThrottleState> for ThrottleView {
    fn from(state: &ThrottleState) -> Self {
        Self {
            phone_number_id: state.number.to_string(),
            rule: state.rule.clone(),
            counted: state.counted,
            blocked_until: state.blocked_until,
        }
    }
}

/// What a sweep did.
#[derive(Serialize)]
pub struct SweepView {
    expired: u64,
    blobs_removed: u64,
    orphans_removed: u64,
    packs_removed: u64,
    staging_removed: u64,
    bytes_freed: u64,
    throttle_rows_removed: u64,
}

impl From<&SweepReport> for SweepView {
    fn from(report: &SweepReport) -> Self {
        Self {
            expired: report.expired,
            blobs_removed: report.blobs_removed,
            orphans_removed: report.orphans_removed,
            packs_removed: report.packs_removed,
            staging_removed: report.staging_removed,
            bytes_freed: report.bytes_freed,
            throttle_rows_removed: report.throttle_rows_removed,
        }
    }
}

/// What a walk over the data found.
#[derive(Serialize)]
pub struct VerifyView {
    clean: bool,
    sound: bool,
    records: u64,
    expired: u64,
    blobs: u64,
    bytes: u64,
    findings_total: u64,
    leftovers: u64,
    findings: Vec<FindingView>,
}

/// One finding.
#[derive(Serialize)]
struct FindingView {
    leftover: bool,
    text: String,
}

impl VerifyView {
    /// With at most this many findings told one by one.
    pub fn new(report: &VerifyReport, max_findings: usize) -> Self {
        let findings = report.findings.iter().take(max_findings);
        Self {
            clean: report.is_clean(),
            sound: report.is_sound(),
            records: report.records,
            expired: report.expired,
            blobs: report.blobs,
            bytes: report.bytes,
            findings_total: report.findings_total,
            leftovers: report.leftovers,
            findings: findings
                .map(|finding| FindingView { leftover: finding.is_leftover(), text: finding.to_string() })
                .collect(),
        }
    }
}

/// `"30d"`, or `"default"`.
pub fn retention_text(kept: Option<Duration>) -> String {
    kept.map_or_else(|| DEFAULT.to_owned(), span_text)
}

/// A duration in the configuration's spelling, in the largest unit that is exact.
pub fn span_text(duration: Duration) -> String {
    if duration.subsec_millis() > 0 {
        return format!("{}ms", duration.as_millis());
    }
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let (length, unit) = units
        .into_iter()
        .find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length))
        .unwrap_or((1, "s"));
    format!("{}{unit}", seconds / length)
}

impl std::str::FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == DEFAULT {
            return Ok(Self::Default);
        }
        text.parse::<Span>()
            .map(|span| Self::For(span.duration()))
            .map_err(|what| format!("{what}, or \"{DEFAULT}\""))
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_as_they_are_configured() {
        for text in ["30d", "25h", "90m", "61s", "1500ms", "1d", "0s"] {
            assert_eq!(span_text(text.parse::<Span>().unwrap().duration()), text);
        }
        assert_eq!(span_text(Duration::from_secs(48 * 3_600)), "2d");
    }

    #[test]
    fn a_retention_is_a_length_or_the_default() {
        assert_eq!("default".parse(), Ok(Retention::Default));
        assert_eq!("7d".parse(), Ok(Retention::For(Duration::from_secs(7 * 86_400))));
        assert!("week".parse::<Retention>().unwrap_err().contains("or \"default\""));
    }
}
