//! The admin listener is another socket: nothing of it is reachable on the public one.

use crate::support::{Client, Connection, Request, TestApp, Upload};

/// The paths that the admin listener's own description names, with something in their places.
fn described_paths() -> Vec<String> {
    let text = include_str!("../../../../docs/admin-openapi.yaml");
    let paths = text.lines().filter_map(|line| line.strip_prefix("  /")?.strip_suffix(':'));
    let filled = |path: &str| {
        let pieces = path.split('/').map(|piece| if piece.starts_with('{') { "1" } else { piece });
        format!("/{}", pieces.collect::<Vec<_>>().join("/"))
    };
    let mut all: Vec<String> = paths.map(filled).collect();
    all.extend(["/health", "/ready", "/metrics", "/openapi.yaml"].map(str::to_owned));
    assert!(all.len() > 6, "{all:?}");
    all
}

#[tokio::test]
async fn no_admin_route_exists_on_the_public_listener() {
    let app = TestApp::with(&[("throttle.binds", "")]).await;
    let [graph, d360] = app.both();
    let mut connection = Connection::open(app.address()).await;
    for path in described_paths() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let local = Request::new(method, &path).without("host").header("Host", "localhost").body("{}");
            for request in [local.clone(), graph.credential.sign(local.clone()), d360.credential.sign(local)]
            {
                let answer = connection.ask(&request).await;
                let status = answer.status();
                assert!((400..500).contains(&status), "{method} {path}: {}", answer.shown());
                if answer.closes() {
                    connection = Connection::open(app.address()).await;
                }
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_admin_listener_answers_to_its_own_name_only() {
    let app = TestApp::start().await;
    let mut connection = Connection::open(app.admin()).await;
    let own = app.admin().to_string();
    for (host, status) in [("localhost", 200), (own.as_str(), 200), ("evil.example", 403)] {
        let request = Request::get("/health").without("host").header("Host", host);
        assert_eq!(connection.ask(&request).await.status(), status, "{host}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_metrics_count_what_was_done() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    graph.fetch(&id).await;
    graph.retrieve("1761991787669262").await;
    app.d360().upload(&Upload::png().declared("image/gif")).await;
    let admin = Client { address: app.admin(), ..graph };
    let request = Request::get("/metrics").without("host").header("Host", "localhost");
    let text = admin.send(&request).await;
    for line in [
        r#"wamedia_requests_total{action="upload",dialect="graph",outcome="ok"} 1"#,
        r#"wamedia_requests_total{action="download",dialect="graph",outcome="ok"} 1"#,
        r#"wamedia_requests_total{action="retrieve_url",dialect="graph",outcome="ok"} 1"#,
        r#"wamedia_requests_total{action="retrieve_url",dialect="graph",outcome="no_such_media"} 1"#,
        r#"wamedia_requests_total{action="upload",dialect="d360",outcome="unsupported_type"} 1"#,
        "wamedia_media 1",
        "wamedia_sent_bytes_total 2065",
        "wamedia_stored_bytes_total 2065",
    ] {
        assert!(text.text().lines().any(|other| other == line), "{line} in\n{}", text.text());
    }
    app.finish().await;
}
