//! The service under test, in this process: its own folder, a clock that stands until a test turns it, seeded names.

pub mod binary;
pub mod client;
pub mod golden;
pub mod raw;
pub mod samples;
pub mod upload;

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use wamedia::app::App;
use wamedia::chance::Chance;
use wamedia::clock::Clock;
use wamedia::config::load;
use wamedia::operations::accounts::{TokenRequest, add_key, add_phone_number, add_token};
use wamedia::start::{Running, start};
use wamedia_media::PhoneNumberId;
use wamedia_store::{AccountId, CredentialKind, NewCredential, Permissions, Store, StoreOptions};

pub use client::{Client, Credential};
pub use raw::{Connection, Request};
pub use upload::Upload;

/// 2026-11-20, 12:00:00 UTC.
pub const NOON: Timestamp = Timestamp::constant(1_795_176_000, 0);

/// A running service and what was made in it. End it with [`TestApp::finish`], which verifies the store.
pub struct TestApp {
    pub clock: Clock,
    /// The account, number and credentials of the first start.
    pub first: Tenant,
    running: Option<Running>,
    dir: TempDir,
    settings: Vec<(String, String)>,
    finished: bool,
}

/// An account with one number and a credential of each kind for it.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub account: AccountId,
    pub number: PhoneNumberId,
    pub token: String,
    pub key: String,
}

impl TestApp {
    /// As the reference configures it.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings by their dotted keys.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let dir = memory_dir();
        let clock = Clock::frozen_at(NOON);
        let settings: Vec<_> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let running = run(dir.path(), &clock, &settings, 7).await;
        let made = running.first.as_ref().expect("a new folder makes the first account");
        let first = Tenant {
            account: made.account.id,
            number: made.phone_number.id,
            token: made.token.secret.clone(),
            key: made.key.secret.clone(),
        };
        Self { clock, first, running: Some(running), dir, settings, finished: false }
    }

    /// Stops, and starts again on the same folder at the same time of day.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.running = Some(run(self.dir.path(), &self.clock, &self.settings, 8).await);
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the service runs")
    }

    pub fn app(&self) -> &Arc<App> {
        &self.running().app
    }

    pub fn address(&self) -> SocketAddr {
        self.running().public
    }

    pub fn admin(&self) -> SocketAddr {
        self.running().admin
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Turns the clock.
    pub fn turn(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Turns the clock by less than a second.
    pub fn turn_ms(&self, milliseconds: i64) {
        self.clock.advance(SignedDuration::from_millis(milliseconds));
    }

    /// The first account in Meta's dialect.
    pub fn graph(&self) -> Client {
        self.graph_of(&self.first)
    }

    /// The first account in 360dialog's dialect.
    pub fn d360(&self) -> Client {
        self.d360_of(&self.first)
    }

    /// The first account in each dialect.
    pub fn both(&self) -> [Client; 2] {
        [self.graph(), self.d360()]
    }

    pub fn graph_of(&self, tenant: &Tenant) -> Client {
        Client {
            address: self.address(),
            credential: Credential::Token(tenant.token.clone()),
            base: "/v23.0".to_owned(),
            upload_path: format!("/v23.0/{}/media", tenant.number),
        }
    }

    pub fn d360_of(&self, tenant: &Tenant) -> Client {
        Client {
            address: self.address(),
            credential: Credential::Key(tenant.key.clone()),
            base: String::new(),
            upload_path: "/media".to_owned(),
        }
    }

    /// Another account.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let account = self.app().store.catalog().create_account(name, self.now()).await.expect("an account");
        self.number_in(account.id).await
    }

    /// Another number of an account, with a token and a key for it alone.
    pub async fn number_in(&self, account: AccountId) -> Tenant {
        let app = self.app();
        let number =
            add_phone_number(&app.store, &app.chance, account, None, "+1 555 0199", self.now()).await;
        let number = number.expect("a number").id;
        let token = self.token(account, &[number], Permissions::MEDIA, None).await;
        let key = self.key(number, None).await;
        Tenant { account, number, token, key }
    }

    pub async fn token(
        &self,
        account: AccountId,
        numbers: &[PhoneNumberId],
        permissions: Permissions,
        expires_at: Option<Timestamp>,
    ) -> String {
        let phone_number_ids = numbers.to_vec();
        let request =
            TokenRequest { account, phone_number_ids, permissions, expires_at, label: "test".to_owned() };
        add_token(&self.app().store, request, self.now()).await.expect("a token").secret
    }

    pub async fn key(&self, number: PhoneNumberId, expires_at: Option<Timestamp>) -> String {
        let made = add_key(&self.app().store, number, expires_at, "test".to_owned(), false, self.now()).await;
        made.expect("a key").secret
    }

    /// A key of the first number that may do nothing.
    pub async fn powerless_key(&self) -> String {
        let secret = "wak_powerless".to_owned();
        let store = &self.app().store;
        let new = NewCredential {
            account: self.first.account,
            kind: CredentialKind::D360Key,
            hash: store.keys().credential_hash(secret.as_bytes()),
            label: "test".to_owned(),
            permissions: Permissions::NONE,
            phone_number_ids: vec![self.first.number],
            created_at: self.now(),
            expires_at: None,
            revoke_others_at: None,
        };
        store.catalog().add_credential(new).await.expect("a key");
        secret
    }

    /// Ends the credential of this secret now.
    pub async fn revoke(&self, secret: &str) {
        let store = &self.app().store;
        let hash = store.keys().credential_hash(secret.as_bytes());
        let found = store.catalog().credential_by_hash(&hash).expect("readable").expect("known");
        assert!(store.catalog().revoke_credential(found.id, self.now()).await.expect("written"));
    }

    /// Gives up the running service, for tests that end it in their own way.
    pub fn take_running(&mut self) -> Running {
        self.running.take().expect("the service runs")
    }

    /// Every file below `blobs/`: of media that have files of their own.
    pub fn blobs(&self) -> Vec<PathBuf> {
        files_below(&self.dir().join("blobs"))
    }

    /// Every pack, which small media share.
    pub fn packs(&self) -> Vec<PathBuf> {
        files_below(&self.dir().join("packs"))
    }

    /// What all media take on the disk, in units of 4 KiB.
    pub fn units(&self) -> u64 {
        let files = self.blobs().into_iter().chain(self.packs());
        files.map(|path| path.metadata().expect("a file").blocks() * 512 / 4096).sum()
    }

    /// Files of uploads that have not ended.
    pub fn staging(&self) -> Vec<PathBuf> {
        files_below(&self.dir().join("staging"))
    }

    async fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        // The drain's own waits need not be waited for: time jumps while nothing else is to be done.
        tokio::time::pause();
        running.shutdown().await;
        tokio::time::resume();
    }

    /// Ends the service and verifies what it leaves: nothing staged, nothing broken, no orphan.
    pub async fn finish(mut self) {
        self.stop().await;
        let store = Store::open(&self.dir(), StoreOptions::default()).expect("the folder opens again");
        wait_until("staging is empty", || self.staging().is_empty()).await;
        let verify = || store.verify(self.clock.now(), true, &mut |_| {}).expect("a walk");
        let report = verify();
        assert!(report.is_clean(), "{:#?}", report.findings);
        let swept = store.sweep(self.clock.now(), Clock::system(), Duration::ZERO).await.expect("a sweep");
        assert_eq!((swept.orphans_removed, swept.staging_removed), (0, 0), "{swept:?}");
        let report = verify();
        assert!(report.is_clean() && report.expired == 0, "{report:#?}");
        assert_eq!(self.units() == 0, report.records == 0, "no blob without a record");
        store.close().await;
        self.finished = true;
    }

    /// Ends a service whose store was damaged on purpose.
    pub async fn finish_damaged(mut self) {
        self.stop().await;
        self.finished = true;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("a TestApp must be ended with finish().await, which verifies its store");
        }
    }
}

/// In memory where the system has such a folder: a sync that survives no power cut costs nothing there, and none of
/// these tests cuts the power.
fn memory_dir() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a temporary folder")
}

async fn run(dir: &Path, clock: &Clock, settings: &[(String, String)], seed: u64) -> Running {
    let mut flags = vec![
        ("data.dir".to_owned(), dir.join("data").display().to_string()),
        ("public.listen".to_owned(), "127.0.0.1:0".to_owned()),
        ("admin.listen".to_owned(), "127.0.0.1:0".to_owned()),
        // Tests sweep by themselves.
        ("retention.sweep_every".to_owned(), "365d".to_owned()),
    ];
    flags.extend_from_slice(settings);
    let config = load(None, [], &flags).expect("settings that hold").config;
    start(config, clock.clone(), Chance::seeded(seed)).await.expect("the service starts")
}

pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

/// Waits for what happens beside an answer, within bounds.
pub async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}: not within ten seconds");
}
