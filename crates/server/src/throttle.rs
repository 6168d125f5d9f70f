//! The vendors' throttles, as rows of a table. Exact, per phone number, and durable before the answer.
//!
//! Counting lives in the catalog, so that it survives restarts. Here is only what counts, and what follows.

use std::time::Duration;

use jiff::Timestamp;
use wamedia_media::PhoneNumberId;
use wamedia_store::{Catalog, StoreError, ThrottleState, View};

use crate::action::Action;
use crate::config::{self, BlockRule, DialectName, RateRule};
use crate::error::MediaError;

/// One named rule.
#[derive(Clone, Debug)]
struct Rule {
    name: &'static str,
    limit: u32,
    window: Duration,
    counts: Vec<Action>,
    then: Then,
}

/// What a rule counts is told by what follows: a rate counts requests, a block counts their error answers.
#[derive(Clone, Debug)]
enum Then {
    Refuse,
    Block { lasts: Duration, actions: Vec<Action> },
}

/// The rules that bind callers.
#[derive(Clone)]
pub struct Throttle {
    catalog: Catalog,
    rules: Vec<Rule>,
    binds: Vec<DialectName>,
}

impl Throttle {
    /// The enabled rules of the configuration over the counters of `catalog`.
    pub fn new(catalog: Catalog, config: &config::Throttle) -> Self {
        let rules = [
            rate("upload-rate", &config.upload_rate),
            block("retrieval-errors", &config.retrieval_errors),
            block("upload-failures", &config.upload_failures),
        ];
        Self { catalog, rules: rules.into_iter().flatten().collect(), binds: config.binds.clone() }
    }

    /// Whether callers of this dialect are bound at all.
    pub fn binds(&self, dialect: DialectName) -> bool {
        self.binds.contains(&dialect)
    }

    /// Lets a request pass, as far as `view` knows, and counts it where requests are counted.
    ///
    /// # Errors
    /// [`MediaError::Blocked`] or [`MediaError::UploadRate`] with the time until it would pass.
    pub async fn admit(
        &self,
        view: &View<'_>,
        number: PhoneNumberId,
        action: Action,
        now: Timestamp,
    ) -> Result<(), MediaError> {
        for rule in self.rules.iter().filter(|rule| rule.blocks(action)) {
            if let Some(until) = view.throttle_blocked_until(number, rule.name, now).map_err(internal)? {
                return Err(MediaError::Blocked { retry_after: until.duration_since(now) });
            }
        }
        for rule in self.rules.iter().filter(|rule| rule.limits_requests_of(action)) {
            let admitted = self.catalog.throttle_admit(number, rule.name, now, rule.window, rule.limit).await;
            if let Err(at) = admitted.map_err(internal)? {
                return Err(MediaError::UploadRate { retry_after: at.duration_since(now) });
            }
        }
        Ok(())
    }

    /// Counts an error answer; the rules that it fills up block from now on. Returns the names of those.
    ///
    /// # Errors
    /// When the count could not be kept.
    pub async fn count_error(
        &self,
        number: PhoneNumberId,
        action: Action,
        now: Timestamp,
    ) -> Result<Vec<&'static str>, StoreError> {
        let mut tripped = Vec::new();
        for rule in &self.rules {
            let Then::Block { lasts, .. } = rule.then else { continue };
            if !rule.counts.contains(&action) {
                continue;
            }
            let blocked =
                self.catalog.throttle_count(number, rule.name, now, rule.window, rule.limit, lasts).await?;
            tripped.extend(blocked.map(|_| rule.name));
        }
        Ok(tripped)
    }

    /// Every number with a count or a block, for the admin listener.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn state(&self, now: Timestamp) -> Result<Vec<ThrottleState>, StoreError> {
        self.catalog.throttle_state(now)
    }
}

impl Rule {
    fn blocks(&self, action: Action) -> bool {
        matches!(&self.then, Then::Block { actions, .. } if actions.contains(&action))
    }

    fn limits_requests_of(&self, action: Action) -> bool {
        matches!(self.then, Then::Refuse) && self.counts.contains(&action)
    }
}

fn rate(name: &'static str, rule: &RateRule) -> Option<Rule> {
    let RateRule { enabled, limit, window, counts } = rule.clone();
    enabled.then_some(Rule { name, limit, window: window.duration(), counts, then: Then::Refuse })
}

fn block(name: &'static str, rule: &BlockRule) -> Option<Rule> {
    let BlockRule { enabled, limit, window, counts, block_for, blocks } = rule.clone();
    let then = Then::Block { lasts: block_for.duration(), actions: blocks };
    enabled.then_some(Rule { name, limit, window: window.duration(), counts, then })
}

fn internal(error: StoreError) -> MediaError {
    MediaError::Internal(error.to_string())
}
