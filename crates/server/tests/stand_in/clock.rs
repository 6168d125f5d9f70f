//! The clock: turned by one request, obeyed by everything that knows a date.

use serde_json::{Value, json};

use crate::house::House;
use crate::support::{Upload, wait_until};

#[tokio::test]
async fn thirty_days_pass_in_one_request() {
    let house = House::start().await;
    let world = house.first();
    let id = world.graph.keep(&Upload::png()).await;
    let link = world.graph.link(&id).await;
    assert_eq!(world.graph.download(&link).await.status(), 200);

    house.post("/v1/stand-in/clock/advance", json!({"by": "299s"})).await;
    assert_eq!(world.graph.download(&link).await.status(), 200);
    house.post("/v1/stand-in/clock/advance", json!({"by": "2s"})).await;
    assert_eq!(world.graph.download(&link).await.status(), 401);
    assert_eq!(world.graph.retrieve(&id).await.status(), 200);

    house.post("/v1/stand-in/clock/advance", json!({"by": "30d"})).await;
    assert_eq!(world.graph.retrieve(&id).await.status(), 400);
    // The sweep noticed too: the record is not only out of reach.
    let store = house.running().app.store.clone();
    wait_until("the sweep", || store.catalog().totals().expect("readable").media == 0).await;
    house.finish().await;
}

#[tokio::test]
async fn throttles_obey_it() {
    let house = House::start().await;
    let world = house.first();
    house.post("/v1/stand-in/clock/freeze", Value::Null).await;
    for _ in 0..25 {
        world.d360.keep(&Upload::png()).await;
    }
    assert_eq!(world.d360.upload(&Upload::png()).await.status(), 429);
    house.post("/v1/stand-in/clock/advance", json!({"by": "1s"})).await;
    assert_eq!(world.d360.upload(&Upload::png()).await.status(), 200);

    for _ in 0..21 {
        assert_eq!(world.d360.retrieve("1761991787669262").await.status(), 400);
    }
    assert_eq!(world.d360.retrieve("1761991787669262").await.status(), 429);
    assert_eq!(house.get("/v1/throttles").await[0]["phone_number_id"], world.number);
    house.delete(&format!("/v1/throttles/{}", world.number)).await;
    assert_eq!(world.d360.retrieve("1761991787669262").await.status(), 400);
    house.finish().await;
}

#[tokio::test]
async fn it_is_shown_set_stopped_and_put_back() {
    let house = House::start().await;
    assert_eq!(house.get("/v1/stand-in/clock").await["turned_seconds"], 0.0);
    let set = house.post("/v1/stand-in/clock/set", json!({"now": "2030-01-01T00:00:00Z"})).await;
    assert!(set["now"].as_str().expect("a date").starts_with("2030-01-01T00:00:"));
    let frozen = house.post("/v1/stand-in/clock/freeze", Value::Null).await;
    assert_eq!(house.get("/v1/stand-in/clock").await["now"], frozen["now"]);
    let armed = house.get("/health").await["stand_in"]["armed"].clone();
    assert!(armed[0].as_str().expect("a line").starts_with("the clock stands at 2030"), "{armed}");
    let back = house.post("/v1/stand-in/clock/advance", json!({"by": "-1d"})).await;
    assert!(back["now"].as_str().expect("a date").starts_with("2029-12-31"));
    assert_eq!(house.post("/v1/stand-in/clock/resume", Value::Null).await["frozen"], false);
    house.delete("/v1/stand-in/clock").await;
    assert_eq!(house.get("/health").await["stand_in"]["armed"], json!([]));
    for bad in [json!({"by": "soon"}), json!({"by": 5}), json!({})] {
        assert_eq!(house.ask("POST", "/v1/stand-in/clock/advance", bad).await.status(), 400);
    }
    house.finish().await;
}
