//! retrieve_url in 360dialog's dialect.

use crate::support::golden::{assert_same, whole};
use crate::support::{TestApp, Upload, samples};

const HEADERS: [&str; 2] =
    ["cache-control: private, no-store", "content-type: application/json; charset=UTF-8"];

fn body(id: &str, host: &str, file_size: &str, hash: &str) -> String {
    let sha256 = samples::hex(&samples::sha256(&samples::jpeg()));
    format!(
        r#"{{"url":"{host}\/whatsapp_business\/attachments\/?mid={id}&source=getMedia&ext=1795176300&hash={hash}","mime_type":"image\/jpeg","sha256":"{sha256}","file_size":{file_size},"id":"{id}","messaging_product":"whatsapp"}}"#
    )
}

#[tokio::test]
async fn the_answer_names_metas_host_and_each_setting_another() {
    let settings = [
        ("lookaside", "number", r"https:\/\/lookaside.fbsbx.com", "3167"),
        ("self", "number", r"http:\/\/media.example:8480", "3167"),
        ("https://waba.example", "text", r"https:\/\/waba.example", r#""3167""#),
    ];
    for (host, file_size, shown_host, shown_size) in settings {
        let app = TestApp::with(&[("d360.media_url_host", host), ("d360.file_size", file_size)]).await;
        let d360 = app.d360();
        let id = d360.keep(&Upload::jpeg()).await;
        let answer = d360.retrieve(&id).await;
        let link = answer.json()["url"].as_str().unwrap().to_owned();
        let (_, hash) = link.split_once("&hash=").unwrap();
        assert_same(&answer, &whole("200 OK", &HEADERS, &body(&id, shown_host, shown_size, hash)));
        app.finish().await;
    }
}

#[tokio::test]
async fn what_clients_add_to_a_get_is_ignored() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::jpeg()).await;
    for path in [format!("/{id}"), format!("//{id}"), format!("/{id}/"), format!("/v23.0/{id}")] {
        let request = d360.request("GET", &path).header("Content-Type", "application/json").body("{}");
        assert_eq!(d360.send(&request).await.status(), 200, "{path}");
    }
    // `?phone_number_id=` is Meta's.
    assert_eq!(d360.retrieve(&format!("{id}?phone_number_id=1")).await.status(), 200);
    app.finish().await;
}
