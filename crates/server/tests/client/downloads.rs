//! Downloads as a stream: verified to the last byte, never damaged and clean at once.

use tokio::io::AsyncReadExt as _;
use wamedia_client::{Damage, Error, Link, Media, SaveOptions};

use crate::house::{House, impatient, once};

#[tokio::test]
async fn every_way_out_gives_the_same_bytes() {
    let house = House::start().await;
    for client in house.clients() {
        let (id, text) = house.upload_text(&client, 500_000).await;
        let media = client.retrieve_url(id).await.unwrap();
        assert!(client.download(&media).await.unwrap().bytes(500_000).await.unwrap() == text);
        let mut written = Vec::new();
        let count = client.download(&media).await.unwrap().write_to(&mut written).await.unwrap();
        assert!(count == 500_000 && written == text);
        let mut read = Vec::new();
        client.download(&media).await.unwrap().into_reader().read_to_end(&mut read).await.unwrap();
        assert!(read == text);
        let mut download = client.download(&media).await.unwrap();
        let mut chunks = Vec::new();
        while let Some(chunk) = download.chunk().await.unwrap() {
            chunks.extend_from_slice(&chunk);
        }
        assert!(chunks == text && download.chunk().await.unwrap().is_none());
        let too_long = client.download(&media).await.unwrap().bytes(499_999).await;
        assert!(matches!(too_long, Err(Error::TooLong { limit: 499_999 })));
    }
}

#[tokio::test]
async fn what_breaks_is_an_error_and_never_a_shorter_file() {
    let house = House::start().await;
    for client in house.clients() {
        let (id, _) = house.upload_text(&client, 300_000).await;
        house.arm(r#"{"action":"download","cut":200000}"#);
        let error = client.fetch(id).await.unwrap().bytes(u64::MAX).await.unwrap_err();
        assert!(matches!(&error, Error::Connection(broken) if broken.was_sent), "{error}");
        house.arm(r#"{"action":"download","flip":200000}"#);
        let error = client.fetch(id).await.unwrap().bytes(u64::MAX).await.unwrap_err();
        assert!(matches!(error, Error::Damaged(Damage::Sha256)), "{error}");
        house.arm(r#"{"action":"download","gzip":true}"#);
        let error = client.fetch(id).await.unwrap_err();
        assert!(matches!(&error, Error::Damaged(Damage::Coded(coding)) if coding == "gzip"), "{error}");
        house.arm(r#"{"action":"download","flip":10}"#);
        let mut reader = client.fetch(id).await.unwrap().into_reader();
        let error = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert!(error.to_string().contains("SHA-256"), "{error}");
    }
}

#[tokio::test]
async fn silence_ends() {
    let house = House::start().await;
    for builder in house.builders() {
        let client = builder.timeouts(impatient()).retries(once()).build().unwrap();
        let (id, _) = house.upload_text(&client, 300_000).await;
        house.arm(r#"{"action":"download","stall":100000,"stall_for":"20s"}"#);
        let error = client.fetch(id).await.unwrap().bytes(u64::MAX).await.unwrap_err();
        assert!(matches!(error, Error::Connection(_)), "{error}");
        house.arm(r#"{"action":"retrieve_url","delay":"20s"}"#);
        let error = client.retrieve_url(id).await.unwrap_err();
        assert!(matches!(error, Error::Connection(_)), "{error}");
    }
    house.stand_in.shutdown().await;
}

#[tokio::test]
async fn slowness_is_borne() {
    let house = House::start().await;
    for builder in house.builders() {
        let client = builder.timeouts(impatient()).retries(once()).build().unwrap();
        let (id, text) = house.upload_text(&client, 200_000).await;
        house.arm(r#"{"action":"download","rate":200000}"#);
        assert!(client.fetch(id).await.unwrap().bytes(u64::MAX).await.unwrap() == text);
    }
}

#[tokio::test]
async fn a_dead_link_is_told_from_a_dead_id() {
    for settings in [&[][..], &[("links.expired_link_status", "404")]] {
        let house = House::with(settings).await;
        for client in house.clients() {
            let (id, text) = house.upload_text(&client, 1000).await;
            let media = client.retrieve_url(id).await.unwrap();
            house.later(301);
            let error = client.download(&media).await.unwrap_err();
            assert!(matches!(error, Error::Expired(_)), "{error}");
            assert_eq!(client.fetch(id).await.unwrap().bytes(1000).await.unwrap(), text);
        }
    }
}

#[tokio::test]
async fn fetch_resolves_once_more_and_no_oftener() {
    let house = House::start().await;
    for client in house.clients() {
        let (id, _) = house.upload_text(&client, 1000).await;
        let before = house.asked("retrieve_url").await.len() + 1;
        client.fetch(id).await.unwrap();
        assert_eq!(house.asked("retrieve_url").await.len(), before);
        house.arm(r#"{"action":"download","error":"expired_link"}"#);
        client.fetch(id).await.unwrap();
        assert_eq!(house.asked("retrieve_url").await.len(), before + 2);
        house.arm(r#"{"action":"download","next":2,"error":"expired_link"}"#);
        assert!(matches!(client.fetch(id).await, Err(Error::Expired(_))));
        assert_eq!(house.asked("retrieve_url").await.len(), before + 4);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        for (faults, is_saved) in [(1, true), (2, false)] {
            house.arm(&format!(r#"{{"action":"download","next":{faults},"error":"expired_link"}}"#));
            let saved = client.fetch_to(id, &path, &SaveOptions::new()).await;
            assert_eq!(saved.is_ok(), is_saved, "{saved:?}");
        }
        assert_eq!(house.asked("retrieve_url").await.len(), before + 8);
    }
}

#[tokio::test]
async fn links_lead_home_under_a_prefix_and_from_every_host() {
    for host in ["self", "lookaside"] {
        let settings =
            [("public.path_prefix", "/wa"), ("d360.media_url_host", host), ("graph.media_url_host", "self")];
        let house = House::with(&settings).await;
        let base = format!("{}/wa", house.stand_in.base().trim_end_matches("/wa"));
        for client in [house.graph_at(&base), house.d360_at(&base)].map(|builder| builder.build().unwrap()) {
            let (id, text) = house.upload_text(&client, 1000).await;
            assert_eq!(client.fetch(id).await.unwrap().bytes(1000).await.unwrap(), text);
        }
    }
}

#[tokio::test]
async fn webhooks_media_is_downloaded_by_its_own_link() {
    let house = House::start().await;
    let client = house.d360();
    let (id, text) = house.upload_text(&client, 1000).await;
    let link = client.retrieve_url(id).await.unwrap().link.unwrap();
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
    let sum = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sum);
    let spoken =
        format!(r#"{{"mime_type":"text\/plain","sha256":"{sum}","id":"{id}","url":"{}"}}"#, link.as_str());
    let media: Media = serde_json::from_str(&spoken).unwrap();
    let download = client.download(&media).await.unwrap();
    assert_eq!(download.media().bytes, Some(1000));
    assert_eq!(download.bytes(1000).await.unwrap(), text);
    assert!(matches!(client.download(&Media::new(id)).await, Err(Error::BadLink(_))));
}

#[tokio::test]
async fn a_token_is_not_sent_to_whom_a_link_names() {
    let house = House::start().await;
    let client = house.graph();
    let foreign = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (id, _) = house.upload_text(&client, 10).await;
    let mut media = client.retrieve_url(id).await.unwrap();
    media.link = Some(Link::new(format!("http://{}/x", foreign.local_addr().unwrap())));
    assert!(matches!(client.download(&media).await, Err(Error::ForeignHost { .. })));
    let met = tokio::time::timeout(std::time::Duration::from_millis(50), foreign.accept()).await;
    assert!(met.is_err(), "somebody knocked");
}
