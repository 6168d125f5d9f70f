//! The box in each record: data key, sha256 and file name, sealed and bound to the rest of the record.
//!
//! Whoever edits a record, or moves a box to another record, account or folder, makes a record that does not open.
//! Only what changes with use (`last_used_at`, `expires_at`) is not bound.

use std::io;

use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::digest;
use jiff::Timestamp;
use wamedia_media::{MediaId, PhoneNumberId};
use zeroize::Zeroizing;

use crate::blob_name::BlobName;
use crate::catalog::Origin;
use crate::error::StoreError;
use crate::ids::AccountId;
use crate::keys::KeyRing;
use crate::secret::{DataKey, Secret, fill_random};

/// Bound into every box; another layout gets another number.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const HASH_BYTES: usize = 32;

/// What a box is bound to: everything of a record that never changes.
pub(crate) struct Bound<'a> {
    pub(crate) account: AccountId,
    pub(crate) id: MediaId,
    pub(crate) phone_number_id: PhoneNumberId,
    pub(crate) blob: BlobName,
    pub(crate) mime_type: &'a str,
    pub(crate) bytes: u64,
    pub(crate) origin: Origin,
    pub(crate) created_at: Timestamp,
    pub(crate) keep_for_ms: Option<i64>,
}

/// What a box hides.
pub(crate) struct Hidden {
    pub(crate) data_key: DataKey,
    pub(crate) sha256: [u8; 32],
    pub(crate) file_name: Option<String>,
}

impl Bound<'_> {
    /// The associated data: fixed widths first, the one text last, so that no two records give the same bytes.
    fn associated_data(&self, key_version: u16) -> Vec<u8> {
        let mut data = Vec::with_capacity(96 + self.mime_type.len());
        data.extend_from_slice(b"wamedia/record");
        data.push(FORMAT);
        data.extend_from_slice(&key_version.to_be_bytes());
        data.extend_from_slice(&self.account.0.to_be_bytes());
        data.extend_from_slice(&self.id.get().to_be_bytes());
        data.extend_from_slice(&self.phone_number_id.get().to_be_bytes());
        data.extend_from_slice(self.blob.as_bytes());
        data.extend_from_slice(&self.bytes.to_be_bytes());
        data.push(self.origin.code() as u8);
        data.extend_from_slice(&self.created_at.as_millisecond().to_be_bytes());
        data.extend_from_slice(&self.keep_for_ms.unwrap_or(-1).to_be_bytes());
        data.extend_from_slice(self.mime_type.as_bytes());
        data
    }
}

/// Seals `hidden` for the record `bound`: nonce, then ciphertext and tag.
pub(crate) fn wrap(
    keys: &KeyRing,
    key_version: u16,
    bound: &Bound<'_>,
    hidden: &Hidden,
) -> Result<Vec<u8>, StoreError> {
    let key = keys
        .wrapping_key(key_version, bound.account)
        .ok_or(StoreError::UnknownKey { id: bound.id, version: key_version })?;
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce)?;

    // The flag tells an empty name from none.
    let name = hidden.file_name.as_deref();
    let mut sealed =
        Vec::with_capacity(NONCE_BYTES + KEY_BYTES + HASH_BYTES + 1 + name.map_or(0, str::len) + TAG_BYTES);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(hidden.data_key.as_ref());
    sealed.extend_from_slice(&hidden.sha256);
    sealed.push(u8::from(name.is_some()));
    sealed.extend_from_slice(name.unwrap_or("").as_bytes());
    let aad = Aad::from(bound.associated_data(key_version));
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed[NONCE_BYTES..])
        .map_err(io::Error::other)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens the box of the record `bound`.
pub(crate) fn unwrap(
    keys: &KeyRing,
    key_version: u16,
    bound: &Bound<'_>,
    sealed: &[u8],
) -> Result<Hidden, StoreError> {
    let key = match keys.wrapping_key(key_version, bound.account) {
        Some(key) => key,
        None => {
            // Another process may have rotated the ring and wrapped this record since we read it.
            keys.reload()?;
            keys.wrapping_key(key_version, bound.account)
                .ok_or(StoreError::UnknownKey { id: bound.id, version: key_version })?
        }
    };
    let tampered = || StoreError::Tampered { id: bound.id };
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(tampered)?;
    let mut opened = Zeroizing::new(ciphertext.to_vec());
    let aad = Aad::from(bound.associated_data(key_version));
    let plain =
        key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut opened).map_err(|_| tampered())?;

    let (data_key, rest) = plain.split_at_checked(KEY_BYTES).ok_or_else(tampered)?;
    let (sha256, rest) = rest.split_first_chunk::<HASH_BYTES>().ok_or_else(tampered)?;
    let file_name = match rest.split_first() {
        Some((0, [])) => None,
        Some((1, name)) => Some(String::from_utf8(name.to_vec()).map_err(|_| tampered())?),
        _ => return Err(tampered()),
    };
    Ok(Hidden { data_key: Secret::copy_from(data_key).ok_or_else(tampered)?, sha256: *sha256, file_name })
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256_of(bytes: &[u8]) -> [u8; 32] {
    finished(digest::digest(&digest::SHA256, bytes))
}

/// The bytes of a SHA-256 digest.
pub(crate) fn finished(digest: digest::Digest) -> [u8; 32] {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest.as_ref());
    sha256
}
