//! kill -9: what was answered is there afterwards, whole; what was deleted is gone; and nothing else is left but what the
//! sweep removes.
//!
//! The test binary starts itself as the victim. Its ledger is what it wrote to stdout: a line for each answer.

mod power;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use wamedia_media::MediaId;
use wamedia_store::{AccountId, Store, StoreOptions};

use crate::bench::{DAY, NOON, files_below, id, new_media, noise, read_all, spots, stage};

pub(crate) const DIR: &str = "WAMEDIA_CRASH_DIR";
const BASE: &str = "WAMEDIA_CRASH_BASE";

/// One answer, as it stands in the ledger.
fn tell(what: &str, id: u64, len: usize, content: u64) {
    let line = format!("\n@{what} {id} {len} {content}\n");
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).unwrap();
    stdout.flush().unwrap();
}

fn account_of(store: &Store, runtime: &tokio::runtime::Runtime) -> AccountId {
    match store.catalog().accounts().unwrap().first() {
        Some(account) => account.id,
        None => runtime.block_on(store.catalog().create_account("first", NOON)).unwrap().id,
    }
}

async fn upload(store: &Store, account: AccountId, n: u64, len: usize, content: u64) {
    let staged = stage(store, account, &noise(len, content)).await;
    let media = staged.commit(new_media(account, NOON), &mut || id(n)).await.unwrap();
    assert_eq!(media.id, id(n));
    tell("kept", n, len, content);
}

async fn delete(store: &Store, account: AccountId, n: u64) {
    tell("deleting", n, 0, 0);
    assert!(store.delete(account, id(n), NOON).await.unwrap());
    tell("deleted", n, 0, 0);
}

/// The victim that is killed at random: several uploads at once, and deletes, without end.
#[test]
fn victim_under_load() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let base: u64 = std::env::var(BASE).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Store::open(Path::new(&dir), StoreOptions::default()).unwrap();
    let account = account_of(&store, &runtime);
    runtime.block_on(async {
        let mut workers = Vec::new();
        for worker in 0..4_u64 {
            let store = store.clone();
            workers.push(tokio::spawn(async move {
                for n in (base + worker..).step_by(4) {
                    // Every third content comes twice, so that some blobs are shared.
                    let content = if n % 3 == 0 { n / 12 } else { n };
                    let len = [100, 5000, 140_000, 300_000][(content % 4) as usize];
                    upload(&store, account, n, len, content).await;
                    if n % 5 == 0 && n >= base + 40 {
                        delete(&store, account, n - 40).await;
                    }
                }
            }));
        }
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

/// The victim that is killed at every system call: one of each thing, one after the other.
#[test]
fn victim_step_by_step() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let store = Store::open(Path::new(&dir), StoreOptions::default()).unwrap();
    let account = account_of(&store, &runtime);
    runtime.block_on(async {
        upload(&store, account, 1, 700, 1).await;
        upload(&store, account, 2, 200_000, 2).await;
        // These share their blobs: only the catalog's writer syncs.
        for n in 3..9 {
            upload(&store, account, n, if n % 2 == 0 { 200_000 } else { 700 }, 2 - n % 2).await;
        }
        for n in [2, 3, 4, 1, 6, 8, 5, 7] {
            delete(&store, account, n).await;
        }
        upload(&store, account, 10, 200_000, 10).await;
        store.sweep(NOON + DAY, far_future(), Duration::ZERO).await.unwrap();
        store.clone().close().await;
    });
    tell("finished", 0, 0, 0);
}

/// The victim whose disk fails now and then: it goes on, and says what was answered and what was refused.
#[test]
fn victim_of_faults() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let Ok(store) = Store::open(Path::new(&dir), StoreOptions::default()) else { return };
    let Ok(account) = runtime.block_on(store.catalog().create_account("first", NOON)) else { return };
    let account = account.id;
    runtime.block_on(async {
        for n in 1..16_u64 {
            let content = if n % 3 == 0 { n - 1 } else { n };
            let len = if content % 2 == 0 { 200_000 } else { 700 };
            tell("deleting", n, 0, 0);
            if try_upload(&store, account, n, &noise(len, content)).await {
                tell("kept", n, len, content);
            }
        }
        // Deletes answer, or do not; either way what they leave is sound.
        for n in [2, 3] {
            tell("deleting", n, 0, 0);
            if store.delete(account, id(n), NOON).await.is_ok() {
                tell("deleted", n, 0, 0);
            }
        }
        let account = store.catalog().create_account("after", NOON).await;
        assert!(account.is_ok(), "one fault must not break what comes long after it: {account:?}");
    });
    tell("finished", 0, 0, 0);
}

async fn try_upload(store: &Store, account: AccountId, n: u64, bytes: &[u8]) -> bool {
    let mut staging = store.stage(account, u64::MAX);
    for piece in bytes.chunks(50_000) {
        if staging.write(bytes::Bytes::copy_from_slice(piece)).await.is_err() {
            return false;
        }
    }
    let Ok(staged) = staging.finish().await else { return false };
    staged.commit(new_media(account, NOON), &mut || id(n)).await.is_ok()
}

fn far_future() -> SystemTime {
    SystemTime::UNIX_EPOCH + 100_000 * DAY
}

fn victim(name: &str, dir: &Path, base: u64) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let arguments = [&format!("crash::{name}"), "--exact", "--nocapture", "--test-threads=1", "-q"];
    let mut command = vec![program.to_str().unwrap().to_owned()];
    command.extend(arguments.map(str::to_owned));
    command.splice(0..0, ["env".to_owned(), format!("{DIR}={}", dir.display()), format!("{BASE}={base}")]);
    command
}

/// What the ledger promises of each id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    Kept { len: usize, content: u64 },
    Either,
    Gone,
}

#[derive(Default)]
struct Ledger {
    promises: BTreeMap<u64, Promise>,
    finished: bool,
}

impl Ledger {
    /// Reads what a victim said; a line that was cut off is no answer.
    fn read(&mut self, said: &str) {
        let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines().filter_map(|line| line.strip_prefix('@')) {
            let mut words = line.split(' ');
            let (what, n) = (words.next().unwrap(), words.next().unwrap().parse().unwrap());
            match what {
                "kept" => {
                    let len = words.next().unwrap().parse().unwrap();
                    let content = words.next().unwrap().parse().unwrap();
                    self.promises.insert(n, Promise::Kept { len, content });
                }
                "deleting" => drop(self.promises.insert(n, Promise::Either)),
                "deleted" => drop(self.promises.insert(n, Promise::Gone)),
                _ => self.finished = true,
            }
        }
    }

    /// Reads what a victim said when nothing of it was certain any more: what it did may have been done.
    fn read_doubtful(&mut self, said: &str) {
        let mut doubtful = Self::default();
        doubtful.read(said);
        self.promises.extend(doubtful.promises.into_keys().map(|n| (n, Promise::Either)));
    }

    /// Opens the folder that a victim left, holds it against the ledger, sweeps it, and looks again.
    async fn check(&self, dir: &Path, context: &str) {
        let store = Store::open(dir, StoreOptions::default()).unwrap();
        let accounts = store.catalog().accounts().unwrap();
        let Some(account) = accounts.first().map(|account| account.id) else {
            assert!(self.promises.is_empty(), "{context}");
            return;
        };
        for (n, promise) in &self.promises {
            let media = store.catalog().media(account, MediaId::new(id(*n).get()).unwrap(), NOON).unwrap();
            match (promise, media) {
                (Promise::Kept { len, content }, Some(media)) => {
                    let bytes = read_all(&store, &media).await.unwrap();
                    assert!(bytes == noise(*len, *content), "{context}: media {n}");
                }
                (Promise::Kept { .. }, None) => panic!("{context}: answered media {n} is lost"),
                (Promise::Gone, Some(_)) => panic!("{context}: deleted media {n} is back"),
                (Promise::Gone, None) | (Promise::Either, _) => {}
            }
        }
        let report = store.verify(NOON, true, &mut |_| {}).unwrap();
        assert!(report.is_sound(), "{context}: {:?}", report.findings);
        store.sweep(NOON, far_future(), Duration::ZERO).await.unwrap();
        let report = store.verify(NOON, true, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{context}: {:?}", report.findings);
        let spots = spots(dir);
        assert_eq!(spots.len() as u64, report.blobs, "{context}");
        let files = spots.iter().filter(|spot| !spot.is_in_pack()).count();
        assert_eq!(files_below(&dir.join("blobs")).len(), files, "{context}");
        let mut packs: Vec<_> =
            spots.into_iter().filter(|spot| spot.is_in_pack()).map(|spot| spot.path).collect();
        packs.sort();
        packs.dedup();
        assert_eq!(files_below(&dir.join("packs")), packs, "{context}");
        store.close().await;
    }
}

#[tokio::test]
async fn twenty_kills_at_random_moments_lose_nothing_answered() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut ledger = Ledger::default();
    let mut answers = 0;
    for round in 0..20_u64 {
        let command = victim("victim_under_load", &data, 1 + round * 1_000_000);
        let mut child = Command::new(&command[0]).args(&command[1..]).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reading = std::thread::spawn(move || {
            let mut said = String::new();
            stdout.read_to_string(&mut said).unwrap();
            said
        });
        // From before the first answer to the middle of a few hundred.
        tokio::time::sleep(Duration::from_millis(20 + (round * 7919) % 300)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        ledger.read(&reading.join().unwrap());
        ledger.check(&data, &format!("round {round}")).await;
        answers = ledger.promises.len();
    }
    assert!(answers > 20, "the victims answered only {answers} times: the test tests nothing");
}

/// What strace may stop: everything that changes a file, and locking; and whether a victim does it dozens of times.
const CALLS: &[(&str, bool)] = &[
    ("write", true),
    ("writev", false),
    ("pwrite64", true),
    ("fsync,fdatasync", true),
    ("rename", false),
    ("unlink", false),
    ("ftruncate", false),
    ("pwritev", false),
    ("fallocate", false),
    ("flock", false),
    ("mkdir", false),
];

/// If this is set, frequent calls are tried for every k too, which takes minutes; else for every seventh.
pub(crate) const THOROUGH: &str = "WAMEDIA_THOROUGH";

/// Kills the victim on entering the k-th call of each kind, until it runs to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_every_system_call_loses_nothing_answered() {
    if !strace_is_here() {
        return;
    }
    let thorough = std::env::var_os(THOROUGH).is_some();
    let step = |frequent| if frequent && !thorough { 7 } else { 1 };
    let kinds = CALLS.iter().map(|(calls, frequent)| tokio::spawn(kill_at_each(calls, step(*frequent))));
    for kind in kinds.collect::<Vec<_>>() {
        kind.await.unwrap();
    }
}

async fn kill_at_each(calls: &'static str, step: usize) {
    // Where the steps begin differs by kind, so that together they fall everywhere.
    let first = 1 + calls.len() % step;
    let mut k = first;
    while !run_under_strace("victim_step_by_step", calls, &format!("inject={calls}:signal=KILL:when={k}"))
        .await
        .finished
    {
        k += step;
    }
    assert!(k > first, "{calls} was hardly ever called");
}

/// One call of one kind fails, as a full or broken disk makes it: the upload that met it is refused and leaves nothing
/// behind, whatever was answered before and after is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_loses_nothing_answered() {
    if !strace_is_here() {
        return;
    }
    let faults = [
        ("fsync,fdatasync", "EIO", 33),
        ("writev", "ENOSPC", 20),
        ("pwritev", "ENOSPC", 14),
        ("fallocate", "EOPNOTSUPP", 9),
        ("pwrite64", "ENOSPC", 90),
        ("rename", "EIO", 9),
        ("unlink", "EIO", 9),
    ];
    let kinds = faults.map(|(calls, error, last)| {
        tokio::spawn(async move {
            let mut finished = 0;
            for k in (1..last).step_by(4) {
                let fault = format!("inject={calls}:error={error}:when={k}");
                let said = run_under_strace("victim_of_faults", calls, &fault).await;
                finished += u32::from(said.finished);
            }
            assert!(finished > 0, "{calls} {error}: no victim came to its end");
        })
    });
    for kind in kinds {
        kind.await.unwrap();
    }
}

pub(crate) fn strace_is_here() -> bool {
    let here = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok();
    if !here {
        let mut stderr = std::io::stderr().lock();
        writeln!(stderr, "\n*** strace is missing: CRASHES AND FAULTS AT SYSTEM CALLS WERE NOT TESTED. ***")
            .unwrap();
    }
    here
}

/// Runs a victim in a folder of its own, lets strace do its worst, and holds what is left against the ledger.
async fn run_under_strace(name: &str, calls: &str, fault: &str) -> Ledger {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let output = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", fault])
        .args(victim(name, &data, 0))
        .output()
        .unwrap();
    let mut ledger = Ledger::default();
    ledger.read(&String::from_utf8_lossy(&output.stdout));
    if data.is_dir() {
        ledger.check(&data, fault).await;
    }
    // Killed, or come to its end, or refused at the start; but never a broken expectation of the victim's own.
    assert_ne!(output.status.code(), Some(101), "{fault}: {}", String::from_utf8_lossy(&output.stderr));
    ledger
}
