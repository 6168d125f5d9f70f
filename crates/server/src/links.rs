//! The links of retrieve_url: `/whatsapp_business/attachments/?mid=…&source=…&ext=…&hash=…`.
//!
//! A link names its media, its account (inside the hash only) and its end; it opens nothing without a credential
//! of that account. The text of the query is `wire::links`' business; here the hash is made and checked.

use aws_lc_rs::constant_time;
use jiff::Timestamp;
use wamedia_media::MediaId;
use wamedia_store::{AccountId, KeyRing, Store};
use wamedia_wire::links::{AttachmentQuery, HASH_BYTES, LinkSource};

/// Where 360dialog's links seem to lead; its clients put the API's address in its place (documented by the vendor).
pub const LOOKASIDE: &str = "https://lookaside.fbsbx.com";

/// Why a link does not open its media.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// Not issued by us for this account, or changed on its way.
    #[error("the link was not issued by this service for this account")]
    Forged,
    /// Its second has come.
    #[error("the link has expired")]
    Expired,
}

/// Issues and checks links with the newest, and any, version of the ring.
#[derive(Clone)]
pub struct Links {
    store: Store,
}

impl Links {
    /// Links under the keys of `store`'s ring.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// A new link that works until `expires_at`, whole seconds.
    pub fn issue(
        &self,
        account: AccountId,
        media: MediaId,
        source: LinkSource,
        expires_at: Timestamp,
    ) -> AttachmentQuery {
        let keys = self.store.keys();
        let version = keys.link_version();
        let mut query = AttachmentQuery {
            mid: media,
            source: Some(source),
            ext: u64::try_from(expires_at.as_second()).unwrap_or(0),
            hash: [0; HASH_BYTES],
        };
        let mac =
            keys.link_mac(version, &signed_bytes(account, &query)).expect("the ring has its newest version");
        query.hash[..2].copy_from_slice(&version.to_be_bytes());
        query.hash[2..].copy_from_slice(&mac);
        query
    }

    /// The media of a link that `account` was given and that is still alive.
    ///
    /// # Errors
    /// [`LinkError`]; a link both forged and expired is forged.
    pub fn check(&self, account: AccountId, query: &str, now: Timestamp) -> Result<MediaId, LinkError> {
        let query = AttachmentQuery::parse(query).map_err(|_| LinkError::Forged)?;
        let version = u16::from_be_bytes([query.hash[0], query.hash[1]]);
        let message = signed_bytes(account, &query);
        let expected = mac_of_version(&self.store, version, &message).ok_or(LinkError::Forged)?;
        constant_time::verify_slices_are_equal(&expected, &query.hash[2..]).map_err(|_| LinkError::Forged)?;
        if now.as_second() >= i64::try_from(query.ext).unwrap_or(i64::MAX) {
            return Err(LinkError::Expired);
        }
        Ok(query.mid)
    }
}

/// A version we do not know may have been made by a rotation since we read the ring.
fn mac_of_version(store: &Store, version: u16, message: &[u8]) -> Option<[u8; 32]> {
    let keys: &KeyRing = store.keys();
    keys.link_mac(version, message).or_else(|| {
        keys.reload().ok()?;
        keys.link_mac(version, message)
    })
}

/// Everything the hash covers, each part of a fixed length or last: no two links share these bytes.
fn signed_bytes(account: AccountId, query: &AttachmentQuery) -> Vec<u8> {
    let source = query.source.map(LinkSource::as_str);
    let mut bytes = Vec::with_capacity(48);
    bytes.extend_from_slice(b"wamedia link 1\0");
    bytes.extend_from_slice(&account.0.to_be_bytes());
    bytes.extend_from_slice(&query.mid.get().to_be_bytes());
    bytes.extend_from_slice(&query.ext.to_be_bytes());
    bytes.push(u8::from(source.is_some()));
    bytes.extend_from_slice(source.unwrap_or_default().as_bytes());
    bytes
}
