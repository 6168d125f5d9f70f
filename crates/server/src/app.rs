//! What every request is given: the parts of a running service, joined once at the start.

use wamedia_store::Store;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::gates::Gates;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::stand_in::StandIn;
use crate::throttle::Throttle;
use crate::webhooks::Deliveries;

/// A running service. Shared behind an `Arc`.
pub struct App {
    /// What was configured.
    pub config: Config,
    /// Bytes and records.
    pub store: Store,
    /// The date.
    pub clock: Clock,
    /// Names that nobody can guess.
    pub chance: Chance,
    /// Links of five minutes.
    pub links: Links,
    /// The vendors' rules.
    pub throttle: Throttle,
    /// What the admin listener reports.
    pub metrics: Metrics,
    /// The messages that were taken.
    pub outbox: Outbox,
    /// Webhooks on their way out.
    pub deliveries: Deliveries,
    /// How much work is taken at once.
    pub gates: Gates,
    /// The controls of a stand-in; nothing else has any.
    pub stand_in: Option<Box<StandIn>>,
}

impl App {
    /// Joins the parts.
    pub fn new(config: Config, store: Store, clock: Clock, chance: Chance, metrics: Metrics) -> Self {
        Self {
            links: Links::new(store.clone()),
            deliveries: Deliveries::new(&config.webhooks),
            throttle: Throttle::new(store.catalog().clone(), &config.throttle),
            metrics,
            outbox: Outbox::default(),
            gates: Gates::new(&config.limits),
            stand_in: None,
            config,
            store,
            clock,
            chance,
        }
    }
}
