//! Subscriptions: where webhooks may go, the check, and what is never told.

use serde_json::{Value, json};

use crate::house::{admin, photo, subscribe, wait_for};
use crate::receiver::{Receiver, Reply};
use crate::support::TestApp;
use crate::support::raw::Answer;

async fn add(test: &TestApp, body: Value) -> Answer {
    admin(test, "POST", "/v1/subscriptions", body).await
}

#[track_caller]
fn told(answer: &Answer) -> String {
    assert_eq!(answer.status(), 400, "{}", answer.shown());
    answer.json()["error"].as_str().expect("a sentence").to_owned()
}

#[tokio::test]
async fn what_is_not_public_is_refused_with_the_remedy() {
    let test = TestApp::start().await;
    for host in ["127.0.0.1:9", "localhost:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
        let answer = told(&add(&test, json!({"url": format!("http://{host}/")})).await);
        assert!(answer.contains("this machine") && answer.contains("--allow-private"), "{host}: {answer}");
    }
    for host in ["10.0.0.1", "192.168.0.1", "172.20.0.1", "100.64.0.1", "[fd00::1]", "[::ffff:10.0.0.1]"] {
        let answer = told(&add(&test, json!({"url": format!("https://{host}/")})).await);
        assert!(answer.contains("--allow-private"), "{host}: {answer}");
        let allowed =
            told(&add(&test, json!({"url": format!("https://{host}/"), "allow_private": true})).await);
        assert!(
            allowed.contains("webhooks.allow_private") && allowed.contains("\"any\""),
            "{host}: {allowed}"
        );
    }
    for host in [
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "[::]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        let answer =
            told(&add(&test, json!({"url": format!("http://{host}/"), "allow_private": true})).await);
        assert!(answer.contains("no endpoint has"), "{host}: {answer}");
    }
    for url in ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"] {
        let answer = told(&add(&test, json!({"url": url, "allow_private": true})).await);
        assert!(answer.contains("write the host"), "{url}: {answer}");
    }
    assert!(told(&add(&test, json!({"url": "http://8.8.8.8/"})).await).contains("https only"));
    assert!(
        told(&add(&test, json!({"url": "ftp://8.8.8.8/"})).await).contains("https://example.com/webhook")
    );
    assert!(told(&add(&test, json!({"url": "https://a:b@8.8.8.8/"})).await).contains("header"));
    assert!(told(&add(&test, json!({"url": "https://nowhere.invalid/"})).await).contains("no address"));
    // Unchecked, a name may still have to come.
    let later = json!({"url": "https://nowhere.invalid/", "check": false});
    assert_eq!(add(&test, later).await.status(), 201);
    assert_eq!(add(&test, json!({"url": "https://8.8.8.8/", "account": "1"})).await.status(), 409);
    test.finish().await;
}

#[tokio::test]
async fn the_configuration_is_the_ceiling_also_for_what_was_allowed_before() {
    let mut test = TestApp::with(&[("webhooks.allow_private", "none")]).await;
    let receiver = Receiver::start().await;
    let answer = told(&add(&test, json!({"url": receiver.url(), "allow_private": true})).await);
    assert!(answer.contains("forbids it; set it to \"loopback\""), "{answer}");
    let running = test.take_running();
    running.shutdown().await;
    test.finish_damaged().await;

    // A subscription to this machine whose leave was taken back is not called.
    let test = TestApp::start().await;
    let id = subscribe(&test, &receiver, json!({})).await;
    let catalog = test.app().store.catalog();
    let mut endpoint = catalog.subscription(wamedia_store::SubscriptionId(id)).unwrap().unwrap().endpoint;
    endpoint.url = endpoint.url.replace("127.0.0.1", "localhost");
    catalog.change_subscription(wamedia_store::SubscriptionId(id), false, &endpoint).await.unwrap();
    photo(&test, "").await;
    wait_for(&test, "the refusal", |all| all[0].last_error.as_deref() == Some("target-refused")).await;
    assert!(receiver.hits().is_empty());
    test.finish().await;
}

#[tokio::test]
async fn the_endpoint_must_say_the_challenge_back() {
    let test = TestApp::start().await;
    let honest = Receiver::with(|hit, _| {
        let challenge = hit.target.split("hub.challenge=").nth(1).and_then(|rest| rest.split('&').next());
        Reply::Say(200, "", challenge.unwrap_or_default().to_owned())
    })
    .await;
    let new = |url: String| json!({"url": url, "allow_private": true, "verify_token": "meaty & ripe"});
    let answer = add(&test, new(honest.url())).await;
    assert_eq!(answer.status(), 201, "{}", answer.shown());
    let hit = honest.hits().remove(0);
    assert_eq!(hit.method, "GET");
    assert!(hit.target.starts_with("/hook?hub.mode=subscribe&hub.challenge="), "{}", hit.target);
    assert!(hit.target.ends_with("&hub.verify_token=meaty%20%26%20ripe"), "{}", hit.target);

    let id = answer.json()["id"].clone();
    admin(&test, "DELETE", &format!("/v1/subscriptions/{id}"), json!(null)).await;
    for (reply, reason) in [
        (Reply::Say(200, "", "1".to_owned()), "challenge back"),
        (Reply::status(403), "403"),
        (Reply::HangUp, "no whole answer"),
    ] {
        let other = Receiver::with(move |_, _| reply.clone()).await;
        let answer = told(&add(&test, new(other.url())).await);
        assert!(answer.contains(reason) && answer.contains("--no-check"), "{answer}");
        assert!(!answer.contains("meaty"), "{answer}");
    }
    let mut unchecked = new("http://127.0.0.1:1/".to_owned());
    unchecked["check"] = json!(false);
    assert_eq!(add(&test, unchecked).await.status(), 201);
    test.finish().await;
}

#[tokio::test]
async fn secrets_go_in_and_are_never_told() {
    let test = TestApp::start().await;
    let new = json!({"url": "http://127.0.0.1:1/?key=q", "allow_private": true, "check": false, "verify_token": "canary-v",
        "app_secret": "canary-s", "headers": {"Authorization": "Bearer canary-h"}});
    let made = add(&test, new).await;
    let expected = json!({"id": 1, "account": 1, "phone_number_id": null, "dialect": "graph",
        "url": "http://127.0.0.1:1/?key=q", "signed": true, "has_verify_token": true, "headers": ["Authorization"],
        "allow_private": true, "created_at": "2026-11-20T12:00:00Z"});
    assert_eq!(made.json(), expected, "{}", made.shown());
    assert_eq!(admin(&test, "GET", "/v1/subscriptions", json!(null)).await.json(), json!([expected]));
    assert_eq!(admin(&test, "GET", "/v1/subscriptions/1", json!(null)).await.json(), expected);
    for (body, reason) in [
        (json!({"headers": {"Host": "x"}}), "set by the delivery itself"),
        (json!({"headers": {"X-Hub-Signature-256": "x"}}), "set by the delivery itself"),
        (json!({"headers": {"X": "a\nb"}}), "cannot be sent"),
        (json!({"headers": {"a b": "c"}}), "cannot be sent"),
        (json!({"app_secret": ""}), "empty"),
        (json!({"dialect": "d360", "verify_token": "x"}), "no subscription check"),
    ] {
        let mut new = json!({"url": "http://127.0.0.1:1/", "allow_private": true, "check": false});
        new.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let answer = told(&add(&test, new).await);
        assert!(answer.contains(reason), "{answer}");
    }
    assert_eq!(admin(&test, "GET", "/v1/subscriptions/2", json!(null)).await.status(), 404);
    assert_eq!(admin(&test, "DELETE", "/v1/subscriptions/2", json!(null)).await.status(), 404);
    test.finish().await;
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    for dialect in ["graph", "d360"] {
        let test = TestApp::start().await;
        let receiver = Receiver::start().await;
        let body = json!({"url": receiver.url(), "allow_private": true, "dialect": dialect,
            "headers": {"User-Agent": "shop"}});
        assert_eq!(add(&test, body).await.status(), 201);
        photo(&test, "").await;
        let hit = receiver.wait_for(1).await.remove(0);
        assert!(!hit.has("x-hub-signature-256") && !hit.has("x-360dialog-signature"), "{:?}", hit.headers);
        assert_eq!(hit.header("user-agent"), "shop");
        test.finish().await;
    }
}
