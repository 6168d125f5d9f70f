//! The vendors' throttles, exact: per number, sliding, over restarts, and only for what the client did wrong.

use crate::support::raw::Answer;
use crate::support::{Client, Credential, TestApp, Upload};

const UNKNOWN: &str = "1761991787669262";

fn is_blocked(answer: &Answer) -> bool {
    let blocked = answer.text() == r#"{"error":"Too many requests - endpoint disabled"}"#;
    assert_eq!(blocked, answer.status() == 429, "{}", answer.shown());
    blocked
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").expect("the time to wait").parse().expect("seconds")
}

/// Wrong requests of retrieve_url, none of which may be blocked yet.
async fn err(client: &Client, times: usize) {
    for _ in 0..times {
        assert_eq!(client.retrieve(UNKNOWN).await.status(), 400);
    }
}

async fn fail_uploads(client: &Client, times: usize) {
    for _ in 0..times {
        let answer = client.upload(&Upload::png().declared("image/jpeg")).await;
        assert_eq!(answer.status(), 400, "{}", answer.shown());
    }
}

#[tokio::test]
async fn the_26th_upload_of_a_second_is_refused_and_the_second_slides() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    for sent in 0..25 {
        assert_eq!(d360.upload(&Upload::png()).await.status(), 200, "{sent}");
        app.turn_ms(if sent == 0 { 400 } else { 0 });
    }
    let refused = d360.upload(&Upload::png()).await;
    assert_eq!((refused.status(), retry_after(&refused)), (429, 1));
    app.turn_ms(599);
    assert_eq!(d360.upload(&Upload::png()).await.status(), 429);
    // The first is a second old: one place, not more.
    app.turn_ms(1);
    assert_eq!(d360.upload(&Upload::png()).await.status(), 200);
    assert_eq!(d360.upload(&Upload::png()).await.status(), 429);
    app.turn_ms(400);
    for _ in 0..24 {
        assert_eq!(d360.upload(&Upload::png()).await.status(), 200);
    }
    assert_eq!(d360.upload(&Upload::png()).await.status(), 429);
    app.finish().await;
}

#[tokio::test]
async fn an_upload_over_the_rate_is_refused_before_its_body_is_read() {
    let app = TestApp::with(&[("throttle.upload-rate.limit", "1")]).await;
    let d360 = app.d360();
    d360.keep(&Upload::png()).await;
    let request = d360.upload_request(&Upload::text_of(8 * 1024 * 1024));
    let mut connection = crate::support::Connection::open(app.address()).await;
    connection.send(&request.head()).await;
    assert_eq!(connection.answer("POST").await.unwrap().status(), 429);
    app.finish().await;
}

#[tokio::test]
async fn the_21st_error_of_an_hour_blocks_retrieval_for_30_minutes() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    let link = d360.link(&id).await;
    err(&d360, 20).await;
    assert_eq!(d360.retrieve(&id).await.status(), 200, "twenty are allowed");
    err(&d360, 1).await;
    let blocked = d360.retrieve(&id).await;
    assert!(is_blocked(&blocked));
    assert_eq!(retry_after(&blocked), 1_800);
    // Only retrieval is blocked.
    assert_eq!(d360.download(&link).await.status(), 200);
    let other = d360.keep(&Upload::jpeg()).await;
    assert_eq!(d360.delete(&other).await.status(), 200);
    app.turn_ms(1_799_001);
    assert_eq!(retry_after(&d360.retrieve(&id).await), 1, "rounded up");
    app.turn_ms(999);
    assert_eq!(d360.retrieve(&id).await.status(), 200, "over at its very second");
    app.finish().await;
}

#[tokio::test]
async fn the_hour_of_errors_slides() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    err(&d360, 1).await;
    app.turn(1_000);
    err(&d360, 19).await;
    app.turn(2_599);
    assert!(!is_blocked(&d360.retrieve("abc").await), "the 21st itself is answered");
    assert!(is_blocked(&d360.retrieve(UNKNOWN).await));

    // In another hour: the first is out of the window when the 21st comes.
    app.turn(100_000);
    err(&d360, 1).await;
    app.turn(1_000);
    err(&d360, 19).await;
    app.turn(2_600);
    err(&d360, 1).await;
    assert!(!is_blocked(&d360.retrieve("abc").await), "twenty and the 21st now");
    assert!(is_blocked(&d360.retrieve(UNKNOWN).await));
    app.finish().await;
}

#[tokio::test]
async fn successes_and_our_own_refusals_never_count() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    for _ in 0..40 {
        assert_eq!(d360.retrieve(&id).await.status(), 200);
    }
    err(&d360, 21).await;
    for _ in 0..30 {
        assert!(is_blocked(&d360.retrieve(UNKNOWN).await));
    }
    // The block is as long as it was: what was refused in it moved nothing.
    app.turn(1_800);
    assert_eq!(d360.retrieve(&id).await.status(), 200);
    // The errors of before still stand in the window; one more is again over it.
    assert!(!is_blocked(&d360.retrieve(UNKNOWN).await));
    assert!(is_blocked(&d360.retrieve(&id).await));
    app.finish().await;
}

#[tokio::test]
async fn requests_that_were_not_authenticated_never_count() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let revoked = app.key(app.first.number, None).await;
    app.revoke(&revoked).await;
    for key in ["unknown".to_owned(), revoked] {
        let nobody = Client { credential: Credential::Key(key), ..d360.clone() };
        for _ in 0..25 {
            assert_eq!(nobody.retrieve(UNKNOWN).await.status(), 401);
        }
        for _ in 0..30 {
            assert_eq!(nobody.upload(&Upload::png()).await.status(), 401);
        }
    }
    err(&d360, 20).await;
    let id = d360.keep(&Upload::png()).await;
    assert_eq!(d360.retrieve(&id).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn the_6th_failed_upload_of_an_hour_blocks_retrieval_for_an_hour() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    fail_uploads(&d360, 5).await;
    assert_eq!(d360.retrieve(&id).await.status(), 200);
    fail_uploads(&d360, 1).await;
    let blocked = d360.retrieve(&id).await;
    assert!(is_blocked(&blocked));
    assert_eq!(retry_after(&blocked), 3_600);
    assert_eq!(d360.upload(&Upload::png()).await.status(), 200, "uploads are not blocked");
    app.turn(3_599);
    assert!(is_blocked(&d360.retrieve(&id).await));
    app.turn(1);
    assert_eq!(d360.retrieve(&id).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn an_upload_over_the_rate_is_no_failed_upload() {
    let app = TestApp::with(&[("throttle.upload-rate.limit", "1")]).await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    for _ in 0..10 {
        assert_eq!(d360.upload(&Upload::png()).await.status(), 429);
    }
    assert_eq!(d360.retrieve(&id).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn other_numbers_are_not_affected_not_even_of_the_same_account() {
    let app = TestApp::start().await;
    let sibling = app.d360_of(&app.number_in(app.first.account).await);
    let stranger = app.d360_of(&app.tenant("other").await);
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    err(&d360, 21).await;
    for _ in 0..24 {
        d360.keep(&Upload::png()).await;
    }
    assert!(is_blocked(&d360.retrieve(&id).await));
    assert_eq!(d360.upload(&Upload::png()).await.status(), 429);
    assert_eq!(sibling.retrieve(&id).await.status(), 200);
    assert_eq!(sibling.upload(&Upload::png()).await.status(), 200);
    err(&stranger, 20).await;
    let own = stranger.keep(&Upload::png()).await;
    assert_eq!(stranger.retrieve(&own).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn two_keys_of_one_number_share_its_counts() {
    let app = TestApp::start().await;
    let second = Client { credential: Credential::Key(app.key(app.first.number, None).await), ..app.d360() };
    err(&app.d360(), 11).await;
    err(&second, 10).await;
    assert!(is_blocked(&app.d360().retrieve(UNKNOWN).await));
    assert!(is_blocked(&second.retrieve(UNKNOWN).await));
    app.finish().await;
}

#[tokio::test]
async fn counts_and_blocks_survive_a_restart() {
    let mut app = TestApp::start().await;
    err(&app.d360(), 15).await;
    fail_uploads(&app.d360(), 3).await;
    app.turn(600);
    app.restart().await;
    err(&app.d360(), 5).await;
    let id = app.d360().keep(&Upload::png()).await;
    assert_eq!(app.d360().retrieve(&id).await.status(), 200);
    err(&app.d360(), 1).await;
    app.turn(60);
    app.restart().await;
    let blocked = app.d360().retrieve(&id).await;
    assert!(is_blocked(&blocked));
    assert_eq!(retry_after(&blocked), 1_740);
    fail_uploads(&app.d360(), 3).await;
    assert_eq!(retry_after(&app.d360().retrieve(&id).await), 1_740, "the first block that is met");
    app.turn(1_740);
    let blocked = app.d360().retrieve(&id).await;
    assert_eq!(retry_after(&blocked), 1_860, "what is left of the hour for failed uploads");
    app.finish().await;
}

#[tokio::test]
async fn the_other_dialect_is_not_bound_by_default() {
    let app = TestApp::start().await;
    let graph =
        Client { credential: Credential::Token(app.number_in(app.first.account).await.token), ..app.graph() };
    for _ in 0..30 {
        assert_eq!(graph.retrieve(UNKNOWN).await.status(), 400);
    }
    for _ in 0..30 {
        app.graph().keep(&Upload::png()).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn each_rule_can_be_switched_off_and_what_it_counts_and_blocks_be_set() {
    let settings = [
        ("throttle.upload-rate.enabled", "false"),
        ("throttle.upload-failures.enabled", "false"),
        ("throttle.retrieval-errors.limit", "2"),
        ("throttle.retrieval-errors.counts", "retrieve_url,delete"),
        ("throttle.retrieval-errors.blocks", "delete,download"),
        ("throttle.retrieval-errors.block_for", "10s"),
    ];
    let app = TestApp::with(&settings).await;
    let d360 = app.d360();
    let id = d360.keep(&Upload::png()).await;
    for _ in 0..40 {
        d360.keep(&Upload::png()).await;
    }
    fail_uploads(&d360, 10).await;
    let link = d360.link(&id).await;
    err(&d360, 1).await;
    assert_eq!(d360.delete(UNKNOWN).await.status(), 400);
    assert_eq!(d360.delete("abc").await.status(), 400);
    assert!(is_blocked(&d360.delete(&id).await));
    assert_eq!(d360.download(&link).await.status(), 429);
    assert_eq!(d360.retrieve(&id).await.status(), 200);
    app.turn(10);
    assert_eq!(d360.download(&link).await.status(), 200);
    assert_eq!(d360.delete(&id).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn of_many_uploads_at_once_exactly_as_many_pass_as_may() {
    let app = TestApp::start().await;
    let d360 = app.d360();
    let uploads: Vec<_> = (0..40)
        .map(|_| {
            let d360 = d360.clone();
            tokio::spawn(async move { d360.upload(&Upload::png()).await.status() })
        })
        .collect();
    let mut passed = 0;
    for upload in uploads {
        match upload.await.unwrap() {
            200 => passed += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert_eq!(passed, 25);
    app.finish().await;
}
