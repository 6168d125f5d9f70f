//! What the admin listener reports in Prometheus' text format. Never a secret, an id or a file name.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use wamedia_media::PhoneNumberId;
use wamedia_store::{Observation, Observer, SweepReport};

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
struct ByOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByRule {
    rule: &'static str,
}

/// Counters of the running service.
pub struct Metrics {
    requests: Family<Requests, Counter>,
    by_number: Family<Numbered, Counter>,
    numbers: Mutex<BTreeSet<PhoneNumberId>>,
    seconds: Family<ByAction, Histogram, fn() -> Histogram>,
    received_bytes: Counter,
    sent_bytes: Counter,
    stored_bytes: Counter,
    throttle_trips: Family<ByRule, Counter>,
    connections: Gauge,
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
            numbers: Mutex::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            stored_bytes: Counter::default(),
            throttle_trips: Family::default(),
            connections: Gauge::default(),
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

    /// A request was answered.
    pub fn answered(
        &self,
        action: &'static str,
        dialect: &'static str,
        outcome: &'static str,
        number: Option<PhoneNumberId>,
        took: Duration,
    ) {
        self.requests.get_or_create(&Requests { action, dialect, outcome }).inc();
        self.seconds.get_or_create(&ByAction { action }).observe(took.as_secs_f64());
        if let Some(number) = number {
            let number = self.label(number);
            self.by_number.get_or_create(&Numbered { number, action, outcome }).inc();
        }
    }

    fn label(&self, number: PhoneNumberId) -> String {
        let mut known = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_NUMBERS {
            known.insert(number);
        }
        if known.contains(&number) { number.to_string() } else { "other".to_owned() }
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

    /// Connections open now.
    pub fn connections(&self) -> &Gauge {
        &self.connections
    }
}
