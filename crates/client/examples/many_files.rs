//! A folder at once: as many files in parallel as the number may have, and what to do about those that failed.
//!
//! `WAMEDIA_BASE=http://127.0.0.1:8480 WAMEDIA_KEY=… cargo run --example many_files -- FOLDER`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::{Path, PathBuf};

use tokio::task::JoinSet;
use wamedia_client::{Client, Error, Upload, Uploaded};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let client = Client::d360(&std::env::var("WAMEDIA_BASE")?, std::env::var("WAMEDIA_KEY")?)?;
    let failed = run(&client, Path::new(&folder)).await?;
    if failed == 0 { Ok(()) } else { Err(format!("{failed} failed").into()) }
}

/// Uploads every file of a folder; how many failed.
pub async fn run(client: &Client, folder: &Path) -> std::io::Result<usize> {
    let mut uploads = JoinSet::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        // Clones share the pacer and the budget: however many there are, the number's rules hold.
        uploads.spawn(upload(client.clone(), path));
    }
    let mut failed = 0;
    while let Some(done) = uploads.join_next().await {
        let (path, uploaded) = done?;
        match uploaded {
            Ok(uploaded) => println!("{}\t{}", uploaded.id, path.display()),
            Err(error) => {
                failed += 1;
                println!("{}\t{}: {error}. {}", error.word(), path.display(), error.remedy());
            }
        }
    }
    Ok(failed)
}

async fn upload(client: Client, path: PathBuf) -> (PathBuf, Result<Uploaded, Error>) {
    let uploaded = client.upload(Upload::path(&path)).await;
    (path, uploaded)
}
