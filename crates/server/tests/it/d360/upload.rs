//! Uploads in 360dialog's dialect.

use crate::support::client::id_of;
use crate::support::golden::{assert_same, whole};
use crate::support::{Client, TestApp, Upload, samples};

#[tokio::test]
async fn the_answer_is_the_id_alone() {
    let app = TestApp::start().await;
    let answer = app.d360().upload(&Upload::png()).await;
    let id = id_of(&answer);
    let headers = ["content-type: application/json; charset=UTF-8"];
    assert_same(&answer, &whole("200 OK", &headers, &format!(r#"{{"id":"{id}"}}"#)));
    app.finish().await;
}

#[tokio::test]
async fn forms_are_understood_as_in_the_other_dialect() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    for form in [
        Upload::jpeg().file_first(),
        Upload::jpeg().quoted_boundary(),
        Upload::jpeg().bare_names(),
        Upload::jpeg().undeclared().field("type", "image/jpeg"),
        Upload::jpeg().named(r"C:\Users\me\photo.jpg"),
    ] {
        assert_eq!(d360.fetch(&d360.keep(&form).await).await, samples::jpeg());
    }
    let chunked = d360.upload_request(&Upload::jpeg()).chunked(100);
    assert_eq!(d360.send(&chunked).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_version_and_a_doubled_slash_do_not_matter() {
    let app = TestApp::start().await;
    for path in ["/media", "//media", "/media/", "/v23.0/media"] {
        let d360 = Client { upload_path: path.to_owned(), ..app.d360() };
        assert_eq!(d360.upload(&Upload::png()).await.status(), 200, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn both_dialects_see_the_same_media() {
    let app = TestApp::start().await;
    let [graph, d360] = app.both();
    let (from_graph, from_d360) = (graph.keep(&Upload::png()).await, d360.keep(&Upload::jpeg()).await);
    assert_eq!(d360.fetch(&from_graph).await, samples::png());
    assert_eq!(graph.fetch(&from_d360).await, samples::jpeg());
    app.finish().await;
}

/// The library's own multipart and a real client's connection handling.
#[tokio::test]
async fn a_real_client_goes_all_the_way() {
    let app = TestApp::start().await;
    let base = format!("http://{}", app.address());
    let client = reqwest::Client::new();
    let part = reqwest::multipart::Part::bytes(samples::jpeg()).file_name("photo.jpg").mime_str("image/jpeg");
    let form =
        reqwest::multipart::Form::new().text("messaging_product", "whatsapp").part("file", part.unwrap());
    let key = app.first.key.as_str();
    let answer =
        client.post(format!("{base}/media")).header("D360-API-KEY", key).multipart(form).send().await;
    let uploaded: serde_json::Value = answer.unwrap().error_for_status().unwrap().json().await.unwrap();
    let id = uploaded["id"].as_str().unwrap();
    let answer = client.get(format!("{base}/{id}")).header("D360-API-KEY", key).send().await.unwrap();
    let found: serde_json::Value = answer.json().await.unwrap();
    // As 360dialog tells its users to: the API's address in the place of Meta's.
    let url = found["url"].as_str().unwrap().replace("https://lookaside.fbsbx.com", &base);
    let answer = client.get(url).header("D360-API-KEY", key).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    assert_eq!(answer.bytes().await.unwrap(), samples::jpeg());
    let answer = client.delete(format!("{base}/{id}")).header("D360-API-KEY", key).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"success":true}"#);
    drop(client);
    app.finish().await;
}
