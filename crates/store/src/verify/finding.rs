//! What a walk can find broken, and how it is told.

use std::path::PathBuf;

use wamedia_media::{MediaId, PhoneNumberId};

use crate::blob_name::{BlobName, PackName};
use crate::ids::{CredentialId, SubscriptionId};

/// Something that is not as it must be. Shown with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// SQLite found its file broken.
    #[error("the catalog is corrupt: {detail}; restore it from a backup")]
    CatalogCorrupt {
        /// What SQLite says.
        detail: String,
    },
    /// Rows refer to an account, number or credential that is not there.
    #[error("{rows} rows of the catalog's table {table} refer to nothing")]
    Dangling {
        /// The catalog's table.
        table: String,
        /// How many.
        rows: u64,
    },
    /// A credential's numbers contradict its kind.
    #[error("credential {id} is not for the numbers its kind asks for; revoke it")]
    CredentialNumbers {
        /// Which.
        id: CredentialId,
    },
    /// A record's row holds values that no wamedia writes.
    #[error("the record of media {id} cannot be read: {detail}")]
    RecordUnreadable {
        /// The row's id.
        id: i64,
        /// What is wrong.
        detail: String,
    },
    /// A record was changed by someone without the keys, or put back from elsewhere.
    #[error("the record of media {id} does not open: it was changed, or belongs to other keys")]
    RecordTampered {
        /// Whose record.
        id: MediaId,
    },
    /// A record is wrapped under a version that the ring has not.
    #[error("the record of media {id} needs v{version} of master.key, which is missing")]
    UnknownKeyVersion {
        /// Whose record.
        id: MediaId,
        /// The missing version.
        version: u16,
    },
    /// The row of a subscription or delivery holds values that no wamedia writes.
    #[error("{what} {id} cannot be read: {detail}")]
    RowUnreadable {
        /// `subscription` or `delivery`.
        what: &'static str,
        /// The row's id.
        id: i64,
        /// What is wrong.
        detail: String,
    },
    /// A subscription or delivery was changed by someone without the keys, or put back from elsewhere.
    #[error("{what} {id} does not open: it was changed, or belongs to other keys; remove it")]
    BoxTampered {
        /// `subscription` or `delivery`.
        what: &'static str,
        /// The row's id.
        id: i64,
    },
    /// A subscription or delivery is sealed under a version that the ring has not.
    #[error("{what} {id} needs v{version} of master.key, which is missing")]
    BoxKeyMissing {
        /// `subscription` or `delivery`.
        what: &'static str,
        /// The row's id.
        id: i64,
        /// The missing version.
        version: u16,
    },
    /// What waits for a subscription about a number is not led by its first: it would wait for ever, or not in order.
    #[error(
        "the deliveries of subscription {subscription} about {number} do not wait in order; redeliver the first"
    )]
    LineOutOfOrder {
        /// Who should be told.
        subscription: SubscriptionId,
        /// About which number.
        number: PhoneNumberId,
    },
    /// A record's times contradict each other.
    #[error("media {id} was used or expires before it was made")]
    TimesOutOfOrder {
        /// Which media.
        id: MediaId,
    },
    /// A record's mark of its content is another content's.
    #[error("media {id} is filed under another content")]
    ContentTag {
        /// Which media.
        id: MediaId,
    },
    /// The blob of a record is not there.
    #[error("the blob {blob} of media {id} is missing")]
    BlobMissing {
        /// Which media.
        id: MediaId,
        /// Its blob.
        blob: BlobName,
    },
    /// The blob of a record is not what was stored.
    #[error("the blob {blob} of media {id} is damaged")]
    BlobDamaged {
        /// Which media.
        id: MediaId,
        /// Its blob.
        blob: BlobName,
    },
    /// The blob of a record could not be read.
    #[error("the blob {blob} of media {id} cannot be read: {detail}")]
    BlobUnreadable {
        /// Which media.
        id: MediaId,
        /// Its blob.
        blob: BlobName,
        /// What the system said.
        detail: String,
    },
    /// The blob opens, but its bytes are not those that the record names.
    #[error("the blob {blob} of media {id} has other content than its record says")]
    WrongContent {
        /// Which media.
        id: MediaId,
        /// Its blob.
        blob: BlobName,
    },
    /// No record refers to the blob; the sweep removes it.
    #[error("blob {blob} ({bytes} bytes) belongs to no record; the sweep removes it")]
    OrphanedBlob {
        /// Which.
        blob: BlobName,
        /// How long the file is.
        bytes: u64,
    },
    /// A pack holds what no record refers to; the sweep removes it.
    #[error("{bytes} bytes in pack {pack} belong to no record; the sweep removes them")]
    OrphansInPack {
        /// Which.
        pack: PackName,
        /// How many, in whole blocks of the file system.
        bytes: u64,
    },
    /// An upload that ended early left its file; the sweep removes it.
    #[error("{path} ({bytes} bytes) is of an upload that never ended; the sweep removes it", path = path.display())]
    AbandonedUpload {
        /// The file.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// Something that is not ours lies among the blobs or the staged files.
    #[error("{path} is not a file of wamedia's", path = path.display())]
    ForeignFile {
        /// What.
        path: PathBuf,
    },
    /// Others on this machine may read or write what only the owner may.
    #[error("{path} has mode {mode:04o}: `chmod go= {path}`", path = path.display())]
    Permissions {
        /// The file or folder.
        path: PathBuf,
        /// Its mode, the lowest nine bits.
        mode: u32,
    },
}

impl Finding {
    /// Whether it is only what a crash may leave, harmless and soon swept.
    pub fn is_leftover(&self) -> bool {
        matches!(self, Self::OrphanedBlob { .. } | Self::OrphansInPack { .. } | Self::AbandonedUpload { .. })
    }
}
