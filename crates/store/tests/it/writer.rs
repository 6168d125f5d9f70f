//! One writer, many waiting: groups, neighbours that fail, other processes, closing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use wamedia_store::{Observation, Store, StoreError, StoreOptions};

use crate::bench::{Bench, NOON, id, new_media, noise, number, stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_commits_share_syncs_and_a_failing_one_fails_alone() {
    let groups = Arc::new(Mutex::new(Vec::new()));
    let blobs = Arc::new(AtomicUsize::new(0));
    let mut options = StoreOptions::default();
    let (seen, published) = (groups.clone(), blobs.clone());
    options.observer = Some(Arc::new(move |observation| match observation {
        Observation::GroupCommitted { operations, .. } => seen.lock().unwrap().push(operations),
        Observation::BlobPublished { .. } => {
            published.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    }));
    let bench = Bench::with(options).await;
    groups.lock().unwrap().clear();

    let mut tasks = Vec::new();
    for n in 0..200_u64 {
        let (store, account) = (bench.store.clone(), bench.account);
        tasks.push(tokio::spawn(async move {
            // Every tenth one asks for what cannot be.
            if n % 10 == 0 {
                let again = store.catalog().create_account("first", NOON).await;
                assert!(matches!(again, Err(StoreError::AlreadyExists { .. })));
                return None;
            }
            let staged = stage(&store, account, &noise(500, n)).await;
            Some((n, staged.commit(new_media(account, NOON), &mut || id(n)).await.unwrap()))
        }));
    }
    let mut kept = 0;
    for task in tasks {
        if let Some((n, media)) = task.await.unwrap() {
            assert_eq!(bench.read(&media).await, noise(500, n));
            kept += 1;
        }
    }
    assert_eq!((kept, blobs.load(Ordering::Relaxed)), (180, 180));
    let groups = groups.lock().unwrap();
    assert_eq!(groups.iter().sum::<usize>(), 200);
    assert!(groups.len() < 200, "nothing was ever committed together: {groups:?}");
    assert_eq!(bench.store.catalog().accounts().unwrap().len(), 1);
}

#[tokio::test]
async fn two_stores_on_one_folder_see_each_other_at_once() {
    let mut bench = Bench::new().await;
    let second = Store::open(&bench.data(), StoreOptions::default()).unwrap();
    let media = bench.upload(b"bytes").await;
    let found = second.catalog().media(bench.account, media.id, NOON).unwrap().unwrap();
    assert_eq!(crate::bench::read_all(&second, &found).await.unwrap(), b"bytes");
    second.catalog().add_phone_number(bench.account, number(7), "x", NOON).await.unwrap();
    assert!(bench.store.catalog().phone_number(number(7)).unwrap().is_some());
    assert!(second.delete(bench.account, media.id, NOON).await.unwrap());
    assert!(bench.store.catalog().media(bench.account, media.id, NOON).unwrap().is_none());
    second.close().await;
    bench.upload(b"more").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_writers_on_one_folder_wait_for_each_other() {
    let bench = Bench::new().await;
    let second = Store::open(&bench.data(), StoreOptions::default()).unwrap();
    let mut tasks = Vec::new();
    for n in 0..100_u64 {
        let store = if n % 2 == 0 { bench.store.clone() } else { second.clone() };
        let account = bench.account;
        tasks.push(tokio::spawn(async move {
            let staged = stage(&store, account, &noise(100, n)).await;
            staged.commit(new_media(account, NOON), &mut || id(n)).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(bench.store.catalog().totals().unwrap().media, 100);
}

#[tokio::test]
async fn closing_commits_what_waits_and_empties_the_log() {
    let bench = Bench::new().await;
    let waiting = bench.store.catalog().create_account("waiting", NOON);
    let second = bench.store.clone();
    let (made, ()) = tokio::join!(waiting, second.close());
    made.unwrap();
    let late = bench.store.catalog().create_account("late", NOON).await;
    assert!(matches!(late, Err(StoreError::Closed)));
    let log = std::fs::metadata(bench.data().join("catalog.sqlite-wal")).map_or(0, |metadata| metadata.len());
    assert_eq!(log, 0);
    // Reading goes on until the last clone is dropped.
    assert_eq!(bench.store.catalog().accounts().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_moves_into_the_file_while_commits_go_on() {
    let bench = Bench::new().await;
    let file = || std::fs::metadata(bench.data().join("catalog.sqlite")).unwrap().len();
    let log = || std::fs::metadata(bench.data().join("catalog.sqlite-wal")).unwrap().len();
    let (before, mut n) = (file(), 0);
    // A page or more for each name, and the log begun anew again and again.
    while file() < before + (32 << 20) {
        let mut tasks = Vec::new();
        for _ in 0..100 {
            n += 1;
            let (store, name) = (bench.store.clone(), format!("{n} {}", "x".repeat(3500)));
            tasks.push(tokio::spawn(async move { store.catalog().create_account(&name, NOON).await }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert!(n < 20_000, "the log of {} bytes was never moved", log());
    }
    assert!(log() < 80 << 20, "the log was never begun anew: {} bytes", log());
    assert_eq!(bench.store.catalog().accounts().unwrap().len(), 1 + n);
    assert!(bench.store.verify(NOON, false, &mut |_| {}).unwrap().is_sound());
}

#[tokio::test]
async fn a_locked_catalog_fails_the_whole_group_and_leaves_no_blob() {
    let mut bench = Bench::new().await;
    bench.upload(b"before").await;
    let blocker = rusqlite::Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    // Readers only see an error if the schema is gone; here the table is.
    blocker.execute_batch("ALTER TABLE media RENAME TO away").unwrap();
    let staged = bench.stage(b"during").await;
    assert!(staged.commit(new_media(bench.account, NOON), &mut || id(50)).await.is_err());
    blocker.execute_batch("ALTER TABLE away RENAME TO media").unwrap();
    assert_eq!(bench.units(), 1);
    let media = bench.upload(b"after").await;
    assert_eq!(bench.read(&media).await, b"after");
}

#[tokio::test]
async fn a_cancelled_commit_is_kept_whole_or_not_at_all() {
    let bench = Bench::new().await;
    for n in 0..60_u64 {
        let staged = bench.stage(&noise(if n % 2 == 0 { 300 } else { 200_000 }, n)).await;
        let mut next = move || id(n);
        let commit = staged.commit(new_media(bench.account, NOON), &mut next);
        let patience = std::time::Duration::from_micros(n * 40);
        let _ = tokio::time::timeout(patience, commit).await;
    }
    // What was cut off ends by itself.
    bench.staging_empties().await;
    for _ in 0..1000 {
        let report = bench.store.verify(NOON, true, &mut |_| {}).unwrap();
        assert!(report.is_sound(), "{:?}", report.findings);
        if report.is_clean() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("a cancelled commit left a blob behind");
}
