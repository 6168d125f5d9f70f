//! Damage on disk: what comes out is what went in, or nothing of it.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::support::golden::{assert_same, d360_refusal, graph_refusal};
use crate::support::{TestApp, Upload, samples};

/// Of the blob format: header, plain bytes of a chunk, its tag.
const HEADER: u64 = 56;
const CHUNK: u64 = 16 * 1024;
const TAG: u64 = 16;

fn flip(path: &Path, at: u64) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

fn only_blob(app: &TestApp) -> std::path::PathBuf {
    let blobs = app.blobs();
    assert_eq!(blobs.len(), 1);
    blobs[0].clone()
}

#[tokio::test]
async fn a_damaged_small_file_is_an_internal_error_of_its_dialect() {
    let app = TestApp::start().await;
    let [graph, d360] = app.both();
    let id = graph.keep(&Upload::png()).await;
    let links = [graph.link(&id).await, d360.link(&id).await];
    let blob = app.packs().pop().unwrap();
    let length = HEADER + samples::png().len() as u64 + TAG;
    let body = r#"{"error":{"message":"(#131000) Something went wrong","type":"OAuthException","code":131000,"fbtrace_id":"{trace}"}}"#;
    let of_graph = graph_refusal("500 Internal Server Error", "(#131000) Something went wrong", body, &[]);
    let of_d360 = d360_refusal("500 Internal Server Error", r#"{"error":"Internal server error"}"#, &[]);
    // Salt, commitment, content, tag.
    for at in [0, 30, HEADER, HEADER + 1_000, length - 1] {
        flip(&blob, at);
        assert_same(&graph.download(&links[0]).await, &of_graph);
        assert_same(&d360.download(&links[1]).await, &of_d360);
        flip(&blob, at);
        assert_eq!(graph.download(&links[0]).await.body, samples::png());
    }
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_was_cut_extended_swapped_or_removed_is_an_internal_error() {
    let app = TestApp::with(&[("data.packs", "false")]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let link = graph.link(&id).await;
    let blob = only_blob(&app);
    let honest = fs::read(&blob).unwrap();
    graph.keep(&Upload::jpeg()).await;
    let other = app.blobs().into_iter().find(|path| *path != blob).unwrap();
    let longer = [&honest[..], b"x"].concat();
    for damaged in [&honest[..honest.len() - 1], &longer, &honest[..0], &fs::read(other).unwrap()] {
        fs::write(&blob, damaged).unwrap();
        let answer = graph.download(&link).await;
        assert_eq!(answer.status(), 500, "{}", answer.shown());
    }
    fs::remove_file(&blob).unwrap();
    assert_eq!(graph.download(&link).await.status(), 500);
    // Whoever uploads the same bytes again is not given the missing blob.
    let again = graph.keep(&Upload::png()).await;
    assert_eq!(graph.fetch(&again).await, samples::png());
    app.finish_damaged().await;
}

#[tokio::test]
async fn a_damaged_large_file_is_cut_before_the_damaged_chunk_and_never_ends_cleanly() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let upload = Upload::text_of(20 * 16 * 1024 + 77);
    let content = upload.content();
    let link = graph.link(&graph.keep(&upload).await).await;
    let blob = only_blob(&app);
    for chunk in [4, 5, 7, 8, 13, 19, 20] {
        let at = HEADER + chunk * (CHUNK + TAG) + 11;
        flip(&blob, at);
        let answer = graph.download(&link).await;
        assert_eq!(answer.status(), 200, "chunk {chunk}");
        assert!(!answer.whole, "chunk {chunk}: a clean end");
        assert!(answer.body.len() as u64 <= chunk * CHUNK, "chunk {chunk}: {} bytes", answer.body.len());
        assert!(answer.body == content[..answer.body.len()], "chunk {chunk}");
        // What does not touch the damage is still served.
        let range = format!("bytes={}-{}", (chunk - 4) * CHUNK, (chunk - 3) * CHUNK - 1);
        let answer = graph.send(&graph.request("GET", &link).header("Range", &range)).await;
        assert_eq!((answer.status(), answer.whole), (206, true), "chunk {chunk}");
        let range = format!("bytes={}-{}", chunk * CHUNK, chunk * CHUNK + 9);
        let answer = graph.send(&graph.request("GET", &link).header("Range", &range)).await;
        assert_eq!(answer.status(), 500, "chunk {chunk}");
        flip(&blob, at);
    }
    // In the first piece it can still be said with a status.
    for chunk in 0..4 {
        let at = HEADER + chunk * (CHUNK + TAG) + 11;
        flip(&blob, at);
        assert_eq!(graph.download(&link).await.status(), 500, "chunk {chunk}");
        flip(&blob, at);
    }
    assert!(graph.download(&link).await.body == content);
    app.finish().await;
}

#[tokio::test]
async fn chunks_that_were_swapped_within_a_file_are_found() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let upload = Upload::text_of(8 * 16 * 1024 + 1);
    let link = graph.link(&graph.keep(&upload).await).await;
    let blob = only_blob(&app);
    let honest = fs::read(&blob).unwrap();
    let place = |chunk: usize| {
        let start = 56 + chunk * (16 * 1024 + 16);
        start..start + 16 * 1024 + 16
    };
    let mut swapped = honest.clone();
    swapped[place(5)].copy_from_slice(&honest[place(6)]);
    swapped[place(6)].copy_from_slice(&honest[place(5)]);
    fs::write(&blob, &swapped).unwrap();
    let answer = graph.download(&link).await;
    assert!(!answer.whole && answer.body.len() <= 5 * 16 * 1024, "{}", answer.body.len());
    fs::write(&blob, &honest).unwrap();
    app.finish().await;
}

#[tokio::test]
async fn an_upload_is_not_entrusted_to_a_damaged_blob_of_the_same_content() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let damaged = graph.keep(&Upload::png()).await;
    flip(&app.packs()[0], HEADER + 5);
    let good = graph.keep(&Upload::png()).await;
    assert_eq!(graph.fetch(&good).await, samples::png());
    assert_eq!(graph.delete(&damaged).await.status(), 200);
    assert_eq!(graph.fetch(&good).await, samples::png());
    app.finish().await;
}
