//! Sending by id, in both dialects: answers and refusals byte for byte, and what a send does to media.

use serde_json::{Value, json};

use crate::support::golden::{assert_same, d360_refusal, graph_refusal};
use crate::support::raw::{Answer, Request};
use crate::support::{Client, TestApp, Upload};

const UNKNOWN: &str = "1761991787669262";
const DAY: i64 = 86_400;

fn post(client: &Client, message: &Value) -> Request {
    let path = client.upload_path.replace("media", "messages");
    let request = client.request("POST", &path).header("Content-Type", "application/json");
    request.body(message.to_string())
}

async fn send(client: &Client, message: Value) -> Answer {
    client.send(&post(client, &message)).await
}

fn media(kind: &str, members: Value) -> Value {
    json!({ "messaging_product": "whatsapp", "to": "+51 999 888-777", "type": kind, kind: members })
}

#[tokio::test]
async fn media_is_sent_by_id_or_link_in_both_dialects() {
    let app = TestApp::start().await;
    for client in app.both() {
        let id = client.keep(&Upload::png()).await;
        let members =
            [json!({ "id": id, "caption": "Look" }), json!({ "link": "https://example.com/a.png" })];
        for members in members {
            let answer = send(&client, media("image", members)).await;
            assert_eq!(answer.status(), 200, "{}", answer.shown());
            let text = answer.text();
            let start = r#"{"messaging_product":"whatsapp","contacts":[{"input":"+51 999 888-777","wa_id":"51999888777"}],"messages":[{"id":"wamid."#;
            assert!(text.starts_with(start) && text.ends_with(r#""}]}"#), "{text}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_whole_application_can_run_texts_templates_and_marks_as_read() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let messages = [
        json!({ "messaging_product": "whatsapp", "to": "51999888777", "text": { "body": "hi" } }),
        json!({ "messaging_product": "whatsapp", "to": "51999888777", "type": "template",
            "template": { "name": "hello_world", "language": { "code": "en_US" } } }),
    ];
    for message in messages {
        assert_eq!(send(&graph, message).await.status(), 200);
    }
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x" });
    assert_eq!(send(&graph, read).await.text(), r#"{"success":true}"#);
    app.finish().await;
}

#[tokio::test]
async fn what_was_sent_is_told_to_whoever_tests() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    assert_eq!(send(&graph, media("image", json!({ "id": id, "caption": "Look" }))).await.status(), 200);
    let messages = format!("http://{}/v1/messages", app.admin());
    let list = async |query: &str| -> Value {
        reqwest::get(format!("{messages}{query}")).await.unwrap().json().await.unwrap()
    };
    let all = list("").await;
    assert_eq!(all[0]["media_id"], id.as_str());
    assert_eq!(all[0]["caption"], "Look");
    assert_eq!(all[0]["type"], "image");
    assert_eq!(list("?phone_number_id=1").await, json!([]));
    assert_eq!(reqwest::Client::new().delete(&messages).send().await.unwrap().status(), 204);
    assert_eq!(list("").await, json!([]));
    app.finish().await;
}

#[tokio::test]
async fn unknown_foreign_expired_and_deleted_ids_are_one_refusal() {
    let app = TestApp::with(&[("retention.counts_from", "upload")]).await;
    let (graph, stranger) = (app.graph(), app.tenant("B").await);
    let expired = graph.keep(&Upload::png()).await;
    app.turn(30 * DAY);
    let foreign = app.graph_of(&stranger).keep(&Upload::png()).await;
    let deleted = graph.keep(&Upload::png()).await;
    assert_eq!(graph.delete(&deleted).await.status(), 200);
    let text = "(#100) Param image['id'] is not a valid whatsapp business account media attachment ID";
    let body = format!(
        r#"{{"error":{{"message":"{text}","type":"OAuthException","code":100,"fbtrace_id":"{{trace}}"}}}}"#
    );
    for id in [UNKNOWN, "not-a-number", &expired, &foreign, &deleted] {
        let answer = send(&graph, media("image", json!({ "id": id }))).await;
        assert_same(&answer, &graph_refusal("400 Bad Request", text, &body, &[]));
        let answer = send(&app.d360(), media("image", json!({ "id": id }))).await;
        assert_same(&answer, &d360_refusal("400 Bad Request", &format!(r#"{{"error":"{text}"}}"#), &[]));
    }
    app.finish().await;
}

#[tokio::test]
async fn neither_id_nor_link_has_its_own_subcode() {
    let app = TestApp::start().await;
    let text = "(#100) Either one of media ID or link must be present";
    let body = format!(
        r#"{{"error":{{"message":"{text}","type":"OAuthException","code":100,"error_subcode":2494009,"fbtrace_id":"{{trace}}"}}}}"#
    );
    let answer = send(&app.graph(), media("video", json!({ "caption": "x" }))).await;
    assert_same(&answer, &graph_refusal("400 Bad Request", text, &body, &[]));
    app.finish().await;
}

#[tokio::test]
async fn a_caption_has_at_most_1024_characters_and_its_kinds() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let with_caption = |caption: String| media("image", json!({ "id": id, "caption": caption }));
    assert_eq!(send(&graph, with_caption("é".repeat(1024))).await.status(), 200);
    assert_eq!(send(&graph, with_caption("é".repeat(1025))).await.status(), 400);
    for kind in ["audio", "sticker"] {
        assert_eq!(send(&graph, media(kind, json!({ "id": id, "caption": "x" }))).await.status(), 400);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_send_by_id_counts_as_use() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    app.turn(29 * DAY);
    assert_eq!(send(&graph, media("image", json!({ "id": id }))).await.status(), 200);
    // The use is recorded beside the answer.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    app.turn(29 * DAY);
    assert_eq!(graph.retrieve(&id).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_no_message_or_too_long_is_refused() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let path = graph.upload_path.replace("media", "messages");
    for body in [Vec::new(), b"{".to_vec(), b"[]".to_vec(), vec![b' '; 300 * 1024]] {
        let answer = graph.send(&graph.request("POST", &path).body(body)).await;
        assert_eq!(answer.status(), 400, "{}", answer.shown());
        assert_eq!(answer.json()["error"]["message"], "(#100) The parameter messaging_product is required.");
    }
    app.finish().await;
}

#[tokio::test]
async fn messages_are_for_a_number_of_the_callers_own_only() {
    let app = TestApp::start().await;
    let stranger = app.tenant("B").await;
    let message = json!({ "messaging_product": "whatsapp", "to": "51999888777", "text": { "body": "hi" } });
    let own = app.graph();
    let foreign = Client { upload_path: app.graph_of(&stranger).upload_path, ..own.clone() };
    let answer = send(&foreign, message.clone()).await;
    assert_eq!(answer.status(), 400, "{}", answer.shown());
    assert_eq!(answer.json()["error"]["error_subcode"], 33);
    let nobody = Client { credential: crate::support::Credential::None, ..own };
    assert_eq!(send(&nobody, message).await.status(), 401);
    app.finish().await;
}

/// What is queued for the subscriber, oldest first.
fn announced(app: &TestApp) -> Vec<Value> {
    let catalog = app.app().store.catalog();
    let mut queued = catalog.deliveries(wamedia_store::DeliveryFilter::default()).unwrap();
    queued.sort_by_key(|delivery| delivery.id.0);
    let body = |id| catalog.delivery_body(id).unwrap().unwrap();
    queued.iter().map(|one| serde_json::from_slice(&body(one.id)).unwrap()).collect()
}

async fn subscribe(app: &TestApp) {
    let new = wamedia_store::NewSubscription {
        account: app.first.account,
        phone_number_id: None,
        dialect: wamedia_store::WebhookDialect::Graph,
        allow_private: true,
        endpoint: wamedia_store::Endpoint { url: "http://127.0.0.1:9/".to_owned(), ..Default::default() },
        created_at: app.now(),
    };
    app.app().store.catalog().add_subscription(new).await.unwrap();
}

fn status_of(webhook: &Value) -> &Value {
    &webhook["entry"][0]["changes"][0]["value"]["statuses"][0]
}

#[tokio::test]
async fn a_sent_message_is_followed_by_its_statuses_in_order() {
    let app = TestApp::start().await;
    subscribe(&app).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let answer = send(&graph, media("image", json!({ "id": id }))).await;
    let message_id = &answer.json()["messages"][0]["id"];
    let announced = announced(&app);
    let states: Vec<&Value> = announced.iter().map(|webhook| &status_of(webhook)["status"]).collect();
    assert_eq!(states, ["sent", "delivered", "read"]);
    assert!(announced.iter().all(|webhook| status_of(webhook)["id"] == *message_id));
    assert_eq!(status_of(&announced[0])["recipient_id"], "51999888777");
    app.finish().await;
}

#[tokio::test]
async fn what_meta_finds_out_after_the_send_fails_with_its_text() {
    let app = TestApp::with(&[("upload.inspection", "send")]).await;
    subscribe(&app).await;
    let graph = app.graph();
    let fake = graph.keep(&Upload::of("image/png", "a.png", b"<html>no picture</html>".to_vec())).await;
    let text = graph.keep(&Upload::text("hello")).await;
    for id in [fake, text] {
        assert_eq!(send(&graph, media("image", json!({ "id": id }))).await.status(), 200);
    }
    let announced = announced(&app);
    let errors: Vec<&Value> = announced.iter().map(|webhook| &status_of(webhook)["errors"][0]).collect();
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(|error| error["code"] == 131_053), "{errors:?}");
    let details: Vec<&str> =
        errors.iter().map(|error| error["error_data"]["details"].as_str().unwrap()).collect();
    assert_eq!(
        details,
        [
            "Image file uploaded with mimetype as image/png, however on processing it is of type text/html. Please choose a different file.",
            "Unsupported Image mime type text/plain. Please use one of image/png, image/jpeg.",
        ]
    );
    app.finish().await;
}
