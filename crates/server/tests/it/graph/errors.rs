//! Every error of Meta's dialect that a client can provoke, byte for byte.

use wamedia_store::Permissions;

use crate::support::golden::{TYPES, TYPES_JSON, assert_same, graph_refusal};
use crate::support::{Client, Connection, Credential, NOON, Request, TestApp, Upload, samples};

const BAD: &str = "400 Bad Request";
const UNKNOWN: &str = "1761991787669262";

/// The row of an object that is not there.
fn no_object(verb: &str, id: &str) -> String {
    let message = format!(
        "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
    );
    let body = format!(
        r#"{{"error":{{"message":"Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https:\/\/developers.facebook.com\/docs\/graph-api","type":"GraphMethodException","code":100,"error_subcode":33,"fbtrace_id":"{{trace}}"}}}}"#
    );
    graph_refusal(BAD, &message, &body, &[])
}

fn authentication(status: &str) -> String {
    let body = r#"{"error":{"message":"Authentication Error","type":"OAuthException","code":190,"fbtrace_id":"{trace}"}}"#;
    graph_refusal(status, "Authentication Error", body, &[])
}

/// `details` as JSON has them.
fn detailed(message: &str, code: u32, details: &str) -> String {
    let body = format!(
        r#"{{"error":{{"message":"{message}","type":"OAuthException","code":{code},"error_data":{{"messaging_product":"whatsapp","details":"{details}"}},"fbtrace_id":"{{trace}}"}}}}"#
    );
    graph_refusal(BAD, message, &body, &[])
}

fn plain(message: &str, code: u32) -> String {
    let body = format!(
        r#"{{"error":{{"message":"{message}","type":"OAuthException","code":{code},"fbtrace_id":"{{trace}}"}}}}"#
    );
    graph_refusal(BAD, message, &body, &[])
}

#[tokio::test]
async fn a_missing_unknown_revoked_or_expired_credential_is_an_authentication_error() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let revoked = app.token(app.first.account, &[], Permissions::MEDIA, None).await;
    let expiring = app.token(app.first.account, &[], Permissions::MEDIA, Some(app.now())).await;
    app.revoke(&revoked).await;
    let nobodies = [
        Credential::None,
        Credential::Token("EAAunknown".to_owned()),
        Credential::Token(String::new()),
        Credential::Token(revoked),
        Credential::Token(expiring),
        // A key of the other dialect is no token.
        Credential::Token(app.first.key.clone()),
    ];
    for credential in nobodies {
        let nobody = Client { credential, ..graph.clone() };
        let link = graph.link(&id).await;
        let answers = [
            nobody.retrieve(&id).await,
            nobody.delete(&id).await,
            nobody.upload(&Upload::png()).await,
            nobody.download(&link).await,
        ];
        for answer in answers {
            assert_same(&answer, &authentication("401 Unauthorized"));
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_credential_without_the_permission_is_told_so() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let link = graph.link(&id).await;
    let powerless = app.token(app.first.account, &[], Permissions::MANAGEMENT, None).await;
    let powerless = Client { credential: Credential::Token(powerless), ..graph.clone() };
    let message = "(#10) Application does not have permission for this action";
    let body = r#"{"error":{"message":"(#10) Application does not have permission for this action","type":"OAuthException","code":10,"fbtrace_id":"{trace}"}}"#;
    let expected = graph_refusal("403 Forbidden", message, body, &[]);
    assert_same(&powerless.retrieve(&id).await, &expected);
    assert_same(&powerless.retrieve(UNKNOWN).await, &expected);
    assert_same(&powerless.delete(&id).await, &expected);
    assert_same(&powerless.upload(&Upload::png()).await, &expected);
    assert_same(&powerless.download(&link).await, &expected);
    app.finish().await;
}

#[tokio::test]
async fn a_media_that_is_not_there_is_an_unsupported_request_of_its_method() {
    let app = TestApp::start().await;
    let graph = app.graph();
    assert_same(&graph.retrieve(UNKNOWN).await, &no_object("get", UNKNOWN));
    assert_same(&graph.delete(UNKNOWN).await, &no_object("delete", UNKNOWN));
    // Not a media id at all.
    for id in ["abc", "0", "42", "-1", "01761991787669262", "99999999999999999999999"] {
        assert_same(&graph.retrieve(id).await, &no_object("get", id));
        assert_same(&graph.delete(id).await, &no_object("delete", id));
    }
    app.finish().await;
}

#[tokio::test]
async fn an_upload_to_an_unknown_or_foreign_number_is_an_unsupported_post() {
    let app = TestApp::start().await;
    let other = app.tenant("other").await;
    for number in ["105954558954427".to_owned(), "abc".to_owned(), other.number.to_string()] {
        let upload_path = format!("/v23.0/{number}/media");
        let graph = Client { upload_path, ..app.graph() };
        assert_same(&graph.upload(&Upload::png()).await, &no_object("post", &number));
    }
    // In this dialect a number must be named.
    let graph = Client { upload_path: "/v23.0/media".to_owned(), ..app.graph() };
    assert_same(&graph.upload(&Upload::png()).await, &no_object("post", "media"));
    app.finish().await;
}

#[tokio::test]
async fn the_number_of_the_query_must_be_the_medias_own() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let sibling = app.number_in(app.first.account).await;
    let foreign =
        plain("(#100) Param phone_number_id is not a valid whatsapp business phone number id ID", 100);
    for number in [sibling.number.to_string(), "1".to_owned(), "abc".to_owned(), String::new()] {
        let target = format!("{id}?phone_number_id={number}");
        assert_same(&graph.retrieve(&target).await, &foreign);
        assert_same(&graph.delete(&target).await, &foreign);
    }
    let own = format!("{id}?phone_number_id={}", app.first.number);
    assert_eq!(graph.retrieve(&own).await.status(), 200);
    assert_eq!(graph.delete(&own).await.status(), 200);
    // Of media that is not there nothing is told, whatever the number.
    assert_same(&graph.retrieve(&format!("{id}?phone_number_id=1")).await, &no_object("get", &id));
    app.finish().await;
}

#[tokio::test]
async fn a_form_without_its_parts_says_which_is_missing() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let product = plain("(#100) The parameter messaging_product is required.", 100);
    let file = plain("(#100) The parameter file is required.", 100);
    assert_same(&graph.upload(&Upload::png().without("messaging_product")).await, &product);
    let other = Upload::png().without("messaging_product").field("messaging_product", "messenger");
    assert_same(&graph.upload(&other).await, &product);
    assert_same(&graph.upload(&Upload::png().without_file()).await, &file);
    // A form that cannot be read: cut short, not multipart, or nothing at all.
    assert_same(&graph.upload(&Upload::png().unclosed()).await, &product);
    let path = graph.upload_path.clone();
    let json = graph.request("POST", &path).header("Content-Type", "application/json").body("{}");
    assert_same(&graph.send(&json).await, &product);
    assert_same(&graph.send(&graph.request("POST", &path).body("")).await, &product);
    assert_same(&graph.send(&graph.request("POST", &path)).await, &product);
    app.finish().await;
}

#[tokio::test]
async fn a_type_that_is_not_on_the_list_is_answered_with_the_list() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let expected = |declared: &str| {
        let message = format!("{TYPES} '{declared}'.");
        let json = declared.replace('/', r"\/");
        let body = format!(
            r#"{{"error":{{"message":"{TYPES_JSON} '{json}'.","type":"OAuthException","code":100,"fbtrace_id":"{{trace}}"}}}}"#
        );
        graph_refusal(BAD, &message, &body, &[])
    };
    for declared in ["image/gif", "application/octet-stream", "image/jpg", "audio/mp3", "image/*"] {
        assert_same(&graph.upload(&Upload::png().declared(declared)).await, &expected(declared));
    }
    // A part that says octet-stream is refused whatever `type` says.
    let typed = Upload::png().declared("application/octet-stream").field("type", "image/png");
    assert_same(&graph.upload(&typed).await, &expected("application/octet-stream"));
    assert_same(&graph.upload(&Upload::png().undeclared()).await, &expected("application/octet-stream"));
    app.finish().await;
}

#[tokio::test]
async fn a_file_over_its_limit_is_too_large() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let expected =
        detailed("(#100) Invalid parameter", 100, "File Too Large: The file you uploaded is too large.");
    let huge = Upload::of("image/png", "huge.png", vec![0; 6 * 1024 * 1024]);
    let answer = graph.upload(&huge).await;
    assert!(answer.closes(), "its rest may be unread");
    assert_same(&answer, &expected.replace("no-store\n", "no-store\nconnection: close\n"));
    // A static sticker's own limit is only known once it was looked at.
    let mut webp = samples::sample("sticker/lossy.webp");
    webp.resize(100 * 1024 + 1, 0);
    let answer = graph.upload(&Upload::of("image/webp", "a.webp", webp)).await;
    assert_same(&answer, &expected);
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_breaks_a_rule_of_its_type_is_a_media_upload_error() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let cases = [
        (
            Upload::png().declared("image/jpeg"),
            r"Image file uploaded with mimetype as image\/jpeg, however on processing it is of type image\/png. Please choose a different file.",
        ),
        (
            Upload::of("audio/ogg; codecs=opus", "a.ogg", &b"no sound at all, and no Ogg either"[..]),
            r"Audio file uploaded with mimetype as audio\/ogg; codecs=opus, however on processing it is of type text\/plain. Please choose a different file.",
        ),
        (
            Upload::of("image/png", "deep.png", samples::sample("image/png16.png")),
            r"Image is invalid. Please check the image properties; supported are JPG\/JPEG, RGB\/RGBA, 8 bit\/channels and PNG, RGB\/RGBA, up to 8 bit\/channel.",
        ),
        (
            Upload::of("audio/opus", "a.opus", samples::sample("audio/opus_mono.opus")),
            r"Unsupported Audio mime type audio\/opus. Please use one of audio\/ogg; codecs=opus, audio\/mpeg, audio\/amr, audio\/mp4, audio\/aac.",
        ),
    ];
    for (upload, details) in cases {
        let answer = graph.upload(&upload).await;
        assert_same(&answer, &detailed("(#131053) Media upload error", 131_053, details));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_parameter_outside_its_range_is_named() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let ttl =
        detailed("(#100) Invalid parameter", 100, "Param ttl_minutes must be a number from 60 to 43200.");
    for minutes in ["59", "43201", "0", "-60", "1.5e3", "", "a day"] {
        assert_same(&graph.upload(&Upload::png().field("ttl_minutes", minutes)).await, &ttl);
    }
    let disagreeing = Upload::png().field("type", "image/jpeg");
    let expected = "Param type must be the type that the file part declares.";
    assert_same(&graph.upload(&disagreeing).await, &detailed("(#100) Invalid parameter", 100, expected));
    app.finish().await;
}

#[tokio::test]
async fn the_rules_bind_this_dialect_by_setting_only() {
    let app = TestApp::with(&[("throttle.binds", "graph"), ("throttle.upload-rate.limit", "1")]).await;
    let graph = app.graph();
    graph.keep(&Upload::png()).await;
    let body = r#"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,"error_data":{"messaging_product":"whatsapp","details":"Cloud API message throughput has been reached."},"fbtrace_id":"{trace}"}}"#;
    let expected = graph_refusal(BAD, "(#130429) Rate limit hit", body, &["retry-after: 1"]);
    assert_same(&graph.upload(&Upload::png()).await, &expected);
    // Which number a token of all numbers means, only the query can tell.
    let of_number = format!("{UNKNOWN}?phone_number_id={}", app.first.number);
    for _ in 0..21 {
        assert_same(&graph.retrieve(&of_number).await, &no_object("get", UNKNOWN));
    }
    let body = r#"{"error":{"message":"(#80007) Rate limit issues","type":"OAuthException","code":80007,"fbtrace_id":"{trace}"}}"#;
    let expected = graph_refusal(BAD, "(#80007) Rate limit issues", body, &["retry-after: 1800"]);
    assert_same(&graph.retrieve(&of_number).await, &expected);
    app.finish().await;
}

#[tokio::test]
async fn a_dead_link_is_an_authentication_error_or_by_setting_not_found() {
    for (setting, status) in [("401", "401 Unauthorized"), ("404", "404 Not Found")] {
        let app = TestApp::with(&[("links.expired_link_status", setting)]).await;
        let graph = app.graph();
        let id = graph.keep(&Upload::png()).await;
        let link = graph.link(&id).await;
        app.turn(300);
        assert_same(&graph.download(&link).await, &authentication(status));
        // What was never issued is no expired link.
        let forged = link.replace("&hash=", "&hash=A");
        assert_same(&graph.download(&forged).await, &authentication("401 Unauthorized"));
        let link = graph.link(&id).await;
        assert_eq!(graph.delete(&id).await.status(), 200);
        assert_same(&graph.download(&link).await, &authentication(status));
        assert_eq!(app.now().as_second(), NOON.as_second() + 300);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_path_of_nobody_and_a_wrong_method_are_answered_in_json() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let body = r#"{"error":{"message":"Unknown path components: \/v23.0\/1\/2\/3","type":"OAuthException","code":2500,"fbtrace_id":"{trace}"}}"#;
    let expected = graph_refusal("404 Not Found", "Unknown path components: /v23.0/1/2/3", body, &[]);
    assert_same(&graph.send(&graph.request("GET", "/v23.0/1/2/3")).await, &expected);

    let message = "Unsupported request - method type: put";
    let body = r#"{"error":{"message":"Unsupported request - method type: put","type":"GraphMethodException","code":100,"fbtrace_id":"{trace}"}}"#;
    let expected = graph_refusal("405 Method Not Allowed", message, body, &["allow: GET, HEAD, DELETE"]);
    assert_same(&graph.send(&graph.request("PUT", &format!("/v23.0/{UNKNOWN}"))).await, &expected);
    let expected = graph_refusal("405 Method Not Allowed", message, body, &["allow: POST"]);
    assert_same(&graph.send(&graph.request("PUT", &graph.upload_path)).await, &expected);
    let expected = graph_refusal("405 Method Not Allowed", message, body, &["allow: GET, HEAD"]);
    assert_same(&graph.send(&graph.request("PUT", "/whatsapp_business/attachments/")).await, &expected);
    app.finish().await;
}

#[tokio::test]
async fn overload_is_said_with_the_time_to_wait() {
    let app = TestApp::with(&[("limits.requests", "1"), ("limits.wait_for", "0s")]).await;
    let graph = app.graph();
    let upload = graph.upload_request(&Upload::png()).bytes();
    let mut busy = Connection::open(app.address()).await;
    busy.send(&upload[..upload.len() - 20]).await;
    crate::support::wait_until("the place is taken", || app.app().gates.requests.available_permits() == 0)
        .await;
    let body = r#"{"error":{"message":"An unexpected error has occurred. Please retry your request later.","type":"OAuthException","is_transient":true,"code":2,"fbtrace_id":"{trace}"}}"#;
    let message = "An unexpected error has occurred. Please retry your request later.";
    let expected = graph_refusal("503 Service Unavailable", message, body, &["retry-after: 1"]);
    assert_same(&graph.retrieve(UNKNOWN).await, &expected);
    busy.send(&upload[upload.len() - 20..]).await;
    assert_eq!(busy.answer("POST").await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn the_version_of_the_path_is_repeated_and_the_default_named() {
    let app = TestApp::with(&[("graph.default_version", "v19.0")]).await;
    let graph = app.graph();
    let cases = [("/v13.0/x", "v13.0"), ("/v26.0/x", "v26.0"), ("/v21/x", "v21.0"), ("/x", "v19.0")];
    for (path, version) in cases {
        let answer = graph.send(&graph.request("GET", path)).await;
        assert_eq!(answer.header("facebook-api-version"), Some(version), "{path}");
    }
    let answer = graph.send(&Request::get("/v21.0/x")).await;
    assert_eq!(answer.header("facebook-api-version"), Some("v21.0"));
    app.finish().await;
}
