//! The sweep takes what is expired or abandoned, and nothing else.

use std::fs::File;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use wamedia_store::{Store, StoreOptions, SweepReport};

use crate::bench::{Bench, DAY, HOUR, NOON, id, new_media, noise, stage};

const BLOB: &str = "00112233445566778899aabbccddeeff";

/// A file that a crash could have left, last written at `modified`.
fn leave(path: &std::path::Path, modified: SystemTime) {
    std::fs::write(path, [0; 100]).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

/// A moment of the file system's clock after everything that the test writes.
fn later() -> SystemTime {
    SystemTime::UNIX_EPOCH + 100_000 * DAY
}

#[tokio::test]
async fn expired_media_goes_with_its_bytes_in_batches() {
    let mut bench = Bench::new().await;
    for n in 0..300 {
        bench.upload(&noise(100, n)).await;
    }
    let kept = bench.upload_as(bench.account, b"later", NOON + DAY).await;
    let report = bench.store.sweep(NOON + 30 * DAY, later(), HOUR).await.unwrap();
    let places = 300 * 4096;
    assert_eq!(
        report,
        SweepReport { expired: 300, blobs_removed: 300, bytes_freed: places, ..SweepReport::default() }
    );
    assert_eq!(bench.units(), 1);
    assert_eq!(bench.read(&kept).await, b"later");
    assert_eq!(bench.store.sweep(NOON + 30 * DAY, later(), HOUR).await.unwrap(), SweepReport::default());
}

#[tokio::test]
async fn what_crashes_left_goes_when_it_is_old_enough() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"kept").await;
    let orphan = bench.blob_folder("00").join(BLOB);
    let part = bench.data().join("staging").join(format!("{BLOB}.part"));
    let noon = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    leave(&orphan, noon);
    leave(&part, noon);

    let young = bench.store.sweep(NOON, noon + HOUR - Duration::from_millis(1), HOUR).await.unwrap();
    assert_eq!(young, SweepReport::default());
    let report = bench.store.sweep(NOON, noon + HOUR, HOUR).await.unwrap();
    assert_eq!((report.orphans_removed, report.staging_removed, report.bytes_freed), (1, 1, 200));
    assert!(!orphan.exists() && !part.exists());
    assert_eq!(bench.read(&media).await, b"kept");
}

#[tokio::test]
async fn files_that_are_not_ours_stay() {
    let bench = Bench::new().await;
    let foreign = [
        bench.blob_folder("00").join("README"),
        bench.blob_folder("01").join(BLOB),
        bench.data().join("staging/notes.part"),
        bench.data().join("other"),
    ];
    for path in &foreign {
        leave(path, SystemTime::UNIX_EPOCH);
    }
    let report = bench.store.sweep(NOON, later(), Duration::ZERO).await.unwrap();
    assert_eq!(report, SweepReport::default());
    assert!(foreign.iter().all(|path| path.exists()));
}

#[tokio::test]
async fn what_is_being_uploaded_stays_whatever_its_age() {
    let bench = Bench::new().await;
    let command_line = Store::open(&bench.data(), StoreOptions::default()).unwrap();
    let mut staging = bench.store.stage(bench.account, u64::MAX);
    staging.write(Bytes::from(noise(200_000, 1))).await.unwrap();
    let staged = bench.stage(&noise(300_000, 2)).await;
    assert_eq!(bench.files("staging").len(), 2);
    for store in [&bench.store, &command_line] {
        assert_eq!(store.sweep(NOON, later(), Duration::ZERO).await.unwrap(), SweepReport::default());
    }
    staging.write(Bytes::from(noise(10, 3))).await.unwrap();
    let first = staging.finish().await.unwrap();
    let first = first.commit(new_media(bench.account, NOON), &mut || id(1)).await.unwrap();
    let second = staged.commit(new_media(bench.account, NOON), &mut || id(2)).await.unwrap();
    assert_eq!(bench.read(&first).await, [noise(200_000, 1), noise(10, 3)].concat());
    assert_eq!(bench.read(&second).await, noise(300_000, 2));
}

/// Sweeps that spare nothing by age, from two processes' stores, beside uploads of every kind: none may lose a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sweeps_never_touch_a_commit_in_flight() {
    let bench = Bench::new().await;
    let command_line = Store::open(&bench.data(), StoreOptions::default()).unwrap();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut sweepers = Vec::new();
    for store in [bench.store.clone(), command_line] {
        let done = done.clone();
        sweepers.push(tokio::spawn(async move {
            let mut sweeps = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                store.sweep(NOON, later(), Duration::ZERO).await.unwrap();
                assert!(store.verify(NOON, false, &mut |_| {}).unwrap().is_sound());
                sweeps += 1;
            }
            sweeps
        }));
    }
    let mut uploads = Vec::new();
    for worker in 0..6_u64 {
        let (store, account) = (bench.store.clone(), bench.account);
        uploads.push(tokio::spawn(async move {
            let mut kept = Vec::new();
            for round in 0..30 {
                let n = worker * 100 + round;
                let bytes = noise(if n % 3 == 0 { 150_000 } else { 700 }, n);
                let staged = stage(&store, account, &bytes).await;
                let media = staged.commit(new_media(account, NOON), &mut || id(n)).await.unwrap();
                kept.push((media, bytes));
            }
            kept
        }));
    }
    let mut kept = Vec::new();
    for upload in uploads {
        kept.extend(upload.await.unwrap());
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for sweeper in sweepers {
        assert!(sweeper.await.unwrap() > 0);
    }
    for (media, bytes) in &kept {
        assert_eq!(bench.read(media).await, *bytes);
    }
    let report = bench.store.verify(NOON, true, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.blobs, 180);
}

#[tokio::test]
async fn deleted_keys_leave_the_catalog_s_files() {
    let mut bench = Bench::new().await;
    let connection = rusqlite::Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    let media = bench.upload(b"bytes").await;
    let sealed: Vec<u8> = connection.query_row("SELECT box FROM media", [], |row| row.get(0)).unwrap();
    drop(connection);
    let found_in = |bench: &Bench| -> Vec<String> {
        ["catalog.sqlite", "catalog.sqlite-wal"]
            .into_iter()
            .filter(|name| {
                let bytes = std::fs::read(bench.data().join(name)).unwrap_or_default();
                bytes.windows(sealed.len()).any(|part| part == sealed)
            })
            .map(str::to_owned)
            .collect()
    };
    assert!(!found_in(&bench).is_empty());
    assert!(bench.store.catalog().media(bench.account, media.id, NOON).unwrap().is_some());
    bench.store.sweep(NOON + 30 * DAY, later(), HOUR).await.unwrap();
    assert!(found_in(&bench).is_empty(), "{:?}", found_in(&bench));
}

#[tokio::test]
async fn one_unreadable_record_does_not_stop_the_sweep() {
    let mut bench = Bench::new().await;
    for n in 0..3 {
        bench.upload(&noise(100, n)).await;
    }
    let connection = rusqlite::Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    connection.pragma_update(None, "ignore_check_constraints", true).unwrap();
    connection.execute("UPDATE media SET blob = x'01' WHERE id = (SELECT min(id) FROM media)", []).unwrap();
    let report = bench.store.sweep(NOON + 30 * DAY, later(), Duration::ZERO).await.unwrap();
    assert_eq!((report.expired, report.blobs_removed, report.orphans_removed), (3, 2, 1));
}

#[tokio::test]
async fn a_deleted_key_leaves_the_log_with_the_next_sweep() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    bench.store.delete(bench.account, media.id, NOON).await.unwrap();
    let log = || std::fs::metadata(bench.data().join("catalog.sqlite-wal")).unwrap().len();
    assert!(log() > 0);
    bench.store.sweep_expired(NOON).await.unwrap();
    assert_eq!(log(), 0);
}

#[tokio::test]
async fn a_long_read_elsewhere_does_not_hold_up_the_sweep() {
    let mut bench = Bench::new().await;
    bench.upload(b"bytes").await;
    let connection = rusqlite::Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    connection.execute_batch("BEGIN; SELECT count(*) FROM media;").unwrap();
    let sweep = bench.store.sweep_expired(NOON + 30 * DAY);
    let report = tokio::time::timeout(Duration::from_secs(8), sweep).await.expect("it waited for the reader");
    assert_eq!(report.unwrap().expired, 1);
}

#[tokio::test]
async fn a_sweep_that_is_to_stop_leaves_no_file_of_what_it_deleted() {
    let mut bench = Bench::new().await;
    for n in 0..200 {
        bench.upload(&noise(100, n)).await;
    }
    bench.store.stop_sweeping();
    let report = bench.store.sweep(NOON + 30 * DAY, later(), HOUR).await.unwrap();
    assert!(report.expired > 0 && report.expired < 200, "one batch, and no more: {report:?}");
    assert_eq!(report.blobs_removed, report.expired);
    assert_eq!(bench.units(), 200 - report.expired);
}
