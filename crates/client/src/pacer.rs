//! The pacer: uploads begin at even distances, and never so that the service could count more of them in one second
//! than it takes.
//!
//! Even distances alone are not enough: what leaves here at even distances arrives in bunches when a line or a machine
//! stutters. The service counts a request somewhere between its beginning and its answer; so a place is taken from the
//! beginning of a request until a second after its answer, and there are as many places as the service takes in a
//! second.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

/// The second, and a hundredth for clocks that disagree about its length.
const WINDOW: Duration = Duration::from_millis(1010);

/// Lets so many through in a second.
#[derive(Debug)]
pub(crate) struct Pacer {
    per_second: Option<u32>,
    state: Mutex<State>,
    answered: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When the next one may begin.
    next: Option<Instant>,
    under_way: usize,
    /// When requests were answered, the oldest first; those of the last second.
    answers: VecDeque<Instant>,
}

/// A place among the requests of a second. To be held until the answer.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Pacer);

impl Pacer {
    /// At most `per_second` in any second; `None` for as many as come.
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        Self { per_second, state: Mutex::default(), answered: Notify::new() }
    }

    /// Waits for its turn, and then for a place.
    pub(crate) async fn pass(&self) -> Place<'_> {
        let Some(per_second) = self.per_second else { return Place(self) };
        let distance = WINDOW / per_second.max(1);
        let turn = {
            let mut state = self.state();
            let now = Instant::now();
            let turn = state.next.map_or(now, |next| next.max(now));
            state.next = Some(turn + distance);
            turn
        };
        sleep_until(turn).await;
        loop {
            let answered = self.answered.notified();
            tokio::pin!(answered);
            // From here on no answer is missed.
            answered.as_mut().enable();
            match self.take(per_second as usize) {
                Ok(()) => return Place(self),
                Err(Some(free_at)) => drop(timeout_at(free_at, answered).await),
                Err(None) => answered.await,
            }
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// When one will be free, if that is known yet.
    fn take(&self, places: usize) -> Result<(), Option<Instant>> {
        let mut state = self.state();
        let now = Instant::now();
        while state.answers.front().is_some_and(|answer| now >= *answer + WINDOW) {
            state.answers.pop_front();
        }
        if state.under_way + state.answers.len() >= places {
            return Err(state.answers.front().map(|answer| *answer + WINDOW));
        }
        state.under_way += 1;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.0.per_second.is_some() {
            let mut state = self.0.state();
            state.under_way -= 1;
            state.answers.push_back(Instant::now());
            drop(state);
            self.0.answered.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When a service counts requests that take these times (in ms) to arrive and to be answered.
    fn counted(delays: Vec<(u64, u64)>) -> Vec<Instant> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let pacer = Arc::new(Pacer::new(Some(25)));
            let requests: Vec<_> = delays
                .into_iter()
                .map(|(arrives, answered)| {
                    let pacer = pacer.clone();
                    tokio::spawn(async move {
                        let _place = pacer.pass().await;
                        sleep(Duration::from_millis(arrives)).await;
                        let counted = Instant::now();
                        sleep(Duration::from_millis(answered)).await;
                        counted
                    })
                })
                .collect();
            let mut counted = Vec::new();
            for request in requests {
                counted.push(request.await.unwrap());
            }
            counted.sort();
            counted
        })
    }

    fn most_in_a_second(counted: &[Instant]) -> usize {
        let within =
            |at: usize| counted[at..].iter().take_while(|t| t.duration_since(counted[at]) <= SECOND).count();
        (0..counted.len()).map(within).max().unwrap_or(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn no_second_has_more_than_it_may_however_the_line_stutters(
            delays in proptest::collection::vec((0_u64..900, 0_u64..300), 1..120),
        ) {
            prop_assert!(most_in_a_second(&counted(delays)) <= 25);
        }
    }

    #[test]
    fn what_is_answered_at_once_goes_at_the_full_rate() {
        let counted = counted(vec![(0, 0); 101]);
        let took = counted[100].duration_since(counted[0]);
        assert!(took <= Duration::from_millis(4200), "{took:?}");
        assert_eq!(most_in_a_second(&counted), 25);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_and_the_unpaced_do_not_wait() {
        let begun = Instant::now();
        drop(Pacer::new(Some(1)).pass().await);
        let unpaced = Pacer::new(None);
        for _ in 0..1000 {
            drop(unpaced.pass().await);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
