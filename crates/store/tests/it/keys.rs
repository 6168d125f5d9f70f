//! The key ring: made once, rotated, lost, mistaken; and what each means for what is kept under it.

use std::os::unix::fs::PermissionsExt;

use wamedia_store::{KEY_FILE, KeyError, KeyRing, OpenError, Store, StoreOptions};

use crate::bench::{Bench, NOON, noise};

fn open(bench: &Bench) -> Result<Store, OpenError> {
    Store::open(&bench.data(), StoreOptions::default())
}

#[tokio::test]
async fn a_first_start_makes_everything_for_its_owner_only() {
    let mut bench = Bench::new().await;
    let _lock = bench.store.lock_for_serving().unwrap();
    bench.upload(b"bytes").await;
    let staged = bench.stage(&noise(200_000, 1)).await;
    let mode = |name: &str| std::fs::metadata(bench.data().join(name)).unwrap().permissions().mode() & 0o777;
    for (name, expected) in [
        ("", 0o700),
        ("blobs", 0o700),
        ("staging", 0o700),
        (KEY_FILE, 0o600),
        ("catalog.sqlite", 0o600),
        ("catalog.sqlite-wal", 0o600),
        ("catalog.sqlite-shm", 0o600),
        ("lock", 0o600),
    ] {
        assert_eq!(mode(name), expected, "{name}");
    }
    let all = bench.files("blobs").into_iter().chain(bench.files("staging"));
    for file in all {
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700), "{}", file.display());
    }
    drop(staged);
    assert_eq!(bench.store.keys().version_numbers(), [1]);
    assert!(!format!("{:?}", bench.store.keys()).contains("Prk"));
}

#[tokio::test]
async fn one_server_serves_a_folder_at_a_time() {
    let bench = Bench::new().await;
    let second = open(&bench).unwrap();
    let lock = bench.store.lock_for_serving().unwrap();
    assert!(matches!(second.lock_for_serving(), Err(OpenError::InUse { .. })));
    drop(lock);
    second.lock_for_serving().unwrap();
}

#[tokio::test]
async fn rotation_keeps_credentials_and_old_links_and_moves_on_for_new_ones() {
    let bench = Bench::new().await;
    let keys = bench.store.keys();
    let hash = keys.credential_hash(b"token");
    let old = keys.link_mac(1, b"link").unwrap();
    assert_eq!(KeyRing::rotate(&bench.data()).unwrap(), 2);
    assert_eq!(keys.link_version(), 1, "until it is told");
    assert_eq!(keys.link_mac(2, b"link"), None);
    keys.reload().unwrap();
    assert_eq!(keys.link_version(), 2);
    assert_eq!(keys.credential_hash(b"token"), hash);
    assert_eq!(keys.link_mac(1, b"link").unwrap(), old);
    assert_ne!(keys.link_mac(2, b"link").unwrap(), old);
    assert_ne!(keys.link_mac(1, b"other").unwrap(), old);
    let mode = std::fs::metadata(bench.data().join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn rewrapping_moves_every_record_and_no_blob() {
    let mut bench = Bench::new().await;
    let mut kept = Vec::new();
    for n in 0..600_u64 {
        let bytes = noise(100 + n as usize % 3, n % 50);
        kept.push((bench.upload(&bytes).await, bytes));
    }
    let blobs = bench.files("blobs");
    let contents: Vec<_> = blobs.iter().map(|path| std::fs::read(path).unwrap()).collect();
    KeyRing::rotate(&bench.data()).unwrap();

    let report = bench.store.rewrap().await.unwrap();
    assert_eq!((report.version, report.rewrapped, report.unreadable), (2, 600, 0));
    assert_eq!(bench.store.rewrap().await.unwrap().rewrapped, 0);
    assert_eq!(bench.files("blobs"), blobs);
    assert!(blobs.iter().zip(contents).all(|(path, before)| std::fs::read(path).unwrap() == before));
    for (media, bytes) in &kept {
        let found = bench.store.catalog().media(bench.account, media.id, NOON).unwrap().unwrap();
        assert_eq!(found.file_name, media.file_name);
        assert_eq!(bench.read(&found).await, *bytes);
    }
    // Equal content is still recognised.
    bench.upload(&kept[0].1).await;
    assert_eq!(bench.files("blobs").len(), blobs.len());
    assert!(bench.store.verify(NOON, true, &mut |_| {}).unwrap().is_clean());
}

#[tokio::test]
async fn a_running_server_follows_a_rotation_by_the_command_line() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let command_line = open(&bench).unwrap();
    KeyRing::rotate(&bench.data()).unwrap();
    assert_eq!(command_line.rewrap().await.unwrap().rewrapped, 1);
    let found = bench.store.catalog().media(bench.account, media.id, NOON).unwrap().unwrap();
    assert_eq!(bench.read(&found).await, b"bytes");
    assert_eq!(bench.store.keys().newest(), 2);
}

#[tokio::test]
async fn a_retired_version_is_missed_only_by_what_was_not_rewrapped() {
    let mut bench = Bench::new().await;
    KeyRing::rotate(&bench.data()).unwrap();
    bench.store.keys().reload().unwrap();
    bench.upload(b"under two").await;
    KeyRing::rotate(&bench.data()).unwrap();
    let ring = std::fs::read_to_string(bench.data().join(KEY_FILE)).unwrap();
    bench.store.rewrap().await.unwrap();

    let without_two: String =
        ring.lines().filter(|line| !line.starts_with("v2 ")).map(|line| format!("{line}\n")).collect();
    std::fs::write(bench.data().join(KEY_FILE), without_two).unwrap();
    bench.reopen().await;
    assert_eq!(bench.store.keys().version_numbers(), [1, 3]);
    assert!(bench.store.verify(NOON, true, &mut |_| {}).unwrap().is_sound());
}

#[tokio::test]
async fn a_lost_ring_is_not_replaced_and_another_folder_s_is_refused() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    bench.store.clone().close().await;
    let path = bench.data().join(KEY_FILE);
    let ring = std::fs::read(&path).unwrap();

    std::fs::remove_file(&path).unwrap();
    assert!(matches!(open(&bench), Err(OpenError::KeyMissing { .. })));
    assert!(!path.exists());

    let other = Bench::new().await;
    std::fs::copy(other.data().join(KEY_FILE), &path).unwrap();
    assert!(matches!(open(&bench), Err(OpenError::KeyMismatch { version: 1 })));

    std::fs::write(&path, ring).unwrap();
    bench.store = open(&bench).unwrap();
    let found = bench.store.catalog().media(bench.account, media.id, NOON).unwrap().unwrap();
    assert_eq!(bench.read(&found).await, b"bytes");
}

#[tokio::test]
async fn malformed_rings_are_refused_with_their_line() {
    let bench = Bench::new().await;
    bench.store.clone().close().await;
    let path = bench.data().join(KEY_FILE);
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for (text, expected) in [
        ("".to_owned(), None),
        ("# nothing\n\n".to_owned(), None),
        (format!("v2 {key}\n"), None),
        (format!("v1 {key}\nv1 {key}\n"), None),
        (format!("v1 {key}\nv3 {key}\nv2 {key}\n"), None),
        (format!("# c\n1 {key}\n"), Some(2)),
        (format!("v1 {key}\nv2 {}\n", &key[4..]), Some(2)),
        (format!("v1 {key}\n\nv70000 {key}\n"), Some(3)),
        ("v1\n".to_owned(), Some(1)),
        (format!("v1 {key} {key}\n"), Some(1)),
    ] {
        std::fs::write(&path, &text).unwrap();
        match (open(&bench), expected) {
            (Err(OpenError::Key(KeyError::Order { .. })), None) => {}
            (Err(OpenError::Key(KeyError::Malformed { line, .. })), Some(expected)) => {
                assert_eq!(line, expected)
            }
            (opened, _) => panic!("{text}: {:?}", opened.err()),
        }
    }
}
