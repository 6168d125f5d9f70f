//! The queue of deliveries: in order for each number, claimed by one at a time, and never held up by another's endpoint.

use bytes::Bytes;
use jiff::Timestamp;
use std::time::Duration;
use wamedia_store::{
    AccountId, Catalog, Claimed, DeliveryFilter, DeliveryId, DeliveryState, Endpoint, NewDelivery,
    NewSubscription, Outcome, SubscriptionId, WebhookDialect,
};

use crate::bench::{Bench, DAY, HOUR, NOON, NUMBER, new_media, number};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(30);

pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        verify_token: Some("the-verify-token-canary".to_owned()),
        app_secret: Some("the-app-secret-canary".to_owned()),
        headers: vec![("x-canary-name".to_owned(), "the-header-canary".to_owned())],
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

impl Bench {
    pub(crate) async fn subscribe(&self) -> SubscriptionId {
        self.store.catalog().add_subscription(subscription(self.account, None)).await.unwrap().id
    }

    async fn enqueue(&self, to: SubscriptionId, about: u64, bodies: &[&str]) -> Vec<DeliveryId> {
        let deliveries = bodies.iter().map(|body| new_delivery(self.account, to, about, body)).collect();
        self.store.catalog().enqueue(deliveries).await.unwrap()
    }

    async fn claim(&self, now: Timestamp) -> Vec<Claimed> {
        self.store.catalog().claim_due(now, 4, 100, LEASE).await.unwrap()
    }
}

#[tokio::test]
async fn one_number_is_told_in_order() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    bench.enqueue(to, NUMBER, &["one", "two", "three"]).await;
    for expected in ["one", "two", "three"] {
        let claimed = bench.claim(NOON).await;
        assert_eq!(claimed.len(), 1, "{expected}");
        assert_eq!(claimed[0].body, expected);
        assert!(bench.claim(NOON).await.is_empty(), "the others wait behind {expected}");
        let outcome = Outcome::Delivered { status: 200 };
        let state = bench.store.catalog().record_attempt(&claimed[0].delivery, outcome, NOON).await.unwrap();
        assert_eq!(state, Some(DeliveryState::Delivered));
    }
    assert!(bench.claim(NOON).await.is_empty());
}
