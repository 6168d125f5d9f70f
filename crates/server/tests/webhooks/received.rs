//! Received media: what is told of it, byte for byte, and how long it can be had.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::house::{CUSTOMER, SECRET, admin, receive, subscribe};
use crate::receiver::{Receiver, hmac};
use crate::support::{Connection, NOON, Request, TestApp, client, samples};

const WEEK: i64 = 7 * 86_400;

/// Standard base64 with padding, written here so that the test owes nothing to the code.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let mut padded = [0; 3];
        padded[..three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for at in 0..4 {
            let letter = char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]);
            text.push(if at <= three.len() { letter } else { '=' });
        }
    }
    text
}

/// As the wire escapes it.
fn escaped(text: &str) -> String {
    text.replace('/', "\\/")
}

#[tokio::test]
async fn every_kind_is_told_byte_for_byte_in_both_dialects() {
    let cases = [
        (
            "image/rgb.jpg",
            "&caption=our%20cat",
            "image",
            r#"{"caption":"our cat","mime_type":"image\/jpeg","#,
            "}",
        ),
        ("image/rgb.jpg", "", "image", r#"{"mime_type":"image\/jpeg","#, "}"),
        (
            "image/rgb.png",
            "&type=document&filename=a.png",
            "document",
            r#"{"filename":"a.png","mime_type":"image\/png","#,
            "}",
        ),
        (
            "doc/minimal.pdf",
            "&filename=bill.pdf&caption=pay",
            "document",
            r#"{"caption":"pay","filename":"bill.pdf","mime_type":"application\/pdf","#,
            "}",
        ),
        (
            "audio/opus_mono.ogg",
            "&voice=true",
            "audio",
            r#"{"mime_type":"audio\/ogg; codecs=opus","#,
            r#","voice":true}"#,
        ),
        ("audio/noid3.mp3", "", "audio", r#"{"mime_type":"audio\/mpeg","#, r#","voice":false}"#),
        ("sticker/flat_512.webp", "", "sticker", r#"{"mime_type":"image\/webp","#, r#","animated":false}"#),
        ("sticker/animated.webp", "", "sticker", r#"{"mime_type":"image\/webp","#, r#","animated":true}"#),
        (
            "video/h264_main_aac.mp4",
            "&caption=x",
            "video",
            r#"{"caption":"x","mime_type":"video\/mp4","#,
            "}",
        ),
    ];
    for dialect in ["graph", "d360"] {
        let test = TestApp::start().await;
        let receiver = Receiver::start().await;
        subscribe(&test, &receiver, json!({"dialect": dialect, "headers": {"X-Shop": "7"}})).await;
        let number = test.first.number;
        for (count, (path, query, kind, before, after)) in cases.into_iter().enumerate() {
            let bytes = samples::sample(path);
            let answer =
                receive(&test, &format!("&name=Ana&phone_number_id={number}{query}"), bytes.clone()).await;
            assert_eq!(answer.status(), 201, "{path}: {}", answer.shown());
            let answer = answer.json();
            let (message, id) =
                (answer["message_id"].as_str().unwrap(), answer["media_id"].as_str().unwrap());
            let hit = receiver.wait_for(count + 1).await.pop().unwrap();
            let url = url_of(&hit.json(), kind);
            let expected = format!(
                r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550100","phone_number_id":"{number}"}},"contacts":[{{"profile":{{"name":"Ana"}},"wa_id":"{CUSTOMER}"}}],"messages":[{{"from":"{CUSTOMER}","id":"{}","timestamp":"{}","type":"{kind}","{kind}":{before}"sha256":"{}","id":"{id}","url":"{}"{after}}}]}},"field":"messages"}}]}}]}}"#,
                escaped(message),
                NOON.as_second(),
                escaped(&base64(&samples::sha256(&bytes))),
                escaped(&url),
            );
            assert_eq!(hit.text(), expected, "{path}");
            assert_eq!((hit.method.as_str(), hit.target.as_str()), ("POST", "/hook"));
            assert_eq!(hit.header("content-type"), "application/json");
            assert_eq!(hit.header("x-shop"), "7");
            assert_eq!(hit.header("host"), receiver.address.to_string());
            assert!(hit.header("user-agent").starts_with("wamedia/"));
            let mac = hmac(SECRET.as_bytes(), &hit.body);
            if dialect == "graph" {
                assert_eq!(hit.header("x-hub-signature-256"), format!("sha256={mac}"));
                assert!(url.starts_with(&format!("http://{}/whatsapp_business/", test.address())), "{url}");
                assert!(!hit.has("x-360dialog-signature"));
            } else {
                assert_eq!(hit.header("x-360dialog-signature"), mac);
                assert!(url.starts_with("https://lookaside.fbsbx.com/whatsapp_business/"), "{url}");
                assert!(!hit.has("x-hub-signature-256"));
            }
            assert!(
                url.contains(&format!("?mid={id}&source=webhook&ext={}&hash=", NOON.as_second() + 300)),
                "{url}"
            );
            assert_eq!(answer["delivery_ids"].as_array().unwrap().len(), 1);
        }
        test.finish().await;
    }
}

fn url_of(webhook: &Value, kind: &str) -> String {
    webhook["entry"][0]["changes"][0]["value"]["messages"][0][kind]["url"].as_str().expect("a url").to_owned()
}

#[tokio::test]
async fn the_url_lives_300_seconds_and_the_id_seven_days() {
    let test = TestApp::start().await;
    let receiver = Receiver::start().await;
    subscribe(&test, &receiver, json!({})).await;
    let id = receive(&test, "", samples::jpeg()).await.json()["media_id"].as_str().unwrap().to_owned();
    let link = client::path_and_query(&url_of(&receiver.wait_for(1).await[0].json(), "image"));
    let stranger = test.tenant("stranger").await;
    for owner in test.both() {
        let answer = owner.download(&link).await;
        assert_eq!((answer.status(), &answer.body), (200, &samples::jpeg()), "{}", answer.shown());
        assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    }
    assert_eq!(test.graph_of(&stranger).download(&link).await.status(), 401);
    assert_eq!(test.graph().send(&Request::get(&link)).await.status(), 401, "no credential");
    // The number in the query acts for uploads only.
    let graph = test.graph();
    let asked = graph.request("GET", &format!("/v23.0/{id}?phone_number_id={}", test.first.number));
    assert_eq!(graph.send(&asked).await.status(), 400);

    test.turn(299);
    assert_eq!(graph.download(&link).await.status(), 200);
    test.turn(1);
    assert_eq!(graph.download(&link).await.status(), 401);
    assert_eq!(graph.fetch(&id).await, samples::jpeg());
    // Use does not lengthen it.
    test.turn(WEEK - 301);
    assert_eq!(graph.retrieve(&id).await.status(), 200);
    test.turn(1);
    assert_eq!(graph.retrieve(&id).await.status(), 400);
    test.finish().await;
}

#[tokio::test]
async fn an_account_may_keep_received_media_otherwise() {
    let test = TestApp::start().await;
    admin(&test, "PATCH", "/v1/accounts/1", json!({"retention_received": "2h"})).await;
    let id = receive(&test, "", samples::jpeg()).await.json()["media_id"].as_str().unwrap().to_owned();
    test.turn(7_199);
    assert_eq!(test.graph().retrieve(&id).await.status(), 200);
    test.turn(1);
    assert_eq!(test.graph().retrieve(&id).await.status(), 400);
    test.finish().await;
}

#[tokio::test]
async fn what_is_not_handed_on_becomes_its_error() {
    let test = TestApp::start().await;
    let receiver = Receiver::start().await;
    subscribe(&test, &receiver, json!({})).await;
    let refused = [
        ("audio/vorbis.ogg", ""),
        ("video/hevc_aac.mp4", ""),
        ("image/gif_named.png", ""),
        ("image/rgb.jpg", "&type=video"),
        ("image/rgb.jpg", "&type=image/png"),
        ("image/rgb.jpg", "&type=application/zip"),
        ("text/random.txt", ""),
    ];
    for (count, (path, query)) in refused.into_iter().enumerate() {
        let answer = receive(&test, query, samples::sample(path)).await;
        let told = answer.json();
        assert_eq!(
            (answer.status(), &told["media_id"], &told["error"]),
            (201, &Value::Null, &json!(131_051)),
            "{path}"
        );
        let hit = receiver.wait_for(count + 1).await.pop().unwrap();
        let message = &hit.json()["entry"][0]["changes"][0]["value"]["messages"][0];
        assert_eq!(
            (&message["type"], &message["errors"][0]["code"]),
            (&json!("unsupported"), &json!(131_051))
        );
        assert_eq!(message["id"], told["message_id"]);
        assert!(!hit.text().contains("url"));
    }
    assert!(test.units() == 0 && test.staging().is_empty(), "nothing is kept");
    test.finish().await;
}

#[tokio::test]
async fn over_100_mib_is_told_and_not_kept_and_over_the_limit_of_the_type_is_kept() {
    let test = TestApp::start().await;
    let receiver = Receiver::start().await;
    subscribe(&test, &receiver, json!({})).await;
    let length: usize = 100 * (1 << 20) + 1;
    let mut stream = tokio::net::TcpStream::connect(test.admin()).await.unwrap();
    let head = format!(
        "POST /v1/receive?from=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        stream.write_all(&piece).await.unwrap();
    }
    stream.write_all(b"x").await.unwrap();
    let answer = Connection::over(stream).answer("POST").await.unwrap();
    assert_eq!((answer.status(), &answer.json()["error"]), (201, &json!(131_052)), "{}", answer.shown());
    let hit = receiver.wait_for(1).await.pop().unwrap();
    let message = &hit.json()["entry"][0]["changes"][0]["value"]["messages"][0];
    assert_eq!(message["errors"][0]["code"], 131_052);
    assert!(test.units() == 0 && test.staging().is_empty());

    // 5 MiB is what a picture may have that a business sends, not what people send to it.
    let mut photo = samples::jpeg();
    photo.resize(6 << 20, 0);
    let answer = receive(&test, "", photo).await.json();
    assert!(answer["media_id"].is_string(), "{answer}");
    test.finish().await;
}

#[tokio::test]
async fn facts_that_cannot_be_are_told_and_nothing_happens() {
    let test = TestApp::start().await;
    let receiver = Receiver::start().await;
    subscribe(&test, &receiver, json!({})).await;
    let (jpeg, voice) = (samples::jpeg(), samples::sample("audio/opus_mono.ogg"));
    let long = format!("&caption={}", "x".repeat(1_025));
    let cases: [(&str, &Vec<u8>, u16, &str); 7] = [
        ("&voice=true", &jpeg, 400, "voice"),
        ("&caption=hm", &voice, 400, "caption"),
        (&long, &jpeg, 400, "caption"),
        ("&type=cat", &jpeg, 400, "type"),
        ("&phone_number_id=77", &jpeg, 404, "77"),
        ("&phone_number_id=x", &jpeg, 400, "\"x\""),
        ("&colour=red", &jpeg, 400, "colour"),
    ];
    for (query, bytes, status, told) in cases {
        let answer = receive(&test, query, bytes.clone()).await;
        assert_eq!(answer.status(), status, "{query}: {}", answer.shown());
        assert!(answer.json()["error"].as_str().unwrap().contains(told), "{query}: {}", answer.shown());
    }
    // A body that breaks off is no shorter file.
    let mut connection = Connection::open(test.admin()).await;
    let request = Request::new("POST", "/v1/receive?from=1")
        .without("host")
        .header("Host", "localhost")
        .header("Content-Type", "image/jpeg")
        .body(samples::text_of(300_000));
    connection.send(&request.bytes()[..200_000]).await;
    drop(connection);
    // What a page in a browser can send unasked is no receipt.
    let request =
        Request::new("POST", "/v1/receive?from=1").without("host").header("Host", "localhost").body(jpeg);
    for content_type in ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
    {
        let request = request.clone().header("Content-Type", content_type);
        let answer = Connection::open(test.admin()).await.ask(&request).await;
        assert_eq!(answer.status(), 415, "{content_type}");
    }
    assert_eq!(Connection::open(test.admin()).await.ask(&request).await.status(), 415);
    crate::support::wait_until("staging is empty", || test.staging().is_empty()).await;
    assert!(test.units() == 0 && receiver.hits().is_empty() && crate::house::queue(&test).is_empty());
    test.finish().await;
}

#[tokio::test]
async fn without_a_subscription_media_is_kept_and_nobody_told() {
    let test = TestApp::start().await;
    let answer = receive(&test, "", samples::jpeg()).await.json();
    assert_eq!(answer["delivery_ids"], json!([]));
    assert_eq!(test.graph().fetch(answer["media_id"].as_str().unwrap()).await, samples::jpeg());
    let answer = receive(&test, "", samples::sample("text/random.txt")).await.json();
    assert_eq!((&answer["error"], &answer["delivery_ids"]), (&json!(131_051), &json!([])));
    test.finish().await;
}

#[tokio::test]
async fn a_number_with_a_subscription_of_its_own_is_told_there() {
    let test = TestApp::start().await;
    let (of_account, of_number) = (Receiver::start().await, Receiver::start().await);
    let other = test.number_in(test.first.account).await;
    subscribe(&test, &of_account, json!({})).await;
    subscribe(&test, &of_number, json!({"phone_number_id": other.number.to_string()})).await;
    for number in [test.first.number, other.number] {
        receive(&test, &format!("&phone_number_id={number}"), samples::jpeg()).await;
    }
    let number_in = |hit: &crate::receiver::Hit| {
        let value = &hit.json()["entry"][0]["changes"][0]["value"];
        value["metadata"]["phone_number_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(number_in(&of_account.wait_for(1).await[0]), test.first.number.to_string());
    assert_eq!(number_in(&of_number.wait_for(1).await[0]), other.number.to_string());
    assert_eq!((of_account.hits().len(), of_number.hits().len()), (1, 1));
    test.finish().await;
}
