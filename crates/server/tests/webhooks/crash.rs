//! kill -9 with a full queue: everything that was answered is told afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::receiver::{Receiver, Reply};
use crate::support::binary::Binary;
use crate::support::{Connection, Request, samples};

async fn ask(binary: &Binary, request: Request) -> Option<serde_json::Value> {
    let mut connection = Connection::open(binary.admin()).await;
    connection.try_send(&request.without("host").header("Host", "localhost").bytes()).await.ok()?;
    let answer = connection.answer("POST").await.ok().filter(|answer| answer.whole)?;
    assert_eq!(answer.status(), 201, "{}", answer.shown());
    Some(answer.json())
}

fn message(body: &serde_json::Value) -> String {
    body["entry"][0]["changes"][0]["value"]["messages"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_announced_message_survives_kill_9() {
    let dir = TempDir::new().unwrap();
    let alive = Arc::new(AtomicBool::new(false));
    let seen = alive.clone();
    let taken = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    let record = taken.clone();
    let receiver = Receiver::with(move |hit, number| {
        // Down at first; then it takes some, and refuses or forgets others.
        match (seen.load(Ordering::SeqCst), number % 5) {
            (false, 0) => Reply::HangUp,
            (false, _) => Reply::status(503),
            (true, 3) => Reply::HangUp,
            (true, _) => {
                record.lock().unwrap().insert(message(&hit.json()));
                Reply::status(200)
            }
        }
    })
    .await;
    let mut binary = Binary::serve(dir.path(), &["--set", "webhooks.longest_gap=20ms"]);
    let new = json!({"url": receiver.url(), "allow_private": true}).to_string();
    let subscription =
        Request::new("POST", "/v1/subscriptions").header("Content-Type", "application/json").body(new);
    ask(&binary, subscription).await.unwrap();

    let mut answered = BTreeSet::new();
    for round in 0..4 {
        // Killed in the middle of it.
        let photos = async {
            loop {
                let request =
                    Request::new("POST", "/v1/receive?from=1&name=x").header("Content-Type", "image/jpeg");
                let Some(told) = ask(&binary, request.body(samples::jpeg())).await else { return };
                answered.insert(told["message_id"].as_str().unwrap().to_owned());
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(250), photos).await;
        binary.kill();
        // From the third round on the endpoint lives, so that deliveries are killed under way too.
        alive.store(round >= 1, Ordering::SeqCst);
        binary = Binary::serve(dir.path(), &["--set", "webhooks.longest_gap=20ms"]);
    }
    assert!(answered.len() > 20, "{} answered", answered.len());
    let missing = || answered.difference(&taken.lock().unwrap()).count();
    for _ in 0..600 {
        if missing() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(missing(), 0, "of {} answered", answered.len());
    assert!(binary.terminate().0.success());
}
