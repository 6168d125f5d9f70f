//! retrieve_url in Meta's dialect.

use crate::support::client::path_and_query;
use crate::support::golden::{assert_same, whole};
use crate::support::{Client, Request, TestApp, Upload, samples};

const HEADERS: [&str; 3] = [
    "cache-control: private, no-store",
    "content-type: application/json; charset=UTF-8",
    "facebook-api-version: v23.0",
];

/// The answer with its hash, which only the server can make, as `{hash}`.
fn without_hash(shown: &str) -> String {
    let at = shown.find("&hash=").expect("a link") + "&hash=".len();
    let end = at + shown[at..].find('"').expect("its end");
    let hash = &shown[at..end];
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    assert!(hash.len() == 46 && hash.bytes().all(legal), "{hash}");
    format!("{}{{hash}}{}", &shown[..at], &shown[end..])
}

fn body(id: &str, host: &str, file_size: &str) -> String {
    let sha256 = samples::hex(&samples::sha256(&samples::png()));
    format!(
        r#"{{"url":"{host}\/whatsapp_business\/attachments\/?mid={id}&source=getMedia&ext=1795176300&hash={{hash}}","mime_type":"image\/png","sha256":"{sha256}","file_size":{file_size},"id":"{id}","messaging_product":"whatsapp"}}"#
    )
}

#[tokio::test]
async fn the_answer_is_byte_for_byte_the_vendors() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let answer = graph.retrieve(&id).await;
    let expected = whole("200 OK", &HEADERS, &body(&id, r"http:\/\/media.example:8480", "2065"));
    assert_eq!(without_hash(&answer.shown()), expected);
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    app.finish().await;
}

#[tokio::test]
async fn the_settings_change_the_size_and_the_host() {
    let hosts = [
        ("lookaside", r"https:\/\/lookaside.fbsbx.com"),
        ("https://cdn.example/wa", r"https:\/\/cdn.example\/wa"),
    ];
    for (setting, host) in hosts {
        let settings = [("graph.file_size", "text"), ("graph.media_url_host", setting)];
        let app = TestApp::with(&settings).await;
        let graph = app.graph();
        let id = graph.keep(&Upload::png()).await;
        let expected = whole("200 OK", &HEADERS, &body(&id, host, r#""2065""#));
        assert_eq!(without_hash(&graph.retrieve(&id).await.shown()), expected);
        assert_eq!(graph.fetch(&id).await, samples::png());
        app.finish().await;
    }
}

#[tokio::test]
async fn the_configured_address_wins_over_the_requests() {
    let app = TestApp::with(&[("public.base_url", "https://media.example.org/wa")]).await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let expected = whole("200 OK", &HEADERS, &body(&id, r"https:\/\/media.example.org\/wa", "2065"));
    assert_eq!(without_hash(&graph.retrieve(&id).await.shown()), expected);
    app.finish().await;
}

async fn url_with(client: &Client, id: &str, headers: &[(&str, &str)]) -> String {
    let mut request = client.request("GET", &format!("{}/{id}", client.base));
    for (name, value) in headers {
        request = request.without(if *name == "Host" { "Host" } else { "" }).header(name, value);
    }
    let answer = client.send(&request).await;
    assert_eq!(answer.status(), 200, "{}", answer.shown());
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    url[..url.len() - path_and_query(&url).len()].to_owned()
}

#[tokio::test]
async fn a_proxys_headers_are_believed_only_where_that_is_configured() {
    let forwarded = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "media.example.org, inner")];
    for (trusted, expected) in [("false", "http://media.example:8480"), ("true", "https://media.example.org")]
    {
        let app = TestApp::with(&[("public.trust_forwarded", trusted)]).await;
        let graph = app.graph();
        let id = graph.keep(&Upload::png()).await;
        assert_eq!(url_with(&graph, &id, &forwarded).await, expected);
        // What is no host is not repeated.
        let hostile = [("X-Forwarded-Host", "evil.example/path?"), ("X-Forwarded-Proto", "javascript")];
        assert_eq!(url_with(&graph, &id, &hostile).await, "http://media.example:8480");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_host_that_is_none_is_not_repeated() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    for host in ["evil\"example", "evil.example/path", "a b", "user@evil.example", ""] {
        let url = url_with(&graph, &id, &[("Host", host)]).await;
        assert_eq!(url, format!("http://{}", app.address()), "{host:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn every_call_mints_another_url_as_time_goes_on() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let one = graph.link(&id).await;
    app.turn(1);
    let two = graph.link(&id).await;
    assert_ne!(one, two);
    assert!(two.contains("&ext=1795176301&"), "{two}");
    app.finish().await;
}

#[tokio::test]
async fn the_path_prefix_is_answered_and_stands_in_the_url() {
    let app = TestApp::with(&[("public.path_prefix", "/whatsapp")]).await;
    let plain = app.graph();
    let prefixed = Client {
        base: "/whatsapp/v23.0".to_owned(),
        upload_path: format!("/whatsapp{}", plain.upload_path),
        ..plain.clone()
    };
    let id = prefixed.keep(&Upload::png()).await;
    let url = prefixed.retrieve(&id).await.json()["url"].as_str().unwrap().to_owned();
    assert!(
        url.starts_with("http://media.example:8480/whatsapp/whatsapp_business/attachments/?mid="),
        "{url}"
    );
    let link = url.trim_start_matches("http://media.example:8480");
    assert_eq!(plain.download(link).await.body, samples::png());
    // It answers without its prefix as before.
    let url = plain.retrieve(&id).await.json()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://media.example:8480/whatsapp_business/attachments/?mid="), "{url}");
    assert_eq!(prefixed.delete(&id).await.text(), r#"{"success":true}"#);
    app.finish().await;
}

#[tokio::test]
async fn what_clients_add_to_a_get_is_ignored() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let target = format!("/v23.0/{id}");
    let get = || graph.request("GET", &target);
    let token = format!("{target}?access_token={}", app.first.token);
    for (what, request) in [
        ("a JSON body", get().header("Content-Type", "application/json").body("{}")),
        ("a chunked body", get().body("{}").chunked(1)),
        ("an odd Accept", get().header("Accept", "image/tiff")),
        ("a client's name", get().header("User-Agent", "curl/7.88.1")),
        ("the token in the query", Request::get(&token)),
        ("the token in the query and other parameters", Request::get(&format!("{token}&fields=url&x"))),
        (
            "an OAuth scheme",
            Request::get(&target).header("Authorization", &format!("OAuth {}", app.first.token)),
        ),
        ("no version", graph.request("GET", &format!("/{id}"))),
        ("a doubled slash", graph.request("GET", &format!("//v23.0/{id}/"))),
        ("an absolute target", graph.request("GET", &format!("http://media.example:8480/v23.0/{id}"))),
    ] {
        let answer = graph.send(&request).await;
        assert_eq!(answer.status(), 200, "{what}: {}", answer.shown());
        assert_eq!(answer.json()["id"], id, "{what}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_head_has_the_headers_and_no_body() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let answer = graph.send(&graph.request("HEAD", &format!("/v23.0/{id}"))).await;
    assert_eq!((answer.status(), answer.body.len()), (200, 0));
    assert_same(&answer, &whole("200 OK", &HEADERS, ""));
    app.finish().await;
}
