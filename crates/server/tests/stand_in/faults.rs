//! When faults act and whom they meet, and those that come instead of the action.

use std::time::Duration;

use serde_json::{Value, json};

use crate::house::House;
use crate::support::Upload;

#[tokio::test]
async fn they_are_listed_spent_and_removed() {
    let house = House::start().await;
    let world = house.first();
    let fault = json!({"action": "upload", "phone_number_id": world.number, "next": 2, "status": 503});
    let id = house.arm(fault.clone()).await;
    let stays = house.arm(json!({"action": "delete", "always": true, "status": 502})).await;
    for expected in [503, 503, 200] {
        assert_eq!(world.graph.upload(&Upload::png()).await.status(), expected);
    }
    let listed = house.get("/v1/stand-in/faults").await;
    let mut first = fault;
    for (key, value) in [("id", json!(id)), ("state", json!("spent")), ("met", json!(2)), ("broke", json!(2))]
    {
        first[key] = value;
    }
    assert_eq!(listed[0], first);
    assert_eq!(listed[1]["state"], "armed");
    house.delete(&format!("/v1/stand-in/faults/{stays}")).await;
    assert_eq!(house.ask("DELETE", "/v1/stand-in/faults/999", Value::Null).await.status(), 404);
    house.delete("/v1/stand-in/faults").await;
    assert_eq!(house.get("/v1/stand-in/faults").await, json!([]));
    for bad in [json!({}), json!({"cut": 1, "world": "nowhere"}), json!({"cut": "much"})] {
        assert!((400..500).contains(&house.ask("POST", "/v1/stand-in/faults", bad).await.status()));
    }
    house.finish().await;
}

#[tokio::test]
async fn every_third_and_for_a_while_of_clock_time() {
    let house = House::start().await;
    let world = house.first();
    let id = world.graph.keep(&Upload::png()).await;
    house.arm(json!({"action": "retrieve_url", "every": 3, "status": 500})).await;
    for expected in [200, 200, 500, 200, 200, 500] {
        assert_eq!(world.graph.retrieve(&id).await.status(), expected);
    }
    house.delete("/v1/stand-in/faults").await;
    house.arm(json!({"media_id": id, "not_there_yet": true, "for": "10m"})).await;
    let answer = world.graph.retrieve(&id).await;
    assert_eq!(answer.shown(), world.graph.retrieve(&id).await.shown());
    let unknown = world.graph.retrieve("1761991787669262").await.shown();
    assert_eq!(answer.shown().replace(&id, "1761991787669262"), unknown);
    house.post("/v1/stand-in/clock/advance", json!({"by": "10m"})).await;
    assert_eq!(world.graph.retrieve(&id).await.status(), 200);
    house.finish().await;
}

#[tokio::test]
async fn an_action_that_is_replaced_is_not_done() {
    let house = House::start().await;
    let world = house.first();
    let id = world.graph.keep(&Upload::png()).await;
    house.arm(json!({"action": "delete", "error": "internal"})).await;
    assert_eq!(world.graph.delete(&id).await.status(), 500);
    assert_eq!(world.graph.retrieve(&id).await.status(), 200);
    house.arm(json!({"action": "delete", "expired_credential": true})).await;
    assert_eq!(world.d360.delete(&id).await.text(), r#"{"error":"Invalid API key"}"#);
    assert_eq!(world.graph.delete(&id).await.status(), 200);
    house.finish().await;
}

#[tokio::test]
async fn a_bare_status_has_no_body_and_a_redirect_leads_to_itself() {
    let house = House::start().await;
    let world = house.first();
    let id = world.graph.keep(&Upload::png()).await;
    house.arm(json!({"status": 418})).await;
    let answer = world.graph.retrieve(&id).await;
    assert_eq!((answer.status(), answer.body.len(), answer.header("content-length")), (418, 0, Some("0")));
    let link = world.graph.link(&id).await;
    house.arm(json!({"action": "download", "redirect": true})).await;
    let answer = world.graph.download(&link).await;
    assert_eq!((answer.status(), answer.header("location")), (308, Some(link.as_str())));
    assert_eq!(world.graph.download(&link).await.body, Upload::png().content());
    house.finish().await;
}

#[tokio::test]
async fn a_delay_comes_before_the_action_and_ends_with_its_fault() {
    let house = House::start().await;
    let world = house.first();
    let started = tokio::time::Instant::now();
    house.arm(json!({"action": "upload", "delay": "200ms"})).await;
    world.graph.keep(&Upload::png()).await;
    assert!(started.elapsed() >= Duration::from_millis(200));

    let fault = house.arm(json!({"action": "upload", "delay": "1h"})).await;
    let client = world.graph.clone();
    let waiting = tokio::spawn(async move { client.keep(&Upload::png()).await });
    crate::support::wait_until("the fault is met", || {
        house
            .running()
            .app
            .stand_in
            .as_ref()
            .expect("controls")
            .faults
            .waiting(house.running().app.clock.now())
            == 0
    })
    .await;
    assert_eq!(house.get("/v1/stand-in/worlds/default").await["media"].as_array().map(Vec::len), Some(1));
    house.delete(&format!("/v1/stand-in/faults/{fault}")).await;
    waiting.await.expect("it goes on");
    house.finish().await;
}
