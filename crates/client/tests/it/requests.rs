//! Requests as services see them.

use tokio::io::AsyncReadExt as _;
use wamedia_client::{Link, Upload};

use crate::script::{ID, KEY, NUMBER, Script, TOKEN, answer, json, media};

#[tokio::test]
async fn graph_and_d360_are_asked_as_they_want_to_be() {
    let acts = || {
        let described = format!(r#"{{"id":"{ID}","url":"https://lookaside.fbsbx.com/x"}}"#);
        vec![
            json(200, &described),
            json(200, r#"{"success":true}"#),
            json(200, &format!(r#"{{"id":"{ID}"}}"#)),
        ]
    };
    for (is_graph, script) in [(true, Script::play(acts())), (false, Script::play(acts()))] {
        let client = if is_graph { script.graph() } else { script.d360() };
        let id = ID.parse().unwrap();
        client.retrieve_url(id).await.unwrap();
        client.delete(id).await.unwrap();
        client.upload(Upload::bytes("hello").file_name("größe.txt").ttl_minutes(60)).await.unwrap();
        let asked = script.asked();
        let lines: Vec<_> = asked.iter().map(|asked| asked.line()).collect();
        let version = if is_graph { "/v23.0" } else { "" };
        let upload = if is_graph { format!("/v23.0/{NUMBER}/media") } else { "/media".to_owned() };
        assert_eq!(
            lines,
            [
                format!("GET {version}/{ID} HTTP/1.1"),
                format!("DELETE {version}/{ID} HTTP/1.1"),
                format!("POST {upload} HTTP/1.1"),
            ]
        );
        for asked in &asked {
            let bearer = format!("Bearer {TOKEN}");
            assert_eq!(asked.header("authorization"), is_graph.then_some(bearer.as_str()));
            assert_eq!(asked.header("d360-api-key"), (!is_graph).then_some(KEY));
            assert!(asked.header("user-agent").is_some_and(|agent| agent.starts_with("wamedia-client/")));
            assert_eq!(asked.header("accept-encoding"), Some("identity"));
            assert_eq!(asked.header("host"), Some(script.address.to_string().as_str()));
        }
        form_is_whole(&asked[2].head, &asked[2].body);
    }
}

fn form_is_whole(head: &str, body: &[u8]) {
    let body = String::from_utf8_lossy(body);
    let boundary = head.split_once("multipart/form-data; boundary=").unwrap().1.lines().next().unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ntext/plain\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"ttl_minutes\"\r\n\r\n60\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"größe.txt\"\r\n\
         Content-Type: text/plain\r\n\r\nhello\r\n--{boundary}--\r\n"
    );
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_stream_of_unknown_length_is_chunked() {
    let script = Script::play(vec![json(200, &format!(r#"{{"id":"{ID}"}}"#))]);
    let long = tokio::io::repeat(b'a').take(200_000);
    script.graph().upload(Upload::stream(long, None)).await.unwrap();
    let asked = &script.asked()[0];
    assert_eq!((asked.header("transfer-encoding"), asked.header("content-length")), (Some("chunked"), None));
}

#[tokio::test]
async fn links_are_sent_byte_for_byte() {
    let odd = "/whatsapp_business/attachments/?mid=1&ext=2&hash=a'b|c%2Fd%2fe~f{g}^`h+i==&x=%zz&y=../..//&&;@:!$*(),";
    for dotted in [odd, "/a/./b/%2e%2e/../c//d;e?", "/x?a=b?c=d"] {
        let script = Script::play(vec![answer(200, "", b"hello"), answer(200, "", b"hello")]);
        let mut described = media(&script, b"hello");
        described.link = Some(Link::new(format!("https://lookaside.fbsbx.com{dotted}")));
        script.d360().download(&described).await.unwrap().bytes(5).await.unwrap();
        described.link = Some(Link::new(format!("{}{dotted}", script.base())));
        script.graph().download(&described).await.unwrap().bytes(5).await.unwrap();
        for asked in script.asked() {
            assert_eq!(asked.line(), format!("GET {dotted} HTTP/1.1"));
        }
    }
}
