//! A stand-in in this process, and its worlds.

use std::net::SocketAddr;

use serde_json::Value;
use tempfile::TempDir;
use wamedia::chance::Chance;
use wamedia::clock::Clock;
use wamedia::config::load;
use wamedia::stand_in::Options;
use wamedia::start::{Running, start_stand_in};

use crate::support::raw::Answer;
use crate::support::{Client, Connection, Credential, Request};

/// A running stand-in. Its folder goes with it.
pub struct House {
    running: Running,
    _dir: TempDir,
}

/// A world and who speaks in it.
pub struct World {
    pub name: String,
    pub id: i64,
    pub number: String,
    pub graph: Client,
    pub d360: Client,
}

impl House {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let dir = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a temporary folder");
        let settings = [
            ("data.dir", dir.path().join("data").display().to_string()),
            ("public.listen", "127.0.0.1:0".to_owned()),
            ("admin.listen", "127.0.0.1:0".to_owned()),
        ];
        let settings: Vec<_> = settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let config = load(None, [], &settings).expect("settings that hold").config;
        let running = start_stand_in(config, Clock::running(), Chance::seeded(7), options).await;
        Self { running: running.expect("it starts"), _dir: dir }
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    pub fn public(&self) -> SocketAddr {
        self.running.public
    }

    /// A control, as one `curl` would turn it.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let mut request = Request::new(method, path).without("host").header("Host", "localhost");
        if !body.is_null() {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        Connection::open(self.running.admin).await.ask(&request).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, Value::Null).await;
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.ask("POST", path, body).await;
        assert!((200..300).contains(&answer.status()), "{path}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    pub async fn delete(&self, path: &str) {
        let answer = self.ask("DELETE", path, Value::Null).await;
        assert!((200..300).contains(&answer.status()), "{path}: {}", answer.text());
    }

    /// Arms a fault; its number.
    pub async fn arm(&self, fault: Value) -> u64 {
        self.post("/v1/stand-in/faults", fault).await["id"].as_u64().expect("an id")
    }

    /// The first account.
    pub fn first(&self) -> World {
        let first = self.running.first.as_ref().expect("a new folder");
        self.inhabit(&serde_json::json!({
            "world": first.account.name, "id": first.account.id.0,
            "phone_number_id": first.phone_number.id.to_string(),
            "token": first.token.secret, "d360_key": first.key.secret,
        }))
    }

    pub async fn world(&self, name: &str) -> World {
        let made = self.post("/v1/stand-in/worlds", serde_json::json!({ "name": name })).await;
        self.inhabit(&made)
    }

    pub fn inhabit(&self, made: &Value) -> World {
        let text = |key: &str| made[key].as_str().unwrap_or_else(|| panic!("{key} in {made}")).to_owned();
        let number = text("phone_number_id");
        let address = self.public();
        let graph = Client {
            address,
            credential: Credential::Token(text("token")),
            base: "/v23.0".to_owned(),
            upload_path: format!("/v23.0/{number}/media"),
        };
        let d360 = Client {
            address,
            credential: Credential::Key(text("d360_key")),
            base: String::new(),
            upload_path: "/media".to_owned(),
        };
        World { name: text("world"), id: made["id"].as_i64().expect("an id"), number, graph, d360 }
    }

    pub async fn finish(self) {
        self.running.shutdown().await;
    }
}
