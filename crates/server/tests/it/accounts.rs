//! Accounts, numbers and credentials: several live at once, each ends at its second, and what is revoked is dead.

use wamedia::operations::accounts::add_key;
use wamedia_store::Permissions;

use crate::support::{Client, Credential, TestApp, Upload, samples};

fn with_token(client: &Client, token: &str) -> Client {
    Client { credential: Credential::Token(token.to_owned()), ..client.clone() }
}

fn with_key(client: &Client, key: &str) -> Client {
    Client { credential: Credential::Key(key.to_owned()), ..client.clone() }
}

#[tokio::test]
async fn several_credentials_live_at_once_and_are_revoked_one_by_one() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let second = app.token(app.first.account, &[], Permissions::MEDIA, None).await;
    let second = with_token(&graph, &second);
    assert_eq!(second.retrieve(&id).await.status(), 200);
    app.revoke(&app.first.token).await;
    assert_eq!(graph.retrieve(&id).await.status(), 401);
    assert_eq!(second.retrieve(&id).await.status(), 200);
    assert_eq!(app.d360().retrieve(&id).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_credential_ends_at_its_very_second() {
    let app = TestApp::start().await;
    let ends = app.now() + jiff::SignedDuration::from_secs(60);
    let graph =
        with_token(&app.graph(), &app.token(app.first.account, &[], Permissions::MEDIA, Some(ends)).await);
    let d360 = with_key(&app.d360(), &app.key(app.first.number, Some(ends)).await);
    let id = graph.keep(&Upload::png()).await;
    app.turn_ms(59_999);
    assert_eq!(graph.retrieve(&id).await.status(), 200);
    assert_eq!(d360.retrieve(&id).await.status(), 200);
    app.turn_ms(1);
    assert_eq!(graph.retrieve(&id).await.status(), 401);
    assert_eq!(d360.retrieve(&id).await.status(), 401);
    app.finish().await;
}

#[tokio::test]
async fn a_token_uploads_for_its_own_numbers_and_one_of_all_for_later_ones_too() {
    let app = TestApp::start().await;
    let (one, two) = (app.number_in(app.first.account).await, app.number_in(app.first.account).await);
    let both = app.token(app.first.account, &[app.first.number, one.number], Permissions::MEDIA, None).await;
    for (tenant, token, status) in [
        (&one, &one.token, 200),
        (&two, &one.token, 400),
        (&one, &both, 200),
        (&two, &both, 400),
        (&two, &app.first.token, 200),
    ] {
        let graph = with_token(&app.graph_of(tenant), token);
        assert_eq!(graph.upload(&Upload::png()).await.status(), status);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_uploads_for_its_own_number_whatever_the_path() {
    let app = TestApp::start().await;
    let sibling = app.number_in(app.first.account).await;
    let own = Client { upload_path: format!("/v23.0/{}/media", app.first.number), ..app.d360() };
    let other = Client { upload_path: format!("/v23.0/{}/media", sibling.number), ..app.d360() };
    let id = own.keep(&Upload::png()).await;
    let target = format!("{id}?phone_number_id={}", app.first.number);
    assert_eq!(app.graph().retrieve(&target).await.status(), 200);
    assert_eq!(other.upload(&Upload::png()).await.status(), 400);
    app.finish().await;
}

#[tokio::test]
async fn a_new_key_ends_the_older_ones_only_where_that_is_wanted() {
    let app = TestApp::start().await;
    let sibling = app.number_in(app.first.account).await;
    let id = app.d360().keep(&Upload::png()).await;
    app.key(app.first.number, None).await;
    assert_eq!(app.d360().retrieve(&id).await.status(), 200);
    let store = &app.app().store;
    let made = add_key(store, app.first.number, None, "new".to_owned(), true, app.now()).await.unwrap();
    assert_eq!(app.d360().retrieve(&id).await.status(), 401);
    assert_eq!(with_key(&app.d360(), &made.secret).retrieve(&id).await.status(), 200);
    // Tokens, and the keys of other numbers, are not touched.
    assert_eq!(app.graph().retrieve(&id).await.status(), 200);
    assert_eq!(app.d360_of(&sibling).retrieve(&id).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn credentials_survive_a_restart_and_a_rotation_of_the_master_key() {
    let mut app = TestApp::start().await;
    let id = app.graph().keep(&Upload::png()).await;
    wamedia_store::KeyRing::rotate(&app.dir()).unwrap();
    app.restart().await;
    assert_eq!(app.graph().fetch(&id).await, samples::png());
    assert_eq!(app.d360().fetch(&id).await, samples::png());
    app.finish().await;
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_everything_in_it() {
    let app = TestApp::start().await;
    let other = app.tenant("other").await;
    let graph = app.graph_of(&other);
    let id = graph.keep(&Upload::png()).await;
    let link = graph.link(&id).await;
    assert_eq!(app.units(), 1);
    assert!(app.app().store.catalog().delete_account(other.account).await.unwrap());
    assert_eq!(graph.retrieve(&id).await.status(), 401);
    assert_eq!(graph.download(&link).await.status(), 401);
    assert_eq!(app.graph().retrieve(&id).await.status(), 400);
    // Its blobs go with the sweep.
    let clock = wamedia::clock::Clock::system();
    app.app().store.sweep(app.now(), clock, std::time::Duration::ZERO).await.unwrap();
    assert_eq!(app.units(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_credential_said_twice_is_nobodys() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let twice = graph.credential.sign(graph.request("GET", &format!("/v23.0/{id}")));
    assert_eq!(graph.send(&twice).await.status(), 401);
    let d360 = app.d360();
    let twice = d360.credential.sign(d360.request("GET", &format!("/{id}")));
    assert_eq!(d360.send(&twice).await.status(), 401);
    // Neither is the end of a token, a token with something behind it, nor another scheme.
    for wrong in [
        app.first.token[..app.first.token.len() - 1].to_owned(),
        format!("{}x", app.first.token),
        app.first.token.to_uppercase(),
        format!("{} x", app.first.token),
        format!("{},{}", app.first.token, app.first.token),
    ] {
        assert_eq!(with_token(&graph, &wrong).retrieve(&id).await.status(), 401, "{wrong}");
    }
    let basic = graph.request("GET", &format!("/v23.0/{id}")).without("authorization");
    let basic = basic.header("Authorization", &format!("Basic {}", app.first.token));
    assert_eq!(graph.send(&basic).await.status(), 401);
    app.finish().await;
}
