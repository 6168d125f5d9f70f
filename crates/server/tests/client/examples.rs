//! The client's examples do what they say, against this service.

#[allow(dead_code, reason = "its main is for people")]
#[path = "../../../client/examples/first_steps.rs"]
mod first_steps;
#[allow(dead_code, reason = "its main is for people")]
#[path = "../../../client/examples/many_files.rs"]
mod many_files;
#[allow(dead_code, reason = "its main is for people")]
#[path = "../../../client/examples/webhook_media.rs"]
mod webhook_media;

use tempfile::tempdir;

use crate::house::{House, sample};

#[tokio::test]
async fn first_steps() {
    let house = House::start().await;
    for client in house.clients() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        std::fs::copy(sample("image/rgb.jpg"), &path).unwrap();
        first_steps::run(&client, &path).await.unwrap();
        let copy = std::fs::read(path.with_extension("copy")).unwrap();
        assert!(copy == std::fs::read(&path).unwrap());
    }
}

#[tokio::test]
async fn many_files() {
    let house = House::start().await;
    let folder = tempdir().unwrap();
    for number in 0..30 {
        std::fs::write(folder.path().join(format!("{number}.txt")), format!("file {number}")).unwrap();
    }
    std::fs::write(folder.path().join("empty.txt"), "").unwrap();
    assert_eq!(many_files::run(&house.d360(), folder.path()).await.unwrap(), 1);
    assert_eq!(house.asked("upload").await.len(), 30);
}

#[tokio::test]
async fn webhook_media() {
    let house = House::start().await;
    let client = house.graph();
    let (id, text) = house.upload_text(&client, 1000).await;
    let link = client.retrieve_url(id).await.unwrap().link.unwrap();
    let webhook = serde_json::json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"value": {"messages": [
        {"type": "text", "text": {"body": "hello"}},
        {"type": "document", "document": {
            "mime_type": "text/plain", "id": id.to_string(), "url": link.as_str(), "filename": "../evil.txt",
        }},
    ]}}]}]});
    let folder = tempdir().unwrap();
    let announced = webhook_media::announced(&webhook);
    assert_eq!(announced.len(), 1);
    house.later(400);
    let saved = webhook_media::save(&client, &announced[0], folder.path()).await.unwrap();
    assert!(saved.ends_with(&format!("{id}.txt")));
    assert!(std::fs::read(saved).unwrap() == text);
}
