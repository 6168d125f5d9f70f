//! Expiry to the second, use that lengthens a life, and records that survive their reading.

use std::time::Duration;

use wamedia_store::NewMedia;

use crate::bench::{Bench, DAY, HOUR, NOON, id, new_media};

const MILLI: Duration = Duration::from_millis(1);

#[tokio::test]
async fn media_is_gone_at_the_very_instant_it_expires() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let catalog = bench.store.catalog();
    let end = NOON + 30 * DAY;
    assert!(catalog.media(bench.account, media.id, end - MILLI).unwrap().is_some());
    assert!(catalog.media(bench.account, media.id, end).unwrap().is_none());
    assert_eq!(catalog.expiring_before(end - MILLI).unwrap(), 0);
    assert_eq!(catalog.expiring_before(end).unwrap(), 1);
    // A use that comes too late wakes nothing.
    catalog.record_use(bench.account, media.id, end).await.unwrap();
    assert!(catalog.media(bench.account, media.id, end).unwrap().is_none());
    assert!(!bench.store.delete(bench.account, media.id, end).await.unwrap());
}

#[tokio::test]
async fn a_use_lengthens_the_life_and_is_recorded_at_most_hourly() {
    let mut bench = Bench::new().await;
    let uploaded = bench.upload(b"bytes").await;
    let (account, id) = (bench.account, uploaded.id);
    let catalog = bench.store.catalog();
    let read = |now| catalog.media(account, id, now).unwrap().unwrap();

    for (after, recorded) in [
        (HOUR - MILLI, Duration::ZERO),
        (HOUR, HOUR),
        (HOUR + MILLI, HOUR),
        (2 * HOUR - MILLI, HOUR),
        (2 * HOUR, 2 * HOUR),
        (29 * DAY, 29 * DAY),
    ] {
        let now = NOON + after;
        assert_eq!(read(now).use_is_due(now), recorded == after, "{after:?}");
        catalog.record_use(account, id, now).await.unwrap();
        let media = read(now);
        assert_eq!(media.last_used_at, NOON + recorded, "{after:?}");
        assert_eq!(media.expires_at, NOON + recorded + 30 * DAY, "{after:?}");
        assert!(!media.use_is_due(now));
        assert_eq!(media.created_at, NOON);
    }
    assert!(catalog.media(account, id, NOON + 58 * DAY).unwrap().is_some());
}

#[tokio::test]
async fn a_use_is_recorded_in_its_own_account_only() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let other = bench.store.catalog().create_account("other", NOON).await.unwrap().id;
    bench.store.catalog().record_use(other, media.id, NOON + DAY).await.unwrap();
    let found = bench.store.catalog().media(bench.account, media.id, NOON + DAY).unwrap().unwrap();
    assert_eq!(found.last_used_at, NOON);
}

#[tokio::test]
async fn media_with_a_fixed_life_is_never_touched() {
    let bench = Bench::new().await;
    let staged = bench.stage(b"bytes").await;
    let new = NewMedia { keep_for: None, expires_at: NOON + 7 * DAY, ..new_media(bench.account, NOON) };
    let media = staged.commit(new, &mut || id(1)).await.unwrap();
    let now = NOON + 3 * DAY;
    assert!(!media.use_is_due(now));
    bench.store.catalog().record_use(bench.account, media.id, now).await.unwrap();
    let found = bench.store.catalog().media(bench.account, media.id, now).unwrap().unwrap();
    assert_eq!((found.last_used_at, found.expires_at), (NOON, NOON + 7 * DAY));
}

#[tokio::test]
async fn a_short_life_is_touched_often_enough_to_last() {
    let bench = Bench::new().await;
    let minute = Duration::from_secs(60);
    let staged = bench.stage(b"bytes").await;
    let new = NewMedia {
        keep_for: Some(10 * minute),
        expires_at: NOON + 10 * minute,
        ..new_media(bench.account, NOON)
    };
    let media = staged.commit(new, &mut || id(1)).await.unwrap();
    assert!(!media.use_is_due(NOON + minute - MILLI));
    assert!(media.use_is_due(NOON + minute));
    bench.store.catalog().record_use(bench.account, media.id, NOON + 9 * minute).await.unwrap();
    assert!(bench.store.catalog().media(bench.account, media.id, NOON + 18 * minute).unwrap().is_some());
}

#[tokio::test]
async fn a_use_never_shortens_a_life() {
    let bench = Bench::new().await;
    let staged = bench.stage(b"bytes").await;
    let new = NewMedia { expires_at: NOON + 90 * DAY, keep_for: Some(DAY), ..new_media(bench.account, NOON) };
    let media = staged.commit(new, &mut || id(1)).await.unwrap();
    bench.store.catalog().record_use(bench.account, media.id, NOON + 2 * DAY).await.unwrap();
    let found = bench.store.catalog().media(bench.account, media.id, NOON + 2 * DAY).unwrap().unwrap();
    assert_eq!(found.expires_at, NOON + 90 * DAY);
}

#[tokio::test]
async fn deleted_is_gone_at_once_and_cannot_be_deleted_twice() {
    let mut bench = Bench::new().await;
    let media = bench.upload(&vec![1; 300_000]).await;
    let mut reader = bench.store.open_media(&media).await.unwrap();
    assert!(bench.store.delete(bench.account, media.id, NOON).await.unwrap());
    assert!(bench.store.catalog().media(bench.account, media.id, NOON).unwrap().is_none());
    assert!(!bench.store.delete(bench.account, media.id, NOON).await.unwrap());
    assert!(bench.files("blobs").is_empty());
    // Who was reading may finish.
    assert_eq!(reader.read_at(200_000, 10).await.unwrap(), vec![1; 10]);
}

#[tokio::test]
async fn nobody_reads_or_deletes_in_another_account() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let other = bench.store.catalog().create_account("other", NOON).await.unwrap().id;
    assert!(bench.store.catalog().media(other, media.id, NOON).unwrap().is_none());
    assert!(!bench.store.delete(other, media.id, NOON).await.unwrap());
    assert!(bench.store.catalog().media(bench.account, media.id, NOON).unwrap().is_some());
}
