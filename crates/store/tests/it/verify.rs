//! Every invariant that can be broken on disk is named when it is.

use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use wamedia_store::{Finding, VerifyReport};

use crate::bench::{Bench, NOON, noise};

async fn broken(break_it: impl FnOnce(&Bench, &Connection)) -> VerifyReport {
    let mut bench = Bench::new().await;
    for n in 0..5 {
        bench.upload(&noise(40_000, n)).await;
    }
    bench.upload(&noise(40_000, 0)).await;
    let connection = Connection::open(bench.data().join("catalog.sqlite")).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.pragma_update(None, "ignore_check_constraints", true).unwrap();
    break_it(&bench, &connection);
    bench.store.verify(NOON, true, &mut |_| {}).unwrap()
}

fn sql(text: &'static str) -> impl FnOnce(&Bench, &Connection) {
    move |_, connection| assert!(connection.execute(text, []).unwrap() > 0, "{text}")
}

/// Exactly one finding, and it is of this kind.
fn assert_one(report: &VerifyReport, expected: fn(&Finding) -> bool) {
    assert!(matches!(report.findings.as_slice(), [one] if expected(one)), "{:?}", report.findings);
    assert!(!report.is_clean());
    assert!(!report.findings[0].to_string().is_empty());
}

#[tokio::test]
async fn a_sound_store_is_clean_and_counted() {
    let report = broken(|_, _| {}).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.blobs, report.bytes), (6, 5, 5 * 40_000));
}

#[tokio::test]
async fn progress_reaches_the_end() {
    let mut bench = Bench::new().await;
    for n in 0..5 {
        bench.upload(&noise(40_000, n)).await;
    }
    let mut last = None;
    bench.store.verify(NOON, true, &mut |progress| last = Some(progress)).unwrap();
    let last = last.unwrap();
    assert_eq!((last.records, last.records_total), (5, 5));
    assert_eq!((last.bytes, last.bytes_total), (200_000, 200_000));
}

#[tokio::test]
async fn broken_records_are_named() {
    let report = broken(sql("UPDATE media SET mime_type = 'x' WHERE id = (SELECT min(id) FROM media)")).await;
    assert_one(&report, |it| matches!(it, Finding::RecordTampered { .. }));
    let report = broken(sql("UPDATE media SET key_version = 7 WHERE id = (SELECT min(id) FROM media)")).await;
    assert_one(&report, |it| matches!(it, Finding::UnknownKeyVersion { version: 7, .. }));
    let report = broken(sql("UPDATE media SET expires_at = 5 WHERE id = (SELECT min(id) FROM media)")).await;
    assert_one(&report, |it| matches!(it, Finding::TimesOutOfOrder { .. }));
    let report =
        broken(sql("UPDATE media SET dedup = zeroblob(16) WHERE id = (SELECT min(id) FROM media)")).await;
    assert_one(&report, |it| matches!(it, Finding::ContentTag { .. }));
    // Rows that cannot be read at all must not stop the walk.
    for edit in ["bytes = -1", "blob = x'01'", "origin = 3", "key_version = -1"] {
        let edit = format!("UPDATE media SET {edit} WHERE id = (SELECT min(id) FROM media)");
        let report = broken(move |_, connection| assert_eq!(connection.execute(&edit, []).unwrap(), 1)).await;
        assert!(
            report.findings.iter().any(|it| matches!(it, Finding::RecordUnreadable { .. })),
            "{report:?}"
        );
        assert_eq!((report.records, report.findings_total), (6, 2), "{report:?}");
    }
}

#[tokio::test]
async fn dangling_rows_and_contradictory_credentials_are_named() {
    let report = broken(sql("DELETE FROM account")).await;
    assert!(
        report
            .findings
            .iter()
            .any(|it| matches!(it, Finding::Dangling { table, rows: 6 } if table == "media"))
    );
    assert!(
        report
            .findings
            .iter()
            .any(|it| matches!(it, Finding::Dangling { table, .. } if table == "phone_number"))
    );
    let report = broken(sql(
        "INSERT INTO credential (account, kind, hash, label, permissions, all_numbers, created_at)
         VALUES (1, 2, zeroblob(32), 'k', 1, 0, 0)",
    ))
    .await;
    assert_one(&report, |it| matches!(it, Finding::CredentialNumbers { .. }));
}

#[tokio::test]
async fn broken_blobs_are_named() {
    let report = broken(|bench, _| std::fs::remove_file(&bench.spots()[0].path).unwrap()).await;
    assert!(!report.findings.is_empty());
    assert!(report.findings.iter().all(|it| matches!(it, Finding::BlobMissing { .. })));

    for at in [0, 60, 20_000, 40_000] {
        let report = broken(|bench, _| bench.spots()[0].flip(at)).await;
        assert!(!report.findings.is_empty(), "byte {at}");
        assert!(report.findings.iter().all(|it| matches!(it, Finding::BlobDamaged { .. })));
        assert!(!report.is_sound());
    }
}

#[tokio::test]
async fn leftovers_and_foreign_files_are_told_apart() {
    const BLOB: &str = "00112233445566778899aabbccddeeff";
    let private = |path: std::path::PathBuf| {
        std::fs::write(&path, [0; 10]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let report = broken(|bench, _| private(bench.blob_folder("00").join(BLOB))).await;
    assert_one(&report, |it| matches!(it, Finding::OrphanedBlob { bytes: 10, .. }));
    assert!(report.is_sound());
    let report = broken(|bench, _| private(bench.data().join("staging").join(format!("{BLOB}.part")))).await;
    assert_one(&report, |it| matches!(it, Finding::AbandonedUpload { bytes: 10, .. }));
    assert!(report.is_sound());
    for foreign in ["blobs/note", "blobs/00/note", "packs/note", "staging/note"] {
        let report = broken(|bench, _| {
            bench.blob_folder("00");
            private(bench.data().join(foreign));
        })
        .await;
        assert_one(&report, |it| matches!(it, Finding::ForeignFile { .. }));
        assert!(!report.is_sound());
    }
}

#[tokio::test]
async fn open_doors_are_named() {
    for name in ["master.key", "catalog.sqlite", "blobs", "packs", "staging", "blobs/7f"] {
        let report = broken(|bench, _| {
            bench.blob_folder("7f");
            std::fs::set_permissions(bench.data().join(name), std::fs::Permissions::from_mode(0o755))
                .unwrap();
        })
        .await;
        assert_one(&report, |it| matches!(it, Finding::Permissions { mode: 0o755, .. }));
    }
}

#[tokio::test]
async fn what_is_in_progress_is_no_finding() {
    let bench = Bench::new().await;
    let staged = bench.stage(&noise(300_000, 1)).await;
    assert!(bench.store.verify(NOON, true, &mut |_| {}).unwrap().is_clean());
    drop(staged);
}

#[tokio::test]
async fn a_corrupt_catalog_is_named() {
    let report = broken(|_, connection| {
        // An index that says it is over another column than it was filled with.
        connection
            .execute_batch(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = 'CREATE INDEX media_by_expiry ON media (created_at)'
                 WHERE name = 'media_by_expiry';
                 PRAGMA writable_schema = RESET;",
            )
            .unwrap();
    })
    .await;
    assert!(report.findings.iter().any(|it| matches!(it, Finding::CatalogCorrupt { .. })), "{report:?}");
}
