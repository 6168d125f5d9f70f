//! Fills a data folder with records, through the store as the service does; the service must have made the folder.
//!
//! `seed DATA LIVE EXPIRED` adds that many live and expired records. Live ones share their bytes, a hundred records to a
//! blob, so that a million are there in a minute; expired ones have each their own, since a sweep must remove them.
//! Prints one line of JSON: ids of the live ones, evenly drawn, a hundred thousand at most.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use wamedia_media::{MediaId, PhoneNumberId};
use wamedia_store::{AccountId, NewMedia, Origin, Store, StoreOptions};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// As many as the catalog's writer commits at once, so that it always has a full group.
const AT_ONCE: u64 = 256;
const RECORDS_PER_BLOB: u64 = 100;
const MAX_IDS: u64 = 100_000;

type Failure = Box<dyn Error + Send + Sync>;

/// What every task shares.
struct Seeding {
    store: Store,
    account: AccountId,
    number: PhoneNumberId,
    now: Timestamp,
    live: u64,
    all: u64,
    next: AtomicU64,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, live, expired] = &arguments[..] else { return Err("seed DATA LIVE EXPIRED".into()) };
    let (live, expired): (u64, u64) = (live.parse()?, expired.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ids = runtime.block_on(seed(Path::new(data), live, expired))?;
    let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
    println!("[{}]", texts.join(","));
    Ok(())
}

async fn seed(data: &Path, live: u64, expired: u64) -> Result<Vec<u64>, Failure> {
    let store = Store::open(data, StoreOptions::default())?;
    let account =
        store.catalog().accounts()?.first().ok_or("no account: start the service on the folder first")?.id;
    let number = store.catalog().phone_numbers(Some(account))?.first().ok_or("no phone number")?.id;
    let now = Timestamp::try_from(SystemTime::now())?;
    let all = live + expired;
    let seeding = Arc::new(Seeding { store, account, number, now, live, all, next: AtomicU64::new(0) });
    let tasks: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(work(seeding.clone()))).collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await??);
    }
    seeding.store.clone().close().await;
    Ok(ids)
}

/// Takes one number after another until all are taken; returns the ids of the live ones that shall be asked for.
async fn work(seeding: Arc<Seeding>) -> Result<Vec<u64>, Failure> {
    let step = seeding.live.div_ceil(MAX_IDS).max(1);
    let mut ids = Vec::new();
    loop {
        let each = seeding.next.fetch_add(1, Ordering::Relaxed);
        if each >= seeding.all {
            return Ok(ids);
        }
        let id = seeding.add(each).await?;
        if each < seeding.live && each.is_multiple_of(step) {
            ids.push(id.get());
        }
    }
}

impl Seeding {
    async fn add(&self, each: u64) -> Result<MediaId, Failure> {
        let is_live = each < self.live;
        let blobs = self.live.div_ceil(RECORDS_PER_BLOB).max(AT_ONCE);
        let content = if is_live { format!("live {}", each % blobs) } else { format!("expired {each}") };
        let mut staging = self.store.stage(self.account, 1024);
        staging.write(Bytes::from(content)).await?;
        let created_at = if is_live { self.now } else { self.now.checked_sub(31 * DAY)? };
        let new = NewMedia {
            account: self.account,
            phone_number_id: self.number,
            mime_type: "text/plain".to_owned(),
            file_name: Some("seeded.txt".to_owned()),
            origin: Origin::Uploaded,
            created_at,
            expires_at: created_at.checked_add(30 * DAY)?,
            keep_for: Some(30 * DAY),
        };
        let mut random = [0; 8];
        let mut next_id = move || {
            // Without randomness the same id comes again, and the store gives up.
            let _ = aws_lc_rs::rand::fill(&mut random);
            MediaId::from_random(u64::from_le_bytes(random))
        };
        Ok(staging.finish().await?.commit(new, &mut next_id).await?.id)
    }
}
