//! The records of media: read by key, inserted once, touched on use, gone at their second.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use wamedia_media::{MediaId, PhoneNumberId};

use super::records::id_column;
use super::{Catalog, duration_millis, millis};
use crate::blob_name::BlobName;
use crate::error::StoreError;
use crate::ids::AccountId;
use crate::seal::{ChunkCipher, Damaged, HEADER_BYTES};
use crate::sealed_file::blob_context;
use crate::secret::DataKey;

/// Uses are recorded at most this often.
const USE_GRAIN: Duration = Duration::from_secs(3600);
/// A short life is recorded finer: being an hour late would cut it.
const USE_GRAINS_PER_LIFE: u32 = 10;

/// How media came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A business uploaded it.
    Uploaded,
    /// A customer sent it.
    Received,
}

impl Origin {
    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::Uploaded => 1,
            Self::Received => 2,
        }
    }

    pub(super) fn from_code(code: i64) -> Option<Self> {
        [Self::Uploaded, Self::Received].into_iter().find(|origin| origin.code() == code)
    }
}

/// What is said about staged bytes when they are committed.
#[derive(Clone)]
pub struct NewMedia {
    /// Whose it will be.
    pub account: AccountId,
    /// The number it came through.
    pub phone_number_id: PhoneNumberId,
    /// The bare essence, as answered.
    pub mime_type: String,
    /// The base name, if the client told one; kept sealed.
    pub file_name: Option<String>,
    /// How it came.
    pub origin: Origin,
    /// Now.
    pub created_at: Timestamp,
    /// The instant from which it is gone.
    pub expires_at: Timestamp,
    /// `Some`: each use sets `expires_at` to the use plus this.
    pub keep_for: Option<Duration>,
}

impl fmt::Debug for NewMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMedia")
            .field("account", &self.account)
            .field("phone_number_id", &self.phone_number_id)
            .field("mime_type", &self.mime_type)
            .field("origin", &self.origin)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// One media: its record, opened.
#[derive(Clone)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// Whose it is.
    pub account: AccountId,
    /// The number it came through.
    pub phone_number_id: PhoneNumberId,
    /// The bare essence.
    pub mime_type: String,
    /// How long it is.
    pub bytes: u64,
    /// Of the bytes.
    pub sha256: [u8; 32],
    /// The base name, if the client told one.
    pub file_name: Option<String>,
    /// How it came.
    pub origin: Origin,
    /// When it was committed.
    pub created_at: Timestamp,
    /// When a use was last recorded; at first, `created_at`.
    pub last_used_at: Timestamp,
    /// The instant from which it is gone.
    pub expires_at: Timestamp,
    /// `Some`: each use sets `expires_at` to the use plus this.
    pub keep_for: Option<Duration>,
    pub(crate) blob: BlobName,
    pub(crate) data_key: DataKey,
    pub(crate) opened: Opened,
}

/// The cipher of a blob that was opened before, with the header that it is for: to derive it takes longer than to open a
/// chunk. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Opened(Arc<OnceLock<([u8; HEADER_BYTES], Arc<ChunkCipher>)>>);

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("phone_number_id", &self.phone_number_id)
            .field("mime_type", &self.mime_type)
            .field("bytes", &self.bytes)
            .field("origin", &self.origin)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Media {
    /// The cipher of the blob, if this header is its own.
    pub(crate) fn cipher(&self, header: &[u8; HEADER_BYTES]) -> Result<Arc<ChunkCipher>, Damaged> {
        if let Some((known, cipher)) = self.opened.0.get()
            && known == header
        {
            return Ok(cipher.clone());
        }
        let context = blob_context(self.account, self.blob);
        let cipher = Arc::new(ChunkCipher::open(self.data_key.as_ref(), &context, header)?);
        let _ = self.opened.0.set((*header, cipher.clone()));
        Ok(cipher)
    }

    /// Whether a use at `now` is worth a write: it would lengthen the life, and the last recorded use is an hour ago
    /// (or a tenth of the life, if that is shorter).
    pub fn use_is_due(&self, now: Timestamp) -> bool {
        self.keep_for.is_some_and(|keep_for| {
            millis(now).saturating_sub(millis(self.last_used_at)) >= grain_millis(duration_millis(keep_for))
        })
    }
}

/// How far apart recorded uses are for a life of this many milliseconds.
fn grain_millis(keep_for_ms: i64) -> i64 {
    duration_millis(USE_GRAIN).min(keep_for_ms / i64::from(USE_GRAINS_PER_LIFE))
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Records, expired ones that the sweep has not met included.
    pub media: u64,
    /// Bytes of all records; a shared blob counts for each.
    pub bytes: u64,
    /// Accounts.
    pub accounts: u64,
    /// Phone numbers.
    pub phone_numbers: u64,
    /// Credentials, dead ones included.
    pub credentials: u64,
}

/// The last walk over all records.
pub(super) struct Counted {
    totals: Totals,
    at: Instant,
    took: Duration,
}

/// Walks that are shorter are always made anew.
const LONG_WALK: Duration = Duration::from_millis(20);

impl Catalog {
    /// As [`View::media`](super::View::media), of this moment.
    ///
    /// # Errors
    /// The catalog cannot be read, or the record does not open ([`StoreError::Tampered`], [`StoreError::UnknownKey`]).
    pub fn media(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<Option<Arc<Media>>, StoreError> {
        self.view().media(account, id, now)
    }

    /// Records a use, if one is due ([`Media::use_is_due`]) and the media is still there.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn record_use(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            let sql = "UPDATE media SET last_used_at = ?3, expires_at = max(expires_at, ?3 + keep_for_ms)
                       WHERE id = ?1 AND account = ?2 AND expires_at > ?3 AND keep_for_ms IS NOT NULL
                         AND last_used_at <= ?3 - min(?4, keep_for_ms / ?5)";
            let grain = duration_millis(USE_GRAIN);
            connection.prepare_cached(sql)?.execute((
                id_column(id),
                account.0,
                millis(now),
                grain,
                USE_GRAINS_PER_LIFE,
            ))?;
            Ok(())
        })
        .await
    }

    /// How many records are gone at `at`, those that are gone already included.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn expiring_before(&self, at: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM media WHERE expires_at <= ?1";
        Ok(self.reader().prepare_cached(sql)?.query_row([millis(at)], |row| row.get(0))?)
    }

    /// How much there is. Walks all records: not for a hot path. Where that takes long (a second for a million), what is
    /// told may be so old that the walks cost a hundredth of a core.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        let mut counted = self.counted().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Counted { totals, at, took }) = &*counted
            && *took >= LONG_WALK
            && at.elapsed() < *took * 100
        {
            return Ok(*totals);
        }
        let started = Instant::now();
        let totals = self.count_totals()?;
        *counted = Some(Counted { totals, at: Instant::now(), took: started.elapsed() });
        Ok(totals)
    }

    fn count_totals(&self) -> Result<Totals, StoreError> {
        let sql = "SELECT count(*), coalesce(sum(bytes), 0), (SELECT count(*) FROM account),
                       (SELECT count(*) FROM phone_number), (SELECT count(*) FROM credential) FROM media";
        Ok(self.reader().prepare_cached(sql)?.query_row([], |row| {
            Ok(Totals {
                media: row.get(0)?,
                bytes: row.get(1)?,
                accounts: row.get(2)?,
                phone_numbers: row.get(3)?,
                credentials: row.get(4)?,
            })
        })?)
    }
}
