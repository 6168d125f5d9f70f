//! The admin listener without a socket: every route held to its description, every refusal, every answer.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config;
use crate::metrics::Metrics;
use crate::operations::accounts::first_start;
use crate::start::open_store;

const DESCRIPTION: &str = include_str!("../../../../docs/admin-openapi.yaml");

/// A folder after its first start, and the router over it.
struct House {
    router: Router,
    app: Arc<App>,
    _phase: watch::Sender<Phase>,
    _dir: TempDir,
}

impl House {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut flags = vec![("data.dir".to_owned(), dir.path().join("data").display().to_string())];
        flags.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let config = config::load(None, [], &flags).unwrap().config;
        let (metrics, chance) = (Metrics::new(), Chance::seeded(1));
        let clock = Clock::frozen_at(Timestamp::from_second(1_800_000_000).unwrap());
        let store = open_store(&config, &metrics).unwrap();
        first_start(&store, &chance, clock.now()).await.unwrap().unwrap();
        let app = Arc::new(App::new(config, store, clock, chance, metrics));
        let (_phase, seen) = watch::channel(Phase::Running);
        let router = router(app.clone(), seen, ([127, 0, 0, 1], 8481).into()).unwrap();
        Self { router, app, _phase, _dir: dir }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().call(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// With a body where there is one to send.
    async fn ask(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8481");
        self.send(match body {
            Value::Null => request.body(Body::empty()).unwrap(),
            body => request.header("content-type", "application/json").body(body.to_string().into()).unwrap(),
        })
        .await
    }
}

/// The paths of the description and their methods, read from its indentation.
fn described() -> BTreeMap<&'static str, Vec<Method>> {
    let mut found: BTreeMap<_, Vec<Method>> = BTreeMap::new();
    let mut path = "";
    let lines = DESCRIPTION.lines().skip_while(|line| *line != "paths:").skip(1);
    for line in lines.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let key = line.trim().strip_suffix(':').unwrap_or_default();
        if line.starts_with("  /") {
            path = key;
            found.insert(path, Vec::new());
        } else if line.starts_with("    ") && !line.starts_with("     ") {
            let method = Method::from_bytes(key.to_uppercase().as_bytes());
            let method = method.ok().filter(|method| method.as_str() != "PARAMETERS");
            found.entry(path).or_default().extend(method);
        }
    }
    found
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_served() {
    let house = House::new().await;
    let described = described();
    let mut served: Vec<_> = routes::routes().iter().map(|route| route.path).collect();
    served.sort_unstable();
    assert_eq!(described.keys().copied().collect::<Vec<_>>(), served);
    for (path, methods) in described {
        let concrete =
            path.replace("{account}", "none").replace("{id}", "77").replace("{phone_number_id}", "1");
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let (status, _) = house.ask(method.as_str(), &concrete, Value::Null).await;
            let taken = status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(taken, methods.contains(&method), "{method} {path}: {status}");
            assert!(!status.is_server_error(), "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn accounts_are_made_changed_and_removed() {
    let house = House::new().await;
    let (status, made) = house.ask("POST", "/v1/accounts", json!({"name": "shop"})).await;
    assert_eq!(status, 201);
    let expected = json!({"id": 2, "name": "shop", "created_at": "2027-01-15T08:00:00Z",
        "retention_uploaded": "default", "retention_received": "default"});
    assert_eq!(made, expected);
    assert_eq!(house.ask("POST", "/v1/accounts", json!({"name": "shop"})).await.0, 409);
    assert_eq!(house.ask("POST", "/v1/accounts", json!({"name": "7"})).await.0, 400);
    assert_eq!(house.ask("POST", "/v1/accounts", json!({"nam": "x"})).await.0, 400);

    let change = json!({"name": "store", "retention_uploaded": "7d"});
    let (status, changed) = house.ask("PATCH", "/v1/accounts/shop", change).await;
    assert_eq!((status.as_u16(), &changed["name"]), (200, &json!("store")));
    assert_eq!(changed["retention_uploaded"], "7d");
    let back = json!({"retention_uploaded": "default"});
    assert_eq!(house.ask("PATCH", "/v1/accounts/2", back).await.1["retention_uploaded"], "default");
    assert_eq!(house.ask("PATCH", "/v1/accounts/2", json!({"name": "default"})).await.0, 409);

    assert_eq!(house.ask("DELETE", "/v1/accounts/2", Value::Null).await.0, 204);
    assert_eq!(house.ask("GET", "/v1/accounts/2", Value::Null).await.0, 404);
    assert_eq!(house.ask("DELETE", "/v1/accounts/2", Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_number_belongs_to_one_account() {
    let house = House::new().await;
    let new = json!({"id": "1025723653965602", "display": "+1 555 0101"});
    let (status, added) = house.ask("POST", "/v1/phone-numbers", new.clone()).await;
    assert_eq!((status.as_u16(), &added["account"]), (201, &json!(1)));
    assert_eq!(house.ask("POST", "/v1/phone-numbers", new).await.0, 409);
    assert_eq!(house.ask("POST", "/v1/phone-numbers", json!({"id": "abc"})).await.0, 400);
    assert_eq!(house.ask("POST", "/v1/phone-numbers", json!({"account": 9})).await.0, 404);
    house.ask("POST", "/v1/accounts", json!({"name": "shop"})).await;
    let (status, told) = house.ask("POST", "/v1/phone-numbers", json!({})).await;
    assert_eq!(status, 400, "two accounts, and nobody said which");
    assert_eq!(told["error"], "there are several accounts, name one: 1 (default), 2 (shop)");
    let (_, of_shop) = house.ask("GET", "/v1/phone-numbers?account=shop", Value::Null).await;
    assert_eq!(of_shop, json!([]));
    assert_eq!(house.ask("GET", "/v1/phone-numbers?acount=1", Value::Null).await.0, 400);
    assert_eq!(house.ask("DELETE", "/v1/phone-numbers/1025723653965602", Value::Null).await.0, 204);
    assert_eq!(house.ask("GET", "/v1/phone-numbers/1025723653965602", Value::Null).await.0, 404);
    assert_eq!(house.ask("GET", "/v1/phone-numbers/none", Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_ends_when_it_is_revoked() {
    let house = House::new().await;
    let new = json!({"label": "x", "expires_in": "60d", "permissions": ["whatsapp_business_messaging"]});
    let (status, made) = house.ask("POST", "/v1/tokens", new).await;
    assert_eq!(status, 201);
    assert!(made["secret"].as_str().unwrap().starts_with("wat_"));
    assert_eq!(made["expires_at"], "2027-03-16T08:00:00Z");
    assert_eq!(made["permissions"], json!(["whatsapp_business_messaging"]));
    let (_, listed) = house.ask("GET", "/v1/tokens", Value::Null).await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("wat_") && !listed.to_string().contains("secret"));

    let path = format!("/v1/tokens/{}/revoke", made["id"]);
    let (_, ending) = house.ask("POST", &path, json!({"in": "1h"})).await;
    assert_eq!((&ending["status"], &ending["revoked_at"]), (&json!("live"), &json!("2027-01-15T09:00:00Z")));
    let (status, ended) = house.ask("POST", &path, Value::Null).await;
    assert_eq!((status.as_u16(), &ended["status"]), (200, &json!("revoked")));
    assert_eq!(house.ask("GET", "/v1/tokens", Value::Null).await.1.as_array().unwrap().len(), 1);
    assert_eq!(house.ask("GET", "/v1/tokens?all=true", Value::Null).await.1.as_array().unwrap().len(), 2);

    // A token is no key, whatever its id.
    let as_key = format!("/v1/keys/{}/revoke", made["id"]);
    assert_eq!(house.ask("POST", &as_key, Value::Null).await.0, 404);
    assert_eq!(house.ask("POST", "/v1/tokens", json!({"permissions": ["root"]})).await.0, 400);
    assert_eq!(house.ask("POST", "/v1/tokens", json!({"expires_in": "0s"})).await.0, 400);
    assert_eq!(house.ask("POST", "/v1/tokens", json!({"phone_number_ids": ["5"]})).await.0, 404);
}

#[tokio::test]
async fn a_new_key_ends_the_old_ones_only_where_that_is_asked_for_or_configured() {
    let live = async |house: &House| {
        let (_, keys) = house.ask("GET", "/v1/keys", Value::Null).await;
        keys.as_array().unwrap().len()
    };
    let house = House::new().await;
    assert_eq!(house.ask("POST", "/v1/keys", json!({})).await.0, 201);
    assert_eq!(live(&house).await, 2);
    house.ask("POST", "/v1/keys", json!({"revoke_others": true})).await;
    assert_eq!(live(&house).await, 1);
    let house = House::with(&[("d360.new_key_revokes_old", "true")]).await;
    house.ask("POST", "/v1/keys", json!({})).await;
    assert_eq!(live(&house).await, 1);
    house.ask("POST", "/v1/keys", json!({"revoke_others": false})).await;
    assert_eq!(live(&house).await, 2);
}

#[tokio::test]
async fn throttles_are_shown_and_forgotten() {
    let house = House::new().await;
    let number = house.app.store.catalog().phone_numbers(None).unwrap()[0].id;
    let (throttle, now) = (&house.app.throttle, house.app.clock.now());
    throttle.count_error(number, crate::action::Action::RetrieveUrl, now).await.unwrap();
    let expected = json!([{"phone_number_id": number.to_string(), "rule": "retrieval-errors", "counted": 1,
        "blocked_until": null}]);
    assert_eq!(house.ask("GET", "/v1/throttles", Value::Null).await.1, expected);
    assert_eq!(house.ask("DELETE", "/v1/throttles/5", Value::Null).await.0, 404);
    assert_eq!(house.ask("DELETE", &format!("/v1/throttles/{number}"), Value::Null).await.0, 204);
    assert_eq!(house.ask("GET", "/v1/throttles", Value::Null).await.1, json!([]));
}

#[tokio::test]
async fn housekeeping_reports_what_it_did() {
    let house = House::new().await;
    let (status, swept) = house.ask("POST", "/v1/sweep", Value::Null).await;
    assert_eq!((status.as_u16(), &swept["expired"]), (200, &json!(0)));
    let (status, verified) = house.ask("POST", "/v1/verify", Value::Null).await;
    assert_eq!((status.as_u16(), &verified["clean"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_browser_cannot_be_talked_into_it() {
    let house = House::new().await;
    let request = |header: &str, value: &str| {
        let request = Request::builder().method("POST").uri("/v1/tokens").header("host", "localhost:8481");
        request.header(header, value)
    };
    let plain = request("content-type", "text/plain").body("{}".into()).unwrap();
    assert_eq!(house.send(plain).await.0, 415);
    let foreign = request("origin", "https://evil.example").body(Body::empty()).unwrap();
    assert_eq!(house.send(foreign).await.0, 403);
    let sandboxed = request("origin", "null").body(Body::empty()).unwrap();
    assert_eq!(house.send(sandboxed).await.0, 403);
    let own = request("origin", "http://localhost:8481").body(Body::empty()).unwrap();
    assert_eq!(house.send(own).await.0, 201);
    let rebound = Request::get("/v1/tokens").header("host", "evil.example:8481").body(Body::empty()).unwrap();
    assert_eq!(house.send(rebound).await.0, 403);
}

#[tokio::test]
async fn a_body_is_bounded_and_every_error_is_a_sentence() {
    let house = House::new().await;
    let long = json!({"name": "x".repeat(input::MAX_BODY_BYTES)});
    let (status, told) = house.ask("POST", "/v1/accounts", long).await;
    assert_eq!((status.as_u16(), told["error"].is_string()), (413, true));
    for (method, path) in [("GET", "/nowhere"), ("PUT", "/v1/accounts"), ("GET", "/v1/accounts/none")] {
        let (status, told) = house.ask(method, path, Value::Null).await;
        assert!(status.is_client_error() && told["error"].is_string(), "{method} {path}: {told}");
    }
}
