//! Keeping media safe: stage, seal, keys, blobs, catalog, retention, sweep, verify.
//!
//! ```text
//! store      a data folder, opened               stage → Staging → Staged → commit → Media
//! staging    bytes on their way in               commit     from staged to kept
//! reader     bytes on their way out              source     verified chunks of a sealed file
//! seal       the blob format                     sealed_file  a blob while it is made
//! record     the sealed box in each record       envelope   those of subscriptions and deliveries
//! keys       the master key ring                 blob_name  where a blob is
//! blobs      files, the order of durability      packs      files that small blobs share
//! piece      buffers that are used again         publisher  small blobs made durable together
//! holes      parts of files given back
//! catalog/   what there is, whose, until when    sweep, verify, rewrap   housekeeping
//! ```
//!
//! Knows no HTTP, no JSON body and no clock: every instant is given. What is on disk is written down in
//! `docs/formats.md`. An upload that was answered is kept through kill -9 and power loss: blob, then record, then answer;
//! delete is record, then answer, then bytes. All that a crash can leave is a blob without a record, and
//! [`Store::sweep`] removes those. What announces received media is committed with its record, and delivered at least once.

mod blob_name;
mod blobs;
mod catalog;
mod commit;
mod envelope;
mod error;
mod holes;
mod ids;
mod keys;
mod packs;
mod piece;
mod publisher;
mod reader;
mod record;
mod rewrap;
pub mod seal;
mod sealed_file;
mod secret;
mod source;
mod staging;
mod store;
mod sweep;
mod verify;

pub use blob_name::{BlobName, PackName};
pub use catalog::{
    Account, Catalog, Claimed, Credential, CredentialKind, Delivery, DeliveryFilter, DeliveryState,
    DeliveryTotals, Endpoint, Media, NewCredential, NewDelivery, NewMedia, NewSubscription, Origin, Outcome,
    Permissions, PhoneNumber, Subscription, ThrottleState, Totals, View, WebhookDialect,
};
pub use error::{KeyError, OpenError, ReadError, StageError, StoreError};
pub use ids::{AccountId, CredentialId, DeliveryId, SubscriptionId};
pub use keys::{KEY_FILE, KeyRing};
pub use reader::BlobReader;
pub use rewrap::RewrapReport;
pub use source::StagedSource;
pub use staging::{Staged, Staging};
pub use store::{Observation, Observer, ServingLock, Store, StoreOptions};
pub use sweep::SweepReport;
pub use verify::{Finding, VerifyProgress, VerifyReport};
