//! A stand-in in this process, a world in it, and a client of each dialect.

use std::path::PathBuf;
use std::time::Duration;

use wamedia::chance::Chance;
use wamedia::stand_in::Options;
use wamedia::stand_in::embedded::Embedded;
use wamedia::stand_in::expect::Bounds;
use wamedia::stand_in::journal::{Entry, Filter};
use wamedia::stand_in::worlds::World;
use wamedia_client::{Client, ClientBuilder, Dialect, MediaId, Retries, Timeouts, Upload};

/// A stand-in with one world.
pub struct House {
    pub stand_in: Embedded,
    pub world: World,
}

impl House {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let stand_in =
            Embedded::with(settings, Chance::system(), Options::default()).await.expect("it starts");
        let world = stand_in.world("house").await.expect("a new world");
        Self { stand_in, world }
    }

    pub fn graph_at(&self, base: &str) -> ClientBuilder {
        Client::builder(Dialect::Graph {
            base: base.to_owned(),
            version: "v23.0".to_owned(),
            phone_number_id: self.world.number.id,
            token: self.world.token.secret.as_str().into(),
        })
    }

    pub fn d360_at(&self, base: &str) -> ClientBuilder {
        let key = self.world.key.secret.as_str().into();
        Client::builder(Dialect::D360 { base: base.to_owned(), key })
    }

    pub fn builders(&self) -> [ClientBuilder; 2] {
        let base = self.stand_in.base();
        [self.graph_at(&base), self.d360_at(&base)].map(|builder| builder.retries(quick()))
    }

    /// A client of each dialect, with no patience to spare.
    pub fn clients(&self) -> [Client; 2] {
        self.builders().map(|builder| builder.build().expect("settings that hold"))
    }

    pub fn graph(&self) -> Client {
        self.clients().into_iter().next().expect("the first")
    }

    pub fn d360(&self) -> Client {
        self.clients().into_iter().nth(1).expect("the second")
    }

    pub fn arm(&self, fault: &str) {
        self.stand_in.arm(fault).expect("a fault that can be");
    }

    /// What was asked for, by its action.
    pub async fn asked(&self, action: &str) -> Vec<Entry> {
        let filter = Filter { action: Some(action.to_owned()), ..Filter::default() };
        let bounds = Bounds { at_least: Some(0), ..Bounds::default() };
        self.stand_in.expect(&filter, bounds).await.expect("entries are listed")
    }

    pub fn later(&self, seconds: i64) {
        self.stand_in.clock().advance(jiff::SignedDuration::from_secs(seconds));
    }

    /// Uploads so many bytes of text.
    pub async fn upload_text(&self, client: &Client, bytes: usize) -> (MediaId, Vec<u8>) {
        let text = text_of(bytes);
        let uploaded = client.upload(Upload::bytes(text.clone()).declared("text/plain")).await;
        (uploaded.expect("a text").id, text)
    }
}

/// Retries without long waits.
pub fn quick() -> Retries {
    Retries::default().with_waits(Duration::from_millis(5), Duration::from_millis(20))
}

pub fn once() -> Retries {
    Retries::none()
}

pub fn impatient() -> Timeouts {
    let soon = Duration::from_millis(300);
    Timeouts::default().with_idle(soon).with_answer(soon)
}

pub fn sample(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/samples").join(path)
}

/// Lines of text that never repeat.
pub fn text_of(bytes: usize) -> Vec<u8> {
    let mut text: Vec<u8> = (0..bytes / 8).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
    text.resize(bytes, b'.');
    text
}
