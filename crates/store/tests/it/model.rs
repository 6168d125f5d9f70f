//! The store against a model that a person can check by eye: random operations under a turned clock.
//!
//! A failure prints its seed and the shortest operations that show it; `WAMEDIA_MODEL_SEED=<seed>` replays it.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use wamedia_store::{AccountId, KeyRing, NewMedia, Origin, Store, StoreOptions};

use crate::bench::{DAY, HOUR, NOON, files_below, id, new_media, noise, number, read_all, spots, stage};

const CASES: u32 = 24;
const ACCOUNTS: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Upload { account: usize, content: u64, large: bool, keep_hours: Option<u64>, life_hours: u64 },
    Get { account: usize, which: usize },
    Use { account: usize, which: usize },
    Delete { account: usize, which: usize },
    Advance { minutes: u64 },
    Sweep,
    Reopen,
    Rotate,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let account = 0..ACCOUNTS;
    let which = 0..40_usize;
    let upload = (account.clone(), 0..5_u64, any::<bool>(), proptest::option::of(1..200_u64), 1..200_u64)
        .prop_map(|(account, content, large, keep_hours, life_hours)| Step::Upload {
            account,
            content,
            large,
            keep_hours,
            life_hours,
        });
    let picked = (account, which);
    let step = prop_oneof![
        8 => upload,
        6 => picked.clone().prop_map(|(account, which)| Step::Get { account, which }),
        4 => picked.clone().prop_map(|(account, which)| Step::Use { account, which }),
        3 => picked.prop_map(|(account, which)| Step::Delete { account, which }),
        4 => prop_oneof![0..90_u64, 0..20_000_u64].prop_map(|minutes| Step::Advance { minutes }),
        2 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
        1 => Just(Step::Rotate),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What the model knows of a media.
struct Known {
    account: usize,
    bytes: Vec<u8>,
    keep_for: Option<Duration>,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    deleted: bool,
}

struct World {
    dir: tempfile::TempDir,
    store: Store,
    accounts: Vec<AccountId>,
    now: Timestamp,
    known: BTreeMap<u64, Known>,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), options()).unwrap();
        let mut accounts = Vec::new();
        for n in 0..ACCOUNTS {
            accounts.push(store.catalog().create_account(&n.to_string(), NOON).await.unwrap().id);
        }
        Self { dir, store, accounts, now: NOON, known: BTreeMap::new() }
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Upload { account, content, large, keep_hours, life_hours } => {
                let keep_for = keep_hours.map(|hours| hours as u32 * HOUR);
                let bytes = noise(if large { 70_000 } else { 900 }, content);
                let expires_at = self.now + life_hours as u32 * HOUR;
                self.upload(account, bytes, keep_for, expires_at).await;
            }
            Step::Get { account, which } => self.get(account, which).await,
            Step::Use { account, which } => self.record_use(account, which).await,
            Step::Delete { account, which } => self.delete(account, which).await,
            Step::Advance { minutes } => self.now += Duration::from_secs(60 * minutes),
            Step::Sweep => {
                let gone: Vec<u64> = self.expired();
                let future = SystemTime::UNIX_EPOCH + 100_000 * DAY;
                let report = self.store.sweep(self.now, future, Duration::ZERO).await.unwrap();
                assert_eq!(report.expired, gone.len() as u64);
                assert_eq!((report.orphans_removed, report.staging_removed), (0, 0));
                self.known.retain(|n, _| !gone.contains(n));
            }
            Step::Reopen => {
                self.store.clone().close().await;
                self.store = Store::open(self.dir.path(), options()).unwrap();
            }
            Step::Rotate => {
                KeyRing::rotate(self.dir.path()).unwrap();
                self.store.keys().reload().unwrap();
                if self.known.len().is_multiple_of(2) {
                    assert_eq!(self.store.rewrap().await.unwrap().unreadable, 0);
                }
            }
        }
    }

    async fn upload(
        &mut self,
        account: usize,
        bytes: Vec<u8>,
        keep_for: Option<Duration>,
        expires_at: Timestamp,
    ) {
        let n = self.known.len() as u64 + 1_000 * (self.now.as_second() as u64 % 1_000_000);
        let staged = stage(&self.store, self.accounts[account], &bytes).await;
        let new = NewMedia {
            phone_number_id: number(1 + account as u64),
            origin: Origin::Received,
            keep_for,
            expires_at,
            ..new_media(self.accounts[account], self.now)
        };
        // Ids may collide with what is there; the next one then does not.
        let mut candidate = n;
        let mut next = || {
            candidate += 1;
            id(candidate)
        };
        let media = staged.commit(new, &mut next).await.unwrap();
        let known = Known { account, bytes, keep_for, last_used_at: self.now, expires_at, deleted: false };
        let n = media.id.get() - id(0).get();
        assert!(self.known.insert(n, known).is_none_or(|before| before.deleted), "an id was given twice");
    }

    /// The media that a step means: any that ever was, of any account.
    fn pick(&self, which: usize) -> Option<u64> {
        let count = self.known.len();
        self.known.keys().nth(which.checked_rem(count)?).copied()
    }

    fn is_live(&self, account: usize, n: u64) -> bool {
        let known = &self.known[&n];
        known.account == account && !known.deleted && known.expires_at > self.now
    }

    async fn get(&mut self, account: usize, which: usize) {
        let Some(n) = self.pick(which) else { return };
        let found = self.store.catalog().media(self.accounts[account], id(n), self.now).unwrap();
        assert_eq!(found.is_some(), self.is_live(account, n));
        if let Some(media) = found {
            let known = &self.known[&n];
            assert_eq!(media.last_used_at, known.last_used_at);
            assert_eq!(media.expires_at, known.expires_at);
            assert_eq!((media.keep_for, media.origin), (known.keep_for, Origin::Received));
            assert_eq!(media.phone_number_id, number(1 + account as u64));
            assert!(read_all(&self.store, &media).await.unwrap() == known.bytes);
        }
    }

    async fn record_use(&mut self, account: usize, which: usize) {
        let Some(n) = self.pick(which) else { return };
        self.store.catalog().record_use(self.accounts[account], id(n), self.now).await.unwrap();
        if !self.is_live(account, n) {
            return;
        }
        let (now, known) = (self.now, self.known.get_mut(&n).unwrap());
        let Some(keep_for) = known.keep_for else { return };
        if now.duration_since(known.last_used_at).unsigned_abs() >= HOUR.min(keep_for / 10) {
            known.last_used_at = now;
            known.expires_at = known.expires_at.max(now + keep_for);
        }
    }

    async fn delete(&mut self, account: usize, which: usize) {
        let Some(n) = self.pick(which) else { return };
        let live = self.is_live(account, n);
        assert_eq!(self.store.delete(self.accounts[account], id(n), self.now).await.unwrap(), live);
        // Deleting what has expired takes its record too, before the sweep does.
        let known = self.known.get_mut(&n).unwrap();
        known.deleted |= known.account == account;
    }

    fn expired(&self) -> Vec<u64> {
        let gone = |known: &Known| !known.deleted && known.expires_at <= self.now;
        self.known.iter().filter(|(_, known)| gone(known)).map(|(n, _)| *n).collect()
    }

    async fn check(&self) {
        let there = self.known.values().filter(|known| !known.deleted).count();
        assert_eq!(self.store.catalog().totals().unwrap().media, there as u64);
        assert_eq!(self.store.catalog().expiring_before(self.now).unwrap(), self.expired().len() as u64);
        let report = self.store.verify(self.now, true, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
        let spots = spots(self.dir.path());
        assert_eq!(spots.len() as u64, report.blobs);
        let files = spots.iter().filter(|spot| !spot.is_in_pack()).count();
        assert_eq!(files_below(&self.dir.path().join("blobs")).len(), files);
    }
}

/// Small memory for staging, so that both ways are walked.
fn options() -> StoreOptions {
    let mut options = StoreOptions::default();
    options.memory_staging_bytes = 30_000;
    options.readers = 1;
    options
}

#[test]
fn the_store_does_what_the_model_does() {
    let seed = match std::env::var("WAMEDIA_MODEL_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    let mut seed_bytes = [0; 32];
    seed_bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes);
    let mut runner = TestRunner::new_with_rng(Config { cases: CASES, ..Config::default() }, rng);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.run(step).await;
            }
            world.check().await;
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("WAMEDIA_MODEL_SEED={seed}: {error}");
    }
}
