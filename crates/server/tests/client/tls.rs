//! TLS: whom the client trusts, and whom it does not.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::tempdir;
use wamedia_client::{ConfigError, Error};

use crate::house::{House, once};

#[tokio::test]
async fn a_named_authority_is_trusted_and_nobody_elses_is() {
    let folder = tempdir().unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let settings = [
        ("public.tls.certificate", certificate.to_str().unwrap()),
        ("public.tls.key", key.to_str().unwrap()),
    ];
    let house = House::with(&settings).await;
    let port = house.stand_in.running().public.port();
    let base = format!("https://localhost:{port}");
    for builder in [house.graph_at(&base), house.d360_at(&base)] {
        let trusting = builder.clone().root_certificates(cert.pem()).build().unwrap();
        let (id, text) = house.upload_text(&trusting, 200_000).await;
        assert!(trusting.fetch(id).await.unwrap().bytes(u64::MAX).await.unwrap() == text);

        let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
        let doubtful = builder.clone().root_certificates(other).retries(once()).build().unwrap();
        let error = doubtful.retrieve_url(id).await.unwrap_err();
        assert!(matches!(&error, Error::Connection(failed) if !failed.was_sent), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert!(matches!(builder.root_certificates("nonsense").build(), Err(ConfigError::Tls(_))));
    }
}
