//! One request as the stand-in meets it: what is learned of it on its way, and which faults act on it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use wamedia_media::{MediaId, PhoneNumberId};
use wamedia_store::AccountId;

use super::StandIn;
use super::errors::{self, Given};
use super::fault::What;
use super::faults::{Acting, Facing};
use crate::error::MediaError;

/// What is known of a request. Filled in where it becomes known, read when the answer leaves.
#[derive(Debug, Default)]
pub struct Encounter(Mutex<Facts>);

/// What the journal will say, and what is still to be done to the answer.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whose request.
    pub account: Option<AccountId>,
    /// For which number.
    pub number: Option<PhoneNumberId>,
    /// About which media.
    pub media: Option<String>,
    /// The type that an upload declared.
    pub declared: Option<String>,
    /// The type of its bytes.
    pub found: Option<&'static str>,
    /// What acts on the request.
    pub acting: Vec<Acting>,
}

impl Facts {
    /// Whether a fault answered that knows no dialect.
    pub fn has_bare_answer(&self) -> bool {
        self.acting.iter().any(|acting| matches!(acting.what, What::Status(_) | What::Redirect))
    }
}

/// What comes instead of an action.
pub enum Instead {
    /// An error, said in the request's dialect.
    Error(MediaError),
    /// A status without a body.
    Status(http::StatusCode),
    /// 308 to the same address.
    Redirect,
}

impl Encounter {
    /// The caller is known: which faults wait for this request?
    pub fn meet(
        &self,
        stand_in: &StandIn,
        action: &'static str,
        account: AccountId,
        number: Option<PhoneNumberId>,
        media: Option<&str>,
        now: Timestamp,
    ) {
        let acting = stand_in.faults.meet(&Facing { action, account, number, media }, now);
        let mut facts = self.lock();
        facts.account = Some(account);
        facts.number = number;
        facts.media = media.map(str::to_owned);
        facts.acting = acting;
    }

    /// Waits as long as faults say, then tells what comes instead of the action, if anything.
    pub async fn hold_up(&self) -> Option<Instead> {
        let Facts { acting, media, number, .. } = self.facts();
        for acting in &acting {
            if let What::Delay(delay) = acting.what {
                let mut released = acting.released.clone();
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = released.wait() => {}
                }
            }
        }
        let number = number.map(|number| number.to_string());
        let id = media.clone().or(number).unwrap_or_default();
        let given = Given { id, ..Given::default() };
        let fault = acting.into_iter().find_map(|acting| instead(acting.what, given.clone()));
        let reserved = || {
            let row = errors::by_media_id(media.as_deref()?)?;
            Some(Instead::Error(row.error(given.clone())))
        };
        fault.or_else(reserved)
    }

    /// What an upload says that it is.
    pub fn note_declared(&self, declared: Option<&str>) {
        self.lock().declared = declared.map(str::to_owned);
    }

    /// What the bytes turned out to be.
    pub fn note_found(&self, found: &'static str) {
        self.lock().found = Some(found);
    }

    /// The media of an upload, or of a message.
    pub fn note_media(&self, id: MediaId) {
        self.lock().media = Some(id.to_string());
    }

    /// All that is known by now.
    pub fn facts(&self) -> Facts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn instead(what: What, given: Given) -> Option<Instead> {
    match what {
        What::Error { name, details, declared, retry_after } => {
            let row = errors::by_name(name)?;
            Some(Instead::Error(row.error(given.with(details, declared, retry_after))))
        }
        What::Status(status) => Some(Instead::Status(status)),
        What::Redirect => Some(Instead::Redirect),
        What::NotThereYet => Some(Instead::Error(MediaError::NoSuchMedia { id: given.id })),
        What::ExpiredCredential => Some(Instead::Error(MediaError::Unauthenticated)),
        What::Delay(_) | What::Cut(_) | What::Flip(_) | What::Stall(..) | What::Rate(_) | What::Gzip => None,
    }
}
