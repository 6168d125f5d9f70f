//! The front between a client in memory and a reader in the library's place; time is turned by hand.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::rest::FIRST;
use super::sieve::STAND_IN;
use super::*;
use crate::http::socket::Socket;

const LIMITS: HeadLimits = HeadLimits { max_bytes: 1024, max_headers: 16 };
const DEADLINES: Deadlines = Deadlines {
    idle: Duration::from_secs(75),
    header: Duration::from_secs(10),
    progress_window: Duration::from_secs(20),
    progress_bytes: 1000,
};
const POST: &[u8] = b"POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";

impl Socket for DuplexStream {
    fn has_ended(&self) -> bool {
        false
    }
}

fn front() -> (DuplexStream, Front<DuplexStream>, Arc<Signals>) {
    let (client, server) = duplex(1 << 20);
    let signals = Arc::<Signals>::default();
    (client, Front::new(server, LIMITS, DEADLINES, signals.clone()), signals)
}

async fn waits(front: &mut Front<DuplexStream>) -> Duration {
    let start = Instant::now();
    let error = front.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    start.elapsed()
}

#[tokio::test]
async fn a_head_in_pieces_arrives_whole_or_not_at_all() {
    let (mut client, mut front, _) = front();
    let sent = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut read = [0; 100];
    client.write_all(&sent[..10]).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(20), front.read(&mut read)).await.is_err());
    client.write_all(&sent[10..]).await.unwrap();
    let mut got = Vec::new();
    while got.len() < sent.len() {
        let count = front.read(&mut read[..7]).await.unwrap();
        got.extend_from_slice(&read[..count]);
    }
    assert_eq!(got, sent);
}

#[tokio::test]
async fn a_refused_request_is_stood_in_for_and_ends_the_connection() {
    let (mut client, mut front, signals) = front();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n")
        .await
        .unwrap();
    client
        .write_all(b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut got = String::new();
    front.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{}", str::from_utf8(STAND_IN).unwrap()));
    assert_eq!(signals.refused().unwrap().status, 400);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_of_what_is_owed() {
    let (_client, mut idle, _) = front();
    let start = Instant::now();
    assert_eq!(idle.heard().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 75);

    let (mut client, mut in_head, _) = front();
    client.write_all(&POST[..9]).await.unwrap();
    assert_eq!(waits(&mut in_head).await.as_secs(), 10);

    let (mut client, mut in_body, _) = front();
    client.write_all(POST).await.unwrap();
    let mut head = vec![0; POST.len()];
    in_body.read_exact(&mut head).await.unwrap();
    assert_eq!(waits(&mut in_body).await.as_secs(), 20);
}

/// Asks in two pieces and is answered, by whom the front does not care.
async fn ask(client: &mut DuplexStream, front: &mut Front<DuplexStream>) {
    let mut read = [0; 100];
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    if front.is_resting() || front.ahead.is_empty() {
        assert!(front.heard().await.unwrap());
    }
    client.write_all(b"Host: x\r\n\r\n").await.unwrap();
    assert_eq!(front.read(&mut read).await.unwrap(), 27);
    // While an answer is owed there is no rest, and no end either: the deadline comes first.
    let owed = tokio::time::timeout(FIRST * 10, front.read(&mut read));
    assert!(owed.await.is_err() && !front.is_resting());
    front.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
}

/// How long it takes until the front rests.
async fn rests(front: &mut Front<DuplexStream>) -> Duration {
    let start = Instant::now();
    assert_eq!(front.read(&mut [0; 100]).await.unwrap(), 0);
    assert!(front.is_resting());
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn who_rests_is_heard_again_and_shown_out_in_time() {
    let (mut client, mut front, _) = front();
    for _ in 0..3 {
        ask(&mut client, &mut front).await;
        assert_eq!(rests(&mut front).await, FIRST);
        tokio::time::sleep(FIRST * 2).await;
    }
    let start = Instant::now();
    assert_eq!(front.heard().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 74);
}

#[tokio::test(start_paused = true)]
async fn who_wakes_soon_rests_later_until_it_sleeps_long() {
    let (mut client, mut front, _) = front();
    for times in [1, 2, 4, 8, 16, 16] {
        ask(&mut client, &mut front).await;
        assert_eq!(rests(&mut front).await, FIRST * times);
    }
    tokio::time::sleep(FIRST * 16).await;
    ask(&mut client, &mut front).await;
    assert_eq!(rests(&mut front).await, FIRST);
}

#[tokio::test(start_paused = true)]
async fn who_made_the_library_hold_much_rests_at_once() {
    let (mut client, mut front, _) = front();
    for (room, quiet) in [(8 * 1024, FIRST), (16 * 1024, Duration::ZERO), (8 * 1024, FIRST)] {
        client.write_all(POST).await.unwrap();
        client.write_all(&vec![b'x'; 100_000]).await.unwrap();
        assert!(front.heard().await.unwrap());
        let (mut read, mut buffer) = (0, vec![0; room]);
        while read < POST.len() + 100_000 {
            read += front.read(&mut buffer).await.unwrap();
        }
        front.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        assert_eq!(rests(&mut front).await, quiet);
        tokio::time::sleep(FIRST * 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_all_the_time_is_left_alone() {
    let (mut client, mut front, _) = front();
    ask(&mut client, &mut front).await;
    let mut read = [0; 100];
    for _ in 0..100 {
        let quiet = tokio::time::timeout(FIRST * 9 / 10, front.read(&mut read));
        assert!(quiet.await.is_err());
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert_eq!(front.read(&mut read).await.unwrap(), 27);
        front.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    }
    assert!(rests(&mut front).await > FIRST);
}

#[tokio::test(start_paused = true)]
async fn a_drip_does_not_buy_time_and_a_flow_does() {
    let drip = |bytes: usize| async move {
        let (mut client, mut front, _) = front();
        client.write_all(POST).await.unwrap();
        tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                let _ = client.write_all(&vec![b'x'; bytes]).await;
            }
            tokio::time::sleep(Duration::from_secs(600)).await;
        });
        let start = Instant::now();
        let mut sink = Vec::new();
        assert_eq!(front.read_to_end(&mut sink).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        start.elapsed().as_secs()
    };
    assert_eq!(drip(1).await, 20);
    assert_eq!(drip(2000).await, 45 + 20);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_left() {
    let (_client, server) = duplex(64);
    let mut front = Front::new(server, LIMITS, DEADLINES, Arc::default());
    let start = Instant::now();
    assert_eq!(front.write_all(&[0; 1000]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 20);
}
