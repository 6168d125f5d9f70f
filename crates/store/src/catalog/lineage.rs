//! Which editions of the catalog are alike for what is remembered.
//!
//! Every commit makes a new edition. A new media changes nothing that was read before, and uploads are most of all commits:
//! where the writer of this process knows that it made one edition from the other, and did nothing but add media, what was
//! read in the one is as true in the other. They are of one generation. Every other edition begins a new one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::edition::Edition;

/// The generations of one catalog.
#[derive(Default)]
pub(super) struct Lineage(Mutex<State>);

#[derive(Default)]
struct State {
    /// The edition that was seen last, of the generation that is counted below.
    current: Option<Edition>,
    generation: u64,
    /// Our writer is about to make a new edition from `current`.
    adding: bool,
}

impl Lineage {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of which generation an edition is that was just looked at. Numbers are never used twice. None while that cannot
    /// be told: whoever asks then remembers nothing and is told nothing that is remembered.
    pub(super) fn generation(&self, edition: Edition) -> Option<u64> {
        let mut state = self.lock();
        if state.current != Some(edition) {
            if state.adding {
                return None;
            }
            state.current = Some(edition);
            state.generation += 1;
        }
        Some(state.generation)
    }

    /// Called with the catalog's lock for writing held, in the edition `before`: what is committed next adds media and
    /// changes nothing else.
    pub(super) fn begin_adding(&self, before: Option<Edition>) -> Adding<'_> {
        let mut state = self.lock();
        let before = before.filter(|before| state.current == Some(*before));
        state.adding = before.is_some();
        Adding { lineage: self, before }
    }
}

/// The time in which media are added.
pub(super) struct Adding<'a> {
    lineage: &'a Lineage,
    before: Option<Edition>,
}

impl Adding<'_> {
    /// The commit, which was ours, put `frames` into the log, and `after` was looked at behind it. If nobody else has committed
    /// since, `after` is of the same generation.
    pub(super) fn committed(self, frames: u32, after: Option<Edition>) {
        if let (Some(before), Some(after)) = (self.before, after)
            && after.is_next_of(&before, frames)
        {
            // Nobody changes it meanwhile.
            self.lineage.lock().current = Some(after);
        }
    }
}

impl Drop for Adding<'_> {
    fn drop(&mut self) {
        if self.before.is_some() {
            self.lineage.lock().adding = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(changes: u32, frames: u32) -> Edition {
        Edition::for_test(changes, frames)
    }

    #[test]
    fn what_we_added_to_is_of_the_same_generation() {
        let lineage = Lineage::default();
        let first = lineage.generation(edition(1, 10));
        lineage.begin_adding(Some(edition(1, 10))).committed(13, Some(edition(2, 13)));
        assert_eq!(lineage.generation(edition(2, 13)), first);
        assert_ne!(lineage.generation(edition(3, 15)), first);
    }

    #[test]
    fn what_others_did_before_between_or_behind_begins_a_new_generation() {
        let lineage = Lineage::default();
        let first = lineage.generation(edition(1, 10));
        // Before: the writer found another edition than was seen last.
        lineage.begin_adding(Some(edition(2, 12))).committed(15, Some(edition(3, 15)));
        let second = lineage.generation(edition(3, 15));
        assert_ne!(second, first);
        // Behind: another commit came before the writer looked.
        lineage.begin_adding(Some(edition(3, 15))).committed(18, Some(edition(5, 20)));
        let third = lineage.generation(edition(5, 20));
        assert_ne!(third, second);
        // Ours was none, and another's looks like the next.
        lineage.begin_adding(Some(edition(5, 20))).committed(0, Some(edition(6, 22)));
        assert_ne!(lineage.generation(edition(6, 22)), third);
    }

    #[test]
    fn nothing_is_told_while_it_is_not_certain() {
        let lineage = Lineage::default();
        let first = lineage.generation(edition(1, 10));
        let adding = lineage.begin_adding(Some(edition(1, 10)));
        assert_eq!(lineage.generation(edition(1, 10)), first);
        assert_eq!(lineage.generation(edition(2, 13)), None);
        // It was not committed: what was seen was another's.
        drop(adding);
        assert_ne!(lineage.generation(edition(2, 13)), first);
        assert!(lineage.generation(edition(1, 10)) > first);
    }
}
