//! What was asked and what was answered: the newest requests, in memory only.
//!
//! Facts for assertions: no secret, no path, no query, no name of a file.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use wamedia_store::AccountId;

/// Requests that are remembered; the oldest make room.
pub const KEPT: usize = 10_000;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Counts all requests since the start, from 1.
    pub seq: u64,
    /// When it came, in clock time.
    pub at: Timestamp,
    /// `upload`, `retrieve_url`, …; none for a path or method that is nobody's.
    pub action: Option<&'static str>,
    /// `graph` or `d360`.
    pub dialect: &'static str,
    /// Whose: the id of the account. None for credentials that nobody knows.
    pub world: Option<i64>,
    /// For which number.
    pub phone_number_id: Option<String>,
    /// About which media; of an upload, the new one.
    pub media_id: Option<String>,
    /// The type that an upload declared.
    pub declared: Option<String>,
    /// The type that its bytes have, where they were judged.
    pub found: Option<String>,
    /// `ok`, or the name of the error.
    pub outcome: &'static str,
    /// As answered.
    pub status: u16,
    /// Real time from the head of the request to the head of the answer.
    pub ms: f64,
    /// Bytes of the request's body.
    pub received: u64,
    /// Bytes that the answer's head announced.
    pub sent: Option<u64>,
    /// The faults that acted on it.
    pub faults: Vec<u64>,
}

/// Which entries; what is left out does not matter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// By its name; `messages` is `send`.
    pub action: Option<String>,
    /// `graph` or `d360`.
    pub dialect: Option<String>,
    /// Resolved from the id or name that was asked for.
    #[serde(skip)]
    pub world: Option<AccountId>,
    /// By its digits.
    pub phone_number_id: Option<String>,
    /// By its digits.
    pub media_id: Option<String>,
    /// `ok`, or the name of an error.
    pub outcome: Option<String>,
    /// As answered.
    pub status: Option<u16>,
    /// Only what came after this entry.
    pub after: Option<u64>,
}

/// The newest requests of all worlds.
pub struct Journal {
    kept: Mutex<Kept>,
    /// The last entry's number: for assertions that wait.
    last: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    seq: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self { kept: Mutex::default(), last: watch::Sender::new(0) }
    }
}

impl Journal {
    /// Remembers a request; its number is given here.
    pub fn write(&self, mut entry: Entry) {
        let seq = {
            let mut kept = self.lock();
            kept.seq += 1;
            entry.seq = kept.seq;
            if kept.entries.len() == KEPT {
                kept.entries.pop_front();
            }
            kept.entries.push_back(entry);
            kept.seq
        };
        self.last.send_replace(seq);
    }

    /// The entries that pass, oldest first.
    pub fn list(&self, filter: &Filter) -> Vec<Entry> {
        self.lock().entries.iter().filter(|entry| filter.passes(entry)).cloned().collect()
    }

    /// The number of the newest entry.
    pub fn last_seq(&self) -> u64 {
        self.lock().seq
    }

    /// Changes with every entry.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Forgets those of one world, or all. Numbers go on.
    pub fn clear(&self, world: Option<AccountId>) {
        let world = world.map(|account| account.0);
        self.lock().entries.retain(|entry| world.is_some() && entry.world != world);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Filter {
    /// Whether an entry is asked for.
    pub fn passes(&self, entry: &Entry) -> bool {
        fn is(asked: Option<&str>, found: Option<&str>) -> bool {
            asked.is_none() || asked == found
        }
        is(self.action.as_deref(), entry.action)
            && is(self.dialect.as_deref(), Some(entry.dialect))
            && is(self.phone_number_id.as_deref(), entry.phone_number_id.as_deref())
            && is(self.media_id.as_deref(), entry.media_id.as_deref())
            && is(self.outcome.as_deref(), Some(entry.outcome))
            && self.world.is_none_or(|world| entry.world == Some(world.0))
            && self.status.is_none_or(|status| status == entry.status)
            && self.after.is_none_or(|after| entry.seq > after)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An entry like any other.
    pub fn entry(action: &'static str, world: i64) -> Entry {
        Entry {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            action: Some(action),
            dialect: "graph",
            world: Some(world),
            phone_number_id: None,
            media_id: None,
            declared: None,
            found: None,
            outcome: "ok",
            status: 200,
            ms: 1.0,
            received: 0,
            sent: None,
            faults: Vec::new(),
        }
    }

    #[test]
    fn the_oldest_make_room_and_worlds_are_apart() {
        let journal = Journal::default();
        for n in 0..KEPT + 10 {
            journal.write(entry("upload", i64::from(n % 2 == 0)));
        }
        let all = journal.list(&Filter::default());
        assert_eq!((all.len(), all[0].seq, journal.last_seq()), (KEPT, 11, KEPT as u64 + 10));
        let ours = Filter { world: Some(AccountId(1)), ..Filter::default() };
        assert_eq!(journal.list(&ours).len(), KEPT / 2);
        journal.clear(Some(AccountId(1)));
        assert!(journal.list(&ours).is_empty());
        assert_eq!(journal.list(&Filter::default()).len(), KEPT / 2);
        journal.clear(None);
        assert!(journal.list(&Filter::default()).is_empty());
    }
}
