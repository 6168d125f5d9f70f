//! Damage on purpose: blobs and records, changed behind the store's back, are noticed before anything of them comes out.

use std::sync::Arc;

use rusqlite::Connection;
use wamedia_store::{Media, ReadError, Store, StoreError, StoreOptions};

use crate::bench::{Bench, DAY, NOON, noise, read_all};

/// Reads until the end or the first error; what came out before an error must be right.
async fn read_until_damage(store: &Store, media: &Media, expected: &[u8]) -> Result<(), ReadError> {
    let mut reader = store.open_media(media).await?;
    let mut seen = 0;
    while seen < expected.len() {
        let piece = reader.read_at(seen as u64, 16_384).await?;
        assert_eq!(piece, expected[seen..seen + piece.len()]);
        seen += piece.len();
    }
    Ok(())
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_a_small_blob_is_noticed() {
    for mut bench in [Bench::new().await, Bench::without_packs().await] {
        bench.upload(b"a neighbour").await;
        let bytes = noise(300, 1);
        let media = bench.upload(&bytes).await;
        bench.upload(b"another").await;
        let spot = &bench.spots()[1];
        for at in 0..spot.len {
            spot.flip(at);
            let read = read_until_damage(&bench.store, &media, &bytes).await;
            assert!(matches!(read, Err(ReadError::Damaged)), "byte {at}");
            spot.flip(at);
        }
        assert!(read_until_damage(&bench.store, &media, &bytes).await.is_ok());
    }
}

#[tokio::test]
async fn a_flipped_byte_in_a_larger_blob_cuts_at_its_chunk() {
    let mut bench = Bench::new().await;
    for len in [100_000, 98_304, 200_000, 196_608] {
        let bytes = noise(len, 1);
        let media = bench.upload(&bytes).await;
        let spot = bench.spots().pop().unwrap();
        assert_eq!(spot.is_in_pack(), len < 128 * 1024);
        let borders = [55, 56, 16_455, 16_456, spot.len - 16, spot.len - 1];
        for at in (0..spot.len).step_by(1009).chain(borders) {
            spot.flip(at);
            let read = read_until_damage(&bench.store, &media, &bytes).await;
            assert!(matches!(read, Err(ReadError::Damaged)), "{len}: byte {at}");
            spot.flip(at);
        }
        bench.store.delete(bench.account, media.id, NOON).await.unwrap();
    }
}

#[tokio::test]
async fn damage_in_one_chunk_leaves_ranges_in_others_readable() {
    let mut bench = Bench::new().await;
    let bytes = noise(200_000, 1);
    let media = bench.upload(&bytes).await;
    bench.spots()[0].flip(56 + 5 * 16_400 + 100);
    let mut reader = bench.store.open_media(&media).await.unwrap();
    assert_eq!(reader.read_at(0, 65_536).await.unwrap(), bytes[..65_536]);
    assert!(matches!(reader.read_at(65_536, 65_536).await, Err(ReadError::Damaged)));
    assert!(matches!(reader.read_at(5 * 16_384, 1).await, Err(ReadError::Damaged)));
    assert_eq!(reader.read_at(6 * 16_384, 100).await.unwrap(), bytes[6 * 16_384..6 * 16_384 + 100]);
}

#[tokio::test]
async fn cut_extended_swapped_and_missing_blobs_are_noticed() {
    let mut bench = Bench::without_packs().await;
    let (one, two) = (noise(50_000, 1), noise(50_000, 2));
    let first = bench.upload(&one).await;
    let second = bench.upload(&two).await;
    let paths: Vec<_> = bench.spots().into_iter().map(|spot| spot.path).collect();
    let (first_path, second_path) = (&paths[0], &paths[1]);
    let sealed = std::fs::read(first_path).unwrap();

    for len in [0, 55, 56, 72, 16_456, sealed.len() - 16_400, sealed.len() - 1] {
        std::fs::write(first_path, &sealed[..len]).unwrap();
        assert!(matches!(read_all(&bench.store, &first).await, Err(ReadError::Damaged)), "cut to {len}");
    }
    std::fs::write(first_path, [&sealed[..], &[0; 16]].concat()).unwrap();
    assert!(matches!(read_all(&bench.store, &first).await, Err(ReadError::Damaged)));

    // Another blob of the same account and length in its place.
    std::fs::copy(second_path, first_path).unwrap();
    assert!(matches!(read_all(&bench.store, &first).await, Err(ReadError::Damaged)));
    assert_eq!(read_all(&bench.store, &second).await.unwrap(), two);

    // Cut under an open reader.
    std::fs::write(first_path, &sealed).unwrap();
    let mut reader = bench.store.open_media(&first).await.unwrap();
    std::fs::write(first_path, &sealed[..20_000]).unwrap();
    assert!(matches!(reader.read_at(16_384, 1).await, Err(ReadError::Damaged)));

    std::fs::remove_file(first_path).unwrap();
    assert!(matches!(read_all(&bench.store, &first).await, Err(ReadError::Missing)));
    bench.store.delete(bench.account, first.id, NOON).await.unwrap();
    assert!(matches!(read_all(&bench.store, &first).await, Err(ReadError::Gone)));
}

/// A second connection, as a person with the file would have.
fn tamper(bench: &Bench, sql: &str) {
    let connection = Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.pragma_update(None, "ignore_check_constraints", true).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

fn look(bench: &Bench, media: &Media) -> Result<Option<Arc<Media>>, StoreError> {
    bench.store.catalog().media(bench.account, media.id, NOON)
}

#[tokio::test]
async fn a_record_that_was_edited_does_not_open() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let edits = [
        ("phone_number = phone_number + 1", "phone_number = phone_number - 1"),
        ("mime_type = 'text/html'", "mime_type = 'image/png'"),
        ("bytes = bytes + 1", "bytes = bytes - 1"),
        ("origin = 2", "origin = 1"),
        ("created_at = created_at + 1", "created_at = created_at - 1"),
        ("keep_for_ms = keep_for_ms + 1", "keep_for_ms = keep_for_ms - 1"),
        ("keep_for_ms = NULL", "keep_for_ms = 2592000000"),
        ("blob = zeroblob(16), mime_type = hex(blob)", "blob = unhex(mime_type), mime_type = 'image/png'"),
    ];
    for (edit, undo) in edits {
        tamper(&bench, &format!("UPDATE media SET {edit}"));
        assert!(matches!(look(&bench, &media), Err(StoreError::Tampered { .. })), "{edit}");
        tamper(&bench, &format!("UPDATE media SET {undo}"));
        assert!(look(&bench, &media).unwrap().is_some(), "{undo}");
    }
    tamper(&bench, "UPDATE media SET key_version = 9");
    assert!(matches!(look(&bench, &media), Err(StoreError::UnknownKey { version: 9, .. })));
    tamper(&bench, "UPDATE media SET key_version = 1, origin = 1");
    for column in ["blob = x'00'", "key_version = -1", "bytes = -5"] {
        tamper(&bench, &format!("UPDATE media SET {column}"));
        assert!(look(&bench, &media).is_err(), "{column}");
    }
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_a_box_is_noticed() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let connection = Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    let sealed: Vec<u8> = connection.query_row("SELECT box FROM media", [], |row| row.get(0)).unwrap();
    let put = |bytes: &[u8]| connection.execute("UPDATE media SET box = ?1", [bytes]).unwrap();
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        put(&flipped);
        assert!(matches!(look(&bench, &media), Err(StoreError::Tampered { .. })), "byte {at}");
        put(&sealed[..at]);
        assert!(matches!(look(&bench, &media), Err(StoreError::Tampered { .. })), "cut at {at}");
    }
    put(&sealed);
    assert!(look(&bench, &media).unwrap().is_some());
}

#[tokio::test]
async fn boxes_and_records_cannot_be_moved() {
    let mut bench = Bench::new().await;
    let other = bench.store.catalog().create_account("other", NOON).await.unwrap().id;
    let first = bench.upload(b"bytes").await;
    let second = bench.upload(b"other").await;
    let foreign = bench.upload_as(other, b"theirs", NOON).await;
    let (a, b, c) = (first.id, second.id, foreign.id);

    tamper(&bench, &format!("UPDATE media SET box = (SELECT box FROM media WHERE id = {b}) WHERE id = {a}"));
    assert!(matches!(look(&bench, &first), Err(StoreError::Tampered { .. })));
    // Another account's record, made ours.
    tamper(&bench, &format!("UPDATE media SET account = {} WHERE id = {c}", bench.account));
    assert!(matches!(look(&bench, &foreign), Err(StoreError::Tampered { .. })));
    // The same record under a free id.
    tamper(&bench, &format!("UPDATE media SET id = id + 1000 WHERE id = {b}"));
    let moved = wamedia_media::MediaId::new(b.get() + 1000).unwrap();
    let found = bench.store.catalog().media(bench.account, moved, NOON);
    assert!(matches!(found, Err(StoreError::Tampered { .. })));
    assert!(look(&bench, &second).unwrap().is_none());
}

#[tokio::test]
async fn a_record_of_another_folder_does_not_open_here() {
    let mut here = Bench::new().await;
    let mut there = Bench::new().await;
    let media = here.upload(b"bytes").await;
    there.upload(b"bytes").await;
    let theirs = there.data().join("catalog.sqlite");
    tamper(&there, &format!("UPDATE media SET id = {}", media.id));
    there.store.clone().close().await;
    let connection = Connection::open(here.data().join("catalog.sqlite")).unwrap();
    connection.execute("ATTACH ?1 AS there", [theirs.to_str().unwrap()]).unwrap();
    connection.execute("DELETE FROM media", []).unwrap();
    connection.execute("INSERT INTO media SELECT * FROM there.media", []).unwrap();
    assert!(matches!(look(&here, &media), Err(StoreError::Tampered { .. })));
}

#[tokio::test]
async fn an_expiry_that_was_edited_ends_no_later_than_it_says() {
    // `expires_at` changes with use and is not bound: who can write the catalog can lengthen a life, and nothing else.
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    tamper(&bench, "UPDATE media SET expires_at = expires_at + 86400000");
    let found = look(&bench, &media).unwrap().unwrap();
    assert_eq!(found.expires_at, NOON + 31 * DAY);
    assert_eq!(bench.read(&found).await, b"bytes");
}

#[tokio::test]
async fn a_catalog_of_a_later_wamedia_is_left_alone() {
    let bench = Bench::new().await;
    bench.store.clone().close().await;
    tamper(&bench, "UPDATE account SET name = 'x'");
    let connection = Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let opened = Store::open(&bench.data(), StoreOptions::default());
    assert!(matches!(opened, Err(wamedia_store::OpenError::NewerCatalog { found: 99, .. })));
}
