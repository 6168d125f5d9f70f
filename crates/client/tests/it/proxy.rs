//! Proxies by the environment, which only a process of its own can have.

use crate::child::transfer;
use crate::script::{ID, Script, answer, json};

#[test]
fn the_environments_proxy_is_asked_except_for_this_machine() {
    let described = format!(r#"{{"id":"{ID}","url":"https://lookaside.fbsbx.com/x","file_size":5}}"#);
    let proxy = Script::play(vec![json(200, &described), answer(200, "", b"hello")]);
    let address = format!("http://user:pass@{}", proxy.address);
    let run =
        |base: &str| transfer(base, "download", ID, &[("HTTP_PROXY", &address), ("http_proxy", &address)]);
    run("http://api.example").unwrap();
    let asked = proxy.asked();
    assert_eq!(asked[0].line(), format!("GET http://api.example/{ID} HTTP/1.1"));
    assert_eq!(asked[1].line(), "GET http://api.example/x HTTP/1.1");
    assert_eq!(asked[0].header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));

    let local = Script::play(vec![json(200, &described), answer(200, "", b"hello")]);
    run(&local.base()).unwrap();
    assert_eq!((local.asked().len(), proxy.asked().len()), (2, 2));
}

#[test]
fn a_proxy_of_https_is_asked_for_a_tunnel_and_sees_no_credential() {
    let refusal = || crate::script::raw("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let proxy = Script::play((0..4).map(|_| refusal()).collect());
    let address = format!("http://user:pass@{}", proxy.address);
    let proxies = [("HTTPS_PROXY", address.as_str()), ("https_proxy", address.as_str())];
    transfer("https://api.example", "download", ID, &proxies).unwrap_err();
    let asked = &proxy.asked()[0];
    assert_eq!(asked.line(), "CONNECT api.example:443 HTTP/1.1");
    assert_eq!(asked.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(asked.header("d360-api-key"), None);
}
