//! Endpoints and bodies on disk: sealed, bound to their rows, readable with the documents alone, moved by rotation.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use rusqlite::Connection;
use wamedia_store::{DeliveryState, Finding, KEY_FILE, KeyRing, Outcome, StoreError};

use crate::bench::{Bench, NOON, NUMBER, files_below, number};
use crate::deliveries::{LEASE, new_delivery, subscription};
use crate::format::hkdf_expand;

const BODY: &str = r#"{"object":"canary-body"}"#;

fn catalog_of(bench: &Bench) -> Connection {
    let connection = Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.pragma_update(None, "ignore_check_constraints", true).unwrap();
    connection
}

fn edit(bench: &Bench, sql: &str) {
    assert!(catalog_of(bench).execute(sql, []).unwrap() > 0, "{sql}");
}

fn findings(bench: &Bench) -> Vec<Finding> {
    bench.store.verify(NOON, false, &mut |_| {}).unwrap().findings
}

#[tokio::test]
async fn nothing_plain_is_on_disk() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    bench.enqueue(to, NUMBER, &[BODY, BODY]).await;
    bench.claim(NOON).await;
    let look = |when| {
        for file in files_below(&bench.data()) {
            let bytes = std::fs::read(&file).unwrap();
            let found = bytes.windows(6).any(|part| part.eq_ignore_ascii_case(b"canary"));
            assert!(!found, "{when}: {}", file.display());
        }
    };
    look("while it serves");
    bench.store.clone().close().await;
    look("after it closed");
}

/// From `master.key` and `catalog.sqlite` alone, with none of the store's code.
#[tokio::test]
async fn boxes_can_be_opened_with_the_documents_alone() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let to = catalog.add_subscription(subscription(bench.account, Some(NUMBER))).await.unwrap().id;
    let all = bench.subscribe().await;
    bench.enqueue(to, NUMBER, &[BODY]).await;

    let ring = std::fs::read_to_string(bench.data().join(KEY_FILE)).unwrap();
    let line = ring.lines().find_map(|line| line.strip_prefix("v1 ")).unwrap();
    let master = base64::engine::general_purpose::STANDARD.decode(line).unwrap();
    let account = bench.account.0.to_be_bytes();
    let key = hkdf_expand(&master, &[b"wamedia/v1/webhooks".as_slice(), &account].concat(), 32);
    let open = |sealed: &[u8], bound: &[&[u8]]| {
        let payload = Payload { msg: &sealed[12..], aad: &bound.concat() };
        Aes256Gcm::new_from_slice(&key).unwrap().decrypt(sealed[..12].into(), payload).unwrap()
    };
    let catalog = catalog_of(&bench);
    let box_of = |table: &str, id: i64| -> Vec<u8> {
        let sql = format!("SELECT box FROM {table} WHERE id = ?1 AND key_version = 1");
        catalog.query_row(&sql, [id], |row| row.get(0)).unwrap()
    };

    let mut endpoint = Vec::new();
    for text in ["https://canary.example/hook", "?canary-verify-token", "?canary-app-secret"] {
        let bare = text.trim_start_matches('?');
        if bare != text {
            endpoint.push(1);
        }
        endpoint.extend((bare.len() as u32).to_be_bytes());
        endpoint.extend(bare.as_bytes());
    }
    for text in ["x-canary-name", "canary-value"] {
        endpoint.extend((text.len() as u32).to_be_bytes());
        endpoint.extend(text.as_bytes());
    }
    let made = NOON.as_millisecond().to_be_bytes();
    for (id, number) in [(to.0, NUMBER), (all.0, 0)] {
        let (id_bytes, number) = (id.to_be_bytes(), number.to_be_bytes());
        let bound: [&[u8]; 8] =
            [b"wamedia/subscription", &[1], &[0, 1], &account, &id_bytes, &number, &[1, 0], &made];
        assert_eq!(open(&box_of("subscription", id), &bound), endpoint);
    }
    let (id, to, number) = (1_i64.to_be_bytes(), to.0.to_be_bytes(), NUMBER.to_be_bytes());
    let bound: [&[u8]; 9] =
        [b"wamedia/delivery", &[1], &[0, 1], &account, &id, &number, &to, &made, b"message"];
    assert_eq!(open(&box_of("delivery", 1), &bound), BODY.as_bytes());
}

#[tokio::test]
async fn a_box_opens_only_in_its_own_row() {
    for change in [
        "account = 2",
        "phone_number = phone_number + 1",
        "subscription = 2",
        "created_at = created_at + 1",
        "kind = 'status'",
        "key_version = 2",
        "box = (SELECT box FROM delivery WHERE id = 2)",
        "box = x'00'",
        "box = substr(box, 1, length(box) - 1)",
    ] {
        let bench = Bench::new().await;
        let to = bench.subscribe().await;
        let ids = bench.enqueue(to, NUMBER, &["one", "two"]).await;
        KeyRing::rotate(&bench.data()).unwrap();
        edit(&bench, &format!("UPDATE delivery SET {change} WHERE id = 1"));
        let body = bench.store.catalog().delivery_body(ids[0]);
        assert!(matches!(body, Err(StoreError::BoxTampered { what: "delivery", id: 1 })), "{change}");
        assert!(
            findings(&bench).contains(&Finding::BoxTampered { what: "delivery", id: 1 }),
            "{change}: {:?}",
            findings(&bench)
        );
    }
    for change in [
        "account = 2",
        "phone_number = 5",
        "dialect = 2",
        "allow_private = 1",
        "created_at = created_at + 1",
        "box = x'00'",
    ] {
        let bench = Bench::new().await;
        let id = bench.subscribe().await;
        edit(&bench, &format!("UPDATE subscription SET {change}"));
        let read = bench.store.catalog().subscription(id);
        assert!(matches!(read, Err(StoreError::BoxTampered { what: "subscription", id: 1 })), "{change}");
        assert!(findings(&bench).contains(&Finding::BoxTampered { what: "subscription", id: 1 }), "{change}");
        // And can still be got rid of.
        assert!(bench.store.catalog().remove_subscription(id).await.unwrap());
    }
}

#[tokio::test]
async fn what_cannot_be_sent_holds_nothing_up() {
    for change in ["box = x'00'", "kind = 'status'", "attempts = -7"] {
        let bench = Bench::new().await;
        let to = bench.subscribe().await;
        let ids = bench.enqueue(to, NUMBER, &["one", "two"]).await;
        edit(&bench, &format!("UPDATE delivery SET {change} WHERE id = 1"));
        assert!(bench.claim(NOON).await.is_empty(), "{change}");
        assert_eq!(bench.claim(NOON).await[0].delivery.id, ids[1], "{change}");
        edit(&bench, "UPDATE delivery SET attempts = 0 WHERE id = 1");
        let first = bench.delivery(ids[0]);
        assert_eq!((first.state, first.last_error.as_deref()), (DeliveryState::GivenUp, Some("damaged")));
    }
}

#[tokio::test]
async fn a_missing_key_is_waited_for() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    bench.enqueue(to, NUMBER, &["one"]).await;
    edit(&bench, "UPDATE delivery SET key_version = 9");
    assert!(bench.claim(NOON).await.is_empty());
    assert_eq!(findings(&bench), [Finding::BoxKeyMissing { what: "delivery", id: 1, version: 9 }]);
    edit(&bench, "UPDATE delivery SET key_version = 1");
    assert!(bench.claim(NOON).await.is_empty(), "until the lease has run out");
    assert_eq!(bench.claim(NOON + LEASE).await[0].body, "one");
}

#[tokio::test]
async fn broken_lines_and_rows_are_named() {
    for (change, out_of_order) in [
        ("next_at = NULL WHERE id = 1", true),
        ("next_at = 5 WHERE id = 2", true),
        ("state = 2, next_at = NULL, gone_at = 5 WHERE id = 1", true),
        ("in_line = 0 WHERE id = 2", true),
        ("state = 9 WHERE id = 2", false),
        ("phone_number = -1 WHERE id = 2", false),
    ] {
        let bench = Bench::new().await;
        let to = bench.subscribe().await;
        bench.enqueue(to, NUMBER, &["one", "two", "three"]).await;
        edit(&bench, &format!("UPDATE delivery SET {change}"));
        let findings = findings(&bench);
        let line = Finding::LineOutOfOrder { subscription: to, number: number(NUMBER) };
        assert_eq!(findings.contains(&line), out_of_order, "{change}: {findings:?}");
        let unreadable = |it: &Finding| matches!(it, Finding::RowUnreadable { what: "delivery", id: 2, .. });
        assert_eq!(findings.iter().any(unreadable), !out_of_order, "{change}: {findings:?}");
        assert!(findings.iter().all(|it| !it.to_string().is_empty() && !it.is_leftover()));
    }
}

#[tokio::test]
async fn rewrapping_moves_every_box() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    let bodies: Vec<String> = (0..600).map(|n| format!("body {n}")).collect();
    let ids = bench.enqueue(to, NUMBER, &bodies.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let before = bench.store.catalog().subscription(to).unwrap().unwrap();
    edit(&bench, "UPDATE delivery SET box = x'00' WHERE id = 1");
    edit(&bench, "UPDATE delivery SET attempts = -1 WHERE id = 2");
    KeyRing::rotate(&bench.data()).unwrap();

    let report = bench.store.rewrap().await.unwrap();
    assert_eq!((report.version, report.rewrapped, report.unreadable), (2, 599, 2));
    let again = bench.store.rewrap().await.unwrap();
    assert_eq!((again.rewrapped, again.unreadable), (0, 2));
    let left: i64 = catalog_of(&bench)
        .query_row("SELECT count(*) FROM delivery WHERE key_version = 1", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 2);
    assert_eq!(bench.store.catalog().subscription(to).unwrap().unwrap(), before);
    for (id, body) in ids.iter().zip(&bodies).skip(2) {
        assert_eq!(bench.store.catalog().delivery_body(*id).unwrap().unwrap(), body);
    }
    let new = new_delivery(bench.account, to, NUMBER, "under the new key");
    let id = bench.store.catalog().enqueue(vec![new]).await.unwrap()[0];
    assert_eq!(bench.store.catalog().delivery_body(id).unwrap().unwrap(), "under the new key");
}

#[tokio::test]
async fn what_was_swept_leaves_the_catalog_s_files() {
    let bench = Bench::new().await;
    let to = bench.subscribe().await;
    let ids = bench.enqueue(to, NUMBER, &["a body of some length"]).await;
    let sealed: Vec<u8> =
        catalog_of(&bench).query_row("SELECT box FROM delivery", [], |row| row.get(0)).unwrap();
    let claimed = bench.claim(NOON).await;
    let taken = Outcome::Delivered { status: 200 };
    bench.store.catalog().record_attempt(&claimed[0].delivery, taken, NOON).await.unwrap();
    bench.store.sweep_expired(NOON + crate::bench::DAY).await.unwrap();
    assert_eq!(bench.store.catalog().delivery(ids[0]).unwrap(), None);
    for name in ["catalog.sqlite", "catalog.sqlite-wal"] {
        let bytes = std::fs::read(bench.data().join(name)).unwrap_or_default();
        assert!(!bytes.windows(sealed.len()).any(|part| part == sealed), "{name}");
    }
}
