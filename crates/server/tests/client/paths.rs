//! Downloads to a path: whole and verified or not there, whatever the line does.

use std::path::Path;
use std::sync::{Arc, Once};

use tempfile::tempdir;
use wamedia_client::{Client, Damage, Error, MediaId, SaveOptions};

use crate::house::{House, once};

const BYTES: usize = 1_000_000;

async fn save(client: &Client, id: MediaId, path: &Path) -> Result<wamedia_client::Saved, Error> {
    client.fetch_to(id, path, &SaveOptions::new()).await
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_broken_line_is_taken_up_where_it_broke() {
    let house = House::start().await;
    for client in house.clients() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let (id, text) = house.upload_text(&client, BYTES).await;
        house.arm(r#"{"action":"download","next":5,"cut":150000}"#);
        let saved = save(&client, id, &path).await.unwrap();
        assert!(std::fs::read(&path).unwrap() == text);
        assert_eq!((saved.bytes, saved.attempts, saved.resumed_from), (BYTES as u64, 6, 0));
        assert_eq!(names(folder.path()), ["a.txt"]);
        let sent: Vec<_> =
            house.asked("download").await.iter().rev().take(6).filter_map(|entry| entry.sent).collect();
        assert!(sent.iter().rev().is_sorted_by(|before, after| before > after), "{sent:?}");
    }
}

#[tokio::test]
async fn another_call_goes_on_where_the_last_one_gave_up() {
    let house = Arc::new(House::start().await);
    for builder in house.builders() {
        let client = builder.retries(once()).build().unwrap();
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let (id, text) = house.upload_text(&client, BYTES).await;
        // What brought something is gone on with even by who tries once; what brings nothing is not.
        house.arm(r#"{"action":"download","cut":400000}"#);
        let (then, armed) = (house.clone(), Once::new());
        let options = SaveOptions::new().progress(move |_| {
            armed.call_once(|| then.arm(r#"{"action":"download","error":"overloaded"}"#));
        });
        let error = client.fetch_to(id, &path, &options).await.unwrap_err();
        assert!(matches!(error, Error::Upstream(_)), "{error}");
        assert!(!path.exists());
        let [left] = &names(folder.path())[..] else { panic!("one file") };
        assert!(left.starts_with(".a.txt.") && left.ends_with(".part"), "{left}");

        let saved = save(&client, id, &path).await.unwrap();
        assert!(saved.resumed_from > 0 && saved.resumed_from < BYTES as u64);
        assert!(std::fs::read(&path).unwrap() == text);
        assert_eq!(names(folder.path()), ["a.txt"]);
    }
}

#[tokio::test]
async fn a_link_that_dies_on_the_way_is_resolved_anew() {
    let house = House::start().await;
    for client in house.clients() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let (id, text) = house.upload_text(&client, BYTES).await;
        house.arm(r#"{"action":"download","cut":400000}"#);
        let clock = house.stand_in.clock().clone();
        let turned = Once::new();
        let turn = move || turned.call_once(|| clock.advance(jiff::SignedDuration::from_secs(400)));
        let options = SaveOptions::new().progress(move |progress| {
            if progress.done > 100_000 {
                turn();
            }
        });
        let before = house.asked("retrieve_url").await.len();
        let saved = client.fetch_to(id, &path, &options).await.unwrap();
        assert!(std::fs::read(&path).unwrap() == text);
        assert_eq!(saved.attempts, 3);
        assert_eq!(house.asked("retrieve_url").await.len(), before + 2);
    }
}

#[tokio::test]
async fn damage_is_dropped_and_fetched_once_more() {
    let house = House::start().await;
    for client in house.clients() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let (id, text) = house.upload_text(&client, BYTES).await;
        house.arm(r#"{"action":"download","flip":300000}"#);
        let saved = save(&client, id, &path).await.unwrap();
        assert!(std::fs::read(&path).unwrap() == text && saved.attempts == 2);
        std::fs::remove_file(&path).unwrap();

        house.arm(r#"{"action":"download","next":2,"flip":300000}"#);
        let error = save(&client, id, &path).await.unwrap_err();
        assert!(matches!(error, Error::Damaged(Damage::Sha256)), "{error}");
        assert!(names(folder.path()).is_empty());
    }
}

#[tokio::test]
async fn a_file_that_is_there_is_replaced_at_once_or_kept() {
    let house = House::start().await;
    let client = house.d360();
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let (id, text) = house.upload_text(&client, 1000).await;
    std::fs::write(&path, "theirs").unwrap();
    let kept = client.fetch_to(id, &path, &SaveOptions::new().keep_existing(true)).await.unwrap_err();
    assert!(matches!(kept, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists));
    assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
    save(&client, id, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), text);
    assert_eq!(names(folder.path()), ["a.txt"]);
    let nowhere = save(&client, id, &folder.path().join("no/a.txt")).await.unwrap_err();
    assert!(nowhere.to_string().contains("no/a.txt"), "{nowhere}");
}

#[tokio::test]
async fn a_media_goes_to_a_path_by_its_own_link_too() {
    let house = House::start().await;
    for client in house.clients() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let (id, text) = house.upload_text(&client, 1000).await;
        let media = client.retrieve_url(id).await.unwrap();
        client.download_to(&media, &path, &SaveOptions::new()).await.unwrap();
        house.later(400);
        std::fs::remove_file(&path).unwrap();
        client.download_to(&media, &path, &SaveOptions::new()).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), text);
        client.delete(id).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let gone = client.download_to(&media, &path, &SaveOptions::new()).await;
        assert!(matches!(gone, Err(Error::NotFound { .. })));
        assert!(names(folder.path()).is_empty());
    }
}
