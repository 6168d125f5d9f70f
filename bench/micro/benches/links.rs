//! What a link costs: its HMAC, its text, and reading it back. And what a credential costs before it is known.

use divan::{Bencher, black_box};
use tempfile::TempDir;
use wamedia_media::MediaId;
use wamedia_store::{Store, StoreOptions};
use wamedia_wire::links::{AttachmentQuery, HASH_BYTES, LinkSource};

fn main() {
    divan::main();
}

fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(&dir.path().join("data"), StoreOptions::default()).expect("a store");
    (dir, store)
}

fn query() -> AttachmentQuery {
    AttachmentQuery {
        mid: MediaId::from_random(0x0123_4567_89AB_CDEF),
        source: Some(LinkSource::GetMedia),
        ext: 1_800_000_000,
        hash: [0xA5; HASH_BYTES],
    }
}

/// The HMAC over as many bytes as a link has.
#[divan::bench]
fn mac(bencher: Bencher<'_, '_>) {
    let (_dir, store) = store();
    let version = store.keys().link_version();
    bencher.bench_local(|| store.keys().link_mac(version, black_box(&[7; 48])));
}

/// The keyed hash by which a credential is looked up.
#[divan::bench]
fn credential_hash(bencher: Bencher<'_, '_>) {
    let (_dir, store) = store();
    bencher.bench_local(|| store.keys().credential_hash(black_box(&[7; 40])));
}

#[divan::bench]
fn url(bencher: Bencher<'_, '_>) {
    let query = query();
    bencher.bench(|| black_box(&query).url("http://127.0.0.1:8480"));
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let url = query().url("");
    let text = url.split_once('?').map_or("", |(_, query)| query);
    bencher.bench(|| AttachmentQuery::parse(black_box(text)).expect("a link"));
}
