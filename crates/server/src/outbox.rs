//! The messages that were taken, for whoever tests against us: the newest, in memory only.
//!
//! They carry what people write to each other, so they are never written to disk or log.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use wamedia_media::PhoneNumberId;
use wamedia_wire::messages::{Content, MediaSource, Message};

/// Messages that are remembered; the oldest make room.
const KEPT: usize = 1000;

/// One message that was taken.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// When, RFC 3339.
    pub at: Timestamp,
    /// `wamid.…`
    pub message_id: String,
    /// The number that sent it.
    pub phone_number_id: String,
    /// As the sender wrote it.
    pub to: String,
    /// `image`, `text`, `template`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What it carries, flat; members that it has not are null.
    #[serde(flatten)]
    pub content: RecordedContent,
    /// Why its status is `failed`, if it is.
    pub failure: Option<String>,
}

/// What a message carries.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs, reason = "named as in the message")]
pub struct RecordedContent {
    pub media_id: Option<String>,
    pub link: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
    pub text: Option<String>,
    pub template: Option<String>,
    pub language: Option<String>,
}

/// The newest messages of all numbers.
#[derive(Default)]
pub struct Outbox(Mutex<VecDeque<Recorded>>);

impl Outbox {
    /// Remembers a message.
    pub fn keep(
        &self,
        number: PhoneNumberId,
        id: &str,
        message: &Message,
        failure: Option<&str>,
        now: Timestamp,
    ) {
        let (kind, content) = described(&message.content);
        let recorded = Recorded {
            at: now,
            message_id: id.to_owned(),
            phone_number_id: number.to_string(),
            to: message.to.clone(),
            kind: kind.to_owned(),
            content,
            failure: failure.map(str::to_owned),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(recorded);
    }

    /// The messages of one number, or of all; oldest first.
    pub fn list(&self, number: Option<PhoneNumberId>) -> Vec<Recorded> {
        let number = number.map(|number| number.to_string());
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .filter(|one| number.as_ref().is_none_or(|number| one.phone_number_id == *number))
            .cloned()
            .collect()
    }

    /// Forgets the messages of one number, or of all.
    pub fn clear(&self, number: Option<PhoneNumberId>) {
        let number = number.map(|number| number.to_string());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| number.as_ref().is_some_and(|number| one.phone_number_id != *number));
    }
}

fn described(content: &Content) -> (&'static str, RecordedContent) {
    let empty = RecordedContent::default();
    match content.clone() {
        Content::Media(media) => {
            let (media_id, link) = match media.source {
                MediaSource::Id(id) => (Some(id.to_string()), None),
                MediaSource::Link(link) => (None, Some(link)),
            };
            let (caption, filename) = (media.caption, media.filename);
            (media.kind.as_str(), RecordedContent { media_id, link, caption, filename, ..empty })
        }
        Content::Text { body } => ("text", RecordedContent { text: Some(body), ..empty }),
        Content::Template { name, language } => {
            ("template", RecordedContent { template: Some(name), language: Some(language), ..empty })
        }
        Content::Other { type_name } => (type_name, empty),
    }
}
