//! The vendor's rules, from the client's side: never met, whatever is asked for.

use wamedia_client::{Budget, BudgetRule, Error, MediaId, Preflight, Upload};

use crate::house::{House, once, sample};

fn nobodys(number: u64) -> MediaId {
    MediaId::new(2_000_000_000_000_000 + number).unwrap()
}

#[tokio::test]
async fn a_burst_of_uploads_is_spread_below_the_rate() {
    let house = House::start().await;
    let client = house.builders()[1].clone().retries(once()).build().unwrap();
    let uploads: Vec<_> = (0..60)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                client.upload(Upload::bytes(format!("{number}")).declared("text/plain")).await
            })
        })
        .collect();
    for upload in uploads {
        upload.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn errors_of_retrieval_stop_before_the_number_is_blocked() {
    let house = House::start().await;
    let client = house.d360();
    let (id, _) = house.upload_text(&client, 10).await;
    let wrong: Vec<_> = (0..60)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.retrieve_url(nobodys(number)).await })
        })
        .collect();
    let mut held_back = 0;
    for retrieval in wrong {
        match retrieval.await.unwrap().unwrap_err() {
            Error::NotFound { .. } => {}
            Error::HeldBack { rule: BudgetRule::RetrievalErrors, retry_after } => {
                assert!(retry_after.as_secs() > 3500);
                held_back += 1;
            }
            error => panic!("{error}"),
        }
    }
    assert_eq!(held_back, 60 - 19);
    assert_eq!(house.asked("retrieve_url").await.len(), 19);
    // The number is not blocked: another client of the same number is let in.
    house.d360().retrieve_url(id).await.unwrap();
}

#[tokio::test]
async fn failed_uploads_stop_before_retrieval_is_blocked() {
    let house = House::start().await;
    let client = house.d360();
    let wrong = || Upload::path(sample("image/rgb.jpg")).declared("image/png").preflight(Preflight::Off);
    let uploads: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.upload(wrong()).await })
        })
        .collect();
    for upload in uploads {
        let error = upload.await.unwrap().unwrap_err();
        assert!(
            matches!(error, Error::Rejected(_) | Error::HeldBack { rule: BudgetRule::UploadFailures, .. }),
            "{error}"
        );
    }
    assert_eq!(house.asked("upload").await.len(), 4);
}

#[tokio::test]
async fn the_rules_are_really_there_for_who_turns_the_budget_off() {
    let house = House::start().await;
    let client = house.builders()[1].clone().budget(Budget::unlimited()).build().unwrap();
    let mut blocked = None;
    for number in 0..30 {
        match client.retrieve_url(nobodys(number)).await.unwrap_err() {
            Error::NotFound { .. } => {}
            error => blocked = blocked.or(Some(error)),
        }
    }
    let blocked = blocked.expect("the number is blocked");
    assert!(
        matches!(&blocked, Error::Throttled { retry_after: Some(wait), .. } if wait.as_secs() > 1700),
        "{blocked}"
    );
}

#[tokio::test]
async fn an_asked_for_wait_of_a_second_is_waited() {
    let house = House::start().await;
    for client in house.clients() {
        let begun = tokio::time::Instant::now();
        house.arm(r#"{"action":"upload","error":"upload_rate","retry_after":"1s"}"#);
        let uploaded = client.upload(Upload::bytes("x").declared("text/plain")).await.unwrap();
        assert_eq!(uploaded.attempts, 2);
        assert!(begun.elapsed().as_millis() >= 1000);
        house.arm(r#"{"action":"upload","error":"upload_rate","retry_after":"10m"}"#);
        let error = client.upload(Upload::bytes("x").declared("text/plain")).await.unwrap_err();
        assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(600));
    }
}
