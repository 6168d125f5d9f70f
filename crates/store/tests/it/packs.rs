//! Small blobs share files: each keeps its place, goes alone, and is never mistaken for its neighbour.

use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use wamedia_store::{Finding, ReadError, Store, StoreOptions, SweepReport};

use crate::bench::{Bench, DAY, NOON, id, new_media, noise, read_all, units_of};

/// A moment of the file system's clock after everything that the test writes.
fn later() -> SystemTime {
    SystemTime::UNIX_EPOCH + 100_000 * DAY
}

#[tokio::test]
async fn a_deleted_blob_leaves_its_place_and_its_neighbours_stay() {
    let mut bench = Bench::new().await;
    let mut media = Vec::new();
    for (n, len) in [1000, 70_000, 16_384, 4096].into_iter().enumerate() {
        media.push((bench.upload(&noise(len, n as u64)).await, noise(len, n as u64)));
    }
    let spots = bench.spots();
    assert!(spots.iter().all(|spot| spot.is_in_pack() && spot.start % 4096 == 0));
    assert_eq!(bench.units(), units_of(1000) + units_of(70_000) + units_of(16_384) + units_of(4096));

    assert!(bench.store.delete(bench.account, media[1].0.id, NOON).await.unwrap());
    assert_eq!(bench.units(), units_of(1000) + units_of(16_384) + units_of(4096));
    assert!(spots[1].read().iter().all(|byte| *byte == 0), "nothing of it can be read any more");
    for (kept, bytes) in [&media[0], &media[2], &media[3]] {
        assert_eq!(&bench.read(kept).await, bytes);
    }
    assert!(bench.store.verify(NOON, true, &mut |_| {}).unwrap().is_clean());
}

#[tokio::test]
async fn who_reads_what_is_deleted_meanwhile_is_told_that_it_is_gone() {
    let mut bench = Bench::new().await;
    let bytes = noise(100_000, 1);
    let media = bench.upload(&bytes).await;
    let mut reader = bench.store.open_media(&media).await.unwrap();
    assert_eq!(reader.read_at(0, 65_536).await.unwrap(), bytes[..65_536]);
    assert!(bench.store.delete(bench.account, media.id, NOON).await.unwrap());
    assert!(matches!(reader.read_at(65_536, 65_536).await, Err(ReadError::Gone)));
    assert!(matches!(read_all(&bench.store, &media).await, Err(ReadError::Gone)));
}

#[tokio::test]
async fn blobs_in_each_others_place_and_packs_cut_or_missing_are_noticed() {
    let mut bench = Bench::new().await;
    let first = bench.upload(&noise(20_000, 1)).await;
    let second = bench.upload(&noise(20_000, 2)).await;
    let spots = bench.spots();
    assert_eq!(spots[0].path, spots[1].path);
    let sealed = [spots[0].read(), spots[1].read()];
    let pack = std::fs::File::options().read(true).write(true).open(&spots[0].path).unwrap();
    pack.write_all_at(&sealed[1], spots[0].start).unwrap();
    pack.write_all_at(&sealed[0], spots[1].start).unwrap();
    for media in [&first, &second] {
        assert!(matches!(read_all(&bench.store, media).await, Err(ReadError::Damaged)));
    }
    pack.write_all_at(&sealed[0], spots[0].start).unwrap();
    pack.write_all_at(&sealed[1], spots[1].start).unwrap();
    assert_eq!(bench.read(&first).await, noise(20_000, 1));

    pack.set_len(spots[1].start + 18_000).unwrap();
    assert!(matches!(read_all(&bench.store, &second).await, Err(ReadError::Damaged)));
    assert_eq!(bench.read(&first).await, noise(20_000, 1));
    std::fs::remove_file(&spots[0].path).unwrap();
    bench.reopen().await;
    assert!(matches!(read_all(&bench.store, &first).await, Err(ReadError::Missing)));
}

/// Uploads two, and makes the second one's bytes what a crash leaves: in the pack, and in no record.
async fn with_an_orphan(bench: &mut Bench) -> wamedia_store::Media {
    let kept = bench.upload(&noise(5000, 1)).await;
    let lost = bench.upload(&noise(9000, 2)).await;
    let connection = rusqlite::Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    connection.execute("DELETE FROM media WHERE id = ?1", [lost.id.get()]).unwrap();
    assert_eq!(bench.units(), units_of(5000) + units_of(9000));
    kept
}

fn swept() -> SweepReport {
    SweepReport { orphans_removed: 1, bytes_freed: units_of(9000) * 4096, ..SweepReport::default() }
}

#[tokio::test]
async fn a_damaged_record_does_not_take_its_neighbours_with_it() {
    let mut bench = Bench::new().await;
    let media = [bench.upload(&noise(9000, 1)).await, bench.upload(&noise(9000, 2)).await];
    let connection = rusqlite::Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    // It claims a unit more than it has, the first one of the next.
    let wider = "UPDATE media SET blob = unhex(substr(hex(blob), 1, 31) || '4') WHERE id = ?1";
    assert_eq!(connection.execute(wider, [media[0].id.get()]).unwrap(), 1);
    assert!(bench.store.delete(bench.account, media[0].id, NOON).await.unwrap());
    assert_eq!(bench.read(&media[1]).await, noise(9000, 2));
    let report = bench.store.sweep(NOON, later(), Duration::ZERO).await.unwrap();
    assert_eq!(report.bytes_freed, units_of(9000) * 4096);
    assert_eq!(bench.read(&media[1]).await, noise(9000, 2));
}

#[tokio::test]
async fn what_a_crash_left_in_a_pack_is_named_and_swept() {
    let mut bench = Bench::new().await;
    let kept = with_an_orphan(&mut bench).await;
    bench.reopen().await;
    let report = bench.store.verify(NOON, true, &mut |_| {}).unwrap();
    assert!(matches!(&report.findings[..], [Finding::OrphansInPack { bytes: 12_288, .. }]));
    assert!(report.is_sound());

    assert_eq!(bench.store.sweep(NOON, later(), Duration::ZERO).await.unwrap(), swept());
    assert!(bench.store.verify(NOON, true, &mut |_| {}).unwrap().is_clean());
    assert_eq!(bench.units(), units_of(5000));
    assert_eq!(bench.read(&kept).await, noise(5000, 1));

    // With its last blob the pack goes.
    bench.store.delete(bench.account, kept.id, NOON).await.unwrap();
    let report = bench.store.sweep(NOON, later(), Duration::ZERO).await.unwrap();
    assert_eq!(report, SweepReport { packs_removed: 1, ..SweepReport::default() });
    assert!(bench.files("packs").is_empty());
}

#[tokio::test]
async fn a_pack_that_is_being_filled_is_swept_around_what_is_in_use() {
    let mut bench = Bench::new().await;
    let kept = with_an_orphan(&mut bench).await;
    assert_eq!(bench.store.sweep(NOON, later(), Duration::ZERO).await.unwrap(), swept());
    bench.store.delete(bench.account, kept.id, NOON).await.unwrap();
    assert_eq!(bench.store.sweep(NOON, later(), Duration::ZERO).await.unwrap(), SweepReport::default());
    let packs = bench.files("packs");
    assert!(!packs.is_empty(), "what comes next goes there");
    let next = bench.upload(b"next").await;
    assert_eq!(bench.read(&next).await, b"next");
    assert!(packs.iter().all(|pack| pack.exists()));
}

#[tokio::test]
async fn a_pack_that_another_fills_is_left_alone() {
    let mut bench = Bench::new().await;
    let kept = with_an_orphan(&mut bench).await;
    let other = Store::open(&bench.data(), StoreOptions::default()).unwrap();
    assert_eq!(other.sweep(NOON, later(), Duration::ZERO).await.unwrap(), SweepReport::default());
    assert!(other.verify(NOON, true, &mut |_| {}).unwrap().is_clean());

    // What both upload goes to packs of their own, and is read by both.
    let staged = crate::bench::stage(&other, bench.account, b"theirs").await;
    let theirs = staged.commit(new_media(bench.account, NOON), &mut || id(77)).await.unwrap();
    assert_eq!(bench.files("packs").len(), 2);
    assert_eq!(bench.read(&theirs).await, b"theirs");
    assert_eq!(read_all(&other, &kept).await.unwrap(), noise(5000, 1));

    let folder = bench.data();
    bench.store.clone().close().await;
    let Bench { dir: _held, store, .. } = bench;
    drop(store);
    assert_eq!(other.sweep(NOON, later(), Duration::ZERO).await.unwrap(), swept());
    assert_eq!(crate::bench::spots(&folder).len(), 2);
}

#[tokio::test]
async fn packs_are_read_where_none_are_made() {
    let mut bench = Bench::new().await;
    let before = bench.upload(b"before").await;
    let mut options = StoreOptions::default();
    options.packs = false;
    bench.store.clone().close().await;
    bench.store = Store::open(&bench.data(), options).unwrap();
    let after = bench.upload(b"after").await;
    assert_eq!((bench.files("packs").len(), bench.files("blobs").len()), (1, 1));
    assert_eq!(
        (bench.read(&before).await, bench.read(&after).await),
        (b"before".to_vec(), b"after".to_vec())
    );
    for media in [&before, &after] {
        assert!(bench.store.delete(bench.account, media.id, NOON).await.unwrap());
    }
    assert_eq!(bench.units(), 0);
}
