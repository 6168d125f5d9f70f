//! From staged to kept: the blob durable, then the record durable, then the answer.

use std::io;

use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::Instant;
use wamedia_media::MediaId;

use crate::blob_name::BlobName;
use crate::catalog::{
    Insert, Inserted, Media, NewDelivery, NewMedia, Opened, duration_millis, enqueue, instant, millis,
};
use crate::error::{StoreError, blocking};
use crate::keys::KeyRing;
use crate::packs::Own;
use crate::publisher::Job;
use crate::record::{Bound, Hidden, wrap};
use crate::seal::{CHUNK_BYTES, sealed_len};
use crate::sealed_file::{SealedBytes, SealedFile};
use crate::secret::DataKey;
use crate::source::Wait;
use crate::staging::{Body, Reserved, Staged};
use crate::store::{Observation, Store};

/// Ids are drawn from nine thousand billion, so that even one retry is rare.
const MAX_IDS: usize = 32;
/// Only if the ring is exchanged for another between two lines of ours.
const NO_KEY: StoreError = StoreError::Invalid("the newest version of the ring is gone");

/// Where the bytes of a new record are.
struct Blob {
    name: BlobName,
    data_key: DataKey,
    /// Our own, durable and not yet promised; `None` when another record's is shared.
    own: Option<Own>,
}

/// What became of an insert, and the blob where it is still ours to drop.
type Written = Result<(Inserted, Option<Own>), StoreError>;

impl Staged {
    /// Keeps the bytes: when this returns, blob and record are durable.
    ///
    /// The same bytes in the same account may share one blob; the record, the id and the life are always new. An id that is
    /// taken is replaced by the next.
    ///
    /// # Errors
    /// Nothing is kept then, except that after [`StoreError::NotCommitted`] a blob may remain for the sweep.
    pub async fn commit(
        self,
        new: NewMedia,
        next_id: &mut (dyn FnMut() -> MediaId + Send),
    ) -> Result<Media, StoreError> {
        self.commit_with(new, next_id, &mut |_| Vec::new()).await
    }

    /// As [`commit`](Self::commit), with the deliveries that announce the media: record and deliveries stand or fall
    /// together. `announce` is asked for each id that is tried; what it said of the id that was kept is enqueued as
    /// [`Catalog::enqueue`](crate::Catalog::enqueue) does.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); then nothing is enqueued either.
    pub async fn commit_with(
        self,
        new: NewMedia,
        next_id: &mut (dyn FnMut() -> MediaId + Send),
        announce: &mut (dyn FnMut(&Media) -> Vec<NewDelivery> + Send),
    ) -> Result<Media, StoreError> {
        if new.account != self.account {
            return Err(StoreError::Invalid("media is committed to the account it was staged for"));
        }
        // Times are kept in milliseconds; what is returned now is what will be read later.
        let new = NewMedia {
            created_at: instant(millis(new.created_at)),
            expires_at: instant(millis(new.expires_at)),
            keep_for: new.keep_for.map(|keep_for| crate::catalog::from_millis(duration_millis(keep_for))),
            ..new
        };
        let key_version = self.store.keys().newest();
        let record = Record {
            store: self.store.clone(),
            key_version,
            dedup: self.store.keys().dedup_tag(key_version, self.account, &self.sha256).ok_or(NO_KEY)?,
            bytes: self.bytes,
            sha256: self.sha256,
            new,
        };
        if let Some(shared) = record.find_shared().await?
            && let Some(media) = record.insert(shared, next_id, announce).await?
        {
            if !self.is_in_memory() {
                // What was staged is not needed; removing a large file takes a while.
                blocking(move || drop(self)).await?;
            }
            return Ok(media);
        }
        match self.body {
            Body::Memory { plain, reserved } => record.keep_small(plain, reserved, next_id, announce).await,
            Body::File(sealed) => {
                let own = record.publish(*sealed).await?;
                record.insert(own, next_id, announce).await?.ok_or(StoreError::NoFreeId)
            }
        }
    }
}

/// What the new record will say, wherever its bytes are.
struct Record {
    store: Store,
    key_version: u16,
    dedup: [u8; 16],
    bytes: u64,
    sha256: [u8; 32],
    new: NewMedia,
}

impl Record {
    /// The blob of a record with the same content, if it opens whole: bytes that were just sent must not be entrusted to a
    /// damaged copy.
    async fn find_shared(&self) -> Result<Option<Blob>, StoreError> {
        let catalog = self.store.catalog();
        // Whatever is wrong with another record is no reason to refuse this one.
        let Ok(Some(stored)) = catalog.same_content(self.new.account, self.dedup) else { return Ok(None) };
        let Ok(other) = stored.into_media(catalog.keys()) else { return Ok(None) };
        if other.sha256 != self.sha256 || other.bytes != self.bytes {
            return Ok(None);
        }
        let store = self.store.clone();
        blocking(move || {
            if opens_whole(&store, &other) {
                Some(Blob { name: other.blob, data_key: other.data_key, own: None })
            } else {
                None
            }
        })
        .await
    }

    /// Makes a staged file durable under its final name.
    async fn publish(&self, sealed: SealedFile) -> Result<Blob, StoreError> {
        let (store, bytes) = (self.store.clone(), self.bytes);
        blocking(move || {
            let started = Instant::now();
            let SealedFile { name, data_key, file, .. } = sealed;
            let own = store.blobs().publish(name, file)?;
            store.observe(Observation::BlobPublished { bytes, took: started.elapsed() });
            Ok(Blob { name, data_key, own: Some(Own::File(own)) })
        })
        .await?
    }

    /// Keeps bytes that are in memory: sealed here, then handed on from who makes them durable to who commits the record,
    /// so that only the end wakes us.
    async fn keep_small(
        &self,
        plain: Bytes,
        reserved: Reserved,
        next_id: &mut (dyn FnMut() -> MediaId + Send),
        announce: &mut (dyn FnMut(&Media) -> Vec<NewDelivery> + Send),
    ) -> Result<Media, StoreError> {
        // Sealed in place, unless a reader for inspection still holds the bytes.
        let place = self.store.publisher().place(sealed_len(self.bytes))?;
        let name = place.name;
        let sealed = SealedBytes::seal(name, self.new.account, Vec::from(plain))?;
        let data_key = sealed.data_key.clone();
        let hidden = self.hidden(&data_key);
        let (media, attempt) = self.attempt(next_id(), name, &hidden, false, announce)?;
        let (tell, told) = oneshot::channel();
        let catalog = self.store.catalog().clone();
        let then = move |published: io::Result<Own>| {
            drop(reserved);
            // Whoever waits may have gone; what was begun is done all the same.
            match published {
                Ok(own) => catalog.submit_media(
                    move |connection| attempt.write(connection, Some(own)),
                    move |written| drop(tell.send(written)),
                ),
                Err(error) => drop(tell.send(Err(error.into()))),
            }
        };
        self.store.publisher().submit(Job { place, sealed, bytes: self.bytes, then: Box::new(then) });
        match told.await.map_err(|_| StoreError::Closed)?? {
            (Inserted::Yes, _) => Ok(media),
            (Inserted::IdTaken | Inserted::NothingToShare, own) => {
                let own = Blob { name, data_key, own };
                self.insert(own, next_id, announce).await?.ok_or(StoreError::NoFreeId)
            }
        }
    }

    /// Inserts the record; `None` when the blob can no longer be shared.
    async fn insert(
        &self,
        blob: Blob,
        next_id: &mut (dyn FnMut() -> MediaId + Send),
        announce: &mut (dyn FnMut(&Media) -> Vec<NewDelivery> + Send),
    ) -> Result<Option<Media>, StoreError> {
        let Blob { name, data_key, mut own } = blob;
        let hidden = self.hidden(&data_key);
        for _ in 0..MAX_IDS {
            let (media, attempt) = self.attempt(next_id(), name, &hidden, own.is_none(), announce)?;
            let (inserted, returned) =
                self.store.catalog().write_media(move |connection| attempt.write(connection, own)).await?;
            match inserted {
                Inserted::Yes => return Ok(Some(media)),
                Inserted::NothingToShare => return Ok(None),
                Inserted::IdTaken => own = returned,
            }
        }
        Err(StoreError::NoFreeId)
    }

    /// What one id would make of it.
    fn attempt(
        &self,
        id: MediaId,
        name: BlobName,
        hidden: &Hidden,
        shares: bool,
        announce: &mut (dyn FnMut(&Media) -> Vec<NewDelivery> + Send),
    ) -> Result<(Media, Attempt), StoreError> {
        let insert = self.insert_of(id, name, hidden, shares)?;
        let media = self.media(id, name, hidden);
        let (deliveries, keys) = (announce(&media), self.store.keys().clone());
        Ok((media, Attempt { insert, deliveries, keys }))
    }

    fn hidden(&self, data_key: &DataKey) -> Hidden {
        Hidden { data_key: data_key.clone(), sha256: self.sha256, file_name: self.new.file_name.clone() }
    }

    fn insert_of(
        &self,
        id: MediaId,
        name: BlobName,
        hidden: &Hidden,
        shares: bool,
    ) -> Result<Insert, StoreError> {
        let new = &self.new;
        let bound = Bound {
            account: new.account,
            id,
            phone_number_id: new.phone_number_id,
            blob: name,
            mime_type: &new.mime_type,
            bytes: self.bytes,
            origin: new.origin,
            created_at: new.created_at,
            keep_for_ms: new.keep_for.map(duration_millis),
        };
        Ok(Insert {
            id,
            sealed: wrap(self.store.keys(), self.key_version, &bound, hidden)?,
            new: NewMedia { file_name: None, ..new.clone() },
            bytes: self.bytes,
            blob: name,
            dedup: self.dedup,
            key_version: self.key_version,
            shares,
        })
    }

    fn media(&self, id: MediaId, blob: BlobName, hidden: &Hidden) -> Media {
        let new = &self.new;
        Media {
            id,
            account: new.account,
            phone_number_id: new.phone_number_id,
            mime_type: new.mime_type.clone(),
            bytes: self.bytes,
            sha256: self.sha256,
            file_name: hidden.file_name.clone(),
            origin: new.origin,
            created_at: new.created_at,
            last_used_at: new.created_at,
            expires_at: new.expires_at,
            keep_for: new.keep_for,
            blob,
            data_key: hidden.data_key.clone(),
            opened: Opened::default(),
        }
    }
}

/// The record under one id, with the deliveries that announce it: one write.
struct Attempt {
    insert: Insert,
    deliveries: Vec<NewDelivery>,
    keys: KeyRing,
}

impl Attempt {
    /// On the writer's thread. Gives the blob back, to be dropped where the record does not stand.
    fn write(self, connection: &Connection, mut own: Option<Own>) -> Written {
        let inserted = self.insert.run(connection)?;
        if inserted == Inserted::Yes {
            enqueue(connection, &self.keys, &self.deliveries)?;
            // From here on the record may stand, even if nobody learns of it.
            own.as_mut().map(Own::keep);
        }
        Ok((inserted, own))
    }
}

/// Whether every chunk of a blob is what was sealed. Blocking.
fn opens_whole(store: &Store, media: &Media) -> bool {
    let Ok(reader) = store.open_sealed(media, Wait::ForDisk) else { return false };
    let chunks = media.bytes.div_ceil(CHUNK_BYTES as u64);
    (0..chunks).step_by(4).all(|first| reader.read_chunks(first, 4, Wait::ForDisk).is_ok())
}
