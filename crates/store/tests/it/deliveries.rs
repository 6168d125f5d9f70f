//! The queue of deliveries: in order for each number, claimed by one at a time, and never held up by another's endpoint.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use wamedia_store::{
    AccountId, Claimed, Delivery, DeliveryFilter, DeliveryId, DeliveryState, DeliveryTotals, Endpoint,
    NewDelivery, NewSubscription, Outcome, SubscriptionId, WebhookDialect,
};

use crate::bench::{Bench, DAY, HOUR, NOON, NUMBER, id, new_media, number};

const SECOND: Duration = Duration::from_secs(1);
pub(crate) const LEASE: Duration = Duration::from_secs(30);
const TAKEN: Outcome = Outcome::Delivered { status: 200 };

pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        verify_token: Some("canary-verify-token".to_owned()),
        app_secret: Some("canary-app-secret".to_owned()),
        headers: vec![("x-canary-name".to_owned(), "canary-value".to_owned())],
    }
}

pub(crate) fn subscription(account: AccountId, phone_number: Option<u64>) -> NewSubscription {
    NewSubscription {
        account,
        phone_number_id: phone_number.map(number),
        dialect: WebhookDialect::Graph,
        allow_private: false,
        endpoint: endpoint("https://canary.example/hook"),
        created_at: NOON,
    }
}

pub(crate) fn new_delivery(account: AccountId, to: SubscriptionId, about: u64, body: &str) -> NewDelivery {
    NewDelivery {
        account,
        phone_number_id: number(about),
        subscription: to,
        kind: "message",
        body: Bytes::copy_from_slice(body.as_bytes()),
        created_at: NOON,
        give_up_at: NOON + 7 * DAY,
    }
}

fn refused(next_at: Timestamp) -> Outcome {
    Outcome::Failed { status: Some(500), word: "status", next_at, let_others_pass: false }
}

impl Bench {
    /// Subscribes the account to everything.
    pub(crate) async fn subscribe(&self) -> SubscriptionId {
        self.store.catalog().add_subscription(subscription(self.account, None)).await.unwrap().id
    }

    /// Adds numbers after the first, so that there are `count`.
    async fn numbers(&self, count: u64) {
        for n in 1..count {
            self.store.catalog().add_phone_number(self.account, number(NUMBER + n), "+", NOON).await.unwrap();
        }
    }

    pub(crate) async fn enqueue(&self, to: SubscriptionId, about: u64, bodies: &[&str]) -> Vec<DeliveryId> {
        let deliveries = bodies.iter().map(|body| new_delivery(self.account, to, about, body)).collect();
        self.store.catalog().enqueue(deliveries).await.unwrap()
    }

    pub(crate) async fn claim(&self, now: Timestamp) -> Vec<Claimed> {
        self.store.catalog().claim_due(now, 4, 100, LEASE).await.unwrap()
    }

    /// Claims what must be the only thing that is due.
    async fn claim_one(&self, now: Timestamp) -> Delivery {
        let mut claimed = self.claim(now).await;
        assert_eq!(claimed.len(), 1);
        claimed.remove(0).delivery
    }

    async fn record(&self, delivery: &Delivery, outcome: Outcome, now: Timestamp) -> Option<DeliveryState> {
        self.store.catalog().record_attempt(delivery, outcome, now).await.unwrap()
    }

    pub(crate) fn delivery(&self, id: DeliveryId) -> Delivery {
        self.store.catalog().delivery(id).unwrap().unwrap()
    }

    fn is_clean(&self) {
        let report = self.store.verify(NOON, true, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }
}

fn bodies(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|it| std::str::from_utf8(&it.body).unwrap()).collect()
}

#[tokio::test]
async fn one_number_is_told_in_order() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    bench.enqueue(to, NUMBER, &["one", "two", "three"]).await;
    for expected in ["one", "two", "three"] {
        let claimed = bench.claim(NOON).await;
        assert_eq!(bodies(&claimed), [expected]);
        assert!(bench.claim(NOON).await.is_empty(), "the others wait behind {expected}");
        let delivery = &claimed[0].delivery;
        assert_eq!(bench.record(delivery, refused(NOON + SECOND), NOON).await, Some(DeliveryState::Waiting));
        assert!(bench.claim(NOON).await.is_empty(), "a failure changes no order");
        let delivery = bench.claim_one(NOON + SECOND).await;
        assert_eq!((delivery.attempts, delivery.last_status), (2, Some(500)));
        assert_eq!(bench.record(&delivery, TAKEN, NOON).await, Some(DeliveryState::Delivered));
    }
    assert!(bench.claim(NOON + DAY).await.is_empty());
    bench.is_clean();
}

#[tokio::test]
async fn numbers_do_not_wait_for_each_other() {
    let bench = Bench::new().await;
    bench.numbers(3).await;
    let to = bench.subscribe().await;
    for about in [NUMBER, NUMBER + 1, NUMBER + 2] {
        bench.enqueue(to, about, &[&format!("first of {about}"), "second"]).await;
    }
    assert_eq!(bench.claim(NOON).await.len(), 3);
}

#[tokio::test]
async fn a_dead_endpoint_keeps_its_share_and_delays_nobody_else() {
    let bench = Bench::new().await;
    bench.numbers(21).await;
    let catalog = bench.store.catalog();
    let dead = bench.subscribe().await;
    let alive = catalog.add_subscription(subscription(bench.account, Some(NUMBER + 20))).await.unwrap().id;
    for n in 0..20 {
        bench.enqueue(dead, NUMBER + n, &["lost", "lost"]).await;
    }
    assert_eq!(bench.claim(NOON).await.len(), 4);
    assert!(bench.claim(NOON).await.is_empty(), "its share is taken");
    for n in 0..10 {
        bench.enqueue(alive, NUMBER + 20, &[&n.to_string()]).await;
        let claimed = bench.claim(NOON).await;
        assert_eq!(bodies(&claimed), [n.to_string()]);
        bench.record(&claimed[0].delivery, TAKEN, NOON).await;
    }
    // One place is free again: one more is claimed.
    let held = catalog.deliveries(DeliveryFilter { subscription: Some(dead), ..DeliveryFilter::default() });
    let one = held.unwrap().into_iter().find(|it| it.claimed_until.is_some()).unwrap();
    bench.record(&one, refused(NOON + HOUR), NOON).await;
    assert_eq!(bench.claim(NOON).await.len(), 1);
}

#[tokio::test]
async fn what_has_been_due_for_longest_comes_first() {
    let bench = Bench::new().await;
    bench.numbers(3).await;
    let to = bench.subscribe().await;
    for (about, later) in [(NUMBER, 30), (NUMBER + 1, 10), (NUMBER + 2, 20)] {
        bench.enqueue(to, about, &[&later.to_string()]).await;
        let delivery = bench.claim_one(NOON).await;
        bench.record(&delivery, refused(NOON + SECOND * later), NOON).await;
    }
    for expected in ["10", "20", "30"] {
        let claimed = bench.store.catalog().claim_due(NOON + HOUR, 4, 1, LEASE).await.unwrap();
        assert_eq!(bodies(&claimed), [expected]);
    }
}

#[tokio::test]
async fn a_lease_that_ran_out_is_due_again_and_its_holder_late() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    let ids = bench.enqueue(to, NUMBER, &["one", "two"]).await;
    let first = bench.claim_one(NOON).await;
    assert_eq!(first.claimed_until, Some(NOON + LEASE));
    assert!(bench.claim(NOON + LEASE - Duration::from_millis(1)).await.is_empty());
    let second = bench.claim_one(NOON + LEASE).await;
    assert_eq!((second.id, second.attempts), (ids[0], 2));

    assert_eq!(bench.record(&first, refused(NOON + HOUR), NOON).await, None, "another has it");
    assert!(bench.claim(NOON + LEASE).await.is_empty(), "and keeps it");
    assert_eq!(bench.record(&first, TAKEN, NOON).await, Some(DeliveryState::Delivered));
    assert_eq!(bench.record(&second, refused(NOON + HOUR), NOON).await, None, "it is over");
    assert_eq!(bench.record(&second, TAKEN, NOON).await, None);
    assert_eq!(bench.claim_one(NOON + LEASE).await.id, ids[1]);
}

#[tokio::test]
async fn a_server_that_knows_itself_alone_need_not_wait_for_leases() {
    let mut bench = Bench::new().await;
    bench.numbers(2).await;
    let to = bench.subscribe().await;
    bench.enqueue(to, NUMBER, &["one", "two"]).await;
    bench.enqueue(to, NUMBER + 1, &["three"]).await;
    assert_eq!(bench.claim(NOON).await.len(), 2);
    bench.reopen().await;
    assert_eq!(bench.store.catalog().release_claims(NOON).await.unwrap(), 2);
    assert_eq!(bench.store.catalog().release_claims(NOON).await.unwrap(), 0);
    assert_eq!(bodies(&bench.claim(NOON).await), ["one", "three"]);
}

#[tokio::test]
async fn what_is_given_up_lets_the_next_go() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    bench.enqueue(to, NUMBER, &["one", "two", "three"]).await;
    let one = bench.claim_one(NOON).await;
    let never = Outcome::GaveUp { status: None, word: "address" };
    assert_eq!(bench.record(&one, never, NOON).await, Some(DeliveryState::GivenUp));
    let two = bench.claim_one(NOON).await;
    let too_late = refused(two.give_up_at);
    assert_eq!(bench.record(&two, too_late, NOON).await, Some(DeliveryState::GivenUp));
    let three = bench.claim_one(NOON).await;
    let just_in_time = refused(three.give_up_at - Duration::from_millis(1));
    assert_eq!(bench.record(&three, just_in_time, NOON).await, Some(DeliveryState::Waiting));
    let one = bench.delivery(one.id);
    assert_eq!((one.last_error.as_deref(), one.last_at, one.next_at), (Some("address"), Some(NOON), None));
}

#[tokio::test]
async fn one_that_is_always_refused_can_let_others_pass() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    let ids = bench.enqueue(to, NUMBER, &["poison", "two", "three"]).await;
    let poison = bench.claim_one(NOON).await;
    let aside =
        Outcome::Failed { status: Some(400), word: "status", next_at: NOON + HOUR, let_others_pass: true };
    bench.record(&poison, aside, NOON).await;
    for expected in [ids[1], ids[2]] {
        let next = bench.claim_one(NOON).await;
        assert_eq!(next.id, expected);
        bench.record(&next, TAKEN, NOON).await;
    }
    let later = bench.enqueue(to, NUMBER, &["four"]).await;
    let four = bench.claim_one(NOON).await;
    assert_eq!(four.id, later[0], "nor do later ones wait for it");
    bench.record(&four, TAKEN, NOON).await;
    let again = bench.claim_one(NOON + HOUR).await;
    assert_eq!((again.id, again.in_line), (poison.id, false));
    assert_eq!(bench.record(&again, TAKEN, NOON).await, Some(DeliveryState::Delivered));
    bench.is_clean();
}

#[tokio::test]
async fn redelivering_works_from_every_state_and_disturbs_no_line() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let to = bench.subscribe().await;
    let ids = bench.enqueue(to, NUMBER, &["taken", "given up", "dropped", "head", "behind"]).await;
    let end = NOON + 9 * DAY;

    bench.record(&bench.claim_one(NOON).await, TAKEN, NOON).await;
    let never = Outcome::GaveUp { status: None, word: "address" };
    bench.record(&bench.claim_one(NOON).await, never, NOON).await;
    assert!(catalog.drop_delivery(ids[2], NOON).await.unwrap());
    bench.record(&bench.claim_one(NOON).await, refused(NOON + HOUR), NOON).await;
    for id in &ids {
        assert!(catalog.redeliver(*id, NOON, end).await.unwrap());
        let delivery = bench.delivery(*id);
        assert_eq!((delivery.state, delivery.next_at), (DeliveryState::Waiting, Some(NOON)));
        assert_eq!((delivery.attempts, delivery.give_up_at), (0, end));
        bench.is_clean();
    }
    let claimed = catalog.claim_due(NOON, 10, 10, LEASE).await.unwrap();
    assert_eq!(bodies(&claimed), ["taken", "given up", "dropped", "head", "behind"]);

    // Somebody is at it: it is left to that, and stays claimed once.
    assert!(catalog.redeliver(ids[0], NOON, end).await.unwrap());
    assert!(catalog.claim_due(NOON, 10, 10, LEASE).await.unwrap().is_empty());
    assert!(!catalog.redeliver(DeliveryId(999), NOON, end).await.unwrap());
}

#[tokio::test]
async fn dropping_takes_it_out_of_the_line() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let to = bench.subscribe().await;
    let ids = bench.enqueue(to, NUMBER, &["one", "two", "three"]).await;
    assert!(catalog.drop_delivery(ids[1], NOON).await.unwrap());
    let one = bench.claim_one(NOON).await;
    assert!(catalog.drop_delivery(ids[0], NOON).await.unwrap());
    assert_eq!(bench.claim_one(NOON).await.id, ids[2]);
    assert_eq!(bench.record(&one, TAKEN, NOON).await, None, "dropped is dropped");
    assert!(!catalog.drop_delivery(ids[0], NOON).await.unwrap());
    assert!(!catalog.drop_delivery(DeliveryId(999), NOON).await.unwrap());
    bench.is_clean();
}

#[tokio::test]
async fn next_due_is_when_a_claim_would_find_something() {
    let bench = Bench::new().await;
    bench.numbers(3).await;
    let to = bench.subscribe().await;
    let next_due = |share| bench.store.catalog().next_due(share).unwrap();
    assert_eq!(next_due(2), None);
    bench.enqueue(to, NUMBER, &["one", "two"]).await;
    assert_eq!(next_due(2), Some(NOON));
    let one = bench.claim_one(NOON).await;
    assert_eq!(next_due(2), Some(NOON + LEASE), "when the claim runs out");
    bench.enqueue(to, NUMBER + 1, &["three"]).await;
    assert_eq!(next_due(1), Some(NOON + LEASE), "no sooner, as the share is taken");
    assert_eq!(next_due(2), Some(NOON));
    let three = bench.claim_one(NOON + SECOND).await;
    bench.record(&three, refused(NOON + HOUR), NOON).await;
    assert_eq!(next_due(2), Some(NOON + LEASE));
    bench.record(&one, refused(NOON + 2 * HOUR), NOON).await;
    assert_eq!(next_due(2), Some(NOON + HOUR));
}

#[tokio::test]
async fn what_is_over_is_kept_for_a_while_and_what_waits_for_ever() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let to = bench.subscribe().await;
    let ids = bench.enqueue(to, NUMBER, &["taken", "given up", "dropped", "waiting"]).await;
    bench.record(&bench.claim_one(NOON).await, TAKEN, NOON).await;
    let never = Outcome::GaveUp { status: None, word: "address" };
    bench.record(&bench.claim_one(NOON).await, never, NOON).await;
    catalog.drop_delivery(ids[2], NOON).await.unwrap();
    let totals = catalog.delivery_totals().unwrap();
    let expected =
        DeliveryTotals { waiting: 1, oldest_waiting: Some(NOON), delivered: 1, given_up: 1, dropped: 1 };
    assert_eq!(totals, expected);

    let swept = async |at| bench.store.sweep_expired(at).await.unwrap().deliveries_removed;
    assert_eq!(swept(NOON + DAY - Duration::from_millis(1)).await, 0);
    assert_eq!(swept(NOON + DAY).await, 2);
    assert_eq!(swept(NOON + 7 * DAY - Duration::from_millis(1)).await, 0);
    assert_eq!(swept(NOON + 7 * DAY).await, 1);
    assert_eq!(swept(NOON + 700 * DAY).await, 0);
    assert_eq!(bench.delivery(ids[3]).state, DeliveryState::Waiting);
    assert_eq!(catalog.delivery(ids[0]).unwrap(), None);
    assert_eq!(catalog.delivery_body(ids[0]).unwrap(), None);
}

#[tokio::test]
async fn lists_are_filtered_and_paged_and_bodies_come_back() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let to = bench.subscribe().await;
    let stranger = catalog.create_account("second", NOON).await.unwrap().id;
    catalog.add_phone_number(stranger, number(NUMBER + 9), "+9", NOON).await.unwrap();
    let theirs = catalog.add_subscription(subscription(stranger, None)).await.unwrap().id;
    let ids = bench.enqueue(to, NUMBER, &["a", "b", "c", "d", "e"]).await;
    let strange = catalog.enqueue(vec![new_delivery(stranger, theirs, NUMBER + 9, "z")]).await.unwrap();
    bench.record(&bench.claim(NOON).await[0].delivery, TAKEN, NOON).await;

    let all = DeliveryFilter::default();
    let list = |filter| -> Vec<DeliveryId> {
        catalog.deliveries(filter).unwrap().into_iter().map(|it| it.id).collect()
    };
    let mine = DeliveryFilter { account: Some(bench.account), limit: 3, ..all };
    assert_eq!(list(mine), [ids[4], ids[3], ids[2]]);
    assert_eq!(list(DeliveryFilter { before: Some(ids[2]), ..mine }), [ids[1], ids[0]]);
    assert_eq!(list(DeliveryFilter { state: Some(DeliveryState::Delivered), ..all }), [ids[0]]);
    assert_eq!(list(DeliveryFilter { account: Some(stranger), ..all }), strange);
    assert_eq!(list(DeliveryFilter { subscription: Some(theirs), ..all }), strange);
    assert_eq!(list(DeliveryFilter { account: Some(stranger), subscription: Some(to), ..all }), []);
    assert_eq!(list(all).len(), 6);
    assert_eq!(catalog.delivery_body(ids[3]).unwrap().unwrap(), "d");
    assert_eq!(catalog.delivery(DeliveryId(999)).unwrap(), None);
}

#[tokio::test]
async fn what_is_nobody_s_is_left_out() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let to = bench.subscribe().await;
    let stranger = catalog.create_account("second", NOON).await.unwrap().id;
    catalog.add_phone_number(stranger, number(NUMBER + 9), "+9", NOON).await.unwrap();
    bench.numbers(2).await;
    let own = catalog.add_subscription(subscription(bench.account, Some(NUMBER + 1))).await.unwrap().id;
    let deliveries = vec![
        new_delivery(stranger, to, NUMBER + 9, "through another's subscription"),
        new_delivery(bench.account, to, NUMBER + 9, "about another's number"),
        new_delivery(stranger, to, NUMBER, "as another"),
        new_delivery(bench.account, own, NUMBER, "about a number that it is not for"),
        new_delivery(bench.account, SubscriptionId(999), NUMBER, "to nobody"),
        new_delivery(bench.account, to, NUMBER, "this one"),
    ];
    let ids = catalog.enqueue(deliveries).await.unwrap();
    assert_eq!(ids.len(), 1);
    assert_eq!(bodies(&bench.claim(NOON).await), ["this one"]);
    assert_eq!(catalog.delivery_totals().unwrap().waiting, 1);
}

#[tokio::test]
async fn deliveries_go_with_what_they_are_about() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    bench.numbers(2).await;
    let all = bench.subscribe().await;
    let own = catalog.add_subscription(subscription(bench.account, Some(NUMBER))).await.unwrap().id;
    bench.enqueue(all, NUMBER, &["said before it had its own"]).await;
    bench.enqueue(own, NUMBER, &["one", "two"]).await;
    bench.enqueue(all, NUMBER + 1, &["three"]).await;
    bench.claim(NOON).await;

    catalog.remove_phone_number(bench.account, number(NUMBER), NOON).await.unwrap();
    assert_eq!(catalog.subscription(own).unwrap(), None);
    assert_eq!(catalog.delivery_totals().unwrap().waiting, 1);
    catalog.remove_subscription(all).await.unwrap();
    assert_eq!(catalog.delivery_totals().unwrap().waiting, 0);

    let again = bench.subscribe().await;
    bench.enqueue(again, NUMBER + 1, &["four"]).await;
    catalog.delete_account(bench.account).await.unwrap();
    assert_eq!(catalog.delivery_totals().unwrap(), DeliveryTotals::default());
    assert_eq!(catalog.subscriptions(None).unwrap(), []);
    bench.is_clean();
}

#[tokio::test]
async fn media_and_its_announcement_stand_together() {
    let mut bench = Bench::new().await;
    let to = bench.subscribe().await;
    let first = bench.upload(b"same bytes").await;
    // The first id is taken, so another is tried; large or small, own blob or shared.
    for (n, bytes) in [(2, vec![7; 300_000]), (3, b"same bytes".to_vec())] {
        let staged = bench.stage(&bytes).await;
        let mut ids = [first.id, id(n)].into_iter();
        let mut asked = Vec::new();
        let media = staged
            .commit_with(new_media(bench.account, NOON), &mut || ids.next().unwrap(), &mut |media| {
                asked.push(media.id);
                vec![new_delivery(bench.account, to, NUMBER, &media.id.to_string())]
            })
            .await
            .unwrap();
        assert_eq!((media.id, asked), (id(n), vec![first.id, id(n)]));
        let claimed = bench.claim(NOON).await;
        assert_eq!(bodies(&claimed), [id(n).to_string()]);
        bench.record(&claimed[0].delivery, TAKEN, NOON).await;
    }
    assert!(bench.claim(NOON + DAY).await.is_empty());
}

#[tokio::test]
async fn nothing_is_announced_of_what_was_not_kept() {
    let mut bench = Bench::new().await;
    let to = bench.subscribe().await;
    let first = bench.upload(b"one").await;
    let staged = bench.stage(b"two").await;
    let refused = staged
        .commit_with(new_media(bench.account, NOON), &mut || first.id, &mut |_| {
            vec![new_delivery(bench.account, to, NUMBER, "never")]
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(bench.store.catalog().delivery_totals().unwrap(), DeliveryTotals::default());
}

#[tokio::test]
async fn media_is_kept_even_if_there_is_nobody_left_to_tell() {
    let mut bench = Bench::new().await;
    let staged = bench.stage(b"bytes").await;
    let gone = SubscriptionId(77);
    let media = staged
        .commit_with(new_media(bench.account, NOON), &mut || id(1), &mut |_| {
            vec![new_delivery(bench.account, gone, NUMBER, "never")]
        })
        .await
        .unwrap();
    assert_eq!(bench.read(&media).await, b"bytes");
    bench.reopen().await;
    assert_eq!(bench.store.catalog().delivery_totals().unwrap(), DeliveryTotals::default());
}
