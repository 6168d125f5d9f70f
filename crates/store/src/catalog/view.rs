//! What every request asks of the catalog, answered out of memory while nothing has changed.

use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;
use wamedia_media::{MediaId, PhoneNumberId};

use super::edition::Edition;
use super::remembered::Memory;
use super::{Catalog, Credential, Media, instant, millis};
use crate::error::StoreError;
use crate::ids::AccountId;

/// The catalog at one moment: what was committed before the view was taken is seen, what is committed later may not be.
/// Take it when a request has arrived, and do not keep it across a wait.
pub struct View<'a> {
    catalog: &'a Catalog,
    generation: Option<u64>,
}

impl Catalog {
    /// The catalog now.
    pub fn view(&self) -> View<'_> {
        View { catalog: self, generation: self.shared.watch.as_ref().and_then(|watch| watch.generation()) }
    }

    pub(super) fn edition(&self) -> Option<Edition> {
        self.shared.watch.as_ref()?.edition()
    }

    /// Something was committed since `before`.
    pub(super) fn committed_since(&self, before: Option<Edition>) {
        if let Some(watch) = &self.shared.watch {
            watch.committed_since(before);
        }
    }

    /// Forgets a record and wipes its key.
    pub(super) fn forget_media(&self, account: AccountId, id: MediaId) {
        self.shared.remembered.media.forget(&(account, id));
    }
}

impl View<'_> {
    /// The credential of this hash, live or not: the caller judges with [`Credential::is_live`].
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn credential_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Arc<Credential>>, StoreError> {
        let memory = &self.catalog.shared.remembered.credentials;
        self.recall(memory, *hash, || Ok(self.catalog.read_credential(hash)?.map(Arc::new)))
    }

    /// Whose a number is, if it is anybody's.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn owner_of_number(&self, number: PhoneNumberId) -> Result<Option<AccountId>, StoreError> {
        let memory = &self.catalog.shared.remembered.owners;
        self.recall(memory, number, || Ok(self.catalog.phone_number(number)?.map(|found| found.account)))
    }

    /// Until when this rule blocks the number, if it does at `now`; at that very instant it does no more.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn throttle_blocked_until(
        &self,
        number: PhoneNumberId,
        rule: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let memory = &self.catalog.shared.remembered.blocks;
        let blocks = self.recall(memory, number, || Ok(Some(self.catalog.read_blocks(number)?.into())))?;
        let ends = blocks.iter().flat_map(|blocks| blocks.iter()).filter(|(name, _)| name == rule);
        Ok(ends.map(|(_, until)| *until).find(|until| *until > millis(now)).map(instant))
    }

    /// One media of an account. Unknown, foreign and expired are all `None`.
    ///
    /// # Errors
    /// The catalog cannot be read, or the record does not open ([`StoreError::Tampered`], [`StoreError::UnknownKey`]).
    pub fn media(
        &self,
        account: AccountId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<Option<Arc<Media>>, StoreError> {
        let memory = &self.catalog.shared.remembered.media;
        let found = self.recall(memory, (account, id), || {
            let stored = self.catalog.live_record(account, id, now)?;
            stored.map(|stored| stored.into_media(self.catalog.keys()).map(Arc::new)).transpose()
        })?;
        // What is remembered may have expired since it was read.
        Ok(found.filter(|media| millis(media.expires_at) > millis(now)))
    }

    /// What is remembered of this very generation, else what `read` finds. That nothing was found is not remembered.
    fn recall<K: Hash + Eq, V: Clone>(
        &self,
        memory: &Memory<K, V>,
        key: K,
        read: impl FnOnce() -> Result<Option<V>, StoreError>,
    ) -> Result<Option<V>, StoreError> {
        let Some(generation) = self.generation else { return read() };
        if let Some(value) = memory.get(&key, generation) {
            return Ok(Some(value));
        }
        let found = read()?;
        if let Some(value) = &found {
            memory.put(key, generation, value.clone());
        }
        Ok(found)
    }
}
