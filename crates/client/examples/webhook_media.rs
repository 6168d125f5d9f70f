//! What a webhook announces, saved to a folder: by the link that came with it, or by its id where that is dead.
//!
//! `WAMEDIA_BASE=… WAMEDIA_KEY=… cargo run --example webhook_media -- FOLDER < webhook.json`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::Path;

use serde_json::Value;
use wamedia_client::accepted::{MimeType, find};
use wamedia_client::{Client, Error, Media, SaveOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let client = Client::d360(&std::env::var("WAMEDIA_BASE")?, std::env::var("WAMEDIA_KEY")?)?;
    let webhook = serde_json::from_reader(std::io::stdin())?;
    for media in announced(&webhook) {
        println!("{}", save(&client, &media, Path::new(&folder)).await?);
    }
    Ok(())
}

/// The media of every message in a webhook.
pub fn announced(webhook: &Value) -> Vec<Media> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let changes = list(&webhook["entry"]).into_iter().flat_map(move |entry| list(&entry["changes"]));
    let messages = changes.flat_map(move |change| list(&change["value"]["messages"]));
    let kinds = ["image", "audio", "video", "document", "sticker"];
    let media = messages.filter_map(|message| {
        let kind = kinds.iter().find(|kind| message["type"] == **kind)?;
        serde_json::from_value(message[*kind].clone()).ok()
    });
    media.collect()
}

/// Saves one under its id: the sender's name of it is foreign text.
pub async fn save(client: &Client, media: &Media, folder: &Path) -> Result<String, Error> {
    let media_type = media.media_type.as_deref().and_then(|spelled| MimeType::parse(spelled).ok());
    let row = media_type.as_ref().and_then(find);
    let path = folder.join(format!("{}.{}", media.id, row.map_or("bin", |row| row.extension)));
    let saved = client.download_to(media, path, &SaveOptions::new()).await?;
    Ok(saved.path.display().to_string())
}
