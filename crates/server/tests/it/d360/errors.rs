//! Every error of 360dialog's dialect that a client can provoke, byte for byte, in both of its styles.

use crate::support::golden::{TYPES_JSON, assert_same, d360_refusal};
use crate::support::{Client, Connection, Credential, Tenant, TestApp, Upload, samples, wait_until};

const UNKNOWN: &str = "1761991787669262";

fn plain(status: &str, text: &str) -> String {
    d360_refusal(status, &format!(r#"{{"error":"{text}"}}"#), &[])
}

fn plain_with(status: &str, text: &str, more: &[&str]) -> String {
    d360_refusal(status, &format!(r#"{{"error":"{text}"}}"#), more)
}

#[tokio::test]
async fn a_missing_unknown_revoked_or_expired_key_is_invalid() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    let revoked = app.key(app.first.number, None).await;
    let expired = app.key(app.first.number, Some(app.now())).await;
    app.revoke(&revoked).await;
    let nobodies = [
        Credential::None,
        Credential::Key("unknown".to_owned()),
        Credential::Key(String::new()),
        Credential::Key(revoked),
        Credential::Key(expired),
        Credential::Key(app.first.token.clone()),
    ];
    for credential in nobodies {
        let nobody = Client { credential: credential.clone(), ..d360.clone() };
        let expected = plain("401 Unauthorized", "Invalid API key");
        assert_same(&nobody.retrieve(&id).await, &expected);
        assert_same(&nobody.delete(&id).await, &expected);
        assert_same(&nobody.upload(&Upload::png()).await, &expected);
        if credential != Credential::None {
            let link = d360.link(&id).await;
            assert_same(&nobody.download(&link).await, &expected);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_without_the_permission_is_forbidden() {
    let app = TestApp::start().await;
    let id = app.d360().keep(&Upload::png()).await;
    let link = app.d360().link(&id).await;
    let powerless = app.d360_of(&Tenant { key: app.powerless_key().await, ..app.first.clone() });
    let expected = plain("403 Forbidden", "Forbidden - missing permissions");
    assert_same(&powerless.retrieve(&id).await, &expected);
    assert_same(&powerless.retrieve(UNKNOWN).await, &expected);
    assert_same(&powerless.delete(&id).await, &expected);
    assert_same(&powerless.upload(&Upload::png()).await, &expected);
    assert_same(&powerless.download(&link).await, &expected);
    app.finish().await;
}

#[tokio::test]
async fn a_media_that_is_not_there_is_not_found_and_an_id_that_is_none_is_invalid() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let missing = plain("400 Bad Request", "Media not found");
    assert_same(&d360.retrieve(UNKNOWN).await, &missing);
    assert_same(&d360.delete(UNKNOWN).await, &missing);
    let invalid = plain("400 Bad Request", "invalid media ID format");
    for id in ["abc", "12x", "-5", "%20"] {
        assert_same(&d360.retrieve(id).await, &invalid);
        assert_same(&d360.delete(id).await, &invalid);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_form_without_its_parts_says_which_is_missing() {
    let app = TestApp::with(&[("throttle.binds", "")]).await;
    let d360 = app.d360();
    let product = plain("400 Bad Request", "(#100) The parameter messaging_product is required.");
    let file = plain("400 Bad Request", "(#100) The parameter file is required.");
    assert_same(&d360.upload(&Upload::png().without("messaging_product")).await, &product);
    assert_same(&d360.upload(&Upload::png().unclosed()).await, &product);
    assert_same(&d360.upload(&Upload::png().without_file()).await, &file);
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_is_not_accepted_is_answered_with_the_reason() {
    let app = TestApp::with(&[("throttle.binds", "")]).await;
    let d360 = app.d360();
    let listed = format!(r"{TYPES_JSON} 'image\/gif'.");
    let answer = d360.upload(&Upload::png().declared("image/gif")).await;
    assert_same(&answer, &plain("400 Bad Request", &listed));
    let octets = format!(r"{TYPES_JSON} 'application\/octet-stream'.");
    let answer =
        d360.upload(&Upload::png().declared("application/octet-stream").field("type", "image/png")).await;
    assert_same(&answer, &plain("400 Bad Request", &octets));

    let text = r"Image file uploaded with mimetype as image\/jpeg, however on processing it is of type image\/png. Please choose a different file.";
    assert_same(&d360.upload(&Upload::png().declared("image/jpeg")).await, &plain("400 Bad Request", text));
    let text = r"Image is invalid. Please check the image properties; supported are JPG\/JPEG, RGB\/RGBA, 8 bit\/channels and PNG, RGB\/RGBA, up to 8 bit\/channel.";
    let cmyk = Upload::of("image/jpeg", "a.jpg", samples::sample("image/cmyk.jpg"));
    assert_same(&d360.upload(&cmyk).await, &plain("400 Bad Request", text));

    let huge = Upload::of("image/png", "huge.png", vec![0; 6 * 1024 * 1024]);
    let text = "File Too Large: The file you uploaded is too large.";
    assert_same(&d360.upload(&huge).await, &plain_with("400 Bad Request", text, &["connection: close"]));

    let text = "Param ttl_minutes must be a number from 60 to 43200.";
    assert_same(
        &d360.upload(&Upload::png().field("ttl_minutes", "7")).await,
        &plain("400 Bad Request", text),
    );
    app.finish().await;
}

#[tokio::test]
async fn what_the_rules_refuse_is_429_or_by_setting_400() {
    for (setting, status) in [("429", "429 Too Many Requests"), ("400", "400 Bad Request")] {
        let settings = [("d360.rate_limit_status", setting), ("throttle.upload-rate.limit", "1")];
        let app = TestApp::with(&settings).await;
        let d360 = app.d360();
        d360.keep(&Upload::png()).await;
        let text = "You have exceeded the endpoint rate limit.";
        assert_same(&d360.upload(&Upload::png()).await, &plain_with(status, text, &["retry-after: 1"]));
        for _ in 0..21 {
            d360.retrieve(UNKNOWN).await;
        }
        let text = "Too many requests - endpoint disabled";
        assert_same(&d360.retrieve(UNKNOWN).await, &plain_with(status, text, &["retry-after: 1800"]));
        app.finish().await;
    }
}

#[tokio::test]
async fn a_dead_link_is_an_invalid_key_or_by_setting_not_found() {
    for (setting, status) in [("401", "401 Unauthorized"), ("404", "404 Not Found")] {
        let app = TestApp::with(&[("links.expired_link_status", setting)]).await;
        let d360 = app.d360();
        let id = d360.keep(&Upload::png()).await;
        let link = d360.link(&id).await;
        app.turn(300);
        assert_same(&d360.download(&link).await, &plain(status, "Invalid API key"));
        let forged = link.replace("&hash=", "&hash=A");
        assert_same(&d360.download(&forged).await, &plain("401 Unauthorized", "Invalid API key"));
        app.finish().await;
    }
}

#[tokio::test]
async fn a_path_of_nobody_a_wrong_method_and_overload_are_answered_in_json() {
    let app = TestApp::with(&[("limits.requests", "1"), ("limits.wait_for", "0s")]).await;
    let d360 = app.d360();
    let answer = d360.send(&d360.request("GET", "/a/b/c")).await;
    assert_same(&answer, &plain("404 Not Found", "Not found"));
    let answer = d360.send(&d360.request("PATCH", "/media")).await;
    assert_same(&answer, &plain_with("405 Method Not Allowed", "Method not allowed", &["allow: POST"]));

    let upload = d360.upload_request(&Upload::png()).bytes();
    let mut busy = Connection::open(app.address()).await;
    busy.send(&upload[..upload.len() - 20]).await;
    wait_until("the place is taken", || app.app().gates.requests.available_permits() == 0).await;
    let answer = d360.retrieve(UNKNOWN).await;
    assert_same(&answer, &plain_with("503 Service Unavailable", "Service unavailable", &["retry-after: 1"]));
    busy.send(&upload[upload.len() - 20..]).await;
    assert_eq!(busy.answer("POST").await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn the_legacy_style_says_the_same_in_the_older_envelope() {
    let settings = [("d360.error_style", "legacy"), ("throttle.upload-rate.limit", "4")];
    let app = TestApp::with(&settings).await;
    let d360 = app.d360();
    let legacy = |status: &str, code: u16, text: &str, more: &[&str]| {
        let body =
            format!(r#"{{"meta":{{"http_code":{code},"developer_message":"{text}","success":false}}}}"#);
        d360_refusal(status, &body, more)
    };
    let nobody = Client { credential: Credential::Key("unknown".to_owned()), ..d360.clone() };
    let expected = legacy("401 Unauthorized", 401, "Invalid API key", &[]);
    assert_same(&nobody.retrieve(UNKNOWN).await, &expected);
    let expected = legacy("400 Bad Request", 400, "Media not found", &[]);
    assert_same(&d360.retrieve(UNKNOWN).await, &expected);
    let expected = legacy("400 Bad Request", 400, "invalid media ID format", &[]);
    assert_same(&d360.delete("abc").await, &expected);
    let expected = legacy("400 Bad Request", 400, "(#100) The parameter file is required.", &[]);
    assert_same(&d360.upload(&Upload::png().without_file()).await, &expected);
    let expected = legacy("404 Not Found", 404, "Not found", &[]);
    assert_same(&d360.send(&d360.request("GET", "/a/b/c")).await, &expected);
    let expected = legacy("405 Method Not Allowed", 405, "Method not allowed", &["allow: POST"]);
    assert_same(&d360.send(&d360.request("GET", "/media")).await, &expected);
    for _ in 0..3 {
        d360.keep(&Upload::png()).await;
    }
    let text = "You have exceeded the endpoint rate limit.";
    let expected = legacy("429 Too Many Requests", 429, text, &["retry-after: 1"]);
    assert_same(&d360.upload(&Upload::png()).await, &expected);
    app.finish().await;
}

#[tokio::test]
async fn this_dialect_says_nothing_of_metas() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let answers = [d360.upload(&Upload::png()).await, d360.retrieve(UNKNOWN).await];
    for answer in answers {
        for header in ["facebook-api-version", "x-fb-request-id", "www-authenticate"] {
            assert_eq!(answer.header(header), None, "{}", answer.shown());
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_of_another_number_of_the_account_sees_its_media() {
    let app = TestApp::start().await;
    let sibling = app.number_in(app.first.account).await;
    let id = app.d360().keep(&Upload::png()).await;
    // The account is the wall, not the number.
    assert_eq!(app.d360_of(&sibling).fetch(&id).await, samples::png());
    app.finish().await;
}
