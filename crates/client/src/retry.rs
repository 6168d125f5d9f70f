//! The one owner of retries: what may be tried again, how often, and after how long.
//!
//! Nothing else in this crate sends a request twice, save that a redirect is followed and a dead link resolved anew.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Error, Retries};

/// What sending a request again would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Nothing new: GET, and DELETE, whose second answer is understood.
    Harmless,
    /// Perhaps a second media with the same bytes, which nobody knows of and which expires by itself.
    Repeats,
    /// It cannot be: its bytes came from a stream and are gone.
    Impossible,
}

/// The attempts at one thing.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    policy: &'a Retries,
    /// When the first of them failed, since the last progress.
    failing_since: Option<Instant>,
    /// Sent so far, since the last progress.
    made: u32,
    /// Sent in all.
    total: u32,
}

impl<'a> Attempts<'a> {
    /// The first of them is about to be sent.
    pub(crate) fn first(policy: &'a Retries) -> Self {
        Self { policy, failing_since: None, made: 1, total: 1 }
    }

    /// How many were sent.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// Something was gained that is kept: patience begins anew.
    pub(crate) fn progressed(&mut self) {
        self.made = 0;
        self.failing_since = None;
    }

    /// Waits before the next attempt, or gives the error back where there is none.
    pub(crate) async fn again(&mut self, error: Error, again: Again) -> Result<(), Error> {
        let Some(wait) = self.wait(&error, again) else { return Err(error) };
        let failing_since = *self.failing_since.get_or_insert_with(Instant::now);
        if failing_since.elapsed().saturating_add(wait) > self.policy.deadline {
            return Err(error);
        }
        sleep(wait).await;
        self.made += 1;
        self.total += 1;
        Ok(())
    }

    fn wait(&self, error: &Error, again: Again) -> Option<Duration> {
        if again == Again::Impossible || self.made >= self.policy.attempts || !is_passing(error) {
            return None;
        }
        let own = backoff(self.policy, self.made, random());
        match error.retry_after() {
            Some(asked) if asked > self.policy.max_retry_after => None,
            // Whoever was turned away at once does not come back at once.
            Some(asked) => Some(asked.saturating_add(own.min(self.policy.first_wait))),
            None => Some(own),
        }
    }
}

/// Whether the cause may pass by itself within seconds. Never 400, 401, 403, 404; never a block of half an hour.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Connection(_) | Error::Damaged(_) => true,
        Error::Upstream(answer) => matches!(answer.status, 408 | 425 | 500 | 502 | 503 | 504),
        Error::Throttled { answer, retry_after } => retry_after.is_some() || !answer.is_block(),
        _ => false,
    }
}

/// No wait of our own is longer, whatever the settings say.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Exponential with full jitter: anything from nothing to twice the longest wait before.
fn backoff(policy: &Retries, made: u32, random: u32) -> Duration {
    let doubled = policy.first_wait.saturating_mul(1 << made.saturating_sub(1).min(20));
    doubled.min(policy.max_wait).min(LONGEST_WAIT).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// From the system. Where it has none, half of everything is as good as any.
fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, ConnectionError};

    fn broken() -> Error {
        Error::Connection(ConnectionError { was_sent: true, source: "broken".into() })
    }

    fn upstream(status: u16, retry_after: Option<u64>) -> Error {
        let retry_after = retry_after.map(Duration::from_secs);
        Error::Upstream(Box::new(Answer { retry_after, ..Answer::said(status, "") }))
    }

    fn throttled(code: i64, retry_after: Option<u64>) -> Error {
        let answer = Box::new(Answer { code: Some(code), ..Answer::said(400, "") });
        Error::Throttled { retry_after: retry_after.map(Duration::from_secs), answer }
    }

    #[test]
    fn waits_grow_to_their_bound_and_are_spread_down_to_nothing() {
        let policy = Retries::default();
        let longest = |made| backoff(&policy, made, u32::MAX);
        assert_eq!(longest(1), Duration::from_millis(500));
        assert_eq!(longest(2), Duration::from_secs(1));
        assert_eq!(longest(5), Duration::from_secs(8));
        assert_eq!(longest(40), policy.max_wait);
        assert_eq!(backoff(&policy, 9, 0), Duration::ZERO);
        let endless = policy.with_waits(Duration::MAX, Duration::MAX);
        assert_eq!(backoff(&endless, 9, u32::MAX), LONGEST_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_and_begin_anew_with_progress() {
        let policy = Retries::default();
        let mut attempts = Attempts::first(&policy);
        for _ in 1..policy.attempts {
            attempts.again(broken(), Again::Harmless).await.unwrap();
        }
        assert!(attempts.again(broken(), Again::Harmless).await.is_err());
        attempts.progressed();
        attempts.again(broken(), Again::Harmless).await.unwrap();
        assert_eq!(attempts.total(), policy.attempts + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_again_that_cannot_be_or_would_not_help() {
        let policy = Retries::default();
        assert!(Attempts::first(&policy).again(broken(), Again::Impossible).await.is_err());
        let answer = |status| Box::new(Answer::said(status, ""));
        for error in [
            Error::Rejected(Box::new(crate::Rejection::Service(*answer(400)))),
            Error::Unauthorized(answer(401)),
            Error::Forbidden(answer(403)),
            Error::Expired(answer(404)),
            upstream(501, None),
            upstream(200, None),
            upstream(302, None),
            throttled(80_007, None),
            throttled(80_007, Some(1800)),
            upstream(503, Some(1800)),
            Error::HeldBack { retry_after: Duration::from_secs(1), rule: crate::BudgetRule::UploadFailures },
            Error::TooLong { limit: 1 },
        ] {
            assert!(Attempts::first(&policy).again(error, Again::Harmless).await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_service_asks_for_is_waited_out() {
        let policy = Retries::default();
        for error in [throttled(130_429, Some(7)), upstream(503, Some(7)), throttled(80_007, Some(7))] {
            let begun = Instant::now();
            Attempts::first(&policy).again(error, Again::Repeats).await.unwrap();
            assert!((7000..=7501).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_end_is_not_begun() {
        let policy = Retries::default().with_max_retry_after(Duration::MAX);
        let error = upstream(503, Some(u64::MAX));
        assert!(Attempts::first(&policy).again(error, Again::Harmless).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_begins_after_the_deadline() {
        let policy = Retries { attempts: 1000, max_retry_after: Duration::MAX, ..Retries::default() };
        let mut attempts = Attempts::first(&policy);
        attempts.again(throttled(130_429, Some(200)), Again::Harmless).await.unwrap();
        assert!(attempts.again(throttled(130_429, Some(200)), Again::Harmless).await.is_err());
    }
}
