//! The command line beside a running server: subscribe, be a customer, look, deliver again.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::receiver::Receiver;
use crate::support::binary::{Binary, command};
use crate::support::samples;

/// Runs it to its end, off the runtime's thread, which serves the receiver.
async fn run(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = command(dir);
    command.args(arguments).args(["--data", dir.join("data").to_str().unwrap()]);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = run(dir, &[arguments, &["--json"]].concat()).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn refused(dir: &Path, arguments: &[&str], code: i32, told: &str) {
    let output = run(dir, arguments).await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(told), "{arguments:?}: {text}");
}

#[tokio::test]
async fn a_person_subscribes_receives_looks_and_delivers_again() {
    let folder = TempDir::new().unwrap();
    let (dir, receiver) = (folder.path(), Receiver::start().await);
    let binary = Binary::serve(dir, &[]);
    let admin = binary.admin().to_string();
    std::fs::write(dir.join("photo.jpg"), samples::jpeg()).unwrap();
    std::fs::write(dir.join("secret.txt"), "s3cret\n").unwrap();

    refused(dir, &["subscription", "add", &receiver.url()], 2, "--allow-private").await;
    refused(
        dir,
        &["subscription", "add", "http://10.1.2.3/", "--allow-private"],
        2,
        "webhooks.allow_private",
    )
    .await;
    refused(dir, &["subscription", "add", "nonsense"], 2, "https://example.com/webhook").await;
    let add = [
        "subscription",
        "add",
        &receiver.url(),
        "--allow-private",
        "--app-secret",
        "@secret.txt",
        "--header",
        "X-A: b",
    ];
    let added = json(dir, &add).await;
    assert_eq!((&added["signed"], &added["headers"][0]), (&Value::Bool(true), &Value::from("X-A")));
    refused(dir, &add, 1, "there already is the subscription of account 1").await;
    let table = run(dir, &["subscription", "list"]).await;
    assert!(String::from_utf8_lossy(&table.stdout).contains("all others"), "{table:?}");

    refused(dir, &["receive", "photo.jpg", "--from", "x", "--admin", &admin], 1, "from must be").await;
    refused(dir, &["receive", "none.jpg", "--from", "1", "--admin", &admin], 1, "cannot be read").await;
    refused(dir, &["receive", "photo.jpg", "--from", "1", "--admin", "127.0.0.1:1"], 1, "does not answer")
        .await;
    let receive = [
        "receive",
        "photo.jpg",
        "--from",
        "+51 920 155 032",
        "--caption",
        "our cat & dog",
        "--admin",
        &admin,
    ];
    let received = json(dir, &receive).await;
    let hit = receiver.wait_for(1).await.remove(0);
    let message = &hit.json()["entry"][0]["changes"][0]["value"]["messages"][0];
    assert_eq!((&message["id"], &message["image"]["id"]), (&received["message_id"], &received["media_id"]));
    assert_eq!(
        (&message["from"], &message["image"]["caption"]),
        (&"51920155032".into(), &"our cat & dog".into())
    );
    let mac = crate::receiver::hmac(b"s3cret", &hit.body);
    assert_eq!(hit.header("x-hub-signature-256"), format!("sha256={mac}"));

    let id = received["delivery_ids"][0].to_string();
    let shown = json(dir, &["delivery", "show", &id]).await;
    assert_eq!(shown["body"], hit.json());
    let listed = run(dir, &["delivery", "list"]).await;
    assert!(String::from_utf8_lossy(&listed.stdout).contains("message"), "{listed:?}");
    // Another process puts it back into the queue; the server looks by itself.
    assert_eq!(json(dir, &["delivery", "redeliver", &id]).await["state"], "waiting");
    assert_eq!(receiver.wait_for(2).await[1].body, hit.body);
    refused(dir, &["delivery", "drop", &id], 2, "--yes").await;
    refused(dir, &["delivery", "show", "999"], 1, "there is no delivery 999").await;
    let subscription = added["id"].to_string();
    refused(dir, &["subscription", "remove", &subscription], 2, "--yes").await;
    json(dir, &["subscription", "remove", &subscription, "--yes"]).await;
    let none = json(dir, &receive).await;
    assert_eq!(none["delivery_ids"], serde_json::json!([]));
    assert!(binary.terminate().0.success());
}
