//! Uploads: from a path, bytes and streams; judged before; sent again where that is safe.

use wamedia_client::accepted::Rule;
use wamedia_client::{Error, Preflight, Rejection, Upload};

use crate::house::{House, once, sample, text_of};

#[tokio::test]
async fn a_file_goes_up_and_comes_back_and_goes_away() {
    let house = House::start().await;
    for client in house.clients() {
        let path = sample("image/rgb.jpg");
        let bytes = std::fs::read(&path).unwrap();
        let uploaded = client.upload(Upload::path(&path)).await.unwrap();
        assert_eq!((uploaded.media_type.as_str(), uploaded.bytes), ("image/jpeg", bytes.len() as u64));
        assert_eq!(uploaded.attempts, 1);

        let media = client.retrieve_url(uploaded.id).await.unwrap();
        assert_eq!(
            (media.id, media.bytes, media.sha256),
            (uploaded.id, Some(uploaded.bytes), Some(uploaded.sha256))
        );
        assert_eq!(media.media_type.as_deref(), Some("image/jpeg"));
        let download = client.download(&media).await.unwrap();
        assert_eq!(download.bytes(1 << 20).await.unwrap(), bytes);
        let fetched = client.fetch(uploaded.id).await.unwrap();
        assert_eq!(fetched.media().bytes, Some(uploaded.bytes));
        assert_eq!(fetched.bytes(1 << 20).await.unwrap(), bytes);

        client.delete(uploaded.id).await.unwrap();
        assert!(matches!(client.delete(uploaded.id).await, Err(Error::NotFound { .. })));
        assert!(matches!(client.retrieve_url(uploaded.id).await, Err(Error::NotFound { .. })));
        assert!(matches!(client.download(&media).await, Err(Error::Expired(_))));
    }
}

#[tokio::test]
async fn streams_go_up_with_and_without_a_length() {
    let house = House::start().await;
    for client in house.clients() {
        for length in [10, 65_535, 65_536, 65_537, 1_000_000] {
            let text = text_of(length);
            for said in [None, Some(length as u64)] {
                let upload = Upload::stream(std::io::Cursor::new(text.clone()), said);
                let uploaded = client.upload(upload.file_name("a.txt")).await.unwrap();
                assert_eq!((uploaded.media_type.as_str(), uploaded.bytes), ("text/plain", length as u64));
                let fetched = client.fetch(uploaded.id).await.unwrap().bytes(u64::MAX).await.unwrap();
                assert!(fetched == text, "{length}");
            }
        }
    }
}

#[tokio::test]
async fn names_that_would_break_a_form_do_not() {
    let house = House::start().await;
    for client in house.clients() {
        for name in
            ["a\"; filename=\"b.txt", "a\r\nX: y.txt", "../../etc/passwd", r"C:\a\b.txt", "größe €😀.txt", ""]
        {
            let upload = Upload::bytes("hello").declared("text/plain").file_name(name);
            let id = client.upload(upload).await.unwrap().id;
            assert_eq!(client.fetch(id).await.unwrap().bytes(10).await.unwrap(), "hello");
        }
    }
}

#[tokio::test]
async fn what_would_be_refused_is_refused_before_a_byte_is_sent() {
    let house = House::start().await;
    for client in house.clients() {
        let error =
            client.upload(Upload::path(sample("image/rgb.jpg")).declared("image/png")).await.unwrap_err();
        let Error::Rejected(rejection) = &error else { panic!("{error}") };
        assert!(
            matches!(&**rejection, Rejection::Preflight { refusal, .. } if refusal.rule == Rule::WrongType)
        );
        for upload in [
            Upload::bytes(""),
            Upload::bytes("<html>").declared("text/html"),
            Upload::bytes(vec![0; 200]),
            Upload::stream(tokio::io::repeat(b'a'), Some(101 << 20)).declared("text/plain"),
        ] {
            assert!(matches!(client.upload(upload).await, Err(Error::Rejected(_))));
        }
        for wrong in [Upload::bytes("x").declared("jpeg"), Upload::bytes("x").ttl_minutes(5)] {
            assert!(matches!(client.upload(wrong).await, Err(Error::Invalid(_))));
        }
    }
    assert!(house.asked("upload").await.is_empty());
}

#[tokio::test]
async fn the_service_judges_what_nobody_judged_before() {
    let house = House::start().await;
    for client in house.clients() {
        let upload = Upload::path(sample("image/rgb.jpg")).declared("image/png").preflight(Preflight::Off);
        let error = client.upload(upload).await.unwrap_err();
        let Error::Rejected(rejection) = &error else { panic!("{error}") };
        assert!(matches!(&**rejection, Rejection::Service(answer) if answer.status == 400), "{error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(house.asked("upload").await.len(), 2);
}

#[tokio::test]
async fn a_stream_that_grows_beyond_its_type_is_ended() {
    let house = House::start().await;
    let png = std::fs::read(sample("image/rgb.png")).unwrap();
    let endless = tokio::io::AsyncReadExt::chain(std::io::Cursor::new(png), tokio::io::repeat(0));
    let error = house.graph().upload(Upload::stream(endless, None)).await.unwrap_err();
    let Error::Rejected(rejection) = &error else { panic!("{error}") };
    assert!(matches!(&**rejection, Rejection::Preflight { refusal, .. } if refusal.rule == Rule::TooLarge));
}

#[tokio::test]
async fn what_can_be_read_again_is_sent_again() {
    let house = House::start().await;
    for client in house.clients() {
        for fault in [
            r#"{"action":"upload","error":"internal"}"#,
            r#"{"action":"upload","error":"overloaded"}"#,
            r#"{"action":"upload","cut":3}"#,
        ] {
            house.arm(fault);
            let uploaded = client.upload(Upload::path(sample("image/rgb.png"))).await.unwrap();
            assert_eq!(uploaded.attempts, 2, "{fault}");
            house.arm(fault);
            let stream = Upload::stream(std::io::Cursor::new(text_of(200_000)), None).declared("text/plain");
            let error = client.upload(stream).await.unwrap_err();
            assert!(matches!(error, Error::Upstream(_) | Error::Connection(_)), "{error}");
        }
    }
}

#[tokio::test]
async fn redirects_on_the_same_origin_are_followed_with_the_body() {
    let house = House::start().await;
    for client in house.clients() {
        for action in ["upload", "retrieve_url", "download", "delete"] {
            house.arm(&format!(r#"{{"action":"{action}","redirect":true}}"#));
        }
        let path = sample("image/rgb.png");
        let id = client.upload(Upload::path(&path)).await.unwrap().id;
        assert_eq!(
            client.fetch(id).await.unwrap().bytes(u64::MAX).await.unwrap(),
            std::fs::read(path).unwrap()
        );
        client.delete(id).await.unwrap();
    }
}

#[tokio::test]
async fn progress_ends_at_the_whole() {
    let house = House::start().await;
    let (tell, told) = std::sync::mpsc::channel();
    let upload = Upload::bytes(text_of(300_000)).declared("text/plain");
    house.graph().upload(upload.progress(move |progress| tell.send(progress).unwrap_or(()))).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|progress| (progress.done, progress.total)).collect();
    assert!(told.len() >= 5 && told.is_sorted());
    assert_eq!(told.last(), Some(&(300_000, Some(300_000))));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_the_error() {
    let house = House::start().await;
    let client = house.builders()[0].clone().retries(once()).build().unwrap();
    let error = client.upload(Upload::path("/nonexistent.jpg")).await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent.jpg"), "{error}");
    let short = Upload::stream(std::io::Cursor::new(text_of(100_000)), Some(100_001)).declared("text/plain");
    assert!(matches!(client.upload(short).await, Err(Error::Io { .. })));
    let long = Upload::stream(std::io::Cursor::new(text_of(100_000)), Some(99_999)).declared("text/plain");
    assert!(matches!(client.upload(long).await, Err(Error::Io { .. })));
}
