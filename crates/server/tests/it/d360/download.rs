//! Downloads in 360dialog's dialect: the url's host replaced, path and query kept byte for byte.

use crate::support::golden::{assert_same, d360_refusal};
use crate::support::{Client, TestApp, Upload, samples};

#[tokio::test]
async fn a_link_of_either_dialect_opens_with_either_credential_of_the_account() {
    let app = TestApp::start().await;
    let [graph, d360] = app.both();
    let id = d360.keep(&Upload::png()).await;
    for link in [graph.link(&id).await, d360.link(&id).await] {
        assert_eq!(d360.download(&link).await.body, samples::png());
        assert_eq!(graph.download(&link).await.body, samples::png());
    }
    app.finish().await;
}

#[tokio::test]
async fn the_answer_has_the_same_headers_and_none_of_metas() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    let answer = d360.download(&d360.link(&id).await).await;
    assert_eq!(answer.header("content-type"), Some("image/png"));
    assert_eq!(answer.header("content-disposition"), Some("inline;filename=photo.png"));
    assert_eq!(answer.header("facebook-api-version"), None);
    app.finish().await;
}

#[tokio::test]
async fn a_range_outside_of_the_file_is_said_in_this_dialect() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    let link = d360.link(&id).await;
    let answer = d360.send(&d360.request("GET", &link).header("Range", "bytes=2065-")).await;
    let body = r#"{"error":"The range is outside of the file."}"#;
    let expected = d360_refusal("416 Range Not Satisfiable", body, &["content-range: bytes */2065"]);
    assert_same(&answer, &expected);
    app.finish().await;
}

#[tokio::test]
async fn a_prefix_in_front_of_a_link_is_understood() {
    let app = TestApp::with(&[("public.path_prefix", "/waba")]).await;
    let d360 = Client { base: "/waba".to_owned(), upload_path: "/waba/media".to_owned(), ..app.d360() };
    let id = d360.keep(&Upload::png()).await;
    let link = d360.link(&id).await;
    assert_eq!(d360.download(&link).await.body, samples::png());
    assert_eq!(d360.download(&format!("/waba{link}")).await.body, samples::png());
    app.finish().await;
}
