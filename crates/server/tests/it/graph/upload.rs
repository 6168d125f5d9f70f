//! Uploads in Meta's dialect: every form that clients send is understood, and what is refused is refused early.

use std::time::Duration;

use crate::support::client::id_of;
use crate::support::golden::{assert_same, whole};
use crate::support::{Connection, TestApp, Upload, samples, wait_until};

#[tokio::test]
async fn the_answer_is_the_id_alone() {
    let app = TestApp::start().await;
    let answer = app.graph().upload(&Upload::png()).await;
    let id = id_of(&answer);
    let headers = ["content-type: application/json; charset=UTF-8", "facebook-api-version: v23.0"];
    assert_same(&answer, &whole("200 OK", &headers, &format!(r#"{{"id":"{id}"}}"#)));
    app.finish().await;
}

#[tokio::test]
async fn the_same_bytes_twice_have_two_ids_and_one_blob() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let (one, two) = (graph.keep(&Upload::png()).await, graph.keep(&Upload::png()).await);
    assert_ne!(one, two);
    assert_eq!(app.units(), 1);
    assert_eq!(graph.delete(&one).await.status(), 200);
    assert_eq!(graph.fetch(&two).await, samples::png());
    app.finish().await;
}

#[tokio::test]
async fn the_same_bytes_of_two_accounts_share_nothing() {
    let app = TestApp::start().await;
    let other = app.tenant("other").await;
    app.graph().keep(&Upload::png()).await;
    app.graph_of(&other).keep(&Upload::png()).await;
    assert_eq!(app.units(), 2);
    app.finish().await;
}

#[tokio::test]
async fn every_form_that_clients_send_is_understood() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let png = Upload::png;
    let forms = [
        ("file last", png()),
        ("file first", png().file_first()),
        ("with a type", png().field("type", "image/png")),
        ("with another spelling of the type", png().field("type", "IMAGE/PNG; x=y")),
        ("type from the field", png().undeclared().field("type", "image/png")),
        ("type from the field behind the file", png().undeclared().file_first().field("type", "image/png")),
        ("an unknown field", png().field("recipient_type", "individual")),
        ("a media type with parameters", png().declared("image/png; charset=binary")),
        (
            "messaging_product in the query",
            png().without("messaging_product").query("?messaging_product=whatsapp"),
        ),
        ("a quoted boundary", png().quoted_boundary()),
        ("a boundary of every legal kind", png().boundary("a'()+_,-./:=? z").quoted_boundary()),
        ("names without quotes", png().bare_names()),
        ("a path as file name", png().named("/home/me/photo.png")),
        ("a Windows path as file name", png().named(r"C:\Users\me\photo.png")),
        ("no file name", png().unnamed()),
        ("text parts with a type", png().text_headers("Content-Type: text/plain; charset=UTF-8\r\n")),
        (
            "text parts of okhttp and of mail",
            png().text_headers("Content-Length: 8\r\nContent-Transfer-Encoding: binary\r\n"),
        ),
        (
            "a file part with a length and an encoding",
            png().file_headers("Content-Length: 2065\r\nContent-Transfer-Encoding: binary\r\n"),
        ),
        ("a file part whose length is wrong", png().file_headers("Content-Length: 3\r\n")),
    ];
    for (what, form) in forms {
        let answer = graph.upload(&form).await;
        assert_eq!(answer.status(), 200, "{what}: {}", answer.shown());
        assert_eq!(graph.fetch(&id_of(&answer)).await, samples::png(), "{what}");
    }
    app.finish().await;
}

#[tokio::test]
async fn chunked_bodies_are_read_however_they_are_cut() {
    let app = TestApp::start().await;
    let graph = app.graph();
    for chunk_bytes in [1, 7, 1000, 65_536] {
        let request = graph.upload_request(&Upload::png()).chunked(chunk_bytes);
        let answer = graph.send(&request).await;
        assert_eq!(answer.status(), 200, "{chunk_bytes}: {}", answer.shown());
        assert_eq!(graph.fetch(&id_of(&answer)).await, samples::png());
    }
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_continue() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let request = graph.upload_request(&Upload::png()).header("Expect", "100-continue");
    let mut connection = Connection::open(app.address()).await;
    connection.send(&request.head()).await;
    // Nothing of the body was sent yet: the server must speak first.
    let all = request.bytes();
    let body = &all[request.head().len()..];
    assert!(!connection.is_ended_within(Duration::from_millis(1)).await || body.is_empty());
    connection.send(body).await;
    let answer = connection.answer("POST").await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.shown());
    app.finish().await;
}

#[tokio::test]
async fn any_version_or_none_and_a_doubled_slash_lead_to_the_same_place() {
    let app = TestApp::start().await;
    let number = app.first.number;
    for upload_path in [
        format!("/v13.0/{number}/media"),
        format!("/v26.0/{number}/media"),
        format!("/v21/{number}/media"),
        format!("/{number}/media"),
        format!("//v23.0/{number}/media"),
        format!("/v23.0//{number}/media/"),
    ] {
        let graph = crate::support::Client { upload_path: upload_path.clone(), ..app.graph() };
        assert_eq!(graph.upload(&Upload::png()).await.status(), 200, "{upload_path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_token_may_come_in_the_query() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let request = graph.upload_request(&Upload::png().query(&format!("?access_token={}", app.first.token)));
    let answer = graph.send(&request.without("authorization")).await;
    assert_eq!(answer.status(), 200, "{}", answer.shown());
    app.finish().await;
}

#[tokio::test]
async fn a_file_over_its_limit_is_refused_while_it_streams() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let honest = graph.upload_request(&Upload::of("image/png", "huge.png", vec![7; 64 * 1024 * 1024]));
    let bytes = honest.bytes();
    let mut connection = Connection::open(app.address()).await;
    // Hardly more than the limit was sent when the answer comes; the client never has to send the rest.
    connection.send(&bytes[..5 * 1024 * 1024 + 128 * 1024]).await;
    let answer = connection.answer("POST").await.unwrap();
    assert_eq!(answer.status(), 400, "{}", answer.shown());
    assert!(answer.text().contains("File Too Large"), "{}", answer.shown());
    app.finish().await;
}

#[tokio::test]
async fn a_type_that_is_not_accepted_is_refused_before_the_file_arrives() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let bytes = graph.upload_request(&Upload::of("video/webm", "a.webm", vec![7; 1024 * 1024])).bytes();
    let mut connection = Connection::open(app.address()).await;
    connection.send(&bytes[..4096]).await;
    let answer = connection.answer("POST").await.unwrap();
    assert!(answer.text().contains("Received file of type 'video"), "{}", answer.shown());
    app.finish().await;
}

#[tokio::test]
async fn a_file_at_its_very_limit_is_accepted() {
    let app = TestApp::with(&[("upload.inspection", "send")]).await;
    let graph = app.graph();
    let limit = 5 * 1024 * 1024;
    let at = Upload::of("image/png", "a.png", samples::text_of(limit));
    let over = Upload::of("image/png", "a.png", samples::text_of(limit + 1));
    let id = graph.keep(&at).await;
    assert!(graph.fetch(&id).await == at.content());
    assert_eq!(graph.upload(&over).await.status(), 400);
    // A type that comes behind the file bounds it too, once it is known.
    let late = Upload::of("", "a.png", over.content()).undeclared().file_first().field("type", "image/png");
    let answer = graph.upload(&late).await;
    assert!(answer.text().contains("File Too Large"), "{}", answer.shown());
    app.finish().await;
}

#[tokio::test]
async fn the_forgiving_setting_lets_the_field_decide_for_octet_streams() {
    let app = TestApp::with(&[("upload.type_from", "either")]).await;
    let graph = app.graph();
    let octets = || Upload::png().declared("application/octet-stream");
    let id = graph.keep(&octets().field("type", "image/png")).await;
    assert_eq!(graph.retrieve(&id).await.json()["mime_type"], "image/png");
    let id = graph.keep(&octets().file_first().field("type", "image/png")).await;
    assert_eq!(graph.retrieve(&id).await.json()["mime_type"], "image/png");
    assert_eq!(graph.upload(&octets()).await.status(), 400);
    assert_eq!(graph.upload(&octets().field("type", "image/gif")).await.status(), 400);
    // Two real types still must agree.
    assert_eq!(graph.upload(&Upload::png().field("type", "image/jpeg")).await.status(), 400);
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_judged_at_upload_is_kept_as_declared() {
    for setting in ["send", "off"] {
        let app = TestApp::with(&[("upload.inspection", setting)]).await;
        let graph = app.graph();
        let id = graph.keep(&Upload::png().declared("image/jpeg")).await;
        assert_eq!(graph.retrieve(&id).await.json()["mime_type"], "image/jpeg");
        assert_eq!(graph.fetch(&id).await, samples::png());
        assert_eq!(graph.upload(&Upload::png().declared("image/gif")).await.status(), 400);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_type_is_kept_as_its_bare_essence() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let cases = [
        (Upload::png().declared("Image/PNG; charset=binary"), "image/png"),
        (Upload::of("audio/ogg; codecs=opus", "a.ogg", samples::sample("audio/opus_mono.ogg")), "audio/ogg"),
        (Upload::of("video/3gp", "a.3gp", samples::sample("video/h264_aac_3gp.3gp")), "video/3gpp"),
    ];
    for (upload, mime) in cases {
        let id = graph.keep(&upload).await;
        assert_eq!(graph.retrieve(&id).await.json()["mime_type"], mime);
        let answer = graph.download(&graph.link(&id).await).await;
        assert_eq!(answer.header("content-type"), Some(mime));
    }
    app.finish().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let bytes = graph.upload_request(&Upload::text_of(1024 * 1024)).bytes();
    for cut in [200, 900, 100_000, 900_000, bytes.len() - 2] {
        let mut connection = Connection::open(app.address()).await;
        connection.send(&bytes[..cut]).await;
        if cut > 400_000 {
            wait_until("it is being staged", || !app.staging().is_empty()).await;
        }
        drop(connection);
        wait_until("it is gone", || app.staging().is_empty()).await;
    }
    wait_until("the places are free", || app.app().gates.uploads.available_permits() == 256).await;
    assert_eq!(app.units(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_broken_form_behind_a_whole_file_keeps_nothing() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let answer = graph.upload(&Upload::text_of(300_000).unclosed()).await;
    assert_eq!(answer.status(), 400, "{}", answer.shown());
    wait_until("it is gone", || app.staging().is_empty()).await;
    assert_eq!(app.units(), 0);
    app.finish().await;
}

#[tokio::test]
async fn every_type_of_the_table_is_taken() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let samples = [
        ("audio/aac", "audio/lc.aac"),
        ("audio/amr", "audio/nb_mode7.amr"),
        ("audio/mp4", "audio/lc.m4a"),
        ("audio/mpeg", "audio/cbr128k.mp3"),
        ("audio/ogg", "audio/opus_mono.ogg"),
        ("application/pdf", "doc/minimal.pdf"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "doc/minimal.docx"),
        ("text/plain", "text/utf8.txt"),
        ("image/jpeg", "image/rgb.jpg"),
        ("image/png", "image/rgba.png"),
        ("image/webp", "sticker/lossy.webp"),
        ("video/mp4", "video/h264_baseline_aac.mp4"),
        ("video/3gpp", "video/h264_aac_3gp.3gp"),
    ];
    for (declared, path) in samples {
        let name = path.split('/').next_back().unwrap();
        let upload = Upload::of(declared, name, samples::sample(path));
        let answer = graph.upload(&upload).await;
        assert_eq!(answer.status(), 200, "{path}: {}", answer.shown());
        assert!(graph.fetch(&id_of(&answer)).await == upload.content(), "{path}");
    }
    app.finish().await;
}
