//! The catalog: one SQLite file that says what there is, whose it is and until when.
//!
//! Reads are synchronous and take microseconds; writes go to one thread that commits everything waiting in one
//! transaction. What is remembered between calls is believed only while nobody committed anything but new media of our
//! own, so other processes may work on the same folder. Blobs are not touched from here.

mod accounts;
mod boxes;
mod checks;
mod credentials;
mod deliveries;
mod edition;
mod lineage;
mod log;
mod media;
mod phone_numbers;
mod queue;
mod records;
mod remembered;
mod schema;
mod subscriptions;
mod throttles;
mod view;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

pub use accounts::Account;
pub use credentials::{Credential, CredentialKind, NewCredential, Permissions};
pub use deliveries::{
    Claimed, Delivery, DeliveryFilter, DeliveryState, DeliveryTotals, NewDelivery, Outcome,
};
pub use media::{Media, NewMedia, Origin, Totals};
pub use phone_numbers::PhoneNumber;
pub use subscriptions::{Endpoint, NewSubscription, Subscription, WebhookDialect};
pub use throttles::ThrottleState;
pub use view::View;

pub(crate) use media::Opened;
pub(crate) use queue::enqueue;
pub(crate) use records::{Insert, Inserted, RecordPlace, StoredRecord, id_column};
use schema::INDEX_FILE;
pub(crate) use schema::{CATALOG_FILE, connect};

use crate::error::{OpenError, StoreError};
use crate::keys::KeyRing;
use crate::store::StoreOptions;
use edition::Watch;
use remembered::Remembered;
use writer::{Effect, Writer};

/// The catalog of a data folder. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    shared: Arc<Shared>,
}

struct Shared {
    readers: Vec<Mutex<Connection>>,
    next_reader: AtomicUsize,
    writer: Writer,
    keys: KeyRing,
    remembered: Remembered,
    counted: Mutex<Option<media::Counted>>,
    /// Behind all connections: it must outlive them. None where the index cannot be looked at.
    watch: Option<Arc<Watch>>,
}

impl Catalog {
    /// Opens or makes the catalog in `dir`, brings its schema up to date and starts the writer.
    pub(crate) fn open(dir: &Path, keys: KeyRing, options: &StoreOptions) -> Result<Self, OpenError> {
        let path = dir.join(CATALOG_FILE);
        let opening = edition::opening();
        let mut writing = schema::open_for_writing(&path)?;
        schema::migrate(&mut writing)?;
        schema::check_keys(&mut writing, &keys)?;
        let readers =
            (0..options.readers.max(1)).map(|_| connect(&path).map(Mutex::new)).collect::<Result<_, _>>()?;
        let watch = opening.watch(&dir.join(INDEX_FILE)).ok().map(Arc::new);
        let writer = Writer::start(path, writing, options.observer.clone(), watch.clone())?;
        let remembered = Remembered::new(options.remembered_records);
        let next_reader = AtomicUsize::new(0);
        let counted = Mutex::new(None);
        let shared = Shared { readers, next_reader, writer, keys, remembered, counted, watch };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs one write on the writer's thread; returns after it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.writer.write(Effect::Any, operation).await
    }

    /// As [`write`](Self::write), for what adds media and changes nothing that was there: deliveries may come with them.
    pub(crate) async fn write_media<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.writer.write(Effect::AddsMedia, operation).await
    }

    /// Has one write run on the writer's thread that does as [`write_media`](Self::write_media); `then` is told there after
    /// it is durable, and must be quick. Where the catalog is closed first, `then` is dropped untold.
    pub(crate) fn submit_media<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        self.shared.writer.submit(Effect::AddsMedia, operation, then);
    }

    /// A connection for reading: a free one, else whichever comes next.
    pub(crate) fn reader(&self) -> MutexGuard<'_, Connection> {
        let readers = &self.shared.readers;
        let start = self.shared.next_reader.fetch_add(1, Ordering::Relaxed);
        for offset in 0..readers.len() {
            if let Ok(reader) = readers[(start + offset) % readers.len()].try_lock() {
                return reader;
            }
        }
        readers[start % readers.len()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was read; keys of what other processes deleted are wiped with it.
    pub(crate) fn forget_what_was_read(&self) {
        self.shared.remembered.clear();
    }

    fn counted(&self) -> &Mutex<Option<media::Counted>> {
        &self.shared.counted
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.shared.keys
    }

    /// Moves the log into the file and empties it, as far as no reader is in the way: what was deleted leaves the log.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        self.shared.writer.empty_log().await
    }

    /// Commits what waits, moves the log into the file and ends the writer.
    pub(crate) async fn close(&self) {
        self.shared.writer.close().await;
    }
}

/// Milliseconds since the epoch, as the catalog keeps them.
pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The instant of a catalog's milliseconds; one that no calendar has becomes the last one.
pub(crate) fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// A duration in milliseconds; what is longer than any calendar becomes the longest that can be added to an instant.
pub(crate) fn duration_millis(duration: Duration) -> i64 {
    const LONGEST: i64 = i64::MAX / 4;
    i64::try_from(duration.as_millis()).map_or(LONGEST, |millis| millis.min(LONGEST))
}

/// A duration from the catalog's milliseconds.
pub(crate) fn from_millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Whether an error says that a unique value is taken.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE};
    error.sqlite_error().is_some_and(|error| {
        [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE]
            .contains(&error.extended_code)
    })
}

/// Whether an error says that what a row refers to is not there.
pub(crate) fn is_dangling(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}
