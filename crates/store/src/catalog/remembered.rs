//! What was read and is still true: a bounded memory in front of the catalog.
//!
//! Nothing in it is believed for a time. Each thing is kept with the generation ([`Lineage`](super::lineage::Lineage)) that
//! it was read in, and given only while the catalog is still of that generation: a deletion, a revocation or a change by any
//! process wins at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use wamedia_media::{MediaId, PhoneNumberId};

use super::{Credential, Media};
use crate::ids::AccountId;

/// Locks among which the keys of a map are spread.
const SHARDS: usize = 8;

/// What requests ask for again and again.
pub(super) struct Remembered {
    /// By the hash of the secret.
    pub(super) credentials: Memory<[u8; 32], Arc<Credential>>,
    /// Whose a number is.
    pub(super) owners: Memory<PhoneNumberId, AccountId>,
    /// The blocks of a number: rule, and until when. Past ones too.
    pub(super) blocks: Memory<PhoneNumberId, Arc<[(String, i64)]>>,
    /// Records, opened. Expired ones too: the second of expiry comes without a commit.
    pub(super) media: Memory<(AccountId, MediaId), Arc<Media>>,
}

impl Remembered {
    /// With room for about this many records, and as many of everything else. Zero remembers nothing.
    pub(super) fn new(records: usize) -> Self {
        Self {
            credentials: Memory::new(records),
            owners: Memory::new(records),
            blocks: Memory::new(records),
            media: Memory::new(records),
        }
    }

    /// Forgets everything; keys of what was deleted elsewhere are wiped with it.
    pub(super) fn clear(&self) {
        self.credentials.clear();
        self.owners.clear();
        self.blocks.clear();
        self.media.clear();
    }
}

/// A bounded map. What is asked for stays, the rest goes when room is needed.
pub(super) struct Memory<K, V> {
    shards: [Mutex<Shard<K, V>>; SHARDS],
    hasher: std::hash::RandomState,
    /// Of each of the two generations in a shard.
    room: usize,
}

/// When `young` is full it becomes `old`, and what nobody asked for since the last time is forgotten.
struct Shard<K, V> {
    young: HashMap<K, (u64, V)>,
    old: HashMap<K, (u64, V)>,
}

impl<K, V> Default for Shard<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Hash + Eq, V: Clone> Memory<K, V> {
    fn new(entries: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: std::hash::RandomState::new(),
            room: entries.div_ceil(2 * SHARDS),
        }
    }

    fn shard(&self, key: &K) -> std::sync::MutexGuard<'_, Shard<K, V>> {
        use std::hash::BuildHasher as _;
        let shard = self.hasher.hash_one(key) % SHARDS as u64;
        let index = usize::try_from(shard).unwrap_or(0);
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was read under this key in this very generation.
    pub(super) fn get(&self, key: &K, generation: u64) -> Option<V> {
        let mut shard = self.shard(key);
        if let Some((read_in, value)) = shard.young.get(key) {
            return (*read_in == generation).then(|| value.clone());
        }
        let (key, (read_in, value)) = shard.old.remove_entry(key)?;
        if read_in != generation {
            return None;
        }
        self.keep(&mut shard, key, read_in, value.clone());
        Some(value)
    }

    /// Remembers what was read; `generation` was told before it was.
    pub(super) fn put(&self, key: K, generation: u64, value: V) {
        let mut shard = self.shard(&key);
        self.keep(&mut shard, key, generation, value);
    }

    fn keep(&self, shard: &mut Shard<K, V>, key: K, generation: u64, value: V) {
        if self.room == 0 {
            return;
        }
        if shard.young.len() >= self.room && !shard.young.contains_key(&key) {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(key, (generation, value));
    }

    /// Forgets one thing.
    pub(super) fn forget(&self, key: &K) {
        let mut shard = self.shard(key);
        shard.young.remove(key);
        shard.old.remove(key);
    }

    fn clear(&self) {
        for shard in &self.shards {
            *shard.lock().unwrap_or_else(PoisonError::into_inner) = Shard::default();
        }
    }
}
