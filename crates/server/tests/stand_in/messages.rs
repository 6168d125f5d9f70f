//! Messages: what was sent is told, and faults know their media.

use serde_json::{Value, json};

use crate::house::{House, World};
use crate::support::Upload;
use crate::support::raw::Answer;

async fn send(world: &World, media: &str) -> Answer {
    let body = json!({"messaging_product": "whatsapp", "to": "51999888777", "type": "image", "image": {"id": media}});
    let path = format!("/v23.0/{}/messages", world.number);
    let request = world.graph.request("POST", &path).header("Content-Type", "application/json");
    world.graph.send(&request.body(body.to_string())).await
}

#[tokio::test]
async fn what_was_sent_is_told_by_world() {
    let house = House::start().await;
    let (ours, theirs) = (house.world("ours").await, house.world("theirs").await);
    let id = ours.graph.keep(&Upload::png()).await;
    assert_eq!(send(&ours, &id).await.status(), 200);
    let sent = house.get("/v1/stand-in/messages?world=ours").await;
    assert_eq!((&sent[0]["to"], &sent[0]["media_id"]), (&json!("51999888777"), &json!(id)));
    assert_eq!(house.get("/v1/stand-in/messages?world=theirs").await, json!([]));
    let expected = json!({"world": "ours", "action": "messages", "media_id": id, "count": 1});
    house.post("/v1/stand-in/journal/expect", expected).await;
    house.delete("/v1/stand-in/messages?world=theirs").await;
    assert_eq!(house.get("/v1/stand-in/messages").await.as_array().map(Vec::len), Some(1));
    house.delete("/v1/stand-in/messages").await;
    assert_eq!(house.get("/v1/stand-in/messages").await, json!([]));
    assert_eq!(send(&theirs, &id).await.status(), 400, "foreign");
    house.finish().await;
}

#[tokio::test]
async fn faults_and_reserved_ids_know_the_media_of_a_message() {
    let house = House::start().await;
    let world = house.first();
    let (one, other) = (world.graph.keep(&Upload::png()).await, world.graph.keep(&Upload::png()).await);
    house.arm(json!({"action": "messages", "media_id": one, "not_there_yet": true})).await;
    assert_eq!(send(&world, &other).await.status(), 200);
    let early = send(&world, &one).await;
    let unknown = send(&world, "1761991787669262").await;
    assert_eq!((early.status(), early.shown()), (400, unknown.shown()));
    assert_eq!(send(&world, &one).await.status(), 200);
    assert_eq!(send(&world, "900000000131000").await.status(), 500);
    house.arm(json!({"action": "send", "cut": 3})).await;
    let answer = send(&world, &one).await;
    assert_eq!((answer.text(), answer.whole), (r#"{"m"#, false));
    house.finish().await;
}

#[tokio::test]
async fn webhooks_that_wait_come_when_the_clock_says_so() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let endpoint = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", endpoint.local_addr().expect("bound"));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = endpoint.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = tell.send(());
            let _ = stream
                .write_all(b"HTTP/1.1 503 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
        }
    });
    let house = House::start().await;
    let world = house.first();
    house.post("/v1/stand-in/clock/freeze", Value::Null).await;
    let subscription =
        json!({"url": url, "dialect": "d360", "allow_private": true, "phone_number_id": world.number});
    house.post("/v1/subscriptions", subscription).await;
    let id = world.graph.keep(&Upload::png()).await;
    assert_eq!(send(&world, &id).await.status(), 200);
    // Whatever the gaps are, a day is longer than the first ones.
    for _ in 0..3 {
        let patience = std::time::Duration::from_secs(10);
        tokio::time::timeout(patience, told.recv()).await.expect("an attempt").expect("open");
        crate::support::wait_until("the attempt is recorded", || {
            let due = house.running().app.store.catalog().next_due(1).expect("readable");
            due.is_some_and(|due| due > house.running().app.clock.now())
        })
        .await;
        house.post("/v1/stand-in/clock/advance", json!({"by": "1d"})).await;
    }
    house.post("/v1/stand-in/worlds/default/reset", Value::Null).await;
    let waiting = house.running().app.store.catalog().delivery_totals().expect("readable").waiting;
    assert_eq!(waiting, 0);
    house.finish().await;
}
