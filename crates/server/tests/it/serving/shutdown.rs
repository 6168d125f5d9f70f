//! The drain: what was begun is finished, and clients are sent away before the door closes.

use std::time::Duration;

use wamedia_store::{Store, StoreOptions};

use crate::support::client::id_of;
use crate::support::raw::PATIENCE;
use crate::support::{Connection, TestApp, Upload};

#[tokio::test]
async fn requests_under_way_are_finished() {
    let mut app = TestApp::start().await;
    let graph = app.graph();
    let large = Upload::text_of(24 * 1024 * 1024);
    let link = graph.link(&graph.keep(&large).await).await;
    let upload = graph.upload_request(&Upload::text_of(600_000)).bytes();
    let mut uploading = Connection::open(app.address()).await;
    uploading.send(&upload[..300_000]).await;
    let mut downloading = Connection::open(app.address()).await;
    downloading.send(&graph.request("GET", &link).bytes()).await;
    let mut idle = Connection::open(app.address()).await;
    assert_eq!(idle.ask(&graph.request("GET", "/1")).await.status(), 400);
    crate::support::wait_until("both are under way", || app.app().gates.requests.available_permits() <= 2046)
        .await;

    let running = app.take_running();
    let address = running.public;
    let ending = tokio::spawn(running.shutdown());
    // Who comes while clients are sent away is served and told to go.
    tokio::task::yield_now().await;
    let mut late = Connection::open(address).await;
    let answer = late.ask(&graph.request("GET", "/1")).await;
    assert!(answer.closes(), "{}", answer.shown());
    assert!(idle.is_ended_within(PATIENCE).await, "an idle connection is ended");
    assert!(!ending.is_finished());

    uploading.send(&upload[300_000..]).await;
    let answer = uploading.answer("POST").await.unwrap();
    let id = id_of(&answer);
    assert!(answer.closes(), "{}", answer.shown());
    let answer = downloading.answer("GET").await.unwrap();
    assert!(answer.whole && answer.body == large.content());
    drop((uploading, downloading, late));
    assert_eq!(tokio::time::timeout(PATIENCE, ending).await.unwrap().unwrap(), 0, "none was cut");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());

    let store = Store::open(&app.dir(), StoreOptions::default()).unwrap();
    let kept = store.catalog().media(app.first.account, id.parse().unwrap(), app.now()).unwrap();
    assert_eq!(kept.unwrap().bytes, 600_000);
    store.close().await;
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_and_leaves_nothing() {
    let mut app = TestApp::with(&[("limits.drain_for", "100ms")]).await;
    let graph = app.graph();
    let upload = graph.upload_request(&Upload::text_of(600_000)).bytes();
    let mut uploading = Connection::open(app.address()).await;
    uploading.send(&upload[..300_000]).await;
    crate::support::wait_until("it is being staged", || !app.staging().is_empty()).await;
    let cut = tokio::time::timeout(PATIENCE, app.take_running().shutdown()).await.unwrap();
    assert_eq!(cut, 1);
    assert!(uploading.is_ended_within(Duration::from_secs(5)).await);
    app.finish().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let app = TestApp::start().await;
    let store = Store::open(&app.dir(), StoreOptions::default()).unwrap();
    let error = store.lock_for_serving().unwrap_err();
    assert!(error.to_string().contains("another server is using"), "{error}");
    drop(store);
    app.finish().await;
}
