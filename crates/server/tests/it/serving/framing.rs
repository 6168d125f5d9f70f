//! What could be read in two ways is refused in JSON; what is left unread does not hurt the next request.

use std::time::Duration;

use crate::support::client::id_of;
use crate::support::golden::{assert_same, d360_refusal};
use crate::support::{Connection, TestApp, Upload, samples};

/// A refusal of the strict front, which cannot know the dialect any more.
fn refused(status: &str, text: &str) -> String {
    d360_refusal(status, &format!(r#"{{"error":"{text}"}}"#), &["connection: close"])
}

#[tokio::test]
async fn what_reads_two_ways_is_refused_in_json() {
    let app = TestApp::start().await;
    let both = "The request has both Content-Length and Transfer-Encoding.";
    let coding = "The only Transfer-Encoding understood is chunked.";
    let header = "A header is malformed.";
    let line = "The request line is malformed.";
    let control = "A line of the request's head has a control character in it.";
    let host = "Exactly one Host header is required.";
    let cases = [
        ("POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", both),
        ("POST /media HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", both),
        (
            "POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "The request has several Content-Length headers.",
        ),
        (
            "POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n",
            "The Content-Length is not a number.",
        ),
        ("POST /media HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", coding),
        ("POST /media HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n", header),
        ("GET /1 HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", header),
        ("GET /1 HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", control),
        ("GET /1 HTTP/1.1\r\n\r\n", host),
        ("GET /1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", host),
        ("GET  /1 HTTP/1.1\r\nHost: x\r\n\r\n", line),
        ("GET /1 HTTP/2.0\r\nHost: x\r\n\r\n", line),
        ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", line),
        ("\x16\x03\x01\x02\r\n\r\n", line),
    ];
    for (request, text) in cases {
        let mut connection = Connection::open(app.address()).await;
        connection.send(request.as_bytes()).await;
        let answer = connection.answer("GET").await.unwrap_or_else(|error| panic!("{error}: {request:?}"));
        assert_same(&answer, &refused("400 Bad Request", text));
        assert!(connection.is_ended_within(Duration::from_secs(5)).await, "{request:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_target_that_is_no_uri_is_refused_in_json() {
    let app = TestApp::start().await;
    for target in
        ["/<1>", "/1>", "/`", "/1#x", "/\u{e9}", "x", "*", "//", "http://", "?x", "/%", "/%zz", "/\"{}|\\^"]
    {
        let mut connection = Connection::open(app.address()).await;
        connection.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        let answer = connection.answer("GET").await.unwrap_or_else(|error| panic!("{error}: {target}"));
        assert!((400..405).contains(&answer.status()), "{target}: {}", answer.shown());
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/json; charset=UTF-8"), "{target}: {}", answer.shown());
        assert!(answer.json().is_object(), "{target}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_head_over_its_limits_is_431() {
    let app = TestApp::with(&[("limits.header_bytes", "8KiB"), ("limits.headers", "8")]).await;
    let expected = refused("431 Request Header Fields Too Large", "The request's headers are too large.");
    let long = format!("GET /1 HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(8 * 1024));
    let many = format!("GET /1 HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(8));
    let endless = format!("GET /{}", "a".repeat(9 * 1024));
    for head in [long, many, endless] {
        let mut connection = Connection::open(app.address()).await;
        connection.send(head.as_bytes()).await;
        assert_same(&connection.answer("GET").await.unwrap(), &expected);
    }
    // A percent-encoded media URL is long, and fits.
    let seven = format!("GET /1 HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(7));
    let mut connection = Connection::open(app.address()).await;
    connection.send(seven.as_bytes()).await;
    assert_eq!(connection.answer("GET").await.unwrap().status(), 401);
    app.finish().await;
}

#[tokio::test]
async fn a_refused_request_does_not_overtake_the_one_before_it() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let mut both = graph.request("GET", &format!("/v23.0/{id}")).bytes();
    both.extend_from_slice(
        b"GET /1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    let mut connection = Connection::open(app.address()).await;
    connection.send(&both).await;
    assert_eq!(connection.answer("GET").await.unwrap().status(), 200);
    assert_eq!(connection.answer("GET").await.unwrap().status(), 400);
    assert!(connection.is_ended_within(Duration::from_secs(5)).await, "what follows has no meaning");
    app.finish().await;
}

#[tokio::test]
async fn a_chunked_body_that_is_malformed_ends_the_upload() {
    let app = TestApp::start().await;
    let graph = app.graph();
    for chunks in ["zz\r\n", "5\r\nhelloXX", "-1\r\n", "fffffffffffffffff\r\n"] {
        let head = graph.request("POST", &graph.upload_path);
        let head = head.header("Content-Type", "multipart/form-data; boundary=x").body("").chunked(1).head();
        let mut connection = Connection::open(app.address()).await;
        connection.send(&head).await;
        connection.send(chunks.as_bytes()).await;
        match connection.answer("POST").await {
            Ok(answer) => assert!((400..500).contains(&answer.status()), "{chunks:?}: {}", answer.shown()),
            Err(error) => assert!(connection.is_ended_within(Duration::from_secs(5)).await, "{error}"),
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_path_of_nobody_and_a_wrong_method_keep_the_connection() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let mut connection = Connection::open(app.address()).await;
    for (method, target) in [("GET", "/a/b/c"), ("PUT", "/media"), ("OPTIONS", "/1"), ("BREW", "/media")] {
        let answer = connection.ask(&graph.request(method, target).body("{}")).await;
        assert!([404, 405].contains(&answer.status()) && !answer.closes(), "{}", answer.shown());
    }
    assert_eq!(connection.ask(&graph.request("GET", &format!("/{id}"))).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn small_bodies_that_nobody_reads_keep_the_connection() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let mut connection = Connection::open(app.address()).await;
    for bytes in [1, 1_000, 60 * 1024] {
        let nobody = Upload::text_of(bytes).to(&graph.upload_path);
        let answer = connection.ask(&nobody).await;
        assert_eq!((answer.status(), answer.closes()), (401, false), "{bytes}: {}", answer.shown());
    }
    let id = id_of(&connection.ask(&graph.upload_request(&Upload::png())).await);
    let link = graph.link(&id).await;
    for _ in 0..3 {
        assert_eq!(connection.ask(&graph.request("GET", &link).body("{}")).await.body, samples::png());
    }
    app.finish().await;
}

#[tokio::test]
async fn requests_may_be_sent_before_the_answers_are_read() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let link = graph.link(&id).await;
    let mut connection = Connection::open(app.address()).await;
    let mut all = Vec::new();
    for _ in 0..10 {
        all.extend(graph.request("GET", &link).bytes());
        all.extend(graph.upload_request(&Upload::jpeg()).bytes());
    }
    connection.send(&all).await;
    for _ in 0..10 {
        assert_eq!(connection.answer("GET").await.unwrap().body, samples::png());
        assert_eq!(connection.answer("POST").await.unwrap().status(), 200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_refusal_is_read_by_a_client_that_sends_everything_first() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let huge = Upload::of("image/png", "huge.png", vec![7; 24 * 1024 * 1024]);
    for (request, status) in [(huge.to(&graph.upload_path), 401), (graph.upload_request(&huge), 400)] {
        for request in [request.clone(), request.chunked(1024 * 1024)] {
            let mut connection = Connection::open(app.address()).await;
            connection.send(&request.bytes()).await;
            let answer = connection.answer("POST").await.unwrap();
            assert_eq!(answer.status(), status, "{}", answer.shown());
            assert!(answer.closes() && answer.whole);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_would_wait_is_refused_without_being_asked_to_go_on() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let request = Upload::text_of(1024 * 1024).to(&graph.upload_path).header("Expect", "100-continue");
    let mut connection = Connection::open(app.address()).await;
    connection.send(&request.head()).await;
    let answer = connection.answer("POST").await.unwrap();
    assert_eq!((answer.status(), answer.interim.as_slice()), (401, [].as_slice()));
    assert!(answer.closes());
    assert!(connection.is_ended_within(Duration::from_secs(5)).await);
    // Who may upload is asked to.
    let request = graph.upload_request(&Upload::png()).header("Expect", "100-continue");
    let mut connection = Connection::open(app.address()).await;
    connection.send(&request.head()).await;
    connection.send(&request.bytes()[request.head().len()..]).await;
    let answer = connection.answer("POST").await.unwrap();
    assert_eq!((answer.status(), answer.interim.as_slice()), (200, [100].as_slice()));
    app.finish().await;
}

#[tokio::test]
async fn an_old_client_is_served_and_its_connection_closed() {
    let app = TestApp::start().await;
    let id = app.graph().keep(&Upload::png()).await;
    let token = &app.first.token;
    let mut connection = Connection::open(app.address()).await;
    let head = format!("GET /v23.0/{id} HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection.send(head.as_bytes()).await;
    let answer = connection.answer("GET").await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.shown());
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("http://{}/", app.address())), "{url}");
    assert!(connection.is_ended_within(Duration::from_secs(5)).await);
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_asks_to_close_is_told_that_it_happens() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let mut connection = Connection::open(app.address()).await;
    let request = graph.request("GET", &format!("/{id}")).header("Connection", "close");
    assert_eq!(connection.ask(&request).await.status(), 200);
    assert!(connection.is_ended_within(Duration::from_secs(5)).await);
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_ends_its_own_side_is_answered() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let mut connection = Connection::open(app.address()).await;
    connection.send(&graph.upload_request(&Upload::text_of(300_000)).bytes()).await;
    connection.end().await;
    let answer = connection.answer("POST").await.expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.shown());
    app.finish().await;
}
