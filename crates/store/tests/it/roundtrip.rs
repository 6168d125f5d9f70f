//! What comes out is what went in, at every length and through every door.

use bytes::Bytes;
use wamedia_media::Source;
use wamedia_store::{StageError, StoreOptions};

use crate::bench::{Bench, DAY, LENGTHS, NOON, id, new_media, noise, stage};

#[tokio::test]
async fn every_length_comes_back_after_a_restart() {
    let mut bench = Bench::new().await;
    let mut kept = Vec::new();
    for (seed, len) in LENGTHS.iter().enumerate() {
        let bytes = noise(*len, seed as u64);
        let media = bench.upload(&bytes).await;
        assert_eq!(media.bytes, *len as u64);
        assert_eq!(bench.read(&media).await, bytes, "{len}");
        kept.push((media, bytes));
    }
    bench.reopen().await;
    for (media, bytes) in kept {
        let found = bench.store.catalog().media(bench.account, media.id, NOON).unwrap().unwrap();
        assert_eq!(found.sha256, media.sha256);
        assert_eq!(found.file_name.as_deref(), Some("holiday.png"));
        assert_eq!((found.created_at, found.expires_at), (NOON, NOON + 30 * DAY));
        assert_eq!(found.keep_for, Some(30 * DAY));
        assert_eq!(bench.read(&found).await, bytes);
    }
    assert!(bench.files("staging").is_empty());
}

/// What the kernel has forgotten takes the way over a thread that may block.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_not_in_memory_comes_from_the_disk() {
    let mut bench = Bench::new().await;
    for len in [0, 300, 16_384, 65_537, 1 << 20] {
        let bytes = noise(len, 5);
        let media = bench.upload(&bytes).await;
        for path in bench.files("blobs") {
            let file = std::fs::File::open(path).unwrap();
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        }
        assert_eq!(bench.read(&media).await, bytes, "{len}");
        assert_eq!(bench.read(&media).await, bytes, "{len}, again");
    }
}

#[tokio::test]
async fn inspection_reads_what_was_staged_from_memory_and_from_files() {
    let bench = Bench::new().await;
    for len in LENGTHS {
        let bytes = noise(*len, 7);
        let staged = bench.stage(&bytes).await;
        let mut source = staged.source().unwrap();
        assert_eq!(source.len(), *len as u64);
        for offset in [0, 1, len / 2, len.saturating_sub(1), *len, len + 5] {
            for want in [0, 1, 100, 16_384, 70_000] {
                let mut buf = vec![0; want];
                let count = source.read_at(offset as u64, &mut buf).unwrap();
                let expected = &bytes[offset.min(*len)..(offset + want).min(*len).max(offset.min(*len))];
                assert_eq!(&buf[..count], expected, "{len} at {offset} for {want}");
            }
        }
    }
}

#[tokio::test]
async fn ranges_begin_and_end_anywhere() {
    let mut bench = Bench::new().await;
    let bytes = noise(200_000, 3);
    let media = bench.upload(&bytes).await;
    let mut reader = bench.store.open_media(&media).await.unwrap();
    let borders = [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 196_607, 196_608, 199_999];
    for start in borders {
        for len in [1, 2, 16_383, 16_384, 16_385, 65_536, 65_537, 200_000] {
            let wanted = &bytes[start..(start + len).min(bytes.len())];
            let mut found = Vec::new();
            while found.len() < wanted.len() {
                let piece = reader.read_at((start + found.len()) as u64, len - found.len()).await.unwrap();
                assert!(!piece.is_empty() && piece.len() <= 262_144 && piece.len() <= len - found.len());
                found.extend_from_slice(&piece);
            }
            assert_eq!(found, wanted, "{start} + {len}");
        }
    }
    assert!(reader.read_at(200_000, 10).await.unwrap().is_empty());
    assert!(reader.read_at(u64::MAX, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn too_large_is_said_at_the_first_byte_over() {
    let bench = Bench::new().await;
    for limit in [0_u64, 10, 131_072, 300_000] {
        let mut staging = bench.store.stage(bench.account, limit);
        let mut left = limit;
        while left > 0 {
            let piece = left.min(65_536);
            staging.write(Bytes::from(vec![1; piece as usize])).await.unwrap();
            left -= piece;
        }
        let over = staging.write(Bytes::from_static(b"x")).await;
        assert!(matches!(over, Err(StageError::TooLarge { max_bytes }) if max_bytes == limit));
    }
    bench.staging_empties().await;
}

#[tokio::test]
async fn dropping_at_any_point_leaves_nothing() {
    let bench = Bench::new().await;
    for len in [10, 200_000, 1_000_000] {
        let mut staging = bench.store.stage(bench.account, u64::MAX);
        staging.write(Bytes::from(noise(len, 1))).await.unwrap();
        drop(staging);
        drop(bench.stage(&noise(len, 2)).await);
        let staged = bench.stage(&noise(len, 3)).await;
        drop(staged.source().unwrap());
        drop(staged);
    }
    bench.staging_empties().await;
    assert!(bench.files("blobs").is_empty());
}

#[tokio::test]
async fn small_uploads_make_no_staging_file_while_memory_lasts() {
    let mut options = StoreOptions::default();
    options.memory_staging_total_bytes = 200_000;
    let bench = Bench::with(options).await;
    let first = bench.stage(&noise(100_000, 1)).await;
    assert!(bench.files("staging").is_empty());
    let second = bench.stage(&noise(120_000, 2)).await;
    assert_eq!(bench.files("staging").len(), 1, "the budget is spent");
    drop(first);
    let third = bench.stage(&noise(120_000, 3)).await;
    assert_eq!(bench.files("staging").len(), 1, "the budget was given back");
    for (n, staged) in [second, third].into_iter().enumerate() {
        let media = staged.commit(new_media(bench.account, NOON), &mut || id(n as u64)).await.unwrap();
        assert_eq!(bench.read(&media).await.len(), 120_000);
    }
}

#[tokio::test]
async fn a_taken_id_is_replaced_by_the_next() {
    let mut bench = Bench::new().await;
    let first = bench.upload(b"one").await;
    let staged = bench.stage(b"two").await;
    let mut tried = 0;
    let media = staged
        .commit(new_media(bench.account, NOON), &mut || {
            tried += 1;
            if tried < 4 { first.id } else { id(99) }
        })
        .await
        .unwrap();
    assert_eq!((media.id, tried), (id(99), 4));
    assert_eq!(bench.read(&first).await, b"one");
    assert_eq!(bench.read(&media).await, b"two");

    let staged = bench.stage(b"three").await;
    assert!(staged.commit(new_media(bench.account, NOON), &mut || id(99)).await.is_err());
    assert_eq!(bench.units(), 2, "what could not be committed is gone");
}

#[tokio::test]
async fn media_is_committed_only_to_the_account_it_was_staged_for() {
    let bench = Bench::new().await;
    let other = bench.store.catalog().create_account("other", NOON).await.unwrap().id;
    let staged = stage(&bench.store, bench.account, b"bytes").await;
    assert!(staged.commit(new_media(other, NOON), &mut || id(1)).await.is_err());
    let gone = wamedia_store::AccountId(77);
    let staged = stage(&bench.store, gone, b"bytes").await;
    assert!(staged.commit(new_media(gone, NOON), &mut || id(1)).await.is_err());
    assert_eq!(bench.units(), 0);
}
