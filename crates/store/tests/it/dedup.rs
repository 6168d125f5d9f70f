//! The same bytes twice: one blob within an account, never across, and no delete takes what another still needs.

use wamedia_store::StoreOptions;

use crate::bench::{Bench, DAY, NOON, noise, units_of};

#[tokio::test]
async fn the_same_bytes_share_a_blob_within_an_account_only() {
    let mut bench = Bench::new().await;
    let other = bench.store.catalog().create_account("other", NOON).await.unwrap().id;
    for len in [0, 5, 16_384, 300_000] {
        let (before, each) = (bench.units(), units_of(len));
        let bytes = noise(len, 9);
        let first = bench.upload(&bytes).await;
        let second = bench.upload(&bytes).await;
        assert_ne!(first.id, second.id);
        assert_eq!(bench.units(), before + each);
        let foreign = bench.upload_as(other, &bytes, NOON).await;
        assert_eq!(bench.units(), before + 2 * each);
        for media in [&first, &second, &foreign] {
            assert_eq!(bench.read(media).await, bytes);
        }
        assert_eq!(first.sha256, foreign.sha256);
    }
    assert!(bench.files("staging").is_empty());
}

#[tokio::test]
async fn a_shared_blob_stays_until_its_last_record_goes() {
    let mut bench = Bench::new().await;
    let bytes = noise(200_000, 9);
    let media = [bench.upload(&bytes).await, bench.upload(&bytes).await, bench.upload(&bytes).await];
    for (n, one) in media.iter().enumerate() {
        assert_eq!(bench.files("blobs").len(), 1);
        assert!(bench.store.delete(bench.account, one.id, NOON).await.unwrap());
        for left in &media[n + 1..] {
            let found = bench.store.catalog().media(bench.account, left.id, NOON).unwrap().unwrap();
            assert_eq!(bench.read(&found).await, bytes);
        }
    }
    assert!(bench.files("blobs").is_empty());
    let again = bench.upload(&bytes).await;
    assert_eq!(bench.read(&again).await, bytes);
}

#[tokio::test]
async fn expiry_of_one_leaves_the_other() {
    let mut bench = Bench::new().await;
    let bytes = noise(1000, 9);
    bench.upload(&bytes).await;
    let later = bench.upload_as(bench.account, &bytes, NOON + 20 * DAY).await;
    assert_eq!(bench.units(), 1);
    let report = bench.store.sweep_expired(NOON + 31 * DAY).await.unwrap();
    assert_eq!((report.expired, report.blobs_removed), (1, 0));
    assert_eq!(bench.read(&later).await, bytes);
    let report = bench.store.sweep_expired(NOON + 51 * DAY).await.unwrap();
    assert_eq!((report.expired, report.blobs_removed), (1, 1));
    assert_eq!(bench.units(), 0);
}

#[tokio::test]
async fn an_upload_is_never_entrusted_to_a_damaged_copy() {
    let mut bench = Bench::new().await;
    for len in [1000, 300_000] {
        let bytes = noise(len, 9);
        bench.upload(&bytes).await;
        let spot = bench.spots().pop().unwrap();
        spot.flip(spot.len - 1);
        let again = bench.upload(&bytes).await;
        assert_eq!(bench.read(&again).await, bytes);
        // The next one shares the good copy, not the damaged one.
        let before = bench.units();
        let third = bench.upload_as(bench.account, &bytes, NOON + DAY).await;
        assert_eq!(bench.read(&third).await, bytes);
        assert_eq!(bench.units(), before);
    }
}

#[tokio::test]
async fn records_tell_nothing_about_equal_content_across_accounts() {
    let mut bench = Bench::new().await;
    let other = bench.store.catalog().create_account("other", NOON).await.unwrap().id;
    bench.upload(b"the same").await;
    bench.upload_as(other, b"the same", NOON).await;
    let connection = rusqlite::Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    let tags: i64 =
        connection.query_row("SELECT count(DISTINCT dedup) FROM media", [], |row| row.get(0)).unwrap();
    assert_eq!(tags, 2);
}

/// Uploads of the same few contents, deletes and sweeps at once: what was answered must be there, whole, at the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sharing_survives_deletes_and_sweeps_beside_it() {
    let mut options = StoreOptions::default();
    options.memory_staging_bytes = 20_000;
    let bench = Bench::with(options).await;
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    let mut tasks = Vec::new();
    for worker in 0..8_u64 {
        let (store, account, next) = (bench.store.clone(), bench.account, next.clone());
        tasks.push(tokio::spawn(async move {
            let mut kept = Vec::new();
            for round in 0..25_u64 {
                let content = (worker + round) % 3;
                let bytes = noise(if content == 0 { 50_000 } else { 3000 }, content);
                let staged = crate::bench::stage(&store, account, &bytes).await;
                let mut id = || crate::bench::id(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                let media = staged.commit(crate::bench::new_media(account, NOON), &mut id).await.unwrap();
                if (worker + round) % 4 == 0 {
                    kept.push((media, bytes));
                } else {
                    assert!(store.delete(account, media.id, NOON).await.unwrap());
                }
                if round % 5 == worker % 5 {
                    let tomorrow = std::time::SystemTime::UNIX_EPOCH + 100_000 * DAY;
                    store.sweep(NOON, tomorrow, std::time::Duration::ZERO).await.unwrap();
                }
            }
            kept
        }));
    }
    for task in tasks {
        for (media, bytes) in task.await.unwrap() {
            let found = bench.store.catalog().media(bench.account, media.id, NOON).unwrap().unwrap();
            assert_eq!(bench.read(&found).await, bytes);
        }
    }
    let report = bench.store.verify(NOON, true, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}
