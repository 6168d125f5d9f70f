//! Deletes in Meta's dialect.

use crate::support::golden::{assert_same, whole};
use crate::support::{TestApp, Upload};

#[tokio::test]
async fn the_answer_is_as_configured() {
    for (setting, body) in [
        ("success", r#"{"success":true}"#),
        ("deleted", r#"{"deleted":true}"#),
        ("both", r#"{"success":true,"deleted":true}"#),
    ] {
        let app = TestApp::with(&[("graph.delete_answer", setting)]).await;
        let graph = app.graph();
        let id = graph.keep(&Upload::png()).await;
        let headers = ["content-type: application/json; charset=UTF-8", "facebook-api-version: v23.0"];
        assert_same(&graph.delete(&id).await, &whole("200 OK", &headers, body));
        app.finish().await;
    }
}

#[tokio::test]
async fn after_a_delete_the_id_every_link_and_the_bytes_are_gone() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let links = [graph.link(&id).await, app.d360().link(&id).await];
    assert_eq!(app.units(), 1);
    assert_eq!(graph.delete(&id).await.status(), 200);
    assert_eq!(app.units(), 0);
    assert_eq!(graph.retrieve(&id).await.status(), 400);
    assert_eq!(graph.delete(&id).await.status(), 400);
    for link in links {
        assert_eq!(graph.download(&link).await.status(), 401);
        assert_eq!(app.d360().download(&link).await.status(), 401);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_delete_may_carry_a_body() {
    let app = TestApp::start().await;
    let graph = app.graph();
    for body in ["{}", ""] {
        let id = graph.keep(&Upload::png()).await;
        let request = graph.request("DELETE", &format!("/v23.0/{id}"));
        let answer = graph.send(&request.header("Content-Type", "application/json").body(body)).await;
        assert_eq!(answer.text(), r#"{"success":true}"#);
    }
    app.finish().await;
}

#[tokio::test]
async fn of_many_deletes_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let deletes: Vec<_> = (0..8)
        .map(|_| {
            let (graph, id) = (graph.clone(), id.clone());
            tokio::spawn(async move { graph.delete(&id).await.status() })
        })
        .collect();
    let mut statuses = Vec::new();
    for delete in deletes {
        statuses.push(delete.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    app.finish().await;
}
