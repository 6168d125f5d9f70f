//! Forms as real clients send them, through a real socket, cut at many points.

use std::path::Path;

use crate::support::client::id_of;
use crate::support::{Connection, TestApp};

/// Every so many bytes a form is cut in two. Odd, so that every kind of place is met over all forms; the parser
/// alone is tried at every point in its own tests.
const STRIDE: usize = 37;

struct Recorded {
    client: String,
    content_type: String,
    body: Vec<u8>,
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/corpus");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "http") {
            continue;
        }
        let file = std::fs::read(&path).unwrap();
        let end = file.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(file[..end].to_vec()).unwrap();
        all.push(Recorded {
            client: path.file_stem().unwrap().to_string_lossy().into_owned(),
            content_type: head.strip_prefix("Content-Type: ").unwrap().to_owned(),
            body: file[end + 4..].to_vec(),
        });
    }
    assert!(all.len() >= 20, "the corpus is there");
    all
}

fn payload() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/corpus/payload.bin")).unwrap()
}

#[tokio::test]
async fn every_clients_form_is_understood_however_it_is_cut() {
    // The payload is made of what parsers stumble over, and is no image.
    let app = TestApp::with(&[("upload.inspection", "off")]).await;
    let graph = app.graph();
    let payload = payload();
    let mut connection = Connection::open(app.address()).await;
    for (number, Recorded { client, content_type, body }) in recorded().into_iter().enumerate() {
        let request =
            graph.request("POST", &graph.upload_path).header("Content-Type", &content_type).body(body);
        let bytes = request.bytes();
        let mut last = String::new();
        // Each form begins elsewhere; heads are cut too.
        for at in (1 + number % STRIDE..bytes.len()).step_by(STRIDE) {
            connection.send_cut(&bytes, at).await;
            let answer = connection.answer("POST").await.unwrap();
            assert_eq!(answer.status(), 200, "{client} cut at {at}: {}", answer.shown());
            last = id_of(&answer);
        }
        assert!(graph.fetch(&last).await == payload, "{client}");
        let chunked = graph.send(&request.chunked(3)).await;
        assert_eq!(chunked.status(), 200, "{client} in chunks: {}", chunked.shown());
    }
    app.finish().await;
}

#[tokio::test]
async fn a_form_that_ends_early_is_an_error_and_never_a_shorter_file() {
    let app = TestApp::with(&[("upload.inspection", "off")]).await;
    let graph = app.graph();
    let mut connection = Connection::open(app.address()).await;
    for Recorded { client, content_type, body } in recorded() {
        let closing = body.windows(2).rposition(|two| two == b"--").unwrap();
        for end in (1..=closing).rev().step_by(61) {
            let request = graph.request("POST", &graph.upload_path).header("Content-Type", &content_type);
            let answer = connection.ask(&request.body(&body[..end])).await;
            assert_eq!(answer.status(), 400, "{client} cut at {end}: {}", answer.shown());
            if answer.closes() {
                connection = Connection::open(app.address()).await;
            }
        }
    }
    assert_eq!(app.app().store.catalog().totals().unwrap().media, 0);
    app.finish().await;
}
