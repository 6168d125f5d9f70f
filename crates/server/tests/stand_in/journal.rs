//! The journal: what it tells, what it never tells, and assertions over it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::house::House;
use crate::support::Upload;

#[tokio::test]
async fn it_tells_facts_and_no_secrets() {
    let house = House::start().await;
    let world = house.first();
    let id = world.graph.keep(&Upload::png()).await;
    world.d360.upload(&Upload::png().declared("image/jpeg")).await;
    world.graph.fetch(&id).await;
    world.graph.retrieve("nonsense").await;
    let entries = house.get("/v1/stand-in/journal").await;
    let facts = |entry: &Value| {
        ["action", "dialect", "status", "outcome", "declared", "found"].map(|key| entry[key].clone())
    };
    let expected = [
        json!(["upload", "graph", 200, "ok", "image/png", "image/png"]),
        json!(["upload", "d360", 400, "rejected", "image/jpeg", "image/png"]),
        json!(["retrieve_url", "graph", 200, "ok", null, null]),
        json!(["download", "graph", 200, "ok", null, null]),
        json!(["retrieve_url", "graph", 400, "invalid_media_id", null, null]),
    ];
    let told: Vec<_> = entries.as_array().expect("a list").iter().map(|entry| json!(facts(entry))).collect();
    assert_eq!(told, expected);
    for at in [0, 2, 3] {
        assert_eq!(entries[at]["media_id"], json!(id), "{at}");
        assert_eq!(entries[at]["world"], json!(world.id));
    }
    assert_eq!((&entries[0]["phone_number_id"], &entries[3]["sent"]), (&json!(world.number), &json!(2065)));
    let text = entries.to_string();
    let first = house.running().first.as_ref().expect("a first start");
    for secret in [first.token.secret.as_str(), &first.key.secret, "hash=", "ext=", "photo.png"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    house.finish().await;
}

#[tokio::test]
async fn it_is_filtered_and_forgotten() {
    let house = House::start().await;
    let world = house.first();
    let id = world.graph.keep(&Upload::png()).await;
    world.d360.retrieve(&id).await;
    world.d360.retrieve("1761991787669262").await;
    for (query, count) in [
        ("action=retrieve_url", 2),
        ("dialect=graph", 1),
        ("status=400", 1),
        ("outcome=no_such_media&dialect=d360", 1),
        ("world=default", 3),
        ("after=2", 1),
        ("limit=1", 1),
    ] {
        let found = house.get(&format!("/v1/stand-in/journal?{query}")).await;
        assert_eq!(found.as_array().map(Vec::len), Some(count), "{query}");
    }
    assert_eq!(house.ask("GET", "/v1/stand-in/journal?action=fetch", Value::Null).await.status(), 400);
    assert_eq!(house.ask("GET", "/v1/stand-in/journal?colour=red", Value::Null).await.status(), 400);
    house.delete("/v1/stand-in/journal").await;
    assert_eq!(house.get("/v1/stand-in/journal").await, json!([]));
    house.finish().await;
}

#[tokio::test]
async fn an_expectation_waits_for_what_comes_and_tells_what_came_instead() {
    let house = House::start().await;
    let world = house.first();
    let client = world.graph.clone();
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.keep(&Upload::png()).await
    });
    let expected = json!({"world": world.name, "action": "upload", "count": 1, "within": "20s"});
    let met = house.post("/v1/stand-in/journal/expect", expected).await;
    let id = later.await.expect("uploaded");
    assert_eq!(met["matched"][0]["media_id"], json!(id));

    let answer =
        house.ask("POST", "/v1/stand-in/journal/expect", json!({"action": "download", "count": 2})).await;
    assert_eq!(answer.status(), 409);
    let told = answer.json();
    assert_eq!(told["error"], "expected exactly 2 such requests, found 0");
    assert_eq!(
        (told["matched"].as_array().map(Vec::len), &told["saw"][0]["action"]),
        (Some(0), &json!("upload"))
    );
    house.finish().await;
}
