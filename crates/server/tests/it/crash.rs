//! kill -9 at random moments under load: every upload that was answered is there, byte for byte, afterwards.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use wamedia::chance::Chance;
use wamedia_store::{Store, StoreOptions};

use crate::support::binary::Binary;
use crate::support::client::id_of;
use crate::support::{Client, Connection, Upload, samples};

const ROUNDS: u64 = 8;
const CLIENTS: u64 = 4;

/// An upload that was answered.
#[derive(Clone)]
struct Answered {
    id: String,
    seed: u64,
}

/// The content of an upload, made again from its number: small ones in memory, some sealed to a staging file.
fn content(seed: u64) -> Vec<u8> {
    let bytes = match seed % 8 {
        0 => 200_000 + seed as usize % 100_000,
        1 => 16 * 1024,
        _ => 100 + seed as usize % 20_000,
    };
    let mut text = format!("upload {seed}\n").into_bytes();
    text.extend(samples::text_of(bytes));
    text
}

async fn upload_until_the_end(graph: Client, client: u64, round: u64, ledger: Arc<Mutex<Vec<Answered>>>) {
    let mut connection = Connection::open(graph.address).await;
    for number in 0.. {
        let seed = round * 1_000_000 + client * 100_000 + number;
        let request = graph.upload_request(&Upload::text(content(seed)));
        if connection.try_send(&request.bytes()).await.is_err() {
            return;
        }
        let Ok(answer) = connection.answer("POST").await else { return };
        // An answer that was cut promises nothing.
        if !answer.whole {
            return;
        }
        assert_eq!(answer.status(), 200, "{}", answer.shown());
        ledger.lock().unwrap().push(Answered { id: id_of(&answer), seed });
    }
}

async fn assert_kept(graph: &Client, answered: &[Answered]) {
    let mut connection = Connection::open(graph.address).await;
    for Answered { id, seed } in answered {
        let answer = connection.ask(&graph.request("GET", &format!("/v23.0/{id}"))).await;
        assert_eq!(answer.status(), 200, "answered upload {seed} is lost: {}", answer.shown());
        let found = answer.json();
        let link = crate::support::client::path_and_query(found["url"].as_str().unwrap());
        let answer = connection.ask(&graph.request("GET", &link)).await;
        assert!(answer.body == content(*seed), "answered upload {seed} came back changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_upload_survives_kill_9() {
    let dir = TempDir::new().unwrap();
    let mut binary = Binary::serve(dir.path(), &[]);
    let (token, number) = (binary.text("token"), binary.text("phone_number_id"));
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let graph = binary.graph(&token, &number);
        let ledger = Arc::new(Mutex::new(Vec::new()));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| tokio::spawn(upload_until_the_end(graph.clone(), client, round, ledger.clone())))
            .collect();
        let [drawn] = Chance::system().bytes();
        tokio::time::sleep(Duration::from_millis(200 + u64::from(drawn) * 400 / 256)).await;
        binary.kill();
        for client in clients {
            client.await.unwrap();
        }
        let answered = ledger.lock().unwrap().clone();
        assert!(!answered.is_empty(), "round {round} uploaded nothing");
        binary = Binary::serve(dir.path(), &[]);
        assert_kept(&binary.graph(&token, &number), &answered).await;
        all.extend(answered);
    }
    // The first of each round, after all the other crashes.
    let some: Vec<Answered> = all.iter().step_by(all.len() / 50 + 1).cloned().collect();
    assert_kept(&binary.graph(&token, &number), &some).await;
    binary.kill();
    let store = Store::open(&dir.path().join("data"), StoreOptions::default()).unwrap();
    let now = wamedia::clock::Clock::running().now();
    let report = store.verify(now, true, &mut |_| {}).unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert!(report.records >= all.len() as u64);
    // What a crash left is swept, and then nothing is left to find.
    let system = wamedia::clock::Clock::system() + Duration::from_secs(60);
    store.sweep(now, system, Duration::ZERO).await.unwrap();
    let report = store.verify(now, false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    store.close().await;
}
