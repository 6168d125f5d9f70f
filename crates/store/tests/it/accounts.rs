//! Accounts, numbers and credentials: who may, until when, and who ends with whom.

use std::time::Duration;

use jiff::Timestamp;
use wamedia_store::{
    AccountId, Credential, CredentialId, CredentialKind, NewCredential, Permissions, StoreError,
};

use crate::bench::{Bench, DAY, HOUR, NOON, NUMBER, number};

fn token(bench: &Bench, secret: &str) -> NewCredential {
    NewCredential {
        account: bench.account,
        kind: CredentialKind::Token,
        hash: bench.store.keys().credential_hash(secret.as_bytes()),
        label: secret.to_owned(),
        permissions: Permissions::MEDIA,
        phone_number_ids: Vec::new(),
        expires_at: None,
        created_at: NOON,
        revoke_others_at: None,
    }
}

fn key(bench: &Bench, secret: &str) -> NewCredential {
    NewCredential {
        kind: CredentialKind::D360Key,
        phone_number_ids: vec![number(NUMBER)],
        ..token(bench, secret)
    }
}

async fn add(bench: &Bench, new: NewCredential) -> Credential {
    bench.store.catalog().add_credential(new).await.unwrap()
}

fn look_up(bench: &Bench, secret: &str) -> Option<Credential> {
    let hash = bench.store.keys().credential_hash(secret.as_bytes());
    bench.store.catalog().credential_by_hash(&hash).unwrap().map(std::sync::Arc::unwrap_or_clone)
}

#[tokio::test]
async fn accounts_are_made_changed_and_listed() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let second = catalog.create_account("second", NOON + HOUR).await.unwrap();
    assert_eq!(second.created_at, NOON + HOUR);
    let taken = catalog.create_account("second", NOON).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists { what: "account" })));
    catalog.set_account_retention(second.id, Some(5 * DAY), None).await.unwrap();
    catalog.rename_account(second.id, "renamed").await.unwrap();
    assert!(matches!(
        catalog.rename_account(second.id, "first").await,
        Err(StoreError::AlreadyExists { .. })
    ));
    let found = catalog.account(second.id).unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.retention_uploaded), ("renamed", Some(5 * DAY)));
    assert_eq!(found.retention_received, None);
    assert_eq!(catalog.accounts().unwrap().len(), 2);
    let nobody = AccountId(99);
    assert!(catalog.account(nobody).unwrap().is_none());
    assert!(matches!(catalog.rename_account(nobody, "x").await, Err(StoreError::NotFound { .. })));
    assert!(!catalog.delete_account(nobody).await.unwrap());
}

#[tokio::test]
async fn a_number_belongs_to_one_account() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let other = catalog.create_account("other", NOON).await.unwrap().id;
    let taken = catalog.add_phone_number(other, number(NUMBER), "x", NOON).await;
    assert!(matches!(taken, Err(StoreError::AlreadyExists { what: "phone number" })));
    let dangling = catalog.add_phone_number(AccountId(99), number(5), "x", NOON).await;
    assert!(matches!(dangling, Err(StoreError::NotFound { what: "account" })));
    catalog.add_phone_number(other, number(7), "+49 7", NOON).await.unwrap();
    assert_eq!(catalog.phone_number(number(7)).unwrap().unwrap().account, other);
    assert_eq!(catalog.phone_numbers(None).unwrap().len(), 2);
    assert_eq!(catalog.phone_numbers(Some(other)).unwrap()[0].display, "+49 7");
    assert!(!catalog.remove_phone_number(bench.account, number(7), NOON).await.unwrap(), "not theirs");
    assert!(catalog.remove_phone_number(other, number(7), NOON).await.unwrap());
    assert!(catalog.phone_number(number(7)).unwrap().is_none());
}

#[tokio::test]
async fn credentials_are_found_by_their_hash_and_judged_by_the_instant() {
    let mut bench = Bench::new().await;
    let made = add(&bench, NewCredential { expires_at: Some(NOON + DAY), ..token(&bench, "one") }).await;
    assert_eq!(look_up(&bench, "one").unwrap(), made);
    assert!(made.all_numbers && made.allows_number(number(12)));
    assert!(look_up(&bench, "two").is_none());
    assert!(made.is_live(NOON + DAY - Duration::from_millis(1)));
    assert!(!made.is_live(NOON + DAY));

    let again = bench.store.catalog().add_credential(token(&bench, "one")).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists { what: "credential" })));

    assert!(bench.store.catalog().revoke_credential(made.id, NOON + HOUR).await.unwrap());
    bench.store.catalog().revoke_credential(made.id, NOON + 2 * HOUR).await.unwrap();
    bench.reopen().await;
    let revoked = look_up(&bench, "one").unwrap();
    assert_eq!(revoked.revoked_at, Some(NOON + HOUR), "an earlier end stands");
    assert!(revoked.is_live(NOON) && !revoked.is_live(NOON + HOUR));
    assert!(!bench.store.catalog().revoke_credential(CredentialId(99), NOON).await.unwrap());
}

#[tokio::test]
async fn permissions_are_a_set() {
    let bench = Bench::new().await;
    let both = Permissions::MEDIA.with(Permissions::MANAGEMENT);
    let made = add(&bench, NewCredential { permissions: both, ..token(&bench, "both") }).await;
    assert!(made.permissions.allows(Permissions::MEDIA) && made.permissions.allows(both));
    let none = add(&bench, NewCredential { permissions: Permissions::NONE, ..token(&bench, "none") }).await;
    assert!(!none.permissions.allows(Permissions::MEDIA));
    assert_eq!(none.permissions.names().count(), 0);
    for name in both.names() {
        assert!(both.allows(Permissions::by_name(name).unwrap()));
    }
    assert!(Permissions::by_name("everything").is_none());
}

#[tokio::test]
async fn a_key_belongs_to_exactly_one_number_of_its_account() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    let other = catalog.create_account("other", NOON).await.unwrap().id;
    catalog.add_phone_number(other, number(7), "x", NOON).await.unwrap();
    for numbers in [vec![], vec![number(NUMBER), number(7)]] {
        let new = NewCredential { phone_number_ids: numbers, ..key(&bench, "key") };
        assert!(matches!(catalog.add_credential(new).await, Err(StoreError::Invalid(_))));
    }
    for new in [
        NewCredential { phone_number_ids: vec![number(7)], ..key(&bench, "key") },
        NewCredential { phone_number_ids: vec![number(NUMBER), number(7)], ..token(&bench, "token") },
        NewCredential { phone_number_ids: vec![number(8)], ..token(&bench, "token") },
        NewCredential { account: AccountId(99), ..token(&bench, "token") },
    ] {
        assert!(matches!(catalog.add_credential(new).await, Err(StoreError::NotFound { .. })));
    }
    assert!(catalog.credentials(None).unwrap().is_empty(), "nothing half-made stays");
    let made = add(&bench, key(&bench, "key")).await;
    assert_eq!(made.phone_number_ids, [number(NUMBER)]);
    assert!(made.allows_number(number(NUMBER)) && !made.allows_number(number(7)));
}

#[tokio::test]
async fn a_new_key_ends_the_others_of_its_number_if_asked() {
    let bench = Bench::new().await;
    bench.store.catalog().add_phone_number(bench.account, number(7), "x", NOON).await.unwrap();
    add(&bench, key(&bench, "old")).await;
    add(&bench, NewCredential { phone_number_ids: vec![number(7)], ..key(&bench, "other number") }).await;
    add(&bench, token(&bench, "token")).await;
    add(&bench, key(&bench, "beside")).await;
    assert!(look_up(&bench, "old").unwrap().is_live(NOON + DAY), "several live at once");

    add(&bench, NewCredential { revoke_others_at: Some(NOON + HOUR), ..key(&bench, "new") }).await;
    for (secret, ends) in
        [("old", true), ("beside", true), ("other number", false), ("token", false), ("new", false)]
    {
        let credential = look_up(&bench, secret).unwrap();
        assert!(credential.is_live(NOON), "{secret}: the overlap");
        assert_eq!(credential.is_live(NOON + HOUR), !ends, "{secret}");
    }
}

#[tokio::test]
async fn removing_a_number_ends_what_was_only_for_it_and_widens_nothing() {
    let bench = Bench::new().await;
    let catalog = bench.store.catalog();
    catalog.add_phone_number(bench.account, number(7), "x", NOON).await.unwrap();
    let both = vec![number(NUMBER), number(7)];
    add(&bench, key(&bench, "key")).await;
    add(&bench, NewCredential { phone_number_ids: vec![number(NUMBER)], ..token(&bench, "one") }).await;
    add(&bench, NewCredential { phone_number_ids: both, ..token(&bench, "both") }).await;
    add(&bench, token(&bench, "all")).await;
    assert!(catalog.remove_phone_number(bench.account, number(NUMBER), NOON + HOUR).await.unwrap());
    for (secret, live) in [("key", false), ("one", false), ("both", true), ("all", true)] {
        let credential = look_up(&bench, secret).unwrap();
        assert_eq!(credential.is_live(NOON + HOUR), live, "{secret}");
        assert_eq!(credential.allows_number(number(NUMBER)), secret == "all", "{secret}");
    }
    assert!(bench.store.verify(NOON, true, &mut |_| {}).unwrap().is_clean());
}

#[tokio::test]
async fn deleting_an_account_takes_everything_of_it_and_nothing_else() {
    let mut bench = Bench::new().await;
    let catalog = bench.store.catalog().clone();
    let other = catalog.create_account("other", NOON).await.unwrap().id;
    let kept = bench.upload_as(other, b"theirs", NOON).await;
    let gone = bench.upload(b"ours").await;
    add(&bench, key(&bench, "key")).await;
    catalog.throttle_count(number(NUMBER), "rule", NOON, HOUR, 0, HOUR).await.unwrap();

    assert!(catalog.delete_account(bench.account).await.unwrap());
    assert!(catalog.media(bench.account, gone.id, NOON).unwrap().is_none());
    assert!(look_up(&bench, "key").is_none());
    assert!(catalog.phone_number(number(NUMBER)).unwrap().is_none());
    assert!(catalog.throttle_state(NOON).unwrap().is_empty());
    assert_eq!(bench.units(), 2);

    let later: Timestamp = NOON;
    let tomorrow = std::time::SystemTime::UNIX_EPOCH + 100_000 * DAY;
    let report = bench.store.sweep(later, tomorrow, Duration::ZERO).await.unwrap();
    assert_eq!(report.orphans_removed, 1);
    assert_eq!(bench.read(&kept).await, b"theirs");

    // Numbers are never given twice: keys are derived from them.
    let next = catalog.create_account("next", NOON).await.unwrap().id;
    assert!(next > other && next != bench.account);
}

#[tokio::test]
async fn totals_count_what_there_is() {
    let mut bench = Bench::new().await;
    bench.upload(&[1; 10]).await;
    bench.upload(&[1; 10]).await;
    add(&bench, key(&bench, "key")).await;
    let totals = bench.store.catalog().totals().unwrap();
    assert_eq!((totals.media, totals.bytes, totals.accounts), (2, 20, 1));
    assert_eq!((totals.phone_numbers, totals.credentials), (1, 1));
}
