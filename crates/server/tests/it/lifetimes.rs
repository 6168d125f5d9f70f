//! How long media lives: by the turned clock, to the second, and what the sweep does afterwards.

use std::time::Duration;

use wamedia::clock::Clock;

use crate::support::{Client, TestApp, Upload, wait_until};

const DAY: i64 = 86_400;

async fn lives(client: &Client, id: &str) -> bool {
    match client.send(&client.request("HEAD", &format!("{}/{id}", client.base))).await.status() {
        200 => true,
        400 => false,
        other => panic!("{other}"),
    }
}

/// Turns to one second before the end and over it. Looking is a use; before the end only the store is asked.
async fn ends_after(app: &TestApp, client: &Client, id: &str, seconds: i64) {
    app.turn(seconds - 1);
    let (media_id, now) = (id.parse().unwrap(), app.now());
    let accounts = app.app().store.catalog().accounts().unwrap();
    let found = |account| app.app().store.catalog().media(account, media_id, now).unwrap();
    assert!(accounts.iter().any(|account| found(account.id).is_some()), "there a second before");
    app.turn(1);
    assert!(!lives(client, id).await, "gone at its very second");
}

#[tokio::test]
async fn media_is_gone_30_days_after_its_upload_if_nobody_uses_it() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    ends_after(&app, &graph, &id, 30 * DAY).await;
    app.finish().await;
}

#[tokio::test]
async fn each_use_gives_30_more_days() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    for _ in 0..4 {
        app.turn(29 * DAY);
        let link = graph.link(&id).await;
        used(&app, &id).await;
        app.turn(299);
        assert_eq!(graph.download(&link).await.status(), 200);
    }
    ends_after(&app, &graph, &id, 30 * DAY - 299).await;
    app.finish().await;
}

#[tokio::test]
async fn a_download_is_a_use_too() {
    let app = TestApp::with(&[("links.valid_for", "100d")]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let link = graph.link(&id).await;
    for _ in 0..3 {
        app.turn(20 * DAY);
        assert_eq!(graph.download(&link).await.status(), 200);
        used(&app, &id).await;
    }
    ends_after(&app, &graph, &id, 30 * DAY).await;
    app.finish().await;
}

/// A use is recorded beside the answer: waits until it stands.
async fn used(app: &TestApp, id: &str) {
    let (id, now) = (id.parse().unwrap(), app.now());
    let catalog = app.app().store.catalog();
    wait_until("the use is recorded", || {
        catalog.media(app.first.account, id, now).unwrap().is_some_and(|media| media.last_used_at == now)
    })
    .await;
}

#[tokio::test]
async fn counted_from_upload_a_use_changes_nothing() {
    let app = TestApp::with(&[("retention.counts_from", "upload")]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    app.turn(29 * DAY);
    assert_eq!(graph.fetch(&id).await.len(), 2065);
    ends_after(&app, &graph, &id, DAY).await;
    app.finish().await;
}

#[tokio::test]
async fn how_long_media_lives_is_a_setting() {
    let app = TestApp::with(&[("retention.uploaded", "2h")]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    ends_after(&app, &graph, &id, 7200).await;
    app.finish().await;
}

#[tokio::test]
async fn media_with_its_own_minutes_lives_exactly_that_long_whatever_its_use() {
    let app = TestApp::start().await;
    for (minutes, used_after, client) in [(60, 3_599, app.graph()), (43_200, 20 * DAY, app.d360())] {
        let id = client.keep(&Upload::png().field("ttl_minutes", &minutes.to_string())).await;
        app.turn(used_after);
        let link = client.link(&id).await;
        assert_eq!(client.download(&link).await.status(), 200);
        // A use would be recorded beside the answer, by the writer that this upload goes through too.
        client.keep(&Upload::jpeg()).await;
        ends_after(&app, &client, &id, minutes * 60 - used_after).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn an_account_may_keep_its_media_longer_or_shorter() {
    let app = TestApp::start().await;
    let other = app.tenant("other").await;
    let graph = app.graph_of(&other);
    let before = graph.keep(&Upload::png()).await;
    let catalog = app.app().store.catalog();
    catalog.set_account_retention(other.account, Some(Duration::from_secs(3_600)), None).await.unwrap();
    let after = graph.keep(&Upload::png()).await;
    let elsewhere = app.graph().keep(&Upload::png()).await;
    ends_after(&app, &graph, &after, 3_600).await;
    // What was there keeps its own life, and other accounts theirs.
    assert!(lives(&graph, &before).await);
    assert!(lives(&app.graph(), &elsewhere).await);
    app.finish().await;
}

#[tokio::test]
async fn an_expired_media_takes_its_links_with_it() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png().field("ttl_minutes", "60")).await;
    app.turn(3_599);
    let link = graph.link(&id).await;
    assert_eq!(graph.download(&link).await.status(), 200);
    app.turn(1);
    assert_eq!(graph.download(&link).await.status(), 401);
    assert_eq!(graph.delete(&id).await.status(), 400);
    app.finish().await;
}

#[tokio::test]
async fn the_sweep_removes_what_has_expired_and_nothing_else() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let short = graph.keep(&Upload::png().field("ttl_minutes", "60")).await;
    let shared = graph.keep(&Upload::jpeg().field("ttl_minutes", "60")).await;
    let long = graph.keep(&Upload::jpeg()).await;
    assert_eq!(app.units(), 2);
    app.turn(3_600);
    let store = &app.app().store;
    let swept = store.sweep(app.now(), Clock::system(), Duration::from_secs(3_600)).await.unwrap();
    assert_eq!((swept.expired, swept.blobs_removed, swept.orphans_removed), (2, 1, 0), "{swept:?}");
    assert_eq!(app.units(), 1);
    assert!(!lives(&graph, &short).await && !lives(&graph, &shared).await);
    assert_eq!(graph.fetch(&long).await.len(), 3167);
    app.finish().await;
}

#[tokio::test]
async fn the_server_sweeps_by_itself() {
    let app = TestApp::with(&[("retention.sweep_every", "20ms")]).await;
    let graph = app.graph();
    graph.keep(&Upload::png().field("ttl_minutes", "60")).await;
    app.turn(3_600);
    wait_until("it is swept", || app.units() == 0).await;
    app.finish().await;
}

#[tokio::test]
async fn a_life_goes_on_over_a_restart() {
    let mut app = TestApp::start().await;
    let id = app.graph().keep(&Upload::png()).await;
    app.turn(20 * DAY);
    app.restart().await;
    let graph = app.graph();
    assert_eq!(graph.fetch(&id).await.len(), 2065);
    used(&app, &id).await;
    ends_after(&app, &graph, &id, 30 * DAY).await;
    app.finish().await;
}
