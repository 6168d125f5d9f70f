//! One file under one declared type: what a probe judges, and where it notes what it finds.
//!
//! A probe names a rule and tells the facts; whether that warns or refuses is the rule table's affair.

use crate::content::Content;
use crate::rule::{Says, Severity};
use crate::{Facts, Found, InspectOptions, MediaType, Refusal, Rule, Verdict, Warning, hints, texts};

/// A case in court.
pub(crate) struct Case<'a> {
    /// The declared row.
    pub(crate) declared: &'static MediaType,
    /// What the bytes are.
    pub(crate) content: &'a Content,
    /// The whole length in bytes.
    pub(crate) bytes: u64,
    /// What the vendor's texts say the file is of, where that is more than its type: codecs.
    pub(crate) found_as: Option<String>,
    findings: Vec<(Rule, String)>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(declared: &'static MediaType, content: &'a Content, bytes: u64) -> Self {
        Self { declared, content, bytes, found_as: None, findings: Vec::new() }
    }

    /// Notes a broken or doubtful rule, with the facts as a sentence without its full stop.
    pub(crate) fn note(&mut self, rule: Rule, message: impl Into<String>) {
        self.findings.push((rule, message.into()));
    }

    /// Notes that the bytes are not of the declared type at all.
    pub(crate) fn note_other_type(&mut self) {
        let found = self.content.found();
        let declared = self.declared.mime;
        if found == Found::UNKNOWN {
            self.note(Rule::Unrecognised, format!("its bytes are of no known type, and not {declared}"));
        } else {
            self.note(
                Rule::WrongType,
                format!("its bytes are {} ({}), not {declared}", found.mime, found.name),
            );
        }
    }

    /// Sums up: the first finding that refuses is the refusal, all others are warnings.
    pub(crate) fn conclude(self, facts: Facts, options: &InspectOptions<'_>) -> Verdict {
        let found = self.content.found();
        let declared_as = match options.declared_codecs {
            Some(codecs) => format!("{}; codecs={codecs}", self.declared.mime),
            None => self.declared.mime.to_owned(),
        };
        let found_as = self.found_as.as_deref().unwrap_or(found.mime);
        let mut refusal = None;
        let mut warnings = Vec::new();
        for (rule, message) in self.findings {
            let severity = rule.severity(options.strictness);
            if severity == Severity::Refuse && refusal.is_none() {
                let details = texts::details(rule.says(), self.declared, &declared_as, found_as, &message);
                // Whatever reading of the limit was broken, it is answered as a size.
                let rule = if rule.says() == Says::TooLarge { Rule::TooLarge } else { rule };
                let hint = hints::hint(rule, self.declared, found.mime, &facts);
                refusal = Some(Refusal { rule, message, details, remedy: rule.remedy(), hint });
            } else if severity != Severity::Accept {
                warnings.push(Warning { rule, message });
            }
        }
        Verdict { declared: self.declared, found, facts, warnings, refusal }
    }
}
