//! Every error of the contract, by its name and by its reserved id, in both dialects.

use serde_json::json;

use crate::house::House;
use crate::support::Upload;

#[tokio::test]
async fn a_reserved_id_gives_its_error_and_so_does_a_fault_of_its_name() {
    let house = House::start().await;
    let world = house.first();
    let rows = house.get("/v1/stand-in/errors").await;
    let rows = rows.as_array().expect("a list");
    assert!(rows.len() >= 16);
    let id = world.graph.keep(&Upload::png()).await;
    for client in [&world.graph, &world.d360] {
        for row in rows {
            let (name, reserved) =
                (row["name"].as_str().expect("text"), row["media_id"].as_str().expect("text"));
            house.delete("/v1/throttles").await;
            let by_id = client.retrieve(reserved).await;
            house.delete("/v1/throttles").await;
            house.arm(json!({"action": "retrieve_url", "error": name})).await;
            let by_name = client.retrieve(&id).await;
            assert!(by_id.status() >= 400, "{name}: {}", by_id.shown());
            assert_eq!(
                by_id.shown().replace(reserved, "{id}"),
                by_name.shown().replace(&id, "{id}"),
                "{name}"
            );
            assert_eq!(client.retrieve(&id).await.status(), 200, "{name} was for one request");
            let journal = house.get("/v1/stand-in/journal?limit=2").await;
            assert_eq!(
                (journal[0]["outcome"].as_str(), journal[0]["faults"].as_array().map(Vec::len)),
                (Some(name), Some(1))
            );
        }
    }
    house.finish().await;
}

#[tokio::test]
async fn the_dialects_say_it_in_their_own_words() {
    let house = House::start().await;
    let world = house.first();
    for (name, graph_code, graph_status, d360_text, d360_status) in [
        ("unauthenticated", 190, 401, "Invalid API key", 401),
        ("permission_missing", 10, 403, "Forbidden - missing permissions", 403),
        ("no_such_media", 100, 400, "Media not found", 400),
        ("upload_rate", 130_429, 400, "You have exceeded the endpoint rate limit.", 429),
        ("blocked", 80_007, 400, "Too many requests - endpoint disabled", 429),
        ("internal", 131_000, 500, "Internal server error", 500),
        ("rejected", 131_053, 400, "please", 400),
    ] {
        let fault = json!({"action": "upload", "error": name, "details": "please"});
        house.arm(fault.clone()).await;
        let graph = world.graph.upload(&Upload::png()).await;
        assert_eq!(
            (graph.status(), graph.json()["error"]["code"].as_u64()),
            (graph_status, Some(graph_code))
        );
        house.arm(fault).await;
        let d360 = world.d360.upload(&Upload::png()).await;
        assert_eq!((d360.status(), d360.json()["error"].as_str()), (d360_status, Some(d360_text)), "{name}");
    }
    house.arm(json!({"error": "blocked", "retry_after": "77s"})).await;
    assert_eq!(world.d360.retrieve("1761991787669262").await.header("retry-after"), Some("77"));
    house.arm(json!({"error": "unsupported_type", "type": "image/tiff"})).await;
    assert!(world.d360.upload(&Upload::png()).await.text().contains("type 'image\\/tiff'"));
    house.finish().await;
}
