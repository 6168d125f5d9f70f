//! Deliveries: at least once, in order, patient with the dead and unmoved by tricks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use wamedia_store::DeliveryState;

use crate::house::{admin, photo, queue, subscribe, turn, wait_for};
use crate::receiver::{Hit, Receiver, Reply};
use crate::support::TestApp;

/// The message that a webhook tells of.
fn message(hit: &Hit) -> String {
    hit.json()["entry"][0]["changes"][0]["value"]["messages"][0]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn what_fails_is_repeated_with_growing_gaps_and_the_same_bytes() {
    let test = TestApp::start().await;
    let replies = [Reply::status(500), Reply::HangUp, Reply::status(404), Reply::status(204)];
    let receiver = Receiver::with(move |_, number| replies[number].clone()).await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "").await;
    let mut gaps = Vec::new();
    for (attempt, (status, word)) in
        [(Some(500), "status"), (None, "broken"), (Some(404), "status")].into_iter().enumerate()
    {
        wait_for(&test, "a failed attempt", |all| {
            all[0].attempts as usize == attempt + 1 && all[0].claimed_until.is_none()
        })
        .await;
        let delivery = queue(&test).remove(0);
        assert_eq!((delivery.state, delivery.last_status), (DeliveryState::Waiting, status));
        assert_eq!(delivery.last_error.as_deref(), Some(word));
        let gap = delivery.next_at.unwrap().duration_since(test.now()).as_millis();
        gaps.push(gap);
        // Not a moment before.
        test.turn_ms(i64::try_from(gap).unwrap() - 1);
        test.app().deliveries.wake();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(receiver.hits().len(), attempt + 1);
        test.turn_ms(1);
        test.app().deliveries.wake();
    }
    wait_for(&test, "the delivery", |all| all[0].state == DeliveryState::Delivered).await;
    assert_eq!(queue(&test)[0].last_status, Some(204));
    assert!(gaps[0] < gaps[1] && gaps[1] < gaps[2], "{gaps:?}");
    let hits = receiver.hits();
    assert_eq!(hits.len(), 4);
    assert!(hits.iter().all(|hit| hit.body == hits[0].body && hit.headers == hits[0].headers));
    test.finish().await;
}

#[tokio::test]
async fn retry_after_is_honoured_within_bounds() {
    let test = TestApp::start().await;
    let receiver = Receiver::with(|_, number| match number {
        0 => Reply::Say(503, "Retry-After: 600\r\n", String::new()),
        1 => Reply::Say(429, "Retry-After: 99999999\r\n", String::new()),
        _ => Reply::status(200),
    })
    .await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "").await;
    for (attempt, bounds) in [(1, 480..=720), (2, 2_880..=4_320)] {
        wait_for(&test, "a failed attempt", |all| {
            all[0].attempts == attempt && all[0].claimed_until.is_none()
        })
        .await;
        let gap = queue(&test)[0].next_at.unwrap().duration_since(test.now()).as_secs();
        assert!(bounds.contains(&gap), "attempt {attempt}: {gap}");
        turn(&test, gap + 1);
    }
    receiver.wait_for(3).await;
    test.finish().await;
}

#[tokio::test]
async fn after_seven_days_it_is_given_up_and_can_be_made_again() {
    let test = TestApp::start().await;
    let alive = Arc::new(AtomicBool::new(false));
    let seen = alive.clone();
    let receiver =
        Receiver::with(move |_, _| Reply::status(if seen.load(Ordering::SeqCst) { 200 } else { 503 })).await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "").await;
    let mut hours = 0;
    while queue(&test)[0].state == DeliveryState::Waiting {
        let attempts = queue(&test)[0].attempts;
        turn(&test, 2 * 3_600);
        hours += 2;
        wait_for(&test, "another attempt", |all| {
            all[0].attempts > attempts || all[0].state != DeliveryState::Waiting
        })
        .await;
        wait_for(&test, "its end", |all| all[0].claimed_until.is_none()).await;
        assert!(hours <= 7 * 24 + 2, "still waiting after {hours} hours");
    }
    assert_eq!(queue(&test)[0].state, DeliveryState::GivenUp);
    assert!(hours >= 7 * 24 - 2, "given up after {hours} hours");
    alive.store(true, Ordering::SeqCst);
    let id = queue(&test)[0].id;
    let answer = admin(&test, "POST", &format!("/v1/deliveries/{id}/redeliver"), json!({})).await;
    assert_eq!((answer.status(), &answer.json()["state"]), (200, &json!("waiting")), "{}", answer.shown());
    wait_for(&test, "the delivery", |all| all[0].state == DeliveryState::Delivered).await;
    // And once more, because somebody wants it.
    let count = receiver.hits().len();
    admin(&test, "POST", &format!("/v1/deliveries/{id}/redeliver"), json!({})).await;
    receiver.wait_for(count + 1).await;
    // The photo itself has expired meanwhile; that is another story.
    test.app().store.sweep(test.now(), wamedia::clock::Clock::system(), Duration::ZERO).await.unwrap();
    test.finish().await;
}

#[tokio::test]
async fn a_dead_endpoint_delays_nobody_else() {
    let test = TestApp::with(&[("webhooks.parallel", "8"), ("webhooks.parallel_per_endpoint", "2")]).await;
    let (dead, alive) = (Receiver::with(|_, _| Reply::Silence).await, Receiver::start().await);
    let stranger = test.tenant("stranger").await;
    subscribe(&test, &dead, json!({"account": 1})).await;
    subscribe(&test, &alive, json!({"phone_number_id": stranger.number.to_string()})).await;
    let mut numbers = vec![test.first.number];
    for _ in 0..7 {
        numbers.push(test.number_in(test.first.account).await.number);
    }
    for _ in 0..3 {
        for number in &numbers {
            photo(&test, &format!("&phone_number_id={number}")).await;
        }
    }
    dead.wait_for(2).await;
    for count in 1..=5 {
        photo(&test, &format!("&phone_number_id={}", stranger.number)).await;
        alive.wait_for(count).await;
    }
    assert_eq!(dead.hits().len(), 2, "the dead one has its share and no more");
    test.finish().await;
}

#[tokio::test]
async fn an_endpoint_without_an_answer_is_left_in_time() {
    let test = TestApp::with(&[("webhooks.timeout", "50ms")]).await;
    let receiver =
        Receiver::with(|_, number| if number == 0 { Reply::Silence } else { Reply::status(200) }).await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "").await;
    wait_for(&test, "the timeout", |all| all[0].last_error.as_deref() == Some("timeout")).await;
    // A busy machine may need more than one attempt of so short a time.
    wait_for(&test, "the delivery", |all| {
        turn(&test, 60);
        all[0].state == DeliveryState::Delivered
    })
    .await;
    test.finish().await;
}

#[tokio::test]
async fn each_number_is_told_in_order_whatever_fails() {
    let test = TestApp::start().await;
    // Every third request fails.
    let receiver = Receiver::with(|_, number| Reply::status(if number % 3 == 0 { 500 } else { 200 })).await;
    subscribe(&test, &receiver, json!({})).await;
    let other = test.number_in(test.first.account).await.number;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        first.push(photo(&test, &format!("&phone_number_id={}", test.first.number)).await);
        second.push(photo(&test, &format!("&phone_number_id={other}")).await);
    }
    for _ in 0..200 {
        if queue(&test).iter().all(|delivery| delivery.state == DeliveryState::Delivered) {
            break;
        }
        turn(&test, 10);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut told: Vec<String> = Vec::new();
    for hit in receiver.hits() {
        let message = message(&hit);
        // Repeated ones count where they were first seen last.
        told.retain(|known| *known != message);
        told.push(message);
    }
    let of = |messages: &[String]| -> Vec<String> {
        told.iter().filter(|message| messages.contains(message)).cloned().collect()
    };
    assert_eq!(of(&first), first);
    assert_eq!(of(&second), second);
    test.finish().await;
}

#[tokio::test]
async fn one_that_is_refused_for_good_lets_the_others_pass() {
    let test = TestApp::start().await;
    let receiver =
        Receiver::with(|hit, _| Reply::status(if hit.text().contains("poison") { 400 } else { 200 })).await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "&caption=poison").await;
    photo(&test, "&caption=fine").await;
    for _ in 0..5 {
        wait_for(&test, "an attempt's end", |all| all[0].claimed_until.is_none() && all[0].attempts > 0)
            .await;
        turn(&test, 1_000);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wait_for(&test, "the other", |all| all[1].state == DeliveryState::Delivered).await;
    assert_eq!(queue(&test)[0].state, DeliveryState::Waiting);
    test.finish().await;
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let test = TestApp::start().await;
    let elsewhere = Receiver::start().await;
    let location: &'static str = format!("Location: {}\r\n", elsewhere.url()).leak();
    let receiver = Receiver::with(move |_, _| Reply::Say(307, location, String::new())).await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "").await;
    wait_for(&test, "the failure", |all| all[0].last_error.as_deref() == Some("redirect")).await;
    assert_eq!(queue(&test)[0].last_status, Some(307));
    assert!(elsewhere.hits().is_empty());
    test.finish().await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_and_counts() {
    let test = TestApp::with(&[("webhooks.answer_bytes", "1KiB"), ("webhooks.timeout", "5s")]).await;
    let receiver = Receiver::with(|_, _| Reply::Say(200, "", "x".repeat(8 << 20))).await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "").await;
    wait_for(&test, "the delivery", |all| all[0].state == DeliveryState::Delivered).await;
    test.finish().await;
}

#[tokio::test]
async fn deliveries_are_listed_shown_and_dropped() {
    let test = TestApp::start().await;
    let receiver = Receiver::with(|_, _| Reply::status(503)).await;
    let subscription = subscribe(&test, &receiver, json!({})).await;
    photo(&test, "&caption=one").await;
    photo(&test, "&caption=two").await;
    wait_for(&test, "an attempt", |all| all[0].last_status == Some(503)).await;
    let listed = admin(&test, "GET", "/v1/deliveries?state=waiting&account=1", json!(null)).await.json();
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids[0] > ids[1], "latest first");
    assert_eq!((&listed[0]["attempts"], &listed[0]["next_at"]), (&json!(0), &json!(null)));
    assert_eq!((&listed[1]["kind"], &listed[1]["subscription"]), (&json!("message"), &json!(subscription)));
    let shown = admin(&test, "GET", &format!("/v1/deliveries/{}", ids[1]), json!(null)).await.json();
    assert_eq!(shown["body"], receiver.hits()[0].json());

    let dropped = admin(&test, "DELETE", &format!("/v1/deliveries/{}", ids[1]), json!(null)).await;
    assert_eq!((dropped.status(), &dropped.json()["state"]), (200, &json!("dropped")));
    let again = admin(&test, "DELETE", &format!("/v1/deliveries/{}", ids[1]), json!(null)).await;
    assert_eq!(again.status(), 400, "{}", again.shown());
    // The next one has moved up.
    wait_for(&test, "the next", |all| all[1].last_status == Some(503)).await;
    for (target, status) in
        [("/v1/deliveries/999", 404), ("/v1/deliveries/x", 404), ("/v1/deliveries?state=lost", 400)]
    {
        assert_eq!(admin(&test, "GET", target, json!(null)).await.status(), status, "{target}");
    }
    // What is removed takes along what waits for it.
    assert_eq!(
        admin(&test, "DELETE", &format!("/v1/subscriptions/{subscription}"), json!(null)).await.status(),
        204
    );
    assert!(queue(&test).is_empty());
    test.finish().await;
}

#[tokio::test]
async fn metrics_count_what_became_of_calls() {
    let test = TestApp::start().await;
    let receiver = Receiver::with(|_, number| Reply::status(if number == 0 { 500 } else { 200 })).await;
    subscribe(&test, &receiver, json!({})).await;
    photo(&test, "").await;
    photo(&test, "").await;
    wait_for(&test, "a failure", |all| all[0].last_status == Some(500)).await;
    test.turn(1);
    let text = async || {
        let answer = admin(&test, "GET", "/metrics", json!(null)).await;
        answer.text().to_owned()
    };
    let metrics = text().await;
    assert!(metrics.contains("wamedia_deliveries_waiting 2"), "{metrics}");
    assert!(metrics.contains("wamedia_deliveries_oldest_waiting_seconds 1"), "{metrics}");
    turn(&test, 10);
    wait_for(&test, "both", |all| all.iter().all(|it| it.state == DeliveryState::Delivered)).await;
    let metrics = text().await;
    for line in [
        "wamedia_deliveries_waiting 0",
        "wamedia_delivery_attempts_total{outcome=\"failed\"} 1",
        "wamedia_delivery_attempts_total{outcome=\"delivered\"} 2",
        "wamedia_delivery_seconds_count 3",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(admin(&test, "GET", "/ready", json!(null)).await.status(), 200);
    test.finish().await;
}

#[tokio::test]
async fn a_call_under_way_ends_well_when_the_service_stops_and_the_rest_waits() {
    let mut test = TestApp::start().await;
    let (released, release) = tokio::sync::watch::channel(false);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // An endpoint that answers when it is told to.
    let slow = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = [0; 64 * 1024];
        let _ = stream.read(&mut some).await.unwrap();
        let mut release = release;
        release.wait_for(|released| *released).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        listener
    });
    let body = json!({"url": format!("http://{address}/"), "allow_private": true});
    assert_eq!(admin(&test, "POST", "/v1/subscriptions", body).await.status(), 201);
    photo(&test, "").await;
    photo(&test, "").await;
    wait_for(&test, "the call", |all| all[0].claimed_until.is_some()).await;
    let running = test.take_running();
    let stopping = tokio::spawn(running.shutdown());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!stopping.is_finished(), "it waits for the call");
    released.send(true).unwrap();
    stopping.await.unwrap();
    drop(slow.await.unwrap());
    test.restart().await;
    let all = queue(&test);
    assert_eq!((all[0].state, all[1].state), (DeliveryState::Delivered, DeliveryState::Waiting));
    test.finish().await;
}
