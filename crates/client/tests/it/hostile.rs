//! What no honest service sends: endless, broken, lying. Each ends in an error, soon and within bounds.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wamedia_client::{Damage, Error, Timeouts, Upload};

use crate::script::{Act, ID, Script, answer, cut, graph_at, media, patient, raw};

/// A head, then the same bytes until the client has had enough; how many it took is counted.
fn endless(head: &'static str, again: &'static [u8], taken: Arc<AtomicUsize>) -> Act {
    Box::new(move |stream| {
        let _ = stream.write_all(head.as_bytes());
        let block = again.repeat(1 + 8192 / again.len());
        while taken.load(Ordering::Relaxed) < 256 << 20 && stream.write_all(&block).is_ok() {
            taken.fetch_add(block.len(), Ordering::Relaxed);
        }
    })
}

/// What sockets may hold beside what the client took.
const SOCKETS: usize = 16 << 20;

#[tokio::test]
async fn endless_errors_are_read_as_far_as_they_tell_something() {
    for head in [
        "HTTP/1.1 400 X\r\n\r\n",
        "HTTP/1.1 401 X\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 X\r\n\r\n",
    ] {
        let taken = Arc::new(AtomicUsize::new(0));
        let script = Script::play(vec![endless(head, b"all work and no play ", taken.clone())]);
        let error = script.graph().retrieve_url(ID.parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().len() < 2000, "{error}");
        assert!(taken.load(Ordering::Relaxed) < SOCKETS);
    }
}

#[tokio::test]
async fn endless_heads_are_given_up() {
    for again in [b"X-More: and more\r\n".as_slice(), b"X", b"\0"] {
        let taken = Arc::new(AtomicUsize::new(0));
        let acts = (0..4).map(|_| endless("HTTP/1.1 200 X\r\n", again, taken.clone())).collect();
        let script = Script::play(acts);
        let error = script.graph().retrieve_url(ID.parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Connection(_)), "{error}");
        assert!(taken.load(Ordering::Relaxed) < 4 * SOCKETS);
    }
}

#[tokio::test]
async fn what_speaks_no_http_is_a_broken_connection() {
    for noise in [
        "",
        "\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 99999 X\r\n\r\n",
        "HTTP/1.1 200 X\r\nContent-Length: x\r\n\r\n",
    ] {
        let script = Script::play((0..4).map(|_| raw(noise)).collect());
        let error = script.graph().retrieve_url(ID.parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Connection(_)), "{noise:?}: {error}");
    }
}

#[tokio::test]
async fn more_fewer_and_other_bytes_are_errors() {
    for (act, damage) in [
        (answer(200, "", b"hallo"), Some(Damage::Sha256)),
        (answer(200, "", b"hello!"), Some(Damage::Length { expected: 5, actual: 6 })),
        (answer(200, "", b"hell"), Some(Damage::Length { expected: 5, actual: 4 })),
        (
            raw("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n0\r\n\r\n"),
            Some(Damage::Length { expected: 5, actual: 6 }),
        ),
        (
            raw("HTTP/1.1 200 X\r\nConnection: close\r\n\r\nhell"),
            Some(Damage::Length { expected: 5, actual: 4 }),
        ),
        (cut(200, "", 5, b"hell"), None),
        (raw("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n"), None),
        (answer(200, "Content-Encoding: gzip\r\n", b"hello"), Some(Damage::Coded("gzip".to_owned()))),
    ] {
        // A coding is known at the head already, and asked for again in vain.
        let script = Script::play(vec![act]);
        let client = graph_at(&script.base()).retries(wamedia_client::Retries::none()).build().unwrap();
        let ended = match client.download(&media(&script, b"hello")).await {
            Ok(download) => download.bytes(100).await.map(drop),
            Err(error) => Err(error),
        };
        match (ended, damage) {
            (Err(Error::Damaged(met)), Some(damage)) => assert_eq!(met, damage),
            (Err(Error::Connection(_)), None) => {}
            (ended, damage) => panic!("{ended:?} instead of {damage:?}"),
        }
    }
}

#[tokio::test]
async fn slow_bodies_arrive_and_silent_ones_end() {
    let drip = |bytes: usize| -> Act {
        Box::new(move |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n");
            for byte in &b"hello"[..bytes] {
                std::thread::sleep(Duration::from_millis(60));
                let _ = stream.write_all(&[*byte]);
            }
            std::thread::sleep(Duration::from_secs(if bytes < 5 { 3 } else { 0 }));
        })
    };
    let timeouts = Timeouts::default().with_idle(Duration::from_millis(900));
    let script = Script::play(vec![drip(5), drip(3)]);
    let client = patient(graph_at(&script.base()).timeouts(timeouts));
    let described = media(&script, b"hello");
    assert_eq!(client.download(&described).await.unwrap().bytes(5).await.unwrap(), "hello");
    let error = client.download(&described).await.unwrap().bytes(5).await.unwrap_err();
    assert!(matches!(&error, Error::Connection(broken) if broken.to_string().contains("nothing")), "{error}");
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = patient(graph_at(&format!("http://{gone}")));
    let error = client.retrieve_url(ID.parse().unwrap()).await.unwrap_err();
    assert!(matches!(&error, Error::Connection(broken) if !broken.was_sent), "{error}");
}

/// Answers a request whose body it never reads.
fn early(linger: Duration) -> Act {
    Box::new(move |stream| {
        let body = r#"{"error":"Invalid API key"}"#;
        let head = format!("HTTP/1.1 401 X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let _ = stream.write_all(head.as_bytes());
        std::thread::sleep(linger);
    })
}

#[tokio::test]
async fn an_answer_before_the_file_was_read_is_heard() {
    // Who closes at once resets the connection under what is still being written.
    for linger in [Duration::from_millis(200), Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO]
    {
        let script = Script::play_on_heads(vec![early(linger)]);
        let endless = tokio::io::AsyncReadExt::take(tokio::io::repeat(b'a'), 90 << 20);
        let upload = Upload::stream(endless, Some(90 << 20)).declared("text/plain");
        let error = script.d360().upload(upload).await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized(_)), "{linger:?}: {error}");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_under_an_upload_is_not_used_again() {
    let again = || Box::new(|stream: &mut std::net::TcpStream| early(Duration::ZERO)(stream));
    let script = Script::play_on_heads(vec![again(), again(), again()]);
    let client = graph_at(&script.base()).retries(wamedia_client::Retries::none()).build().unwrap();
    for _ in 0..3 {
        let upload = Upload::bytes(vec![b'a'; 20 << 20]).declared("text/plain");
        let error = client.upload(upload).await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized(_)), "{error}");
    }
}

#[tokio::test]
async fn lengths_that_nobody_has_reserve_nothing() {
    let script = Script::play(vec![raw(
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    )]);
    let mut described = media(&script, b"hello");
    described.bytes = Some(u64::MAX);
    let error = script.graph().download(&described).await.unwrap().bytes(u64::MAX).await.unwrap_err();
    assert!(matches!(error, Error::Damaged(Damage::Length { actual: 5, .. })), "{error}");
}

#[tokio::test]
async fn answers_that_trickle_are_given_up() {
    let trickle: Act = Box::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 X\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let script = Script::play(vec![trickle]);
    let timeouts = Timeouts::default().with_answer(Duration::from_millis(300)).with_connect(Duration::MAX);
    let client =
        graph_at(&script.base()).timeouts(timeouts).retries(wamedia_client::Retries::none()).build().unwrap();
    let error = client.retrieve_url(ID.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Connection(_)), "{error}");
}
