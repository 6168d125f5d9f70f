//! kill -9 with a queue: what was enqueued is still there, media and its announcement stand or fall together, and no two
//! processes ever claim the same.
//!
//! As in `crash`, the test binary starts itself as the victim; what it wrote to stdout is its ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use wamedia_store::{
    AccountId, Delivery, DeliveryFilter, DeliveryId, DeliveryState, Outcome, Store, StoreOptions,
    SubscriptionId,
};

use crate::bench::{DAY, NOON, NUMBER, id, new_media, number, stage};
use crate::crash::{DIR, THOROUGH, strace_is_here};
use crate::deliveries::{LEASE, new_delivery, subscription};

const ROUND: &str = "WAMEDIA_CRASH_ROUND";
const NUMBERS: u64 = 4;
const TAKEN: Outcome = Outcome::Delivered { status: 200 };
const ALL: DeliveryFilter =
    DeliveryFilter { account: None, subscription: None, state: None, before: None, limit: u32::MAX };

fn tell(line: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    stdout.flush().unwrap();
}

/// The lines of a ledger; one that was cut off is none.
fn told(said: &str) -> Vec<Vec<String>> {
    let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().filter_map(|line| line.strip_prefix('@'));
    lines.map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn victim(name: &str, dir: &Path, round: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("delivery_crash::{name}"), "--exact", "--nocapture", "--test-threads=1", "-q"]);
    command.env(DIR, dir).env(ROUND, round.to_string()).stdout(Stdio::piped());
    command
}

fn open(dir: &Path) -> Store {
    Store::open(dir, StoreOptions::default()).unwrap()
}

/// A folder with an account, its numbers and one subscription.
async fn prepared(dir: &Path) {
    let store = open(dir);
    let catalog = store.catalog();
    let account = catalog.create_account("first", NOON).await.unwrap().id;
    for n in 0..NUMBERS {
        catalog.add_phone_number(account, number(NUMBER + n), "+", NOON).await.unwrap();
    }
    catalog.add_subscription(subscription(account, None)).await.unwrap();
    store.close().await;
}

fn whom(store: &Store) -> (AccountId, SubscriptionId) {
    let subscription = store.catalog().subscriptions(None).unwrap().remove(0);
    (subscription.account, subscription.id)
}

fn body(store: &Store, id: DeliveryId) -> String {
    String::from_utf8(store.catalog().delivery_body(id).unwrap().unwrap().to_vec()).unwrap()
}

/// All deliveries, in the order of their ids.
fn all(store: &Store) -> Vec<Delivery> {
    let mut deliveries = store.catalog().deliveries(ALL).unwrap();
    deliveries.reverse();
    deliveries
}

/// The victim that is killed at random: two receive media, one enqueues, one delivers, without end.
#[test]
fn victim_under_load() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let base = std::env::var(ROUND).unwrap().parse::<u64>().unwrap() * 1_000_000;
    let store = open(Path::new(&dir));
    let (account, to) = whom(&store);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        store.catalog().release_claims(NOON).await.unwrap();
        let mut workers = Vec::new();
        for worker in 0..2_u64 {
            let store = store.clone();
            workers.push(tokio::spawn(async move {
                for n in (base + worker..).step_by(2) {
                    let staged = stage(&store, account, format!("bytes {}", n / 3).as_bytes()).await;
                    let announce = new_delivery(account, to, NUMBER + n % NUMBERS, &format!("media {n}"));
                    staged
                        .commit_with(new_media(account, NOON), &mut || id(n), &mut |_| vec![announce.clone()])
                        .await
                        .unwrap();
                    tell(&format!("kept {n}"));
                }
            }));
        }
        let queueing = store.clone();
        workers.push(tokio::spawn(async move {
            for n in base.. {
                let three =
                    (0..3).map(|k| new_delivery(account, to, NUMBER + n % NUMBERS, &format!("{n}.{k}")));
                let ids = queueing.catalog().enqueue(three.collect()).await.unwrap();
                for (k, id) in ids.into_iter().enumerate() {
                    tell(&format!("queued {id} {n}.{k}"));
                }
            }
        }));
        workers.push(tokio::spawn(async move {
            for n in 0.. {
                for claimed in store.catalog().claim_due(NOON, 3, 3, LEASE).await.unwrap() {
                    let outcome = match n % 5 {
                        0 => Outcome::Failed {
                            status: None,
                            word: "timeout",
                            next_at: NOON,
                            let_others_pass: false,
                        },
                        _ => TAKEN,
                    };
                    store.catalog().record_attempt(&claimed.delivery, outcome, NOON).await.unwrap();
                    if outcome == TAKEN {
                        tell(&format!("taken {}", claimed.delivery.id));
                    }
                }
            }
        }));
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

#[tokio::test]
async fn ten_kills_with_a_full_queue_lose_no_delivery() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    prepared(&data).await;
    let (mut queued, mut taken, mut kept) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for round in 0..10_u64 {
        let mut child = victim("victim_under_load", &data, round).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reading = std::thread::spawn(move || {
            let mut said = String::new();
            stdout.read_to_string(&mut said).unwrap();
            said
        });
        tokio::time::sleep(Duration::from_millis(30 + (round * 7919) % 300)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for line in told(&reading.join().unwrap()) {
            match line[0].as_str() {
                "kept" => drop(kept.insert(line[1].clone())),
                "queued" => drop(queued.insert(line[1].parse::<DeliveryId>().unwrap(), line[2].clone())),
                _ => drop(taken.insert(line[1].parse::<DeliveryId>().unwrap())),
            }
        }

        let store = open(&data);
        let left = all(&store);
        let states: BTreeMap<_, _> = left.iter().map(|it| (it.id, it.state)).collect();
        for (id, expected) in &queued {
            assert!(states.contains_key(id), "round {round}: delivery {id} is lost");
            assert_eq!(body(&store, *id), *expected);
        }
        for id in &taken {
            assert_eq!(states[id], DeliveryState::Delivered, "round {round}: {id} would be told again");
        }
        let announced: BTreeSet<String> = left
            .iter()
            .filter_map(|it| body(&store, it.id).strip_prefix("media ").map(str::to_owned))
            .collect();
        assert!(kept.is_subset(&announced), "round {round}: kept, and never announced");
        assert_eq!(store.catalog().totals().unwrap().media, announced.len() as u64, "round {round}");
        let report = store.verify(NOON, false, &mut |_| {}).unwrap();
        assert!(report.is_sound(), "round {round}: {:?}", report.findings);
        store.close().await;
    }
    assert!(queued.len() > 20 && taken.len() > 5 && kept.len() > 5, "the victims did too little");
    everything_is_told_in_order(&open(&data)).await;
}

/// What the crashes left is delivered to its end, each number's in the order in which it was enqueued.
async fn everything_is_told_in_order(store: &Store) {
    let catalog = store.catalog();
    catalog.release_claims(NOON).await.unwrap();
    let mut last: BTreeMap<u64, DeliveryId> = BTreeMap::new();
    loop {
        let claimed = catalog.claim_due(NOON, 50, 50, LEASE).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        for one in claimed {
            let before = last.insert(one.delivery.phone_number_id.get(), one.delivery.id);
            assert!(before.is_none_or(|before| before < one.delivery.id));
            catalog.record_attempt(&one.delivery, TAKEN, NOON).await.unwrap();
        }
    }
    let totals = catalog.delivery_totals().unwrap();
    assert_eq!((totals.waiting, totals.delivered), (0, all(store).len() as u64));
}

const STEPS: usize = 12;

/// One move of each kind, each a step: what a crash leaves is what was before it or what is after it.
async fn step(store: &Store, n: usize) {
    let (account, to) = whom(store);
    let catalog = store.catalog();
    let new = |body: &str| new_delivery(account, to, NUMBER, body);
    let claimed = || all(store).into_iter().find(|it| it.claimed_until.is_some()).unwrap();
    let failed =
        Outcome::Failed { status: Some(500), word: "status", next_at: NOON, let_others_pass: n == 7 };
    match n {
        0 => {
            let staged = stage(store, account, b"bytes").await;
            let announce = new("media");
            staged
                .commit_with(new_media(account, NOON), &mut || id(1), &mut |_| vec![announce.clone()])
                .await
                .unwrap();
        }
        1 => drop(catalog.enqueue(vec![new("one"), new("two"), new("three")]).await.unwrap()),
        2 | 4 | 6 | 8 => assert_eq!(catalog.claim_due(NOON, 1, 1, LEASE).await.unwrap().len(), 1),
        3 | 7 => drop(catalog.record_attempt(&claimed(), failed, NOON).await.unwrap().unwrap()),
        5 => drop(catalog.record_attempt(&claimed(), TAKEN, NOON).await.unwrap().unwrap()),
        9 => assert!(catalog.drop_delivery(DeliveryId(3), NOON).await.unwrap()),
        10 => assert!(catalog.redeliver(DeliveryId(1), NOON, NOON + 7 * DAY).await.unwrap()),
        _ => assert_eq!(store.sweep_expired(NOON + DAY).await.unwrap().deliveries_removed, 1),
    }
}

/// Everything that a step can change.
fn picture(store: &Store) -> String {
    let mut picture = format!("{} media", store.catalog().totals().unwrap().media);
    for it in all(store) {
        let times = (it.next_at.is_some(), it.claimed_until.is_some(), it.attempts);
        picture += &format!(", {} {:?} {} {times:?}", body(store, it.id), it.state, it.in_line);
    }
    picture
}

#[test]
fn victim_step_by_step() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let store = open(Path::new(&dir));
    runtime.block_on(async {
        for n in 0..STEPS {
            step(&store, n).await;
            tell(&format!("did {n}"));
        }
        store.close().await;
    });
    tell("finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_system_call_leaves_a_step_done_or_not_begun() {
    if !strace_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    prepared(&data).await;
    let store = open(&data);
    let mut pictures = vec![picture(&store)];
    for n in 0..STEPS {
        step(&store, n).await;
        pictures.push(picture(&store));
    }
    assert!(pictures.windows(2).all(|two| two[0] != two[1]), "a step that changes nothing tests nothing");

    let stride = if std::env::var_os(THOROUGH).is_some() { 1 } else { 5 };
    for (calls, stride) in [("fsync,fdatasync", 1), ("pwrite64", stride)] {
        let mut k = 1;
        while !killed_at(calls, k, &pictures).await {
            k += stride;
        }
        assert!(k > STEPS, "{calls} was hardly ever called");
    }
}

/// Kills a victim at its k-th call and looks at what is left; true if it came to its end before.
async fn killed_at(calls: &str, k: usize, pictures: &[String]) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    prepared(&data).await;
    let bare = victim("victim_step_by_step", &data, 0);
    let inject = format!("inject={calls}:signal=KILL:when={k}");
    let output = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &inject])
        .arg(bare.get_program())
        .args(bare.get_args())
        .env(DIR, &data)
        .output()
        .unwrap();
    let lines = told(&String::from_utf8_lossy(&output.stdout));
    let done = lines.iter().filter(|line| line[0] == "did").count();
    let store = open(&data);
    let (left, next) = (picture(&store), (done + 1).min(STEPS));
    assert!(
        left == pictures[done] || left == pictures[next],
        "{inject}, after {done} steps: {left}\n{}\n{}",
        pictures[done],
        pictures[next]
    );
    let report = store.verify(NOON, false, &mut |_| {}).unwrap();
    assert!(report.is_sound(), "{inject}: {:?}", report.findings);
    lines.iter().any(|line| line[0] == "finished")
}

/// Claims and delivers until nothing waits.
#[test]
fn victim_that_claims() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let store = open(Path::new(&dir));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        while store.catalog().delivery_totals().unwrap().waiting > 0 {
            for one in store.catalog().claim_due(NOON, 4, 2, LEASE).await.unwrap() {
                tell(&format!("claimed {}", one.delivery.id));
                store.catalog().record_attempt(&one.delivery, TAKEN, NOON).await.unwrap();
            }
        }
    });
}

#[tokio::test]
async fn two_processes_never_claim_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    prepared(&data).await;
    let store = open(&data);
    let (account, to) = whom(&store);
    let new = (0..120).map(|n| new_delivery(account, to, NUMBER + n % NUMBERS, &n.to_string()));
    let ids = store.catalog().enqueue(new.collect()).await.unwrap();

    let children: Vec<_> = (0..2).map(|_| victim("victim_that_claims", &data, 0).spawn().unwrap()).collect();
    let mut claimed = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let lines = told(&String::from_utf8_lossy(&output.stdout));
        claimed.extend(lines.iter().map(|line| line[1].parse::<DeliveryId>().unwrap()));
    }
    claimed.sort();
    assert_eq!(claimed, ids, "each once, by one of the two");
    assert_eq!(store.catalog().delivery_totals().unwrap().delivered, ids.len() as u64);
}
