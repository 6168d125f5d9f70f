//! Each error of the services, as the type that says what to do.

use wamedia::stand_in::errors::ERRORS;
use wamedia_client::{Client, Error, Missing, PhoneNumberId, Upload};

use crate::house::{House, once};

/// What the client makes of each error by its name, when a media's url is asked for.
fn expected(name: &str) -> &'static str {
    match name {
        "unauthenticated" | "forged_link" | "expired_link" => "unauthorized",
        "permission_missing" => "forbidden",
        "no_such_media" | "no_such_phone_number" => "not-found",
        "upload_rate" | "blocked" => "throttled",
        "body_lost" | "internal" | "overloaded" => "upstream",
        _ => "rejected",
    }
}

#[tokio::test]
async fn every_error_says_what_to_do() {
    let unbound =
        [("throttle.retrieval-errors.enabled", "false"), ("throttle.upload-failures.enabled", "false")];
    let house = House::with(&unbound).await;
    let legacy = House::with(&[unbound[0], unbound[1], ("d360.error_style", "legacy")]).await;
    for builder in house.builders().into_iter().chain(legacy.builders()) {
        let client = builder.retries(once()).budget(wamedia_client::Budget::unlimited()).build().unwrap();
        for row in ERRORS {
            let error = client.retrieve_url(row.media_id.parse().unwrap()).await.unwrap_err();
            let is_d360 = format!("{client:?}").contains("d360");
            // 360dialog knows no other number than the key's own, and has one text for both.
            let expected = match (row.name, is_d360) {
                ("invalid_media_id", false) => "not-found",
                ("foreign_number", true) => "not-found",
                (name, _) => expected(name),
            };
            assert_eq!(error.word(), expected, "{} {client:?}: {error}", row.name);
            assert!(!error.remedy().is_empty(), "{}", row.name);
            let answer = error.answer().expect("an answer");
            assert!(!answer.message.is_empty());
            assert_eq!(error.request_id().is_some(), !is_d360, "{error}");
        }
    }
}

#[tokio::test]
async fn a_wrong_credential_or_number_is_told_apart() {
    let house = House::start().await;
    let base = house.stand_in.base();
    let number = house.world.number.id.to_string();
    for client in house.clients() {
        client.check().await.unwrap();
    }
    for wrong in [
        Client::graph(&base, "v23.0", &number, "wat_wrong").unwrap(),
        Client::d360(&base, "wak_wrong").unwrap(),
    ] {
        assert!(matches!(wrong.check().await, Err(Error::Unauthorized(_))));
        let upload = wrong.upload(Upload::bytes("x").declared("text/plain")).await;
        assert!(matches!(upload, Err(Error::Unauthorized(_))));
    }
    let other = Client::graph(&base, "", "1", house.world.token.secret.as_str()).unwrap();
    for error in [
        other.check().await.unwrap_err(),
        other.upload(Upload::bytes("x").declared("text/plain")).await.unwrap_err(),
    ] {
        let number = PhoneNumberId::new(1).unwrap();
        assert!(
            matches!(error, Error::NotFound { what: Missing::PhoneNumber(missing), .. } if missing == number),
            "{error}"
        );
    }
}

#[tokio::test]
async fn no_secret_is_in_any_error_or_debug() {
    let house = House::start().await;
    for client in house.clients() {
        let (id, _) = house.upload_text(&client, 10).await;
        let media = client.retrieve_url(id).await.unwrap();
        client.delete(id).await.unwrap();
        let mut texts = vec![format!("{client:?} {media:?}")];
        let link = media.link.clone().unwrap();
        for error in [client.download(&media).await.unwrap_err(), client.retrieve_url(id).await.unwrap_err()]
        {
            texts.push(format!("{error} {error:?} {}", error.remedy()));
        }
        let base = house.stand_in.base();
        let dead = Client::d360("http://127.0.0.1:1", house.world.key.secret.as_str()).unwrap();
        let error = dead.download(&media).await.map(drop);
        texts.push(format!("{dead:?} {error:?} {base}"));
        let query = link.as_str().split_once("hash=").unwrap().1;
        for text in texts {
            for secret in [house.world.token.secret.as_str(), house.world.key.secret.as_str(), query] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_done() {
    let house = House::start().await;
    for client in house.clients() {
        let (id, _) = house.upload_text(&client, 10).await;
        house.arm(r#"{"action":"delete","cut":0}"#);
        client.delete(id).await.unwrap();
        assert!(matches!(client.delete(id).await, Err(Error::NotFound { .. })));
    }
    let house = House::with(&[
        ("graph.delete_answer", "deleted"),
        ("d360.delete_answer", "both"),
        ("d360.file_size", "text"),
    ])
    .await;
    for client in house.clients() {
        let (id, _) = house.upload_text(&client, 10).await;
        assert_eq!(client.retrieve_url(id).await.unwrap().bytes, Some(10));
        client.delete(id).await.unwrap();
    }
}
