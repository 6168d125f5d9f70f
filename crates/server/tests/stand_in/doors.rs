//! Who finds the controls: those who asked for a stand-in, on its admin listener, and nobody else.

use std::path::Path;

use serde_json::{Value, json};

use crate::house::House;
use crate::support::binary::{Binary, command};
use crate::support::{Client, Connection, Request, TestApp, Upload};

/// Paths of the description, with something in their places.
fn described() -> Vec<(String, Vec<String>)> {
    let text = include_str!("../../../../docs/stand-in-openapi.yaml");
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().skip_while(|line| *line != "paths:") {
        if let Some(path) = line.strip_prefix("  /").and_then(|line| line.strip_suffix(':')) {
            let pieces = path.split('/').map(|piece| if piece.starts_with('{') { "77" } else { piece });
            found.push((format!("/{}", pieces.collect::<Vec<_>>().join("/")), Vec::new()));
        } else if let Some(method) = line.strip_prefix("    ").and_then(|line| line.strip_suffix(':'))
            && ["get", "post", "put", "patch", "delete"].contains(&method)
        {
            found.last_mut().expect("a path").1.push(method.to_uppercase());
        }
    }
    assert!(found.len() > 15, "{found:?}");
    found
}

#[tokio::test]
async fn without_the_flag_no_control_exists() {
    let app = TestApp::start().await;
    assert!(app.app().stand_in.is_none(), "requests ask no more than this");
    let mut connection = Connection::open(app.admin()).await;
    for (path, _) in described() {
        for method in ["GET", "POST", "DELETE"] {
            let request = Request::new(method, &path).without("host").header("Host", "localhost");
            let answer = connection.ask(&request).await;
            assert_eq!(answer.status(), 404, "{method} {path}: {}", answer.text());
        }
    }
    let health = connection.ask(&Request::get("/health").without("host").header("Host", "localhost")).await;
    assert!(!health.text().contains("stand_in"), "{}", health.text());
    // A reserved id is an id like any other.
    assert_eq!(app.graph().retrieve("900000000131000").await.status(), 400);
    app.finish().await;
}

#[tokio::test]
async fn no_control_is_reachable_from_the_public_listener() {
    let house = House::start().await;
    let world = house.first();
    let mut connection = Connection::open(house.public()).await;
    for (path, methods) in described() {
        for method in methods {
            for credential in [&world.graph.credential, &world.d360.credential] {
                let request =
                    Request::new(&method, &path).without("host").header("Host", "localhost").body("{}");
                let answer = connection.ask(&credential.sign(request)).await;
                assert!((400..500).contains(&answer.status()), "{method} {path}: {}", answer.shown());
                if answer.closes() {
                    connection = Connection::open(house.public()).await;
                }
            }
        }
    }
    assert_eq!(house.get("/v1/stand-in").await["armed"], json!([]));
    house.finish().await;
}

#[tokio::test]
async fn the_description_is_of_these_routes() {
    let house = House::start().await;
    for (path, methods) in described() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = house.ask(method, &path, Value::Null).await;
            let taken = answer.status() != 405;
            assert_eq!(taken, methods.iter().any(|it| it == method), "{method} {path}: {}", answer.status());
            assert!(answer.status() < 500, "{method} {path}: {}", answer.text());
        }
    }
    let index = house.ask("GET", "/", Value::Null).await;
    let listed =
        index.text().lines().filter(|line| line.contains("/v1/stand-in") || line.contains("/stand-in-"));
    assert_eq!(listed.filter(|line| line.starts_with("  /")).count(), described().len());
    let served = house.ask("GET", "/stand-in-openapi.yaml", Value::Null).await;
    assert_eq!(served.text(), include_str!("../../../../docs/stand-in-openapi.yaml"));
    house.finish().await;
}

#[tokio::test]
async fn what_is_armed_is_said_in_health_and_metrics() {
    let house = House::start().await;
    house.arm(json!({"cut": 1})).await;
    assert_eq!(house.get("/health").await["stand_in"]["armed"], json!(["1 fault"]));
    let metrics = house.ask("GET", "/metrics", Value::Null).await;
    assert!(metrics.text().contains("wamedia_stand_in 1\n"), "{}", metrics.text());
    assert!(metrics.text().contains("wamedia_stand_in_faults 1\n"));
    house.finish().await;
}

#[test]
fn the_flags_of_a_stand_in_need_it() {
    for flag in [&["--in-memory"][..], &["--accept-any-credential"], &["--seed", "7"], &["--preload", "."]] {
        let output = command(Path::new("/tmp")).arg("serve").args(flag).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{flag:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--stand-in"), "{flag:?}");
    }
}

/// A stand-in as a process, with a folder to preload.
fn serve(dir: &Path, more: &[&str]) -> Binary {
    Binary::serve(dir, &[&["--stand-in"], more].concat())
}

async fn ids(binary: &Binary) -> Vec<String> {
    let graph = binary.graph(&binary.text("token"), &binary.text("phone_number_id"));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(graph.keep(&Upload::png()).await);
    }
    ids
}

#[tokio::test]
async fn a_seed_gives_the_same_ids_and_files_are_there_from_the_start() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let dir = tempfile::tempdir().expect("a folder");
        let files = dir.path().join("files");
        std::fs::create_dir(&files).expect("a folder");
        std::fs::write(files.join("hello.txt"), "hello").expect("written");
        std::fs::write(files.join(".hidden"), "no type at all").expect("written");
        let binary = serve(dir.path(), &["--seed", "7", "--preload", files.to_str().expect("text")]);
        let preloaded =
            binary.ready["stand_in"]["preloaded"]["hello.txt"].as_str().expect("an id").to_owned();
        let graph = binary.graph(&binary.text("token"), &binary.text("phone_number_id"));
        assert_eq!(graph.fetch(&preloaded).await, b"hello");
        assert_eq!(binary.ready["stand_in"]["armed"], json!([]));
        let ids = ids(&binary).await;
        seen.push((binary.text("phone_number_id"), preloaded, ids));
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_file_that_is_refused_is_named_at_the_start() {
    for (name, told) in [("page.html", "has no extension of a type"), ("fake.png", "is refused")] {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join(name), "<html>").expect("written");
        let mut serve = command(dir.path());
        serve.args([
            "serve",
            "--stand-in",
            "--in-memory",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ]);
        let output = serve.args(["--preload", "."]).output().expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains(name) && error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn any_credential_is_the_first_accounts_when_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let binary = serve(dir.path(), &["--accept-any-credential"]);
    assert_eq!(binary.ready["stand_in"]["armed"], json!(["any credential is accepted"]));
    let anybody = binary.graph("whatever", &binary.text("phone_number_id"));
    let id = anybody.keep(&Upload::png()).await;
    let known = binary.graph(&binary.text("token"), &binary.text("phone_number_id"));
    assert_eq!(known.retrieve(&id).await.status(), 200);
    let nobody = Client { credential: crate::support::Credential::None, ..known };
    assert_eq!(nobody.retrieve(&id).await.status(), 401);
}

#[tokio::test]
async fn memory_is_forgotten_at_the_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let binary = serve(dir.path(), &["--in-memory"]);
    let admin = Connection::open(binary.admin());
    let request = Request::get("/v1/stand-in").without("host").header("Host", "localhost");
    let answer = admin.await.ask(&request).await;
    let folder = answer.json()["data_dir"].as_str().expect("a folder").to_owned();
    assert!(Path::new(&folder).is_dir());
    ids(&binary).await;
    let (status, _) = binary.terminate();
    assert!(status.success());
    assert!(!Path::new(&folder).exists(), "{folder}");
    assert!(!dir.path().join("data").exists());
}
