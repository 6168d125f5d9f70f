//! Throttles: exact to the millisecond, per number and rule, across restarts and processes.

use std::time::Duration;

use wamedia_store::{Store, StoreOptions};

use crate::bench::{Bench, HOUR, NOON, NUMBER, number};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);
const RULE: &str = "upload-rate";

async fn admit(store: &Store, at: Duration) -> Result<(), jiff::Timestamp> {
    store.catalog().throttle_admit(number(NUMBER), RULE, NOON + at, SECOND, 25).await.unwrap()
}

#[tokio::test]
async fn twenty_five_in_any_second_and_not_one_more() {
    let mut bench = Bench::new().await;
    for n in 0..25 {
        assert_eq!(admit(&bench.store, n * MILLI).await, Ok(()), "{n}");
    }
    // The first leaves the window when it is a second old, and says so.
    for at in [25 * MILLI, 500 * MILLI, 999 * MILLI] {
        assert_eq!(admit(&bench.store, at).await, Err(NOON + SECOND), "{at:?}");
    }
    bench.reopen().await;
    assert_eq!(admit(&bench.store, 999 * MILLI).await, Err(NOON + SECOND));
    assert_eq!(admit(&bench.store, SECOND).await, Ok(()));
    assert_eq!(admit(&bench.store, SECOND).await, Err(NOON + SECOND + MILLI));
    assert_eq!(admit(&bench.store, SECOND + MILLI).await, Ok(()));
}

#[tokio::test]
async fn a_sliding_window_has_no_seams() {
    // Against the definition: an event is admitted exactly if fewer than 25 admitted ones are younger than a second.
    let bench = Bench::new().await;
    let mut admitted: Vec<u64> = Vec::new();
    let mut at = 0;
    for step in 0..400_u64 {
        at += [0, 1, 3, 17, 60, 200][(step * 7 % 6) as usize];
        let in_window = admitted.iter().filter(|earlier| *earlier + 1000 > at).count();
        let answer = admit(&bench.store, Duration::from_millis(at)).await;
        assert_eq!(answer.is_ok(), in_window < 25, "at {at}");
        match answer {
            Ok(()) => admitted.push(at),
            Err(next) => {
                let next = next.duration_since(NOON).as_millis() as u64;
                let then = |at: u64| admitted.iter().filter(|earlier| *earlier + 1000 > at).count();
                assert!(then(next) < 25 && then(next - 1) >= 25, "at {at}: {next}");
            }
        }
    }
}

#[tokio::test]
async fn numbers_and_rules_do_not_count_for_each_other() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    for (n, rule) in [(1, "a"), (2, "a"), (1, "b")] {
        for _ in 0..3 {
            assert_eq!(catalog.throttle_admit(number(n), rule, NOON, SECOND, 3).await.unwrap(), Ok(()));
        }
        assert!(catalog.throttle_admit(number(n), rule, NOON, SECOND, 3).await.unwrap().is_err());
    }
    assert!(catalog.throttle_admit(number(3), "a", NOON, SECOND, 0).await.unwrap().is_err());
}

#[tokio::test]
async fn concurrent_requests_are_admitted_exactly_as_often_as_allowed() {
    let bench = Bench::new().await;
    let mut other_process = Store::open(&bench.data(), StoreOptions::default()).unwrap();
    let mut tasks = Vec::new();
    for n in 0..80 {
        let store = if n % 2 == 0 { bench.store.clone() } else { other_process.clone() };
        tasks.push(tokio::spawn(async move { admit(&store, MILLI).await.is_ok() }));
    }
    let mut admitted = 0;
    for task in tasks {
        admitted += u32::from(task.await.unwrap());
    }
    assert_eq!(admitted, 25);
    other_process = bench.store.clone();
    drop(other_process);
}

async fn count(store: &Store, at: Duration) -> Option<jiff::Timestamp> {
    let catalog = store.catalog();
    catalog.throttle_count(number(NUMBER), "errors", NOON + at, HOUR, 20, HOUR / 2).await.unwrap()
}

#[tokio::test]
async fn the_twenty_first_error_in_an_hour_blocks_for_half_an_hour() {
    let mut bench = Bench::new().await;
    let minute = 60 * SECOND;
    for n in 0..20 {
        assert_eq!(count(&bench.store, n * minute).await, None, "{n}");
    }
    let blocked = |store: &Store, at| {
        store.catalog().throttle_blocked_until(number(NUMBER), "errors", NOON + at).unwrap()
    };
    assert_eq!(blocked(&bench.store, 20 * minute), None);
    let until = NOON + 50 * minute;
    assert_eq!(count(&bench.store, 20 * minute).await, Some(until));
    bench.reopen().await;
    assert_eq!(blocked(&bench.store, 20 * minute), Some(until));
    assert_eq!(blocked(&bench.store, 50 * minute - MILLI), Some(until));
    assert_eq!(blocked(&bench.store, 50 * minute), None);
    // The window still slides: all 21 are younger than an hour, so one more blocks again.
    assert_eq!(count(&bench.store, 55 * minute).await, Some(NOON + 85 * minute));
    // At 85 minutes nineteen or fewer are left.
    assert_eq!(count(&bench.store, 90 * minute).await, None);
    let other = bench.store.catalog().throttle_blocked_until(number(5), "errors", NOON).unwrap();
    assert_eq!(other, None);
}

#[tokio::test]
async fn exactly_twenty_at_the_edge_of_the_hour_do_not_block() {
    let bench = Bench::new().await;
    for _ in 0..20 {
        assert_eq!(count(&bench.store, Duration::ZERO).await, None);
    }
    // A millisecond before they are out it would be the 21st; at the hour it is the first.
    assert_eq!(count(&bench.store, HOUR).await, None);
    let bench = Bench::new().await;
    for _ in 0..20 {
        count(&bench.store, Duration::ZERO).await;
    }
    assert!(count(&bench.store, HOUR - MILLI).await.is_some());
}

#[tokio::test]
async fn state_is_shown_reset_and_swept() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    for n in [1, 2] {
        for _ in 0..3 {
            catalog.throttle_count(number(n), "errors", NOON, HOUR, 2, 2 * HOUR).await.unwrap();
        }
        catalog.throttle_admit(number(n), "rate", NOON, SECOND, 25).await.unwrap().unwrap();
    }
    let state = catalog.throttle_state(NOON + MILLI).unwrap();
    assert_eq!(state.len(), 4);
    assert_eq!((state[0].rule.as_str(), state[0].counted), ("errors", 3));
    assert_eq!((state[0].number, state[0].blocked_until), (number(1), Some(NOON + 2 * HOUR)));
    assert_eq!((state[1].rule.as_str(), state[1].counted, state[1].blocked_until), ("rate", 1, None));
    assert_eq!(catalog.throttle_state(NOON + SECOND).unwrap().len(), 2);
    assert_eq!(catalog.throttle_state(NOON + HOUR).unwrap()[0].counted, 0, "blocked, nothing counted");
    assert!(catalog.throttle_state(NOON + 2 * HOUR).unwrap().is_empty());

    assert_eq!(bench.store.sweep_expired(NOON + SECOND).await.unwrap().throttle_rows_removed, 2);
    catalog.throttle_reset(Some(number(1))).await.unwrap();
    assert_eq!(catalog.throttle_state(NOON + SECOND).unwrap()[0].number, number(2));
    catalog.throttle_reset(None).await.unwrap();
    assert!(catalog.throttle_state(NOON).unwrap().is_empty());
}

#[tokio::test]
async fn a_flood_of_errors_keeps_few_rows() {
    let bench = Bench::new().await;
    for n in 0..500_u32 {
        count(&bench.store, n * MILLI).await;
    }
    let state = bench.store.catalog().throttle_state(NOON + SECOND).unwrap();
    assert_eq!(state[0].counted, 21);
}
