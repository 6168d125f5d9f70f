//! What the catalog remembers is never stale: whoever changes something, in whichever process, is seen at once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use wamedia_media::{MediaId, PhoneNumberId};
use wamedia_store::{
    AccountId, CredentialId, CredentialKind, KeyRing, Media, NewCredential, Permissions, Store, StoreError,
    StoreOptions,
};

use crate::bench::{Bench, DAY, HOUR, NOON, NUMBER, id, new_media, noise, number, read_all, stage};

const FOLDER: &str = "WAMEDIA_MEMORY_FOLDER";

/// Another process on the same folder, that does as it is told: `verb number`, a line each.
struct Other {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    fn start(bench: &Bench) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["memory::the_other_process", "--exact", "--nocapture", "--test-threads=1", "-q"])
            .env(FOLDER, bench.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, orders, answers }
    }

    /// Returns once it is done.
    fn order(&mut self, verb: &str, number: impl std::fmt::Display) {
        writeln!(self.orders, "{verb} {number}").unwrap();
        let done = format!("done {verb} {number}");
        let answered = (&mut self.answers).lines().map(Result::unwrap).any(|line| line.ends_with(&done));
        assert!(answered, "{verb} {number}");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = writeln!(self.orders, "end 0");
        let _ = self.child.wait();
    }
}

/// Not a test of its own: what [`Other`] starts.
#[tokio::test]
async fn the_other_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(folder.as_ref(), StoreOptions::default()).unwrap();
    let account = store.catalog().accounts().unwrap()[0].id;
    for line in std::io::stdin().lock().lines().map(Result::unwrap) {
        let (verb, number) = line.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        if verb == "end" {
            break;
        }
        carry_out(&store, account, verb, number).await.unwrap();
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "done {line}").unwrap();
        stdout.flush().unwrap();
    }
}

async fn carry_out(store: &Store, account: AccountId, verb: &str, argument: u64) -> Result<(), StoreError> {
    let catalog = store.catalog();
    let phone = || PhoneNumberId::new(argument).unwrap();
    match verb {
        "delete" => drop(store.delete(account, MediaId::new(argument).unwrap(), NOON).await?),
        "revoke" => drop(catalog.revoke_credential(CredentialId(argument as i64), NOON).await?),
        "remove" => drop(catalog.remove_phone_number(account, phone(), NOON).await?),
        "block" => drop(catalog.throttle_count(phone(), "errors", NOON, HOUR, 0, HOUR).await?),
        "unblock" => catalog.throttle_reset(Some(phone())).await?,
        "use" => {
            catalog.record_use(account, MediaId::new(argument).unwrap(), NOON + 2 * HOUR).await?;
        }
        "rotate" => {
            KeyRing::rotate(store.dir())?;
            store.keys().reload()?;
            store.rewrap().await?;
        }
        other => panic!("{other}?"),
    }
    Ok(())
}

fn token(store: &Store, account: AccountId, secret: &str) -> NewCredential {
    NewCredential {
        account,
        kind: CredentialKind::Token,
        hash: store.keys().credential_hash(secret.as_bytes()),
        label: secret.to_owned(),
        permissions: Permissions::MEDIA,
        phone_number_ids: Vec::new(),
        expires_at: None,
        created_at: NOON,
        revoke_others_at: None,
    }
}

#[tokio::test]
async fn another_process_is_seen_at_once() {
    let mut bench = Bench::new().await;
    let mut other = Other::start(&bench);
    let (gone, used) = (bench.upload(b"one").await, bench.upload(b"two").await);
    let credential =
        bench.store.catalog().add_credential(token(&bench.store, bench.account, "t")).await.unwrap();
    let hash = bench.store.keys().credential_hash(b"t");
    let catalog = bench.store.catalog();
    let media = |it: &Media| catalog.media(bench.account, it.id, NOON).unwrap();
    let is_live = || catalog.credential_by_hash(&hash).unwrap().unwrap().is_live(NOON);
    let owner = || catalog.view().owner_of_number(number(NUMBER)).unwrap();
    let blocked = || catalog.throttle_blocked_until(number(NUMBER), "errors", NOON).unwrap();
    // All of it is remembered by now.
    for _ in 0..2 {
        assert!(media(&gone).is_some() && media(&used).is_some() && is_live() && blocked().is_none());
        assert_eq!(owner(), Some(bench.account));
    }

    other.order("delete", gone.id);
    assert!(media(&gone).is_none());
    other.order("use", used.id);
    assert_eq!(media(&used).unwrap().last_used_at, NOON + 2 * HOUR);
    other.order("revoke", credential.id);
    assert!(!is_live());
    other.order("block", NUMBER);
    assert_eq!(blocked(), Some(NOON + HOUR));
    other.order("unblock", NUMBER);
    assert_eq!(blocked(), None);
    other.order("rotate", 0);
    assert_eq!(bench.read(&media(&used).unwrap()).await, b"two");
    other.order("remove", NUMBER);
    assert_eq!(owner(), None);
}

/// What is remembered is the same thing each time it is asked for; what is read anew is another one.
#[tokio::test]
async fn own_uploads_leave_what_is_remembered_and_everything_else_voids_it() {
    let mut bench = Bench::new().await;
    let second = Store::open(&bench.data(), StoreOptions::default()).unwrap();
    let (kept, gone) = (bench.upload(b"kept").await, bench.upload(b"gone").await);
    let catalog = bench.store.catalog().clone();
    let account = bench.account;
    let ask = || catalog.media(account, kept.id, NOON).unwrap().unwrap();
    let mut known = ask();
    for bytes in [1, 1000, 300_000] {
        bench.upload(&noise(bytes, bytes as u64)).await;
        assert!(Arc::ptr_eq(&ask(), &known), "an upload of {bytes} bytes");
    }
    let mut is_void = |by: &str| {
        let now = ask();
        assert!(!Arc::ptr_eq(&now, &known), "{by}");
        known = now;
    };
    bench.store.delete(account, gone.id, NOON).await.unwrap();
    is_void("a deletion");
    bench.store.catalog().record_use(account, kept.id, NOON + 2 * HOUR).await.unwrap();
    is_void("a use");
    let staged = stage(&second, account, b"by another").await;
    staged.commit(new_media(account, NOON), &mut || id(900)).await.unwrap();
    is_void("another's upload");
    assert_eq!(known.last_used_at, NOON + 2 * HOUR);
}

/// Uploads of ours, which void nothing, hide no deletion by another process that comes between two of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_seen_between_our_own_uploads() {
    let mut bench = Bench::new().await;
    let mut media = Vec::new();
    for n in 0..40_u64 {
        media.push(bench.upload(&n.to_be_bytes()).await.id);
    }
    let (store, account) = (bench.store.clone(), bench.account);
    let ended = Arc::new(AtomicBool::new(false));
    let seen = ended.clone();
    let uploading = tokio::spawn(async move {
        let mut uploads = 1000;
        while !seen.load(Ordering::Relaxed) {
            uploads += 1;
            let staged = stage(&store, account, &noise(100, uploads)).await;
            staged.commit(new_media(account, NOON), &mut || id(uploads)).await.unwrap();
        }
    });
    let mut other = Other::start(&bench);
    let ask = |id| bench.store.catalog().media(account, id, NOON).unwrap().is_some();
    for (at, id) in media.iter().enumerate() {
        assert!(media[at..].iter().all(|id| ask(*id)));
        other.order("delete", id);
        assert!(!ask(*id), "it is gone at once");
    }
    ended.store(true, Ordering::Relaxed);
    uploading.await.unwrap();
}

#[tokio::test]
async fn expiry_needs_no_commit() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let found = |at| bench.store.catalog().media(bench.account, media.id, at).unwrap().is_some();
    assert!(found(NOON));
    assert!(found(NOON + 30 * DAY - std::time::Duration::from_millis(1)));
    assert!(!found(NOON + 30 * DAY));
    // A clock that was turned back finds it again: it is still there.
    assert!(found(NOON));
}

#[tokio::test]
async fn one_account_is_not_told_what_another_asked_for() {
    let mut bench = Bench::new().await;
    let media = bench.upload(b"bytes").await;
    let other = bench.store.catalog().create_account("second", NOON).await.unwrap().id;
    for _ in 0..2 {
        assert!(bench.store.catalog().media(bench.account, media.id, NOON).unwrap().is_some());
        assert!(bench.store.catalog().media(other, media.id, NOON).unwrap().is_none());
    }
}

/// Closing a file gives up the process's locks on it; a store that is closed must not take another's with it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_store_that_closes_leaves_the_locks_of_another() {
    use std::os::unix::fs::MetadataExt as _;
    let mut bench = Bench::new().await;
    let index = bench.data().join("catalog.sqlite-shm").metadata().unwrap().ino();
    // The list is read in pieces, and may miss some where other locks come and go meanwhile; it never invents any.
    let locks = || {
        let once = || {
            let all = std::fs::read_to_string("/proc/locks").unwrap();
            all.lines().filter(|line| line.contains(&format!(":{index} "))).count()
        };
        (0..50).map(|_| once()).max().unwrap()
    };
    let held = locks();
    assert!(held > 0, "SQLite marks the index as used");
    for _ in 0..3 {
        let second = Store::open(&bench.data(), StoreOptions::default()).unwrap();
        let third = Store::open(&bench.data(), StoreOptions::default()).unwrap();
        second.catalog().accounts().unwrap();
        drop(second);
        third.close().await;
        // What closes may still hold some for a moment.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(locks() > 0, "{held} before");
    }
    bench.upload(b"bytes").await;
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Upload,
    Delete(u64),
    Use(u64),
    Revoke,
    Block,
    Unblock,
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Upload),
        3 => (0..8_u64).prop_map(Step::Delete),
        2 => (0..8_u64).prop_map(Step::Use),
        1 => Just(Step::Revoke),
        1 => Just(Step::Block),
        1 => Just(Step::Unblock),
        1 => Just(Step::Sweep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two stores with a memory, and one without: whoever writes, all three say the same.
    #[test]
    fn a_store_with_a_memory_answers_as_one_without(
        steps in prop::collection::vec((any::<bool>(), step()), 1..40),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let bench = Bench::new().await;
            let second = Store::open(&bench.data(), StoreOptions::default()).unwrap();
            let mut forgetful = StoreOptions::default();
            forgetful.remembered_records = 0;
            let forgetful = Store::open(&bench.data(), forgetful).unwrap();
            let account = bench.account;
            let credential =
                bench.store.catalog().add_credential(token(&bench.store, account, "t")).await.unwrap();
            let mut uploads = 0;
            for (first, step) in steps {
                let store = if first { &bench.store } else { &second };
                let nth = |n| MediaId::FIRST + 1 + n;
                match step {
                    Step::Upload => {
                        let staged = stage(store, account, &noise(100, uploads)).await;
                        let nth = id(1 + uploads);
                        staged.commit(new_media(account, NOON), &mut || nth).await.unwrap();
                        uploads += 1;
                    }
                    Step::Delete(n) => carry_out(store, account, "delete", nth(n)).await.unwrap(),
                    Step::Use(n) => carry_out(store, account, "use", nth(n)).await.unwrap(),
                    Step::Revoke => carry_out(store, account, "revoke", credential.id.0 as u64).await.unwrap(),
                    Step::Block => carry_out(store, account, "block", NUMBER).await.unwrap(),
                    Step::Unblock => carry_out(store, account, "unblock", NUMBER).await.unwrap(),
                    Step::Sweep => drop(store.sweep_expired(NOON + 31 * DAY).await.unwrap()),
                }
                let expected = say(&forgetful, account, uploads).await;
                assert_eq!(say(&bench.store, account, uploads).await, expected);
                assert_eq!(say(&second, account, uploads).await, expected);
            }
        });
    }
}

/// Everything that is asked of a view.
async fn say(store: &Store, account: AccountId, uploads: u64) -> Vec<String> {
    let catalog = store.catalog();
    let mut said = Vec::new();
    for n in 1..=uploads {
        let media = catalog.media(account, id(n), NOON).unwrap();
        let bytes = match &media {
            Some(media) => Some(read_all(store, media).await.unwrap()),
            None => None,
        };
        said.push(format!("{:?} {bytes:?}", media.map(|media| media.last_used_at)));
    }
    let hash = store.keys().credential_hash(b"t");
    said.push(format!("{:?}", catalog.credential_by_hash(&hash).unwrap()));
    said.push(format!("{:?}", catalog.throttle_blocked_until(number(NUMBER), "errors", NOON).unwrap()));
    said.push(format!("{:?}", catalog.view().owner_of_number(number(NUMBER)).unwrap()));
    said
}
