//! The pacer: uploads begin at even distances, so that no second has more of them than the vendor takes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets so many through in a second. Even spacing rather than a bucket: a burst and the trickle after it would put up
/// to twice as many into one second.
#[derive(Debug)]
pub(crate) struct Pacer {
    distance: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    /// At most `per_second` in any second; `None` for as many as come.
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        // One in a hundred is left as room for what a network shifts, and for the timer's millisecond.
        let distance = per_second.map(|count| Duration::from_secs_f64(1.01 / f64::from(count.max(1))));
        Self { distance, next: Mutex::default() }
    }

    /// Waits for its turn; turns are given in the order in which they were asked for.
    pub(crate) async fn pass(&self) {
        let Some(distance) = self.distance else { return };
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + distance);
            turn
        };
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_than_it_may() {
        let pacer = Arc::new(Pacer::new(Some(25)));
        let mut passed = Vec::new();
        for round in 0..4 {
            let waiting: Vec<_> = (0..20)
                .map(|_| {
                    let pacer = pacer.clone();
                    tokio::spawn(async move {
                        pacer.pass().await;
                        Instant::now()
                    })
                })
                .collect();
            for pass in waiting {
                passed.push(pass.await.unwrap());
            }
            tokio::time::advance(Duration::from_millis(333 * round)).await;
        }
        passed.sort();
        for (at, first) in passed.iter().enumerate() {
            let within = passed[at..]
                .iter()
                .take_while(|t| t.duration_since(*first) <= Duration::from_secs(1))
                .count();
            assert!(within <= 25, "{within}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_and_the_unpaced_do_not_wait() {
        let begun = Instant::now();
        Pacer::new(Some(1)).pass().await;
        let unpaced = Pacer::new(None);
        for _ in 0..1000 {
            unpaced.pass().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
