//! Taking a broken download up again, with services that do it well, badly, or not at all.

use std::path::Path;

use tempfile::tempdir;
use wamedia_client::{Damage, Error, Retries, SaveOptions, Saved};

use crate::script::{Act, Asked, Script, answer, cut, graph_at, media};

const ETAG: &str = "ETag: \"one\"\r\n";

fn whole() -> Vec<u8> {
    (0..100_000_u32).map(|at| (at % 251) as u8).collect()
}

fn part(from: usize, headers: &str) -> Act {
    let bytes = whole();
    let range = format!("Content-Range: bytes {from}-{}/{}\r\n{headers}", bytes.len() - 1, bytes.len());
    answer(206, &range, &bytes[from..])
}

fn broken() -> Act {
    cut(200, ETAG, whole().len(), &whole()[..40_000])
}

/// Saves with these acts; what came of it, what was asked, and whether nothing else is left.
async fn save(acts: Vec<Act>) -> (Result<Saved, Error>, Vec<Asked>) {
    let script = Script::play(acts);
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bin");
    let saved = script.graph().download_to(&media(&script, &whole()), &path, &SaveOptions::new()).await;
    if saved.is_ok() {
        assert!(std::fs::read(&path).unwrap() == whole());
        assert_eq!(count(folder.path()), 1);
    } else {
        assert!(!path.exists());
    }
    (saved, script.asked())
}

fn count(folder: &Path) -> usize {
    folder.read_dir().unwrap().count()
}

#[tokio::test]
async fn a_range_is_asked_for_and_taken() {
    let (saved, asked) = save(vec![broken(), part(40_000, ETAG)]).await;
    assert_eq!(saved.unwrap().attempts, 2);
    assert_eq!(asked[0].header("range"), None);
    assert_eq!(asked[1].header("range"), Some("bytes=40000-"));
    assert_eq!(asked[1].header("if-range"), Some("\"one\""));
}

#[tokio::test]
async fn a_weak_etag_is_no_promise() {
    let weak = cut(200, "ETag: W/\"one\"\r\n", whole().len(), &whole()[..40_000]);
    let (saved, asked) = save(vec![weak, part(40_000, "")]).await;
    saved.unwrap();
    assert_eq!((asked[1].header("range"), asked[1].header("if-range")), (Some("bytes=40000-"), None));
}

#[tokio::test]
async fn a_service_without_ranges_sends_everything() {
    let (saved, asked) = save(vec![broken(), answer(200, ETAG, &whole())]).await;
    assert_eq!((saved.unwrap().attempts, asked.len()), (2, 2));
}

#[tokio::test]
async fn what_cannot_be_gone_on_with_is_begun_anew() {
    let no_range = || answer(416, "Content-Range: bytes */40000\r\n", b"");
    for odd in
        [no_range(), part(40_000, "ETag: \"two\"\r\n"), part(39_999, ETAG), answer(206, ETAG, b"no range")]
    {
        let (saved, asked) = save(vec![broken(), odd, answer(200, ETAG, &whole())]).await;
        assert_eq!(saved.unwrap().attempts, 3);
        assert_eq!(asked[2].header("range"), None);
    }
}

#[tokio::test]
async fn what_is_whole_already_is_not_fetched_again() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bin");
    // A webhook tells no length: the first call loses its line behind the last byte.
    let first = Script::play(vec![cut(200, ETAG, whole().len() + 1, &whole())]);
    let mut described = media(&first, &whole());
    described.bytes = None;
    let once = graph_at(&first.base()).retries(Retries::none()).build().unwrap();
    once.download_to(&described, &path, &SaveOptions::new()).await.unwrap_err();
    assert!(!path.exists());
    let second = Script::play(vec![answer(416, "Content-Range: bytes */100000\r\n", b"")]);
    described.link = media(&second, &whole()).link;
    let saved = second.graph().download_to(&described, &path, &SaveOptions::new()).await.unwrap();
    assert_eq!((saved.resumed_from, saved.attempts), (100_000, 1));
    assert!(std::fs::read(&path).unwrap() == whole());
}

#[tokio::test]
async fn other_bytes_under_the_same_name_are_damage() {
    let other: Vec<u8> = whole().iter().map(|byte| !byte).collect();
    let (saved, _) = save(vec![answer(200, ETAG, &other), answer(200, ETAG, &other)]).await;
    assert!(matches!(saved, Err(Error::Damaged(Damage::Sha256))));
    let (saved, _) = save(vec![answer(200, "", &whole()[1..]), answer(200, "", &whole()[1..])]).await;
    assert!(matches!(saved, Err(Error::Damaged(Damage::Length { expected: 100_000, actual: 99_999 }))));
    let (saved, _) = save(vec![part(0, ""), part(0, "")]).await;
    assert!(matches!(saved, Err(Error::Damaged(Damage::Range))));
}

#[tokio::test]
async fn a_line_that_brings_nothing_is_given_up() {
    let nothing = || cut(200, ETAG, whole().len(), b"");
    let (saved, asked) = save((0..10).map(|_| nothing()).collect()).await;
    assert!(matches!(saved, Err(Error::Connection(_))));
    assert_eq!(asked.len(), 4);
}

#[tokio::test]
async fn a_line_that_brings_a_little_each_time_is_not() {
    let acts = (0..9).map(|at| {
        let from = at * 10_000;
        let range = format!("Content-Range: bytes {from}-99999/100000\r\n{ETAG}");
        let (status, headers) = if at == 0 { (200, ETAG) } else { (206, range.as_str()) };
        cut(status, headers, whole().len() - from, &whole()[from..from + 10_000])
    });
    let (saved, _) = save(acts.chain([part(90_000, ETAG)]).collect()).await;
    assert_eq!(saved.unwrap().attempts, 10);
}
