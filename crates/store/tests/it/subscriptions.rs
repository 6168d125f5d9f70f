//! Subscriptions: whose, for which number, and gone with what they belong to.

use wamedia_store::{Endpoint, NewSubscription, StoreError, WebhookDialect};

use crate::bench::{Bench, NOON, NUMBER, number};
use crate::deliveries::{endpoint, subscription};

const OTHER: u64 = NUMBER + 1;

#[tokio::test]
async fn what_was_subscribed_comes_back_after_a_restart() {
    let mut bench = Bench::new().await;
    let plain = Endpoint { url: "https://example.com".to_owned(), ..Endpoint::default() };
    let own = NewSubscription {
        dialect: WebhookDialect::D360,
        allow_private: true,
        endpoint: plain,
        ..subscription(bench.account, Some(NUMBER))
    };
    let mut added = Vec::new();
    for new in [subscription(bench.account, None), own] {
        let made = bench.store.catalog().add_subscription(new.clone()).await.unwrap();
        assert_eq!((made.account, made.phone_number_id), (new.account, new.phone_number_id));
        assert_eq!((made.dialect, made.allow_private), (new.dialect, new.allow_private));
        assert_eq!((&made.endpoint, made.created_at), (&new.endpoint, NOON));
        added.push(made);
    }
    bench.reopen().await;
    assert_eq!(bench.store.catalog().subscriptions(None).unwrap(), added);
    for made in &added {
        assert_eq!(bench.store.catalog().subscription(made.id).unwrap().as_ref(), Some(made));
    }
}

#[tokio::test]
async fn a_number_s_own_subscription_comes_before_its_account_s() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    catalog.add_phone_number(bench.account, number(OTHER), "+2", NOON).await.unwrap();
    let told = |about| catalog.subscription_for(number(about)).unwrap().map(|it| it.id);
    assert_eq!((told(NUMBER), told(OTHER)), (None, None));
    let own = catalog.add_subscription(subscription(bench.account, Some(NUMBER))).await.unwrap().id;
    assert_eq!((told(NUMBER), told(OTHER)), (Some(own), None));
    let all = catalog.add_subscription(subscription(bench.account, None)).await.unwrap().id;
    assert_eq!((told(NUMBER), told(OTHER)), (Some(own), Some(all)));
    assert!(catalog.remove_subscription(own).await.unwrap());
    assert_eq!((told(NUMBER), told(OTHER)), (Some(all), Some(all)));
    assert!(!catalog.remove_subscription(own).await.unwrap());
    let again = catalog.add_subscription(subscription(bench.account, Some(NUMBER))).await.unwrap().id;
    assert!(again > all, "an id is never given twice");
}

#[tokio::test]
async fn there_is_one_for_a_number_and_one_for_the_rest_of_an_account() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    for number in [None, Some(NUMBER)] {
        catalog.add_subscription(subscription(bench.account, number)).await.unwrap();
        let second = catalog.add_subscription(subscription(bench.account, number)).await;
        assert!(matches!(second, Err(StoreError::AlreadyExists { what: "subscription" })));
    }
}

#[tokio::test]
async fn accounts_do_not_subscribe_to_each_other_s_numbers() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let stranger = catalog.create_account("second", NOON).await.unwrap().id;
    let refused = catalog.add_subscription(subscription(stranger, Some(NUMBER))).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "phone number" })));
    let refused = catalog.add_subscription(subscription(wamedia_store::AccountId(77), None)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "account" })));

    let theirs = catalog.add_subscription(subscription(stranger, None)).await.unwrap();
    assert_eq!(catalog.subscription_for(number(NUMBER)).unwrap(), None);
    assert_eq!(catalog.subscriptions(Some(bench.account)).unwrap(), []);
    assert_eq!(catalog.subscriptions(Some(stranger)).unwrap(), [theirs]);
}

#[tokio::test]
async fn another_endpoint_takes_the_place_of_the_first() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let id = bench.subscribe().await;
    let moved = endpoint("http://localhost:9/hook");
    assert!(catalog.change_subscription(id, true, &moved).await.unwrap());
    let found = catalog.subscription(id).unwrap().unwrap();
    assert!(found.allow_private && found.endpoint == moved);
    assert!(bench.store.verify(NOON, true, &mut |_| {}).unwrap().is_clean());
    catalog.remove_subscription(id).await.unwrap();
    assert!(!catalog.change_subscription(id, true, &moved).await.unwrap());
}

#[tokio::test]
async fn an_endpoint_has_bounds() {
    let bench = Bench::new().await;
    let headers = (0..2000).map(|n| (format!("x-{n}"), "v".repeat(40))).collect();
    let large = Endpoint { headers, ..endpoint("https://example.com") };
    let new = NewSubscription { endpoint: large.clone(), ..subscription(bench.account, None) };
    assert!(matches!(bench.store.catalog().add_subscription(new).await, Err(StoreError::Invalid(_))));
    let id = bench.subscribe().await;
    let changed = bench.store.catalog().change_subscription(id, false, &large).await;
    assert!(matches!(changed, Err(StoreError::Invalid(_))));
}

#[test]
fn debug_tells_no_secret() {
    let shown = format!("{:?}", subscription(wamedia_store::AccountId(1), None));
    assert!(!shown.contains("canary") && shown.contains("Graph"), "{shown}");
}
