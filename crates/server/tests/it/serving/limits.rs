//! Caps and deadlines: overload is refused early and cheaply, slow and silent clients are shown out.

use std::time::Duration;

use crate::support::{Connection, TestApp, Upload, wait_until};

/// Short enough for a test; long enough that a busy machine does not take honest clients for slow ones.
const SOON: Duration = Duration::from_secs(10);

/// Nobody waits for a place.
const AT_ONCE: (&str, &str) = ("limits.wait_for", "0s");

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back() {
    let app = TestApp::with(&[("limits.connections", "2")]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let get = graph.request("GET", &format!("/{id}"));
    let mut held = [Connection::open(app.address()).await, Connection::open(app.address()).await];
    for connection in &mut held {
        assert_eq!(connection.ask(&get).await.status(), 200);
    }
    let mut third = Connection::open(app.address()).await;
    let _ = third.try_send(&get.bytes()).await;
    let answer = third.answer("GET").await.unwrap();
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=UTF-8"));
    assert!(answer.closes());
    let error = &answer.json()["error"];
    assert_eq!((&error["code"], &error["is_transient"]), (&2.into(), &true.into()));
    assert!(third.is_ended_within(SOON).await);
    // Those that are in are served on, and a place that is left is taken.
    let [mut one, two] = held;
    drop(two);
    assert_eq!(one.ask(&get).await.status(), 200);
    for _ in 0..200 {
        let mut next = Connection::open(app.address()).await;
        let _ = next.try_send(&get.bytes()).await;
        if next.answer("GET").await.is_ok_and(|answer| answer.status() == 200) {
            app.finish().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the place that was left is not given again");
}

#[tokio::test]
async fn one_upload_too_many_is_refused_before_its_body_and_others_go_on() {
    let app = TestApp::with(&[("limits.uploads", "1"), AT_ONCE]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let upload = graph.upload_request(&Upload::text_of(500_000)).bytes();
    let mut slow = Connection::open(app.address()).await;
    slow.send(&upload[..200_000]).await;
    wait_until("the place is taken", || app.app().gates.uploads.available_permits() == 0).await;
    let mut second = Connection::open(app.address()).await;
    second.send(&graph.upload_request(&Upload::text_of(1024 * 1024)).head()).await;
    let answer = second.answer("POST").await.unwrap();
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")), "{}", answer.shown());
    assert_eq!(graph.retrieve(&id).await.status(), 200);
    slow.send(&upload[200_000..]).await;
    assert_eq!(slow.answer("POST").await.unwrap().status(), 200);
    assert_eq!(graph.upload(&Upload::png()).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_download_that_is_not_read_holds_its_place_until_it_ends() {
    let app = TestApp::with(&[("limits.requests", "1"), AT_ONCE]).await;
    let graph = app.graph();
    let upload = Upload::text_of(24 * 1024 * 1024);
    let link = graph.link(&graph.keep(&upload).await).await;
    let mut slow = Connection::open(app.address()).await;
    slow.send(&graph.request("GET", &link).bytes()).await;
    wait_until("the place is taken", || app.app().gates.requests.available_permits() == 0).await;
    assert_eq!(graph.download(&link).await.status(), 503);
    let answer = slow.answer("GET").await.unwrap();
    assert!(answer.whole && answer.body == upload.content());
    drop(slow);
    wait_until("the place is free", || app.app().gates.requests.available_permits() == 1).await;
    assert_eq!(graph.download(&link).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_silent_connection_is_ended_at_the_idle_deadline() {
    let app = TestApp::with(&[("limits.idle_deadline", "100ms")]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let mut fresh = Connection::open(app.address()).await;
    assert!(fresh.is_ended_within(SOON).await);
    let mut kept = Connection::open(app.address()).await;
    assert_eq!(kept.ask(&graph.request("GET", &format!("/{id}"))).await.status(), 200);
    assert!(kept.is_ended_within(SOON).await);
    app.finish().await;
}

#[tokio::test]
async fn a_head_that_drips_is_ended_at_the_header_deadline() {
    let app = TestApp::with(&[("limits.header_deadline", "150ms")]).await;
    let mut connection = Connection::open(app.address()).await;
    connection.send(b"GET /1 HTTP/1.1\r\nHost: x\r\n").await;
    for _ in 0..1_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if connection.try_send(b"X: y\r\n").await.is_err() {
            app.finish().await;
            return;
        }
    }
    panic!("each byte bought more time");
}

#[tokio::test]
async fn a_body_that_drips_is_ended_and_leaves_nothing() {
    let settings = [("limits.progress_window", "150ms"), ("limits.progress_bytes", "1KiB")];
    let app = TestApp::with(&settings).await;
    let graph = app.graph();
    let upload = graph.upload_request(&Upload::text_of(400_000)).bytes();
    let mut connection = Connection::open(app.address()).await;
    connection.send(&upload[..300_000]).await;
    wait_until("it is being staged", || !app.staging().is_empty()).await;
    for byte in upload[300_000..301_000].chunks(1) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if connection.try_send(byte).await.is_err() {
            break;
        }
    }
    wait_until("it is gone", || app.staging().is_empty()).await;
    wait_until("its place is free", || app.app().gates.uploads.available_permits() == 256).await;
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_flows_slowly_is_read_to_its_end() {
    let settings = [("limits.progress_window", "400ms"), ("limits.progress_bytes", "1KiB")];
    let app = TestApp::with(&settings).await;
    let graph = app.graph();
    let upload = graph.upload_request(&Upload::text_of(40 * 1024)).bytes();
    let mut connection = Connection::open(app.address()).await;
    for piece in upload.chunks(2 * 1024) {
        connection.send(piece).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(connection.answer("POST").await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_left() {
    let settings = [("limits.progress_window", "150ms"), ("limits.progress_bytes", "1KiB")];
    let app = TestApp::with(&settings).await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::text_of(24 * 1024 * 1024)).await).await;
    let mut connection = Connection::open(app.address()).await;
    connection.send(&graph.request("GET", &link).bytes()).await;
    wait_until("it is under way", || app.app().gates.requests.available_permits() < 2048).await;
    wait_until("it is left", || app.app().gates.requests.available_permits() == 2048).await;
    let answer = connection.answer("GET").await.unwrap();
    assert!(!answer.whole, "no clean end");
    app.finish().await;
}

#[tokio::test]
async fn what_is_read_of_a_refused_body_is_bounded() {
    let settings = [("limits.linger_bytes", "1MiB"), ("limits.linger_for", "5s")];
    let app = TestApp::with(&settings).await;
    let graph = app.graph();
    let mut connection = Connection::open(app.address()).await;
    let request = Upload::text_of(64 * 1024 * 1024).to(&graph.upload_path);
    let sent = connection.try_send(&request.bytes()).await;
    assert!(sent.is_err(), "the connection ends long before 64 MiB");
    app.finish().await;
}
