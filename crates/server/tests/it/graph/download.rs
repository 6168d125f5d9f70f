//! Downloads in Meta's dialect: whole, in parts, by every spelling of the url.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::support::golden::{assert_same, graph_refusal, whole};
use crate::support::{Client, Request, TestApp, Upload, samples};

/// The headers of every answer that has, or could have, the file.
fn media_headers(name: &str, mime: &str, content: &[u8]) -> Vec<String> {
    let sha256 = samples::hex(&samples::sha256(content));
    vec![
        "accept-ranges: bytes".to_owned(),
        "cache-control: private, no-cache, no-store, must-revalidate".to_owned(),
        format!("content-disposition: inline;filename={name}"),
        format!("content-type: {mime}"),
        format!("etag: \"{sha256}\""),
        "x-content-type-options: nosniff".to_owned(),
    ]
}

fn strs(headers: &[String]) -> Vec<&str> {
    headers.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn the_bytes_come_back_with_every_header() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let content = b"hello, world\n";
    let id = graph.keep(&Upload::text(&content[..])).await;
    let link = graph.link(&id).await;
    let headers = media_headers("note.txt", "text/plain", content);
    let answer = graph.download(&link).await;
    assert_same(&answer, &whole("200 OK", &strs(&headers), "hello, world\n"));
    assert_eq!(answer.header("content-length"), Some("13"));

    let answer = graph.send(&graph.request("HEAD", &link)).await;
    assert_same(&answer, &whole("200 OK", &strs(&headers), ""));
    assert_eq!(answer.header("content-length"), Some("13"));

    // Never content-coded, whatever the client would take.
    let zipped = graph.request("GET", &link).header("Accept-Encoding", "gzip, br, zstd");
    assert_same(&graph.send(&zipped).await, &whole("200 OK", &strs(&headers), "hello, world\n"));
    app.finish().await;
}

#[tokio::test]
async fn a_copy_that_is_still_good_is_not_sent_again() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let content = b"hello";
    let link = graph.link(&graph.keep(&Upload::text(&content[..])).await).await;
    let etag = format!("\"{}\"", samples::hex(&samples::sha256(content)));
    let headers = media_headers("note.txt", "text/plain", content);
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let answer = graph.send(&graph.request("GET", &link).header("If-None-Match", &tags)).await;
        assert_same(&answer, &whole("304 Not Modified", &strs(&headers), ""));
    }
    for tags in ["\"x\"", "", "\"\""] {
        let answer = graph.send(&graph.request("GET", &link).header("If-None-Match", tags)).await;
        assert_eq!(answer.status(), 200, "{tags}");
    }
    app.finish().await;
}

#[tokio::test]
async fn any_single_range_is_the_files_own_bytes() {
    let app = TestApp::start().await;
    let graph = app.graph();
    const CHUNK: usize = 16 * 1024;
    let upload = Upload::text_of(5 * CHUNK + 100);
    let (content, length) = (upload.content().to_vec(), 5 * CHUNK + 100);
    let link = graph.link(&graph.keep(&upload).await).await;
    let edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK - 1, 4 * CHUNK, 5 * CHUNK, length - 1];
    let mut connection = crate::support::Connection::open(app.address()).await;
    for first in edges {
        for last in edges.into_iter().filter(|last| *last >= first) {
            let range = format!("bytes={first}-{last}");
            let answer = connection.ask(&graph.request("GET", &link).header("Range", &range)).await;
            assert_eq!(answer.status(), 206, "{range}");
            assert_eq!(
                answer.header("content-range"),
                Some(format!("bytes {first}-{last}/{length}").as_str())
            );
            assert!(answer.body == content[first..=last], "{range}");
        }
    }
    for (range, first) in [
        (format!("bytes={}-", 3 * CHUNK), 3 * CHUNK),
        ("bytes=-1".to_owned(), length - 1),
        (format!("bytes=-{}", CHUNK + 101), length - CHUNK - 101),
        ("bytes=-999999999".to_owned(), 0),
        ("bytes=70000-999999999".to_owned(), 70_000),
        ("bytes=0-".to_owned(), 0),
    ] {
        let answer = connection.ask(&graph.request("GET", &link).header("Range", &range)).await;
        assert_eq!(answer.status(), 206, "{range}");
        let expected = format!("bytes {first}-{}/{length}", length - 1);
        assert_eq!(answer.header("content-range"), Some(expected.as_str()), "{range}");
        assert!(answer.body == content[first..], "{range}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_head_of_a_range_tells_its_length() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::text_of(50_000)).await).await;
    let answer = graph.send(&graph.request("HEAD", &link).header("Range", "bytes=10-19")).await;
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.header("content-length"), Some("10"));
    assert_eq!(answer.header("content-range"), Some("bytes 10-19/50000"));
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_range_is_answered_whole_and_what_is_outside_is_416() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::text(&b"0123456789"[..])).await).await;
    for range in ["bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=-", "0-1", ""] {
        let answer = graph.send(&graph.request("GET", &link).header("Range", range)).await;
        assert_eq!((answer.status(), answer.text()), (200, "0123456789"), "{range}");
    }
    let details = "The range is outside of the file.";
    let body = format!(
        r#"{{"error":{{"message":"(#100) Invalid parameter","type":"OAuthException","code":100,"error_data":{{"messaging_product":"whatsapp","details":"{details}"}},"fbtrace_id":"{{trace}}"}}}}"#
    );
    let more = ["content-range: bytes */10"];
    let expected = graph_refusal("416 Range Not Satisfiable", "(#100) Invalid parameter", &body, &more);
    for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"] {
        let answer = graph.send(&graph.request("GET", &link).header("Range", range)).await;
        assert_same(&answer, &expected);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_range_of_another_version_of_the_bytes_is_answered_whole() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::text(&b"0123456789"[..])).await).await;
    let etag = format!("\"{}\"", samples::hex(&samples::sha256(b"0123456789")));
    let part = |tag: &str| graph.request("GET", &link).header("Range", "bytes=2-4").header("If-Range", tag);
    assert_eq!(graph.send(&part(&etag)).await.text(), "234");
    // A weak tag never fits here, and there is no date that could.
    for tag in ["\"x\"", &format!("W/{etag}"), "Fri, 20 Nov 2026 12:00:00 GMT"] {
        let answer = graph.send(&part(tag)).await;
        assert_eq!((answer.status(), answer.text()), (200, "0123456789"), "{tag}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_file_name_is_kept_as_its_last_piece_and_made_safe() {
    let app = TestApp::start().await;
    let graph = app.graph();
    for (name, safe) in [
        ("photo.png", "photo.png"),
        ("/home/me/photo.png", "photo.png"),
        (r"C:\Users\me\photo.png", "photo.png"),
        ("my photo (1).png", "my_photo__1_.png"),
        ("naïve.png", "na_ve.png"),
        ("a;b=c,d.png", "a_b_c_d.png"),
        ("..png", "png"),
    ] {
        let id = graph.keep(&Upload::png().named(name)).await;
        let answer = graph.download(&graph.link(&id).await).await;
        let expected = format!("inline;filename={safe}");
        assert_eq!(answer.header("content-disposition"), Some(expected.as_str()), "{name}");
    }
    for nameless in [Upload::png().unnamed(), Upload::png().named(""), Upload::png().named("...")] {
        let id = graph.keep(&nameless).await;
        let answer = graph.download(&graph.link(&id).await).await;
        let expected = format!("inline;filename={id}.png");
        assert_eq!(answer.header("content-disposition"), Some(expected.as_str()));
    }
    app.finish().await;
}

#[tokio::test]
async fn every_spelling_of_the_url_as_a_path_opens_it() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let url = graph.retrieve(&id).await.json()["url"].as_str().unwrap().to_owned();
    let link = graph.link(&id).await;
    let encoded = utf8_percent_encode(&url, NON_ALPHANUMERIC).to_string();
    let lower = encoded.replace("%3A", "%3a").replace("%2F", "%2f");
    for target in [
        link.clone(),
        format!("/v23.0{link}"),
        format!("//v23.0/{link}"),
        format!("/v23.0/{encoded}"),
        format!("/{encoded}"),
        format!("/v23.0/{lower}"),
        format!("/v23.0/{url}"),
        format!("/{url}"),
    ] {
        let answer = graph.send(&graph.request("GET", &target)).await;
        assert_eq!(answer.status(), 200, "{target}: {}", answer.shown());
        assert_eq!(answer.body, samples::png(), "{target}");
    }
    let in_query = format!("{link}&access_token={}", app.first.token);
    assert_eq!(graph.send(&Request::get(&in_query)).await.body, samples::png());
    let in_query = format!("/v23.0/{encoded}?access_token={}", app.first.token);
    assert_eq!(graph.send(&Request::get(&in_query)).await.body, samples::png());
    app.finish().await;
}

#[tokio::test]
async fn what_clients_add_to_a_download_is_ignored() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    let json = graph.request("GET", &link).header("Content-Type", "application/json").body("{}");
    assert_eq!(graph.send(&json).await.body, samples::png());
    let picky = graph.request("GET", &link).header("Accept", "application/json");
    assert_eq!(graph.send(&picky).await.body, samples::png());
    app.finish().await;
}

#[tokio::test]
async fn the_missing_slash_is_a_permanent_redirect_with_the_query_untouched() {
    let app = TestApp::with(&[("public.path_prefix", "/wa")]).await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    let unslashed = link.replace("attachments/?", "attachments?");
    for (front, client) in [("", graph.clone()), ("/v23.0", graph.clone()), ("/wa", app.d360())] {
        let answer = client.send(&client.request("GET", &format!("{front}{unslashed}"))).await;
        assert_eq!(answer.status_line, "HTTP/1.1 308 Permanent Redirect");
        assert_eq!(answer.header("location"), Some(format!("{front}{link}").as_str()));
        assert_eq!(answer.header("content-length"), Some("0"));
        assert!(answer.body.is_empty());
    }
    let odd = "/whatsapp_business/attachments?a=%2F&&b=%zz";
    let answer = graph.send(&graph.request("GET", odd)).await;
    assert_eq!(answer.header("location"), Some("/whatsapp_business/attachments/?a=%2F&&b=%zz"));
    app.finish().await;
}

#[tokio::test]
async fn a_redirect_never_leads_to_another_host() {
    let app = TestApp::start().await;
    let graph = app.graph();
    for target in ["//whatsapp_business/attachments?x=1", "//evil.example/../whatsapp_business/attachments"] {
        let answer = graph.send(&graph.request("GET", target)).await;
        let location = answer.header("location").unwrap_or_default();
        assert!(!location.starts_with("//"), "{target}: {}", answer.shown());
    }
    app.finish().await;
}

#[tokio::test]
async fn an_empty_user_agent_is_refused_only_by_setting() {
    let app = TestApp::with(&[("download.require_user_agent", "true")]).await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    let answer = graph.download(&link).await;
    assert_eq!(answer.status(), 400, "{}", answer.shown());
    let empty = graph.send(&graph.request("GET", &link).header("User-Agent", "")).await;
    assert_eq!(empty.status(), 400, "{}", empty.shown());
    let named = graph.send(&graph.request("GET", &link).header("User-Agent", "curl/8")).await;
    assert_eq!(named.body, samples::png());
    app.finish().await;
}

#[tokio::test]
async fn a_file_of_no_bytes_or_of_whole_chunks_comes_back_as_it_was() {
    let app = TestApp::with(&[("upload.inspection", "off")]).await;
    let graph = app.graph();
    const CHUNK: usize = 16 * 1024;
    for bytes in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 8 * CHUNK, 8 * CHUNK + 1, 20 * CHUNK] {
        let upload = Upload::text_of(bytes);
        let id = graph.keep(&upload).await;
        assert!(graph.fetch(&id).await == upload.content(), "{bytes}");
    }
    let empty = graph.keep(&Upload::text(Vec::new())).await;
    let link = graph.link(&empty).await;
    let answer = graph.send(&graph.request("GET", &link).header("Range", "bytes=0-")).await;
    assert_eq!(answer.status(), 416, "{}", answer.shown());
    app.finish().await;
}

#[tokio::test]
async fn the_number_of_the_credential_does_not_matter_within_its_account() {
    let app = TestApp::start().await;
    let sibling = app.number_in(app.first.account).await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    let other: Client = app.graph_of(&sibling);
    assert_eq!(other.download(&link).await.body, samples::png());
    app.finish().await;
}
