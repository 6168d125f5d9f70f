//! Native TLS, and its certificate read again when it changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Connection, TestApp, Upload, samples};

/// Writes a certificate for `localhost` and its key.
fn write_certificate(dir: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("cert.pem"), cert.pem()).unwrap();
    cert.der().clone()
}

async fn connect(app: &TestApp, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(app.address()).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

async fn with_tls(dir: &Path) -> TestApp {
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let settings = [
        ("public.tls.certificate", certificate.to_str().unwrap()),
        ("public.tls.key", key.to_str().unwrap()),
        ("limits.header_deadline", "500ms"),
    ];
    TestApp::with(&settings).await
}

#[tokio::test]
async fn both_directions_work_and_urls_say_https() {
    let dir = TempDir::new().unwrap();
    let certificate = write_certificate(dir.path());
    let app = with_tls(dir.path()).await;
    let graph = app.graph();
    let mut connection = Connection::over(connect(&app, &certificate).await.unwrap());
    let answer = connection.ask(&graph.upload_request(&Upload::png())).await;
    let id = crate::support::client::id_of(&answer);
    let answer = connection.ask(&graph.request("GET", &format!("/v23.0/{id}"))).await;
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    let link = url.strip_prefix("https://media.example:8480").expect("https");
    assert_eq!(connection.ask(&graph.request("GET", link)).await.body, samples::png());
    drop(connection);
    app.finish().await;
}

#[tokio::test]
async fn a_changed_certificate_is_used_from_the_next_connection_on() {
    let dir = TempDir::new().unwrap();
    let old = write_certificate(dir.path());
    let app = with_tls(dir.path()).await;
    assert!(connect(&app, &old).await.is_ok());
    // Half of a new pair is no pair: the old one stays.
    let good_key = std::fs::read(dir.path().join("key.pem")).unwrap();
    std::fs::write(dir.path().join("key.pem"), "not a key").unwrap();
    look_again().await;
    assert!(connect(&app, &old).await.is_ok());
    std::fs::write(dir.path().join("key.pem"), good_key).unwrap();
    let new = write_certificate(dir.path());
    look_again().await;
    assert!(connect(&app, &new).await.is_ok());
    assert!(connect(&app, &old).await.is_err());
    app.finish().await;
}

/// The files are looked at every five seconds of the runtime's time, which a test can turn.
async fn look_again() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_does_not_speak_tls_is_shown_out() {
    let dir = TempDir::new().unwrap();
    write_certificate(dir.path());
    let app = with_tls(dir.path()).await;
    let mut plain = Connection::open(app.address()).await;
    plain.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(plain.answer("GET").await.is_err());
    let mut silent = Connection::open(app.address()).await;
    assert!(silent.is_ended_within(Duration::from_secs(10)).await, "a handshake has a deadline too");
    app.finish().await;
}
