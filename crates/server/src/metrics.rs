//! What the admin listener reports in Prometheus' text format. Never a secret, an id or a file name.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use wamedia_media::PhoneNumberId;
use wamedia_store::{Observation, Observer, SweepReport};

use crate::action::Action;
use crate::config::DialectName;

/// Phone numbers that get a label of their own; more would make the report grow without bound.
pub const MAX_NUMBERS: usize = 200;

/// From a read out of the page cache to an upload over a slow line.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Requests {
    action: &'static str,
    dialect: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Numbered {
    number: String,
    action: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByAction {
    action: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByWhat {
    what: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByWhy {
    why: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByRule {
    rule: &'static str,
}

/// Counters of `ok`, one an action.
type Successes = [OnceLock<Counter>; Action::ALL.len()];

/// The outcome that has counters at hand.
const OK: &str = "ok";

/// Counters of the running service.
pub struct Metrics {
    requests: Family<Requests, Counter>,
    by_number: Family<Numbered, Counter>,
    numbers: RwLock<HashMap<PhoneNumberId, Successes>>,
    seconds: Family<ByAction, Histogram, fn() -> Histogram>,
    /// What nearly every request counts, found without a search: graph's and 360dialog's.
    successes: [Successes; 2],
    lasting: [OnceLock<Histogram>; Action::ALL.len()],
    received_bytes: Counter,
    sent_bytes: Counter,
    stored_bytes: Counter,
    throttle_trips: Family<ByRule, Counter>,
    connections: Gauge,
    turned_away: Family<ByWhy, Counter>,
    commit_seconds: Histogram,
    commit_operations: Counter,
    publish_seconds: Histogram,
    swept: Family<ByWhat, Counter>,
    delivery_attempts: Family<ByOutcome, Counter>,
    delivery_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at nought.
    pub fn new() -> Self {
        Self {
            requests: Family::default(),
            by_number: Family::default(),
            numbers: RwLock::default(),
            successes: Default::default(),
            lasting: Default::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            stored_bytes: Counter::default(),
            throttle_trips: Family::default(),
            connections: Gauge::default(),
            turned_away: Family::default(),
            commit_seconds: Histogram::new(SECONDS),
            commit_operations: Counter::default(),
            publish_seconds: Histogram::new(SECONDS),
            swept: Family::default(),
            delivery_attempts: Family::default(),
            delivery_seconds: Histogram::new(SECONDS),
        }
    }

    /// Everything under its name, in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let bytes = Unit::Bytes;
        registry.register("wamedia_requests", "Requests answered", self.requests.clone());
        registry.register(
            "wamedia_number_requests",
            "Requests answered, by phone number",
            self.by_number.clone(),
        );
        let help = "From the head of a request to the head of its answer";
        registry.register_with_unit("wamedia_request", help, Unit::Seconds, self.seconds.clone());
        let help = "Body bytes received";
        registry.register_with_unit("wamedia_received", help, bytes.clone(), self.received_bytes.clone());
        registry.register_with_unit(
            "wamedia_sent",
            "Media bytes sent",
            bytes.clone(),
            self.sent_bytes.clone(),
        );
        registry.register_with_unit("wamedia_stored", "Media bytes kept", bytes, self.stored_bytes.clone());
        let help = "Times that a throttle began to block a number";
        registry.register("wamedia_throttle_trips", help, self.throttle_trips.clone());
        let help = "A group of writes, from its first statement to the end of its commit";
        registry.register_with_unit(
            "wamedia_catalog_commit",
            help,
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        let help = "Writes that were committed, in groups";
        registry.register("wamedia_catalog_writes", help, self.commit_operations.clone());
        let help = "Making a blob durable: file, place and folder";
        registry.register_with_unit(
            "wamedia_blob_publish",
            help,
            Unit::Seconds,
            self.publish_seconds.clone(),
        );
        registry.register("wamedia_swept", "What sweeps removed", self.swept.clone());
        let help = "Calls of webhook endpoints, by what became of them";
        registry.register("wamedia_delivery_attempts", help, self.delivery_attempts.clone());
        let help = "A call of a webhook endpoint, from the lookup of its host to the end of its answer";
        registry.register_with_unit("wamedia_delivery", help, Unit::Seconds, self.delivery_seconds.clone());
        registry.register(
            "wamedia_connections",
            "Connections open on the public listener",
            self.connections.clone(),
        );
        let help = "Requests that were given no place: the line was full, the wait over, or the client left";
        registry.register("wamedia_turned_away", help, self.turned_away.clone());
    }

    /// Tells the store whom to tell how long its writes take.
    pub fn store_observer(&self) -> Observer {
        let (commits, operations) = (self.commit_seconds.clone(), self.commit_operations.clone());
        let publishes = self.publish_seconds.clone();
        Arc::new(move |observation| match observation {
            Observation::GroupCommitted { operations: count, took } => {
                commits.observe(took.as_secs_f64());
                operations.inc_by(count as u64);
            }
            Observation::BlobPublished { took, .. } => publishes.observe(took.as_secs_f64()),
            _ => {}
        })
    }

    /// A sweep removed something.
    pub fn swept(&self, report: &SweepReport) {
        let removed = [
            ("expired", report.expired),
            ("orphans", report.orphans_removed),
            ("staging", report.staging_removed),
        ];
        for (what, count) in removed {
            self.swept.get_or_create(&ByWhat { what }).inc_by(count);
        }
    }

    /// A request was answered; `action` is none where the path is nobody's.
    pub fn answered(
        &self,
        action: Option<Action>,
        dialect: DialectName,
        outcome: &'static str,
        number: Option<PhoneNumberId>,
        took: Duration,
    ) {
        let label = action.map_or("none", Action::as_str);
        let requests = || {
            let dialect = dialect.as_str();
            self.requests.get_or_create_owned(&Requests { action: label, dialect, outcome })
        };
        let lasting = || self.seconds.get_or_create_owned(&ByAction { action: label });
        match action {
            Some(action) if outcome == OK => {
                self.successes[dialect as usize][action as usize].get_or_init(requests).inc();
            }
            _ => drop(requests().inc()),
        }
        match action {
            Some(action) => {
                self.lasting[action as usize].get_or_init(lasting).observe(took.as_secs_f64());
            }
            None => lasting().observe(took.as_secs_f64()),
        }
        if let (Some(number), Some(action)) = (number, action) {
            self.answered_number(number, action, outcome);
        }
    }

    fn answered_number(&self, number: PhoneNumberId, action: Action, outcome: &'static str) {
        let labelled = |number: String| {
            let labels = Numbered { number, action: action.as_str(), outcome };
            self.by_number.get_or_create_owned(&labels)
        };
        let known = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        if let (Some(successes), OK) = (known.get(&number), outcome) {
            successes[action as usize].get_or_init(|| labelled(number.to_string())).inc();
            return;
        }
        drop(known);
        labelled(self.label(number)).inc();
    }

    fn label(&self, number: PhoneNumberId) -> String {
        let mut known = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_NUMBERS {
            known.entry(number).or_default();
        }
        if known.contains_key(&number) { number.to_string() } else { "other".to_owned() }
    }

    /// Body bytes of a request.
    pub fn received(&self, bytes: u64) {
        self.received_bytes.inc_by(bytes);
    }

    /// Media bytes of an answer.
    pub fn sent(&self, bytes: usize) {
        self.sent_bytes.inc_by(bytes as u64);
    }

    /// A media was kept.
    pub fn stored(&self, bytes: u64) {
        self.stored_bytes.inc_by(bytes);
    }

    /// An endpoint was called: `delivered`, `failed` or `given_up`.
    pub fn delivery_attempted(&self, outcome: &'static str, took: Duration) {
        self.delivery_attempts.get_or_create(&ByOutcome { outcome }).inc();
        self.delivery_seconds.observe(took.as_secs_f64());
    }

    /// A rule began to block.
    pub fn throttle_tripped(&self, rule: &'static str) {
        self.throttle_trips.get_or_create(&ByRule { rule }).inc();
    }

    /// A request was given no place.
    pub fn turned_away(&self, why: &'static str) {
        self.turned_away.get_or_create(&ByWhy { why }).inc();
    }

    /// Connections open now.
    pub fn connections(&self) -> &Gauge {
        &self.connections
    }
}
