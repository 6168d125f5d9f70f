//! A folder that the first released schema wrote is taken over as it is.
//!
//! `tests/vectors/catalog-1` was written by wamedia as it was before webhooks: an account, a number, a token, one media
//! and one counted event.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use wamedia_store::{OpenError, Store, StoreOptions};

use crate::bench::{NOON, NUMBER, id, number, read_all};
use crate::deliveries::{new_delivery, subscription};

const BLOB: &str = "24bff61ca725165a258567816873e1fb";

fn first_folder() -> tempfile::TempDir {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/catalog-1");
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let blobs = data.join("blobs").join(&BLOB[..2]);
    std::fs::create_dir_all(&blobs).unwrap();
    for folder in [&data, &data.join("blobs"), &blobs] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    for (name, to) in [("master.key", &data), ("catalog.sqlite", &data), (BLOB, &blobs)] {
        std::fs::copy(vectors.join(name), to.join(name)).unwrap();
        std::fs::set_permissions(to.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir
}

fn version(dir: &Path) -> u32 {
    let catalog = Connection::open(dir.join("data/catalog.sqlite")).unwrap();
    catalog.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_folder_of_the_first_schema_keeps_everything_and_learns_webhooks() {
    let dir = first_folder();
    assert_eq!(version(dir.path()), 1);
    let store = Store::open(&dir.path().join("data"), StoreOptions::default()).unwrap();
    assert_eq!(version(dir.path()), 3);

    let catalog = store.catalog();
    let account = catalog.accounts().unwrap()[0].id;
    assert_eq!(catalog.phone_number(number(NUMBER)).unwrap().unwrap().account, account);
    assert!(catalog.credential_by_hash(&store.keys().credential_hash(b"token")).unwrap().is_some());
    assert_eq!(catalog.throttle_state(NOON).unwrap()[0].counted, 1);
    let media = catalog.media(account, id(1), NOON).unwrap().unwrap();
    assert_eq!(media.file_name.as_deref(), Some("old.txt"));
    assert_eq!(read_all(&store, &media).await.unwrap(), b"kept since the first schema");

    let to = catalog.add_subscription(subscription(account, None)).await.unwrap().id;
    assert_eq!(catalog.enqueue(vec![new_delivery(account, to, NUMBER, "news")]).await.unwrap().len(), 1);
    let report = store.verify(NOON, true, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.subscriptions, report.deliveries), (1, 1, 1));
}

#[tokio::test]
async fn a_migrated_catalog_has_the_schema_of_a_new_one() {
    let schema = |dir: &Path| -> Vec<(String, Option<String>)> {
        let catalog = Connection::open(dir.join("data/catalog.sqlite")).unwrap();
        let mut statement = catalog.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let (old, new) = (first_folder(), tempfile::tempdir().unwrap());
    for dir in [&old, &new] {
        Store::open(&dir.path().join("data"), StoreOptions::default()).unwrap();
    }
    assert_eq!(schema(old.path()), schema(new.path()));
}

#[tokio::test]
async fn a_catalog_of_a_later_wamedia_is_left_alone() {
    let dir = first_folder();
    let catalog = Connection::open(dir.path().join("data/catalog.sqlite")).unwrap();
    catalog.pragma_update(None, "user_version", 99).unwrap();
    let opened = Store::open(&dir.path().join("data"), StoreOptions::default());
    assert!(matches!(opened.err(), Some(OpenError::NewerCatalog { found: 99, known: 3 })));
    assert!(catalog.prepare("SELECT 1 FROM delivery").is_err());
}
