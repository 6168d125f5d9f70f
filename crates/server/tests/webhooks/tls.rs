//! https endpoints: trusted by the configured authority, or not called.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wamedia_store::DeliveryState;

use crate::house::{admin, photo, wait_for};
use crate::receiver::{Reply, serve};
use crate::support::TestApp;

#[tokio::test]
async fn only_who_shows_a_trusted_certificate_is_told() {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let acceptor =
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![leaf.der().clone()], private).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hits = Arc::new(Mutex::new(Vec::new()));
    let recorded = hits.clone();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, recorded.clone(), Arc::new(|_: &_, _| Reply::status(200))).await;
            }
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, certificate.pem()).unwrap();

    // "localhost" is in the certificate, 127.0.0.1 is not.
    for (trusts, host, delivered) in
        [(true, "localhost", true), (true, "127.0.0.1", false), (false, "localhost", false)]
    {
        let settings = [("webhooks.ca_file", ca_file.to_str().unwrap())];
        let test = TestApp::with(if trusts { &settings } else { &[] }).await;
        let body = json!({"url": format!("https://{host}:{port}/hook"), "allow_private": true});
        let answer = admin(&test, "POST", "/v1/subscriptions", body).await;
        assert_eq!(answer.status(), 201, "{}", answer.shown());
        photo(&test, "").await;
        wait_for(&test, "an attempt", |all| all[0].last_at.is_some()).await;
        let delivery = crate::house::queue(&test).remove(0);
        let expected = if delivered {
            (DeliveryState::Delivered, None)
        } else {
            (DeliveryState::Waiting, Some("no-tls"))
        };
        assert_eq!((delivery.state, delivery.last_error.as_deref()), expected, "{host}, trusted: {trusts}");
        test.finish().await;
    }
    assert_eq!(hits.lock().unwrap().len(), 1);
    server.abort();
}
