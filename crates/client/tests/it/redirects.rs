//! Redirects to somebody else: no credential, not even a request.

use std::net::TcpListener;

use wamedia_client::{Error, Upload};

use crate::script::{ID, Script, answer, json, media};

#[tokio::test]
async fn a_foreign_host_gets_no_credential_and_no_request() {
    for status in [301, 302, 303, 307, 308] {
        let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
        foreign.set_nonblocking(true).unwrap();
        let port = foreign.local_addr().unwrap().port();
        // The other port, the other name of the same port, and the other scheme are each somebody else.
        for host in [
            format!("http://127.0.0.1:{port}"),
            format!("//localhost:{port}"),
            format!("https://127.0.0.1:{port}"),
        ] {
            let location = format!("Location: {host}/stolen\r\n");
            let script = Script::play((0..8).map(|_| answer(status, &location, b"")).collect());
            for client in [script.graph(), script.d360()] {
                let id = ID.parse().unwrap();
                for error in [
                    client.retrieve_url(id).await.unwrap_err(),
                    client.download(&media(&script, b"hello")).await.unwrap_err(),
                    client.delete(id).await.unwrap_err(),
                    client.upload(Upload::bytes("hello")).await.unwrap_err(),
                ] {
                    assert!(matches!(error, Error::ForeignHost { .. }), "{status} {host}: {error}");
                    assert!(error.to_string().contains(&port.to_string()), "{error}");
                }
            }
            assert_eq!(script.asked().len(), 8);
        }
        let met = foreign.accept();
        assert!(met.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "somebody knocked");
    }
}

#[tokio::test]
async fn a_circle_ends() {
    let script = Script::play((0..20).map(|_| answer(308, "Location: /again\r\n", b"")).collect());
    let error = script.graph().retrieve_url(ID.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Upstream(_)), "{error}");
    assert_eq!(script.asked().len(), 4);
    let error = script.graph().upload(Upload::bytes("hello")).await.unwrap_err();
    assert!(matches!(error, Error::Upstream(_)), "{error}");
    assert_eq!(script.asked().len(), 8);
}

#[tokio::test]
async fn the_same_origin_is_followed_with_the_credential() {
    let described = format!(r#"{{"id":"{ID}","url":"https://lookaside.fbsbx.com/x"}}"#);
    let script =
        Script::play(vec![answer(302, "Location: /v24.0/here?a='b\r\n", b""), json(200, &described)]);
    script.graph().retrieve_url(ID.parse().unwrap()).await.unwrap();
    let asked = script.asked();
    assert_eq!(asked[1].line(), "GET /v24.0/here?a='b HTTP/1.1");
    assert!(asked[1].header("authorization").is_some());
}
