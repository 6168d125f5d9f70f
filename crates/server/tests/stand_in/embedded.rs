//! A stand-in inside this process.

use jiff::SignedDuration;
use wamedia::stand_in::embedded::Embedded;
use wamedia::stand_in::expect::Bounds;
use wamedia::stand_in::journal::Filter;

use crate::support::{Client, Connection, Credential, Request, Upload};

#[tokio::test]
async fn it_is_used_without_http_and_leaves_nothing() {
    let stand_in = Embedded::start().await.expect("it starts");
    let folder = stand_in.running().app.store.dir().to_owned();
    let world = stand_in.world("orders").await.expect("a world");
    let graph = Client {
        address: stand_in.running().public,
        credential: Credential::Token(world.token.secret.clone()),
        base: "/v23.0".to_owned(),
        upload_path: format!("/v23.0/{}/media", world.number.id),
    };
    stand_in.arm(r#"{"world":"orders","action":"upload","status":503}"#).expect("armed");
    assert_eq!(graph.upload(&Upload::png()).await.status(), 503);
    let id = graph.keep(&Upload::png()).await;
    stand_in.clock().advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(graph.retrieve(&id).await.status(), 400);
    let uploads =
        Filter { action: Some("upload".to_owned()), world: Some(world.account.id), ..Filter::default() };
    let two = Bounds { count: Some(2), ..Bounds::default() };
    assert_eq!(stand_in.expect(&uploads, two).await.expect("two").len(), 2);
    let three = Bounds { count: Some(3), ..Bounds::default() };
    assert!(stand_in.expect(&uploads, three).await.unwrap_err().to_string().contains("found 2"));
    assert!(stand_in.arm(r#"{"cut":1,"flip":1}"#).is_err());

    let health = Request::get("/health").without("host").header("Host", "localhost");
    let health = Connection::open(stand_in.admin()).await.ask(&health).await;
    assert!(health.text().contains("the clock was turned to"), "{}", health.text());
    stand_in.discard(&world).await.expect("gone");
    assert_eq!(graph.retrieve(&id).await.status(), 401);
    stand_in.shutdown().await;
    assert!(!folder.exists());
}
