//! The boxes of subscriptions and deliveries: what nobody may read, sealed and bound to the row it stands in.
//!
//! Whoever moves a box to another row or account, or edits what it is bound to, makes a row that does not open.

use std::io;

use aws_lc_rs::aead::{Aad, Nonce};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::ids::AccountId;
use crate::keys::KeyRing;
use crate::secret::fill_random;

/// Bound into every box; another layout gets another number.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// The tables whose rows have such a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Subscription,
    Delivery,
}

impl Table {
    pub(crate) const ALL: [Self; 2] = [Self::Subscription, Self::Delivery];

    /// As in the schema, and as told to people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Delivery => "delivery",
        }
    }
}

/// What a box is bound to: the row's identity, and what else of it never changes.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) table: Table,
    pub(crate) account: AccountId,
    pub(crate) id: i64,
    /// Fixed widths first, at most one text last, so that no two rows of a table give the same bytes.
    pub(crate) rest: Vec<u8>,
}

impl Place {
    fn associated_data(&self, key_version: u16) -> Vec<u8> {
        let mut data = Vec::with_capacity(48 + self.rest.len());
        data.extend_from_slice(b"wamedia/");
        data.extend_from_slice(self.table.name().as_bytes());
        data.push(FORMAT);
        data.extend_from_slice(&key_version.to_be_bytes());
        data.extend_from_slice(&self.account.0.to_be_bytes());
        data.extend_from_slice(&self.id.to_be_bytes());
        data.extend_from_slice(&self.rest);
        data
    }

    /// Seals `plain` for this place: nonce, then ciphertext and tag.
    pub(crate) fn seal(&self, keys: &KeyRing, key_version: u16, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = keys.webhook_key(key_version, self.account).ok_or_else(|| self.key_missing(key_version))?;
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + TAG_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let aad = Aad::from(self.associated_data(key_version));
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed[NONCE_BYTES..])
            .map_err(io::Error::other)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens the box that stands in this place.
    pub(crate) fn open(
        &self,
        keys: &KeyRing,
        key_version: u16,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let key = match keys.webhook_key(key_version, self.account) {
            Some(key) => key,
            None => {
                // Another process may have rotated the ring and sealed this row since we read it.
                keys.reload()?;
                keys.webhook_key(key_version, self.account).ok_or_else(|| self.key_missing(key_version))?
            }
        };
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| self.tampered())?;
        let mut opened = Zeroizing::new(ciphertext.to_vec());
        let aad = Aad::from(self.associated_data(key_version));
        let len = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut opened)
            .map_err(|_| self.tampered())?
            .len();
        opened.truncate(len);
        Ok(opened)
    }

    /// The box is not what was sealed for this place.
    pub(crate) fn tampered(&self) -> StoreError {
        StoreError::BoxTampered { what: self.table.name(), id: self.id }
    }

    fn key_missing(&self, version: u16) -> StoreError {
        StoreError::BoxKeyMissing { what: self.table.name(), id: self.id, version }
    }
}
