//! A world as one file: out of one stand-in, into another, and damage on the way.

use serde_json::json;

use crate::house::{House, World};
use crate::support::raw::Answer;
use crate::support::{Connection, Request, Upload};

async fn export(house: &House, world: &str) -> Vec<u8> {
    let answer = house.ask("GET", &format!("/v1/stand-in/worlds/{world}/export"), json!(null)).await;
    assert!(answer.status() == 200 && answer.whole, "{}", answer.text());
    answer.body
}

async fn import(house: &House, query: &str, file: &[u8]) -> Answer {
    let request = Request::new("POST", &format!("/v1/stand-in/import{query}")).without("host");
    let request = request.header("Host", "localhost").header("Content-Type", "application/json").body(file);
    Connection::open(house.running().admin).await.ask(&request).await
}

async fn furnished(house: &House) -> (World, [String; 3]) {
    let world = house.world("orders").await;
    let png = world.graph.keep(&Upload::png()).await;
    let long = world.graph.keep(&Upload::text_of(200_000).field("ttl_minutes", "60")).await;
    let short = world.d360.keep(&Upload::text("hello")).await;
    (world, [png, long, short])
}

#[tokio::test]
async fn a_world_goes_from_one_stand_in_to_another_with_its_ids() {
    let from = House::start().await;
    let (world, ids) = furnished(&from).await;
    from.post("/v1/stand-in/clock/advance", json!({"by": "30m"})).await;
    let file = export(&from, "orders").await;
    let text = String::from_utf8(file.clone()).expect("text");
    assert!(!text.contains("wat_") && !text.contains("wak_"), "no secrets");
    from.finish().await;

    let to = House::start().await;
    // A year has passed; what had half an hour left has half an hour left.
    to.post("/v1/stand-in/clock/advance", json!({"by": "365d"})).await;
    let answer = import(&to, "", &file).await;
    assert_eq!(answer.status(), 201, "{}", answer.text());
    let made = answer.json();
    assert_eq!((&made["world"], &made["phone_number_id"]), (&json!("orders"), &json!(world.number)));
    let new = to.inhabit(&made);
    for id in &ids {
        assert_eq!(made["media"][id], json!(id));
    }
    assert_eq!(new.graph.fetch(&ids[0]).await, Upload::png().content());
    assert_eq!(new.d360.fetch(&ids[1]).await, Upload::text_of(200_000).content());
    to.post("/v1/stand-in/clock/advance", json!({"by": "29m"})).await;
    assert_eq!(new.graph.retrieve(&ids[1]).await.status(), 200);
    to.post("/v1/stand-in/clock/advance", json!({"by": "2m"})).await;
    assert_eq!(new.graph.retrieve(&ids[1]).await.status(), 400);

    // The same file again: everything that is taken gets another name.
    let again = import(&to, "", &file).await.json();
    assert_eq!(again["world"], "orders-2");
    assert_ne!(again["phone_number_id"], json!(world.number));
    assert_ne!(again["media"][&ids[0]], json!(ids[0]));
    assert_eq!(import(&to, "?name=orders", &file).await.status(), 409);
    to.finish().await;
}

#[tokio::test]
async fn a_file_that_is_cut_or_changed_makes_no_world() {
    let house = House::start().await;
    furnished(&house).await;
    let file = export(&house, "orders").await;
    let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
    let without = |left_out: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| *line);
        kept.collect::<Vec<_>>().concat()
    };
    let mut broken: Vec<Vec<u8>> = (0..lines.len()).map(without).collect();
    broken.push(file[..file.len() / 2].to_vec());
    let swapped = String::from_utf8(file.clone()).expect("text").replacen("\"data\":\"i", "\"data\":\"j", 1);
    broken.extend([swapped.into_bytes(), Vec::new(), b"{}\n".to_vec(), vec![b'x'; 300_000]]);
    for file in broken {
        let answer = import(&house, "", &file).await;
        assert_eq!(answer.status(), 400, "{}", answer.text());
        assert!(answer.json()["error"].is_string());
    }
    let worlds = house.get("/v1/stand-in/worlds").await;
    assert_eq!(worlds.as_array().map(Vec::len), Some(2), "{worlds}");
    assert_eq!(house.running().app.store.catalog().totals().expect("readable").media, 3);
    house.finish().await;
}
