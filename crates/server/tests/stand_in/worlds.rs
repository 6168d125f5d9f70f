//! Worlds: made in one call, apart from each other, gone in one call.

use std::os::unix::fs::MetadataExt as _;

use serde_json::{Value, json};

use crate::house::House;
use crate::support::{Upload, files_below};

#[tokio::test]
async fn worlds_at_work_at_once_do_not_meet() {
    let house = std::sync::Arc::new(House::start().await);
    let mut working = Vec::new();
    for n in 0..6 {
        let house = house.clone();
        working.push(tokio::spawn(async move {
            let world = house.world(&format!("test {n}")).await;
            if n % 2 == 0 {
                house
                    .arm(json!({"world": world.name, "action": "upload", "always": true, "status": 503}))
                    .await;
            }
            for _ in 0..5 {
                let status = world.graph.upload(&Upload::png()).await.status();
                assert_eq!(status, if n % 2 == 0 { 503 } else { 200 }, "{n}");
            }
            let expected = json!({"world": world.id, "action": "upload", "count": 5});
            house.post("/v1/stand-in/journal/expect", expected).await;
            house.delete(&format!("/v1/stand-in/worlds/{}", world.id)).await;
            let path = format!("/v1/stand-in/journal?world={}", world.id);
            assert_eq!(house.ask("GET", &path, Value::Null).await.status(), 404);
            assert_eq!(
                world.graph.upload(&Upload::png()).await.status(),
                401,
                "{n}: gone with its credentials"
            );
        }));
    }
    for one in working {
        one.await.expect("a world");
    }
    assert_eq!(house.get("/v1/stand-in/faults").await, json!([]));
    assert_eq!(house.running().app.store.catalog().totals().expect("readable").media, 0);
    let data = house.running().app.store.dir();
    let blobs = files_below(&data.join("blobs")).into_iter().chain(files_below(&data.join("packs")));
    let taken = blobs.map(|path| path.metadata().expect("a file").blocks());
    assert_eq!(taken.sum::<u64>(), 0, "bytes go at once");
}

#[tokio::test]
async fn a_reset_forgets_what_was_done_and_keeps_who_may() {
    let house = House::start().await;
    let (ours, theirs) = (house.world("ours").await, house.world("theirs").await);
    let (our_id, their_id) = (ours.graph.keep(&Upload::png()).await, theirs.graph.keep(&Upload::png()).await);
    house
        .arm(json!({"phone_number_id": ours.number, "action": "upload", "always": true, "status": 503}))
        .await;
    house.post("/v1/stand-in/clock/advance", json!({"by": "1h"})).await;
    house.post("/v1/stand-in/worlds/ours/reset", Value::Null).await;
    assert_eq!(ours.graph.retrieve(&our_id).await.status(), 400);
    assert_eq!(theirs.graph.retrieve(&their_id).await.status(), 200);
    assert_eq!(ours.graph.upload(&Upload::png()).await.status(), 200);
    assert_ne!(house.get("/v1/stand-in/clock").await["turned_seconds"], 0.0);

    house.post("/v1/stand-in/reset", Value::Null).await;
    assert_eq!(theirs.graph.retrieve(&their_id).await.status(), 400);
    assert_eq!(house.get("/v1/stand-in/clock").await["turned_seconds"], 0.0);
    assert_eq!(house.get("/v1/stand-in/journal").await.as_array().map(Vec::len), Some(1));
    house.finish().await;
}

#[tokio::test]
async fn a_name_or_number_that_is_taken_makes_nothing() {
    let house = House::start().await;
    let world = house.world("ours").await;
    for taken in [json!({"name": "ours"}), json!({"name": "other", "phone_number_id": world.number})] {
        assert_eq!(house.ask("POST", "/v1/stand-in/worlds", taken).await.status(), 409);
    }
    let worlds = house.get("/v1/stand-in/worlds").await;
    let names: Vec<_> = worlds.as_array().expect("a list").iter().map(|it| it["world"].clone()).collect();
    assert_eq!(names, [json!("default"), json!("ours")]);
    let made = house.post("/v1/stand-in/worlds", json!({"phone_number_id": "123456789012345"})).await;
    assert_eq!(made["phone_number_id"], "123456789012345");
    assert!(made["graph"].as_str().expect("a url").ends_with("/v23.0"));
    house.finish().await;
}
