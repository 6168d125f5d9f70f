//! The queue against a model that a person can check by eye: random moves, then everything is told once more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wamedia_store::{Claimed, DeliveryId, DeliveryState, Outcome, SubscriptionId};

use crate::bench::{Bench, DAY, HOUR, NOON, NUMBER, number};
use crate::deliveries::{LEASE, new_delivery, subscription};

const SHARE: usize = 3;
const NUMBERS: u64 = 5;

#[derive(Debug, Clone)]
enum Step {
    Enqueue { about: u64, count: usize },
    Claim { at_most: usize },
    Take { which: usize },
    Refuse { which: usize, minutes: u64, let_others_pass: bool },
    GiveUp { which: usize },
    Redeliver { which: usize },
    Drop { which: usize },
    Advance { seconds: u64 },
    Release,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0..30_usize;
    let step = prop_oneof![
        6 => (0..NUMBERS, 1..4_usize).prop_map(|(about, count)| Step::Enqueue { about, count }),
        8 => (0..6_usize).prop_map(|at_most| Step::Claim { at_most }),
        6 => which.clone().prop_map(|which| Step::Take { which }),
        4 => (which.clone(), 0..90_u64, any::<bool>()).prop_map(|(which, minutes, let_others_pass)| {
            Step::Refuse { which, minutes, let_others_pass }
        }),
        1 => which.clone().prop_map(|which| Step::GiveUp { which }),
        1 => which.clone().prop_map(|which| Step::Redeliver { which }),
        1 => which.prop_map(|which| Step::Drop { which }),
        4 => prop_oneof![0..40_u64, 0..8000_u64].prop_map(|seconds| Step::Advance { seconds }),
        1 => Just(Step::Release),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..80)
}

/// What the model knows of a delivery.
#[derive(Debug, Clone)]
struct Known {
    to: SubscriptionId,
    about: u64,
    state: DeliveryState,
    in_line: bool,
    /// Not before this may it be claimed, if nothing stands before it.
    not_before: Timestamp,
    claimed_until: Option<Timestamp>,
}

struct World {
    bench: Bench,
    subscriptions: Vec<SubscriptionId>,
    now: Timestamp,
    known: BTreeMap<DeliveryId, Known>,
    /// Every claim ever made, stale ones included.
    claims: Vec<Claimed>,
}

impl World {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let catalog = bench.store.catalog();
        for n in 1..NUMBERS {
            catalog.add_phone_number(bench.account, number(NUMBER + n), "+", NOON).await.unwrap();
        }
        let own = catalog.add_subscription(subscription(bench.account, Some(NUMBER))).await.unwrap().id;
        let all = bench.subscribe().await;
        let (known, claims) = (BTreeMap::new(), Vec::new());
        Self { bench, subscriptions: vec![own, all], now: NOON, known, claims }
    }

    /// Whether an earlier one of the same line still waits.
    fn is_behind(&self, id: DeliveryId) -> bool {
        let it = &self.known[&id];
        it.in_line
            && self.known.range(..id).any(|(_, other)| {
                other.state == DeliveryState::Waiting
                    && other.in_line
                    && (other.to, other.about) == (it.to, it.about)
            })
    }

    fn is_due(&self, id: DeliveryId) -> bool {
        let it = &self.known[&id];
        it.state == DeliveryState::Waiting
            && it.not_before <= self.now
            && it.claimed_until.is_none_or(|until| until <= self.now)
            && !self.is_behind(id)
    }

    fn in_flight(&self, to: SubscriptionId) -> usize {
        let live = |it: &&Known| it.to == to && it.claimed_until.is_some_and(|until| self.now < until);
        self.known.values().filter(live).count()
    }

    async fn claim(&mut self, at_most: usize) {
        let claimed = self.bench.store.catalog().claim_due(self.now, SHARE, at_most, LEASE).await.unwrap();
        let due: Vec<DeliveryId> = self.known.keys().copied().filter(|id| self.is_due(*id)).collect();
        let possible: usize = self
            .subscriptions
            .iter()
            .map(|to| {
                let wanting = due.iter().filter(|id| self.known[*id].to == *to).count();
                wanting.min(SHARE.saturating_sub(self.in_flight(*to)))
            })
            .sum();
        assert_eq!(claimed.len(), possible.min(at_most), "as many as may be");
        for one in claimed {
            let id = one.delivery.id;
            assert!(due.contains(&id), "{id} was not due");
            assert_eq!(one.body, id.to_string());
            let known = self.known.get_mut(&id).unwrap();
            known.claimed_until = one.delivery.claimed_until;
            assert_eq!(known.claimed_until, Some(self.now + LEASE));
            self.claims.push(one);
        }
        for to in &self.subscriptions {
            assert!(self.in_flight(*to) <= SHARE);
        }
    }

    async fn record(&mut self, which: usize, outcome: Outcome) {
        if self.claims.is_empty() {
            return;
        }
        let claim = &self.claims[which % self.claims.len()].delivery;
        let known = self.known.get_mut(&claim.id).unwrap();
        let recorded = self.bench.store.catalog().record_attempt(claim, outcome, self.now).await.unwrap();
        let waits = known.state == DeliveryState::Waiting;
        let counts = waits
            && (matches!(outcome, Outcome::Delivered { .. })
                || (known.claimed_until.is_some() && known.claimed_until == claim.claimed_until));
        assert_eq!(recorded.is_some(), counts, "{claim:?} {known:?}");
        let Some(state) = recorded else { return };
        known.claimed_until = None;
        known.state = state;
        match outcome {
            Outcome::Delivered { .. } => assert_eq!(state, DeliveryState::Delivered),
            Outcome::GaveUp { .. } => assert_eq!(state, DeliveryState::GivenUp),
            Outcome::Failed { next_at, let_others_pass, .. } => {
                assert_eq!(state, DeliveryState::Waiting);
                known.not_before = next_at;
                known.in_line &= !let_others_pass;
            }
        }
    }

    fn pick(&self, which: usize) -> Option<DeliveryId> {
        self.known.keys().copied().nth(which % self.known.len().max(1))
    }

    async fn take(&mut self, step: Step) {
        let catalog = self.bench.store.catalog().clone();
        match step {
            Step::Enqueue { about, count } => {
                let to = self.subscriptions[usize::from(about > 0)];
                for _ in 0..count {
                    let next = self.known.keys().last().map_or(1, |id| id.0 + 1);
                    let new = new_delivery(self.bench.account, to, NUMBER + about, &next.to_string());
                    assert_eq!(catalog.enqueue(vec![new]).await.unwrap(), [DeliveryId(next)]);
                    let known = Known {
                        to,
                        about,
                        state: DeliveryState::Waiting,
                        in_line: true,
                        not_before: NOON,
                        claimed_until: None,
                    };
                    self.known.insert(DeliveryId(next), known);
                }
            }
            Step::Claim { at_most } => self.claim(at_most).await,
            Step::Take { which } => self.record(which, Outcome::Delivered { status: 200 }).await,
            Step::Refuse { which, minutes, let_others_pass } => {
                let next_at = self.now + HOUR / 60 * u32::try_from(minutes).unwrap();
                let outcome = Outcome::Failed { status: None, word: "timeout", next_at, let_others_pass };
                self.record(which, outcome).await;
            }
            Step::GiveUp { which } => {
                self.record(which, Outcome::GaveUp { status: Some(410), word: "status" }).await;
            }
            Step::Redeliver { which } => {
                let Some(id) = self.pick(which) else { return };
                assert!(catalog.redeliver(id, self.now, self.now + 700 * DAY).await.unwrap());
                let known = self.known.get_mut(&id).unwrap();
                if known.claimed_until.is_none_or(|until| until <= self.now) {
                    known.state = DeliveryState::Waiting;
                    (known.in_line, known.not_before, known.claimed_until) = (false, self.now, None);
                }
            }
            Step::Drop { which } => {
                let Some(id) = self.pick(which) else { return };
                let known = self.known.get_mut(&id).unwrap();
                let waits = known.state == DeliveryState::Waiting;
                assert_eq!(catalog.drop_delivery(id, self.now).await.unwrap(), waits);
                if waits {
                    (known.state, known.claimed_until) = (DeliveryState::Dropped, None);
                }
            }
            Step::Advance { seconds } => self.now += std::time::Duration::from_secs(seconds),
            Step::Release => {
                catalog.release_claims(self.now).await.unwrap();
                for known in self.known.values_mut().filter(|it| it.claimed_until.is_some()) {
                    (known.claimed_until, known.not_before) = (None, self.now);
                }
            }
            Step::Reopen => self.bench.reopen().await,
        }
    }

    /// What the catalog says of everything, and when it says it will be wanted next.
    fn compare(&self) {
        let catalog = self.bench.store.catalog();
        for (id, known) in &self.known {
            let found = catalog.delivery(*id).unwrap().unwrap();
            assert_eq!((found.state, found.claimed_until), (known.state, known.claimed_until), "{id}");
            let has_time = known.state == DeliveryState::Waiting && !self.is_behind(*id);
            assert_eq!(found.next_at.is_some(), has_time, "{id}: {found:?}");
        }
        let report = self.bench.store.verify(self.now, false, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }

    /// Until nothing waits: each is told, and in order.
    async fn tell_all(&mut self) {
        while let Some(at) = self.bench.store.catalog().next_due(SHARE).unwrap() {
            self.now = self.now.max(at);
            let before = self.claims.len();
            self.claim(100).await;
            assert!(self.claims.len() > before, "next_due promised something");
            for which in before..self.claims.len() {
                self.record(which, Outcome::Delivered { status: 200 }).await;
            }
        }
        assert!(self.known.values().all(|it| it.state != DeliveryState::Waiting));
    }
}

#[test]
fn the_queue_does_what_the_model_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let mut world = World::new().await;
                for step in steps {
                    world.take(step).await;
                    world.compare();
                }
                world.tell_all().await;
                world.compare();
            });
            Ok(())
        })
        .unwrap();
}
