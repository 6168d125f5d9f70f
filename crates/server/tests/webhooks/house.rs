//! What these tests do again and again: subscribe, be a customer, look at the queue.

use serde_json::{Value, json};
use wamedia_store::{Delivery, DeliveryFilter};

use crate::receiver::Receiver;
use crate::support::raw::Answer;
use crate::support::{Connection, Request, TestApp, samples};

pub const SECRET: &str = "app-secret-of-the-test";
pub const CUSTOMER: &str = "51920155032";

/// Asks the admin listener; with a JSON body where there is one.
pub async fn admin(test: &TestApp, method: &str, target: &str, body: Value) -> Answer {
    let mut request = Request::new(method, target).without("host").header("Host", "localhost");
    if !body.is_null() {
        request = request.header("Content-Type", "application/json").body(body.to_string());
    }
    Connection::open(test.admin()).await.ask(&request).await
}

/// Subscribes a receiver for the first account's numbers; its id.
pub async fn subscribe(test: &TestApp, receiver: &Receiver, more: Value) -> i64 {
    let mut body = json!({"url": receiver.url(), "allow_private": true, "app_secret": SECRET});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let answer = admin(test, "POST", "/v1/subscriptions", body).await;
    assert_eq!(answer.status(), 201, "{}", answer.shown());
    answer.json()["id"].as_i64().expect("an id")
}

/// A file comes in. `query` follows the sender.
pub async fn receive(test: &TestApp, query: &str, bytes: impl Into<Vec<u8>>) -> Answer {
    let target = format!("/v1/receive?from={CUSTOMER}{query}");
    let request = Request::new("POST", &target)
        .without("host")
        .header("Host", "localhost")
        .header("Content-Type", "application/octet-stream")
        .body(bytes);
    Connection::open(test.admin()).await.ask(&request).await
}

/// A photo comes in; the id of its message.
pub async fn photo(test: &TestApp, query: &str) -> String {
    let answer = receive(test, query, samples::jpeg()).await;
    assert_eq!(answer.status(), 201, "{}", answer.shown());
    answer.json()["message_id"].as_str().expect("an id").to_owned()
}

/// Turns the clock, and rings.
pub fn turn(test: &TestApp, seconds: i64) {
    test.turn(seconds);
    test.app().deliveries.wake();
}

/// Every delivery, oldest first.
pub fn queue(test: &TestApp) -> Vec<Delivery> {
    let filter = DeliveryFilter { limit: 1000, ..DeliveryFilter::default() };
    let mut all = test.app().store.catalog().deliveries(filter).expect("readable");
    all.reverse();
    all
}

/// Waits until the only delivery, or the one with this place in the queue, is as it should be.
pub async fn wait_for(test: &TestApp, what: &str, mut is_so: impl FnMut(&[Delivery]) -> bool) {
    crate::support::wait_until(what, || is_so(&queue(test))).await;
}
