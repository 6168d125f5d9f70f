//! The faults that are armed, in the order in which they were added.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use wamedia_media::PhoneNumberId;
use wamedia_store::AccountId;

use super::fault::{Fault, FaultRequest, What, When, Where};

/// Faults that are remembered. Spent ones make room for others.
const MAX_FAULTS: usize = 1000;

/// What breaks, and what has broken already.
#[derive(Default)]
pub struct Faults {
    armed: Mutex<Vec<Armed>>,
    last_id: AtomicU64,
}

struct Armed {
    id: u64,
    fault: Fault,
    asked: FaultRequest,
    until: Option<Timestamp>,
    /// Requests that it was for.
    met: u64,
    /// Requests that it broke.
    broke: u64,
    /// Closed when the fault is removed: who stalls on its behalf stops.
    alive: watch::Sender<()>,
}

/// What a request looks like to a fault.
#[derive(Clone, Copy, Debug)]
pub struct Facing<'a> {
    /// By its name.
    pub action: &'static str,
    /// Whose.
    pub account: AccountId,
    /// For which number, where it is for one.
    pub number: Option<PhoneNumberId>,
    /// About which media, where it is about one.
    pub media: Option<&'a str>,
}

/// A fault that acts on a request.
#[derive(Clone, Debug)]
pub struct Acting {
    /// Which fault.
    pub id: u64,
    /// What it does.
    pub what: What,
    /// Whether it still is to do it.
    pub released: Released,
}

/// Tells when a fault was removed.
#[derive(Clone, Debug)]
pub struct Released(watch::Receiver<()>);

impl Released {
    /// Waits until the fault is removed.
    pub async fn wait(&mut self) {
        // Nothing is ever sent: the only news is that the sender is gone.
        while self.0.changed().await.is_ok() {}
    }
}

/// A fault as it is listed.
#[derive(Clone, Debug, Serialize)]
pub struct FaultView {
    /// Its number, for removing it.
    pub id: u64,
    /// `armed`, `spent` or `over`.
    pub state: &'static str,
    /// Requests that it was for.
    pub met: u64,
    /// Requests that it broke.
    pub broke: u64,
    /// When it ends by itself, in clock time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(flatten)]
    asked: FaultRequest,
}

impl Faults {
    /// Arms one.
    ///
    /// # Errors
    /// A sentence, where a thousand wait already.
    pub fn add(&self, asked: FaultRequest, fault: Fault, now: Timestamp) -> Result<FaultView, String> {
        let mut armed = self.lock();
        if armed.len() >= MAX_FAULTS {
            armed.retain(|one| one.state(now) == "armed");
        }
        if armed.len() >= MAX_FAULTS {
            return Err(format!("{MAX_FAULTS} faults are armed already; DELETE some"));
        }
        let until = fault.lasts.map(|lasts| now.saturating_add(lasts).unwrap_or(Timestamp::MAX));
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let alive = watch::Sender::new(());
        let one = Armed { id, fault, asked, until, met: 0, broke: 0, alive };
        let view = one.view(now);
        armed.push(one);
        Ok(view)
    }

    /// All of them, of one account or of all; also those that are spent.
    pub fn list(&self, account: Option<AccountId>, now: Timestamp) -> Vec<FaultView> {
        let armed = self.lock();
        let asked = armed.iter().filter(|one| account.is_none() || one.fault.at.account == account);
        asked.map(|one| one.view(now)).collect()
    }

    /// How many have something left to do.
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.lock().iter().filter(|one| one.state(now) == "armed").count()
    }

    /// Removes one; true if it was there. Whatever stalls because of it goes on.
    pub fn remove(&self, id: u64) -> bool {
        let mut armed = self.lock();
        let before = armed.len();
        armed.retain(|one| one.id != id);
        armed.len() < before
    }

    /// Removes those of one account and its numbers, or all.
    pub fn clear(&self, account: Option<AccountId>, numbers: &[PhoneNumberId]) {
        let is_theirs =
            |at: &Where| at.account == account || at.number.is_some_and(|number| numbers.contains(&number));
        self.lock().retain(|one| account.is_some() && !is_theirs(&one.fault.at));
    }

    /// What happens to this request. Of those that come instead of the action only the first acts, and the others wait.
    pub fn meet(&self, facing: &Facing<'_>, now: Timestamp) -> Vec<Acting> {
        let mut acting = Vec::new();
        let mut has_instead = false;
        for one in self.lock().iter_mut().filter(|one| one.state(now) == "armed") {
            let instead = one.fault.what.is_instead();
            if !one.fault.at.is_for(facing) || (instead && has_instead) {
                continue;
            }
            one.met += 1;
            let due = match one.fault.when {
                When::Next(_) | When::Always => true,
                When::Every(every) => one.met % every == 0,
            };
            if due {
                one.broke += 1;
                has_instead |= instead;
                let released = Released(one.alive.subscribe());
                acting.push(Acting { id: one.id, what: one.fault.what.clone(), released });
            }
        }
        acting
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Where {
    fn is_for(&self, facing: &Facing<'_>) -> bool {
        self.action.is_none_or(|action| action == facing.action)
            && self.account.is_none_or(|account| account == facing.account)
            && (self.number.is_none() || self.number == facing.number)
            && (self.media.is_none() || self.media.as_deref() == facing.media)
    }
}

impl Armed {
    fn state(&self, now: Timestamp) -> &'static str {
        match self.fault.when {
            When::Next(next) if self.broke >= next => "spent",
            _ if self.until.is_some_and(|until| until <= now) => "over",
            _ => "armed",
        }
    }

    fn view(&self, now: Timestamp) -> FaultView {
        let (met, broke) = (self.met, self.broke);
        let (state, asked) = (self.state(now), self.asked.clone());
        FaultView { id: self.id, state, met, broke, until: self.until, asked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_795_176_000, 0);

    fn facing() -> Facing<'static> {
        Facing { action: "download", account: AccountId(1), number: PhoneNumberId::new(7), media: Some("5") }
    }

    fn arm(faults: &Faults, json: &str, account: Option<i64>) {
        let asked: FaultRequest = serde_json::from_str(json).unwrap();
        let fault = asked.read(account.map(AccountId)).unwrap();
        faults.add(asked, fault, NOON).unwrap();
    }

    fn met(faults: &Faults) -> Vec<What> {
        faults.meet(&facing(), NOON).into_iter().map(|acting| acting.what).collect()
    }

    #[test]
    fn a_fault_is_for_its_action_world_number_and_media_only() {
        for (json, account, is_for) in [
            (r#"{"cut":1}"#, None, true),
            (r#"{"cut":1,"action":"download","phone_number_id":"7","media_id":"5"}"#, Some(1), true),
            (r#"{"cut":1,"action":"upload"}"#, None, false),
            (r#"{"cut":1,"phone_number_id":"8"}"#, None, false),
            (r#"{"cut":1,"media_id":"6"}"#, None, false),
            (r#"{"cut":1}"#, Some(2), false),
        ] {
            let faults = Faults::default();
            arm(&faults, json, account);
            assert_eq!(met(&faults).len(), usize::from(is_for), "{json}");
        }
    }

    #[test]
    fn next_every_and_a_while_are_counted() {
        let faults = Faults::default();
        arm(&faults, r#"{"cut":1,"next":2}"#, None);
        arm(&faults, r#"{"flip":1,"every":3}"#, None);
        arm(&faults, r#"{"delay":"1s","for":"10s"}"#, None);
        let delay = What::Delay(std::time::Duration::from_secs(1));
        assert_eq!(met(&faults), [What::Cut(1), delay.clone()]);
        assert_eq!(met(&faults), [What::Cut(1), delay.clone()]);
        assert_eq!(met(&faults), [What::Flip(1), delay]);
        let later = NOON + jiff::SignedDuration::from_secs(10);
        assert!(faults.meet(&facing(), later).is_empty());
        let states: Vec<_> = faults.list(None, later).iter().map(|view| view.state).collect();
        assert_eq!(states, ["spent", "armed", "over"]);
        assert_eq!(faults.waiting(later), 1);
    }

    #[test]
    fn one_error_at_a_time_and_the_other_waits() {
        let faults = Faults::default();
        arm(&faults, r#"{"status":503}"#, None);
        arm(&faults, r#"{"error":"internal"}"#, None);
        assert_eq!(met(&faults), [What::Status(http::StatusCode::SERVICE_UNAVAILABLE)]);
        assert!(matches!(met(&faults).as_slice(), [What::Error { name: "internal", .. }]));
        assert!(met(&faults).is_empty());
    }

    #[tokio::test]
    async fn clearing_a_world_leaves_the_others_and_lets_go_of_who_stalls() {
        let faults = Faults::default();
        arm(&faults, r#"{"stall":0,"always":true}"#, Some(1));
        arm(&faults, r#"{"cut":1,"always":true}"#, Some(2));
        let mut stalled = faults.meet(&facing(), NOON).remove(0).released;
        faults.clear(Some(AccountId(1)), &[]);
        stalled.wait().await;
        assert_eq!(faults.list(None, NOON).len(), 1);
        faults.clear(None, &[]);
        assert!(faults.list(None, NOON).is_empty());
    }
}
