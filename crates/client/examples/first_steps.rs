//! A file up, its facts, its bytes back, and away.
//!
//! `WAMEDIA_BASE=http://127.0.0.1:8480 WAMEDIA_KEY=… cargo run --example first_steps -- photo.jpg`; for Meta's API
//! `WAMEDIA_TOKEN` and `WAMEDIA_PHONE_NUMBER_ID` instead of the key.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::Path;

use wamedia_client::{Client, Error, SaveOptions, Upload};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a file")?;
    if let Err(error) = run(&client()?, Path::new(&path)).await {
        return Err(format!("{error}\n{}", error.remedy()).into());
    }
    Ok(())
}

fn client() -> Result<Client, Box<dyn std::error::Error>> {
    let base = std::env::var("WAMEDIA_BASE")?;
    if let Ok(key) = std::env::var("WAMEDIA_KEY") {
        return Ok(Client::d360(&base, key)?);
    }
    let number = std::env::var("WAMEDIA_PHONE_NUMBER_ID")?;
    Ok(Client::graph(&base, "v23.0", &number, std::env::var("WAMEDIA_TOKEN")?)?)
}

/// What an application would do.
pub async fn run(client: &Client, path: &Path) -> Result<(), Error> {
    let uploaded = client.upload(Upload::path(path)).await?;
    println!("{} has the id {}, as {}", path.display(), uploaded.id, uploaded.media_type);
    for warning in &uploaded.warnings {
        println!("  {}", warning.message);
    }

    let media = client.retrieve_url(uploaded.id).await?;
    println!("{} bytes at {} for five minutes", uploaded.bytes, media.link.expect("a fresh link"));

    let copy = path.with_extension("copy");
    let saved = client.fetch_to(uploaded.id, &copy, &SaveOptions::new()).await?;
    println!("{} has the same bytes, sha256 {}", saved.path.display(), saved.sha256);

    client.delete(uploaded.id).await?;
    println!("and it is gone");
    Ok(())
}
