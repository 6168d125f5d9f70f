//! The line before the door: who finds no place waits for one, with its body unread, in bounds of number and of time.

use std::time::Duration;

use tokio::time::timeout;

use crate::support::raw::PATIENCE;
use crate::support::{Client, Connection, Credential, Request, TestApp, Upload, wait_until};

/// Long enough for an answer that must not come to come. A slow machine only makes the test see less.
const MOMENT: Duration = Duration::from_millis(50);

/// For ever, as a test sees it.
const FOR_EVER: (&str, &str) = ("limits.wait_for", "10m");
const ONE: (&str, &str) = ("limits.uploads", "1");

/// An upload that has the only place and keeps it until it is finished.
struct Held {
    connection: Connection,
    rest: Vec<u8>,
}

impl Held {
    async fn open(app: &TestApp) -> Self {
        let mut bytes = app.graph().upload_request(&Upload::text_of(300_000)).bytes();
        let rest = bytes.split_off(200_000);
        let mut connection = Connection::open(app.address()).await;
        connection.send(&bytes).await;
        let gates = &app.app().gates;
        let is_taken = || gates.uploads.available_permits() == 0 || gates.requests.available_permits() == 0;
        wait_until("the place is taken", is_taken).await;
        Self { connection, rest }
    }

    async fn finish(mut self) {
        self.connection.send(&self.rest).await;
        assert_eq!(self.connection.answer("POST").await.unwrap().status(), 200);
    }
}

/// A connection whose request, of which so many bytes were sent, is the `nth` in line.
async fn nth_in_line(app: &TestApp, request: &Request, sent: usize, nth: usize) -> Connection {
    let mut connection = Connection::open(app.address()).await;
    connection.send(&request.bytes()[..sent]).await;
    in_line(app, nth).await;
    connection
}

async fn in_line(app: &TestApp, count: usize) {
    wait_until("as many wait as should", || app.app().gates.waiting() == count).await;
}

fn photo(client: &Client) -> Request {
    client.upload_request(&Upload::png())
}

async fn hears_nothing(connection: &mut Connection) -> bool {
    timeout(MOMENT, connection.answer("POST")).await.is_err()
}

async fn reports(app: &TestApp, line: &str) {
    let request = Request::get("/metrics").without("Host").header("Host", "localhost");
    let answer = Connection::open(app.admin()).await.ask(&request).await;
    assert!(answer.text().lines().any(|other| other == line), "{line} is not in {}", answer.text());
}

#[tokio::test]
async fn one_upload_too_many_waits_and_is_taken_while_others_go_on() {
    let app = TestApp::with(&[ONE, FOR_EVER]).await;
    let id = app.graph().keep(&Upload::png()).await;
    let held = Held::open(&app).await;
    let request = photo(&app.graph());
    let mut second = nth_in_line(&app, &request, request.bytes().len(), 1).await;
    assert!(hears_nothing(&mut second).await);
    assert_eq!(app.graph().retrieve(&id).await.status(), 200);
    reports(&app, "wamedia_waiting 1").await;
    held.finish().await;
    let answer = second.answer("POST").await.unwrap();
    assert!(answer.status() == 200 && !answer.closes(), "{}", answer.shown());
    // The connection is as good as before, and so is the line.
    assert_eq!(second.ask(&request).await.status(), 200);
    in_line(&app, 0).await;
    app.finish().await;
}

#[tokio::test]
async fn who_came_first_is_served_first() {
    let app = TestApp::with(&[ONE, FOR_EVER]).await;
    let held = Held::open(&app).await;
    let request = photo(&app.graph());
    let bytes = request.bytes();
    let mut first = nth_in_line(&app, &request, bytes.len() - 20, 1).await;
    let mut second = nth_in_line(&app, &request, bytes.len(), 2).await;
    held.finish().await;
    in_line(&app, 1).await;
    assert_eq!(app.app().gates.uploads.available_permits(), 0);
    let early = timeout(MOMENT, second.answer("POST")).await;
    assert!(early.is_err(), "the second was served before the first");
    first.send(&bytes[bytes.len() - 20..]).await;
    assert_eq!(first.answer("POST").await.unwrap().status(), 200);
    in_line(&app, 0).await;
    app.finish().await;
}

#[tokio::test]
async fn who_has_waited_long_enough_is_refused_with_its_body_unread() {
    let app = TestApp::with(&[ONE, ("limits.wait_for", "100ms")]).await;
    let held = Held::open(&app).await;
    let request = app.graph().upload_request(&Upload::text_of(1024 * 1024)).header("Expect", "100-continue");
    let mut second = Connection::open(app.address()).await;
    second.send(&request.head()).await;
    let answer = second.answer("POST").await.unwrap();
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")), "{}", answer.shown());
    assert_eq!(answer.interim, [0; 0], "nobody asked for the body");
    reports(&app, r#"wamedia_turned_away_total{why="wait_over"} 1"#).await;
    held.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_full_line_refuses_at_once() {
    let app = TestApp::with(&[ONE, FOR_EVER, ("limits.waiting", "1")]).await;
    let held = Held::open(&app).await;
    let request = photo(&app.graph());
    let mut second = nth_in_line(&app, &request, request.bytes().len(), 1).await;
    let answer = app.graph().upload(&Upload::png()).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")), "{}", answer.shown());
    reports(&app, r#"wamedia_turned_away_total{why="line_full"} 1"#).await;
    held.finish().await;
    assert_eq!(second.answer("POST").await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_body_is_asked_for_only_when_there_is_a_place() {
    let app = TestApp::with(&[ONE, FOR_EVER]).await;
    let held = Held::open(&app).await;
    let request = photo(&app.graph()).header("Expect", "100-continue");
    let head = request.head().len();
    let mut second = nth_in_line(&app, &request, head, 1).await;
    assert!(hears_nothing(&mut second).await, "100 Continue before its time");
    drop(second);
    let mut third = nth_in_line(&app, &request, head, 1).await;
    held.finish().await;
    in_line(&app, 0).await;
    third.send(&request.bytes()[head..]).await;
    let answer = third.answer("POST").await.unwrap();
    assert_eq!((answer.status(), answer.interim.as_slice()), (200, &[100][..]));
    app.finish().await;
}

#[tokio::test]
async fn who_leaves_while_waiting_frees_the_place_in_line() {
    let app = TestApp::with(&[ONE, FOR_EVER]).await;
    let held = Held::open(&app).await;
    let small = photo(&app.graph());
    let large = app.graph().upload_request(&Upload::text_of(8 * 1024 * 1024));
    for (request, sent) in
        [(&small, small.head().len()), (&small, small.bytes().len()), (&large, 100), (&large, 60_000)]
    {
        let sent = sent.max(request.head().len());
        drop(nth_in_line(&app, request, sent, 1).await);
        in_line(&app, 0).await;
    }
    assert_eq!(app.app().gates.uploads.available_permits(), 0);
    held.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn who_ends_its_side_while_waiting_still_hears_the_refusal() {
    let app = TestApp::with(&[ONE, FOR_EVER]).await;
    let held = Held::open(&app).await;
    let request = photo(&app.graph());
    let mut second = nth_in_line(&app, &request, request.bytes().len(), 1).await;
    second.end().await;
    let answer = second.answer("POST").await.unwrap();
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")));
    reports(&app, r#"wamedia_turned_away_total{why="left"} 1"#).await;
    held.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn silence_is_not_held_against_who_waits_and_is_afterwards() {
    let settings = [ONE, FOR_EVER, ("limits.progress_window", "250ms"), ("limits.progress_bytes", "1KiB")];
    let app = TestApp::with(&settings).await;
    let request = app.graph().upload_request(&Upload::text_of(60_000));
    let (request, head) = (request.bytes(), request.head().len());
    let mut held = Connection::open(app.address()).await;
    held.send(&request[..20_000]).await;
    wait_until("the place is taken", || app.app().gates.uploads.available_permits() == 0).await;
    let (mut talks, mut is_silent) =
        (Connection::open(app.address()).await, Connection::open(app.address()).await);
    talks.send(&request[..head]).await;
    in_line(&app, 1).await;
    is_silent.send(&request[..1_000]).await;
    in_line(&app, 2).await;
    // The one before them is slow, and fast enough: it takes four windows.
    for piece in request[20_000..].chunks(2_000) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        held.send(piece).await;
    }
    assert_eq!(held.answer("POST").await.unwrap().status(), 200);
    talks.send(&request[head..]).await;
    assert_eq!(talks.answer("POST").await.unwrap().status(), 200);
    in_line(&app, 0).await;
    assert!(is_silent.is_ended_within(PATIENCE).await);
    wait_until("the place is free", || app.app().gates.uploads.available_permits() == 1).await;
    app.finish().await;
}

#[tokio::test]
async fn strangers_do_not_stand_in_line_and_who_waited_is_looked_up_again() {
    let app = TestApp::with(&[ONE, FOR_EVER]).await;
    let held = Held::open(&app).await;
    let stranger = Client { credential: Credential::Token("unknown".to_owned()), ..app.graph() };
    assert_eq!(stranger.upload(&Upload::png()).await.status(), 401);
    let token =
        app.token(app.first.account, &[app.first.number], wamedia_store::Permissions::MEDIA, None).await;
    let guest = Client { credential: Credential::Token(token.clone()), ..app.graph() };
    let request = photo(&guest);
    let mut waits = nth_in_line(&app, &request, request.bytes().len(), 1).await;
    app.revoke(&token).await;
    held.finish().await;
    assert_eq!(waits.answer("POST").await.unwrap().status(), 401);
    app.finish().await;
}

#[tokio::test]
async fn who_waits_holds_no_place_among_the_requests() {
    let app = TestApp::with(&[ONE, FOR_EVER, ("limits.requests", "2")]).await;
    let id = app.graph().keep(&Upload::png()).await;
    let held = Held::open(&app).await;
    let request = photo(&app.graph());
    let mut first = nth_in_line(&app, &request, request.bytes().len(), 1).await;
    let mut second = nth_in_line(&app, &request, request.bytes().len(), 2).await;
    assert_eq!(app.graph().retrieve(&id).await.status(), 200);
    held.finish().await;
    assert_eq!(first.answer("POST").await.unwrap().status(), 200);
    assert_eq!(second.answer("POST").await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn other_requests_wait_too() {
    let app = TestApp::with(&[("limits.requests", "1"), FOR_EVER]).await;
    let id = app.graph().keep(&Upload::png()).await;
    let held = Held::open(&app).await;
    let request = app.graph().request("GET", &format!("/{id}"));
    let mut waits = nth_in_line(&app, &request, request.bytes().len(), 1).await;
    held.finish().await;
    assert_eq!(waits.answer("GET").await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn who_waits_is_served_before_the_service_ends() {
    let mut app = TestApp::with(&[ONE, FOR_EVER]).await;
    let held = Held::open(&app).await;
    let request = photo(&app.graph());
    let mut second = nth_in_line(&app, &request, request.bytes().len(), 1).await;
    let (address, shared) = (app.address(), app.app().clone());
    let ending = tokio::spawn(app.take_running().shutdown());
    wait_until("the door is closed", || std::net::TcpStream::connect(address).is_err()).await;
    assert_eq!(shared.gates.waiting(), 1);
    drop(shared);
    held.finish().await;
    let answer = second.answer("POST").await.unwrap();
    assert!(answer.status() == 200 && answer.closes(), "{}", answer.shown());
    drop(second);
    assert_eq!(timeout(PATIENCE, ending).await.unwrap().unwrap(), 0, "none was cut");
    app.finish().await;
}
