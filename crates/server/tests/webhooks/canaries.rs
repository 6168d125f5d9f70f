//! What a webhook and its subscription carry is found in no log, no metric and no file.

use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::receiver::{Receiver, Reply};
use crate::support::binary::Binary;
use crate::support::{Connection, Request, samples};

const CANARIES: [(&str, &str); 7] = [
    ("verify token", "canary-verify-token-5f0c"),
    ("app secret", "canary-app-secret-9a41"),
    ("header", "canary-header-value-77d2"),
    ("url", "canary-url-part-30be"),
    ("name", "canary-contact-name-c18d"),
    ("caption", "canary-caption-text-e6f7"),
    ("file name", "canary-file-name-2b93.jpg"),
];

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn no_secret_of_a_webhook_is_written_down() {
    let dir = TempDir::new().unwrap();
    let receiver = Receiver::with(|hit, number| {
        let challenge = hit.target.split("hub.challenge=").nth(1).and_then(|rest| rest.split('&').next());
        // The check, a failure, a redirect with a canary of its own, then success.
        match (challenge, number) {
            (Some(challenge), _) => Reply::Say(200, "", challenge.to_owned()),
            (None, 1) => Reply::Say(500, "", hit.text().to_owned()),
            (None, 2) => {
                Reply::Say(302, "Location: http://127.0.0.1:1/canary-url-part-30be\r\n", String::new())
            }
            (None, _) => Reply::status(200),
        }
    })
    .await;
    let binary = Binary::serve(dir.path(), &["--log", "trace", "--set", "webhooks.longest_gap=1s"]);
    let ask = async |request: Request| {
        let mut connection = Connection::open(binary.admin()).await;
        connection.ask(&request.without("host").header("Host", "localhost")).await
    };
    let post = |target: &str, body: serde_json::Value| {
        Request::new("POST", target).header("Content-Type", "application/json").body(body.to_string())
    };
    let url = format!("http://{}/canary-url-part-30be?canary-url-part-30be", receiver.address);
    let new = json!({"url": url, "allow_private": true, "verify_token": CANARIES[0].1, "app_secret": CANARIES[1].1,
        "headers": {"Authorization": format!("Bearer {}", CANARIES[2].1)}});
    let made = ask(post("/v1/subscriptions", new.clone())).await;
    assert_eq!(made.status(), 201, "{}", made.shown());
    let mut wrong = new;
    wrong["url"] = json!("https://canary-url-part-30be.invalid/");
    assert_eq!(ask(post("/v1/subscriptions", wrong)).await.status(), 400);
    let facts = format!("name={}&caption={}&filename={}", CANARIES[4].1, CANARIES[5].1, CANARIES[6].1);
    for query in ["", "&type=application/zip"] {
        let request = Request::new("POST", &format!("/v1/receive?from=1&{facts}{query}"));
        let answer = ask(request.header("Content-Type", "image/jpeg").body(samples::jpeg())).await;
        assert_eq!(answer.status(), 201, "{}", answer.shown());
    }
    let hits = receiver.wait_for(5).await;
    let whole: String = hits.iter().map(|hit| format!("{hit:?}{}", hit.text())).collect();
    let link =
        whole.split("&hash=").nth(1).and_then(|rest| rest.split('"').next()).expect("a link").to_owned();
    for (what, canary) in CANARIES.iter().filter(|(what, _)| !matches!(*what, "app secret" | "file name")) {
        assert!(whole.contains(canary), "the endpoint was told the {what}");
    }
    let metrics = ask(Request::get("/metrics")).await;
    let mut places = vec![("metrics".to_owned(), metrics.body.clone())];
    let collect = |places: &mut Vec<(String, Vec<u8>)>| {
        for path in files_below(dir.path()) {
            places.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    };
    collect(&mut places);
    assert!(binary.terminate().0.success());
    collect(&mut places);
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(log.contains("not delivered yet") && log.contains("delivered"), "the log was written");
    for (place, bytes) in &places {
        for (what, canary) in CANARIES.iter().chain([&("link", link.as_str())]) {
            let found = memchr::memmem::find(bytes, canary.as_bytes());
            assert_eq!(found, None, "the {what} is in {place}");
        }
    }
}
