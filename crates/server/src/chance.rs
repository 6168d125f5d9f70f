//! Where randomness comes from: the system, or a seed so that tests can compare whole bodies.
//!
//! Only names are drawn here (media ids, trace ids). Keys and credentials always come from the system.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::rand::{GetRandomFlags, getrandom};
use wamedia_media::MediaId;

/// A source of names that nobody can guess, unless it was seeded.
#[derive(Clone, Debug, Default)]
pub struct Chance {
    seed: Option<Arc<AtomicU64>>,
}

impl Chance {
    /// The system's randomness.
    pub fn system() -> Self {
        Self { seed: None }
    }

    /// The same names in the same order for the same seed. For tests only: they can be guessed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed: Some(Arc::new(AtomicU64::new(seed))) }
    }

    /// A new media id.
    pub fn media_id(&self) -> MediaId {
        MediaId::from_random(u64::from_le_bytes(self.bytes()))
    }

    /// Random bytes for a name.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.seed {
            None => POOL.with_borrow_mut(|pool| pool.take(&mut bytes)),
            Some(state) => bytes.chunks_mut(8).for_each(|piece| {
                let drawn = splitmix64(state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed));
                piece.copy_from_slice(&drawn.to_le_bytes()[..piece.len()]);
            }),
        }
        bytes
    }
}

/// Random bytes of the system, fetched many at a time: every request takes some for its name.
struct Pool {
    bytes: [u8; 512],
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 512], used: 512 }) };
}

impl Pool {
    /// Each byte is given once, and not kept.
    fn take(&mut self, wanted: &mut [u8]) {
        if wanted.len() > self.bytes.len() - self.used {
            if wanted.len() > self.bytes.len() {
                return fill_from_system(wanted);
            }
            fill_from_system(&mut self.bytes);
            self.used = 0;
        }
        let taken = &mut self.bytes[self.used..self.used + wanted.len()];
        wanted.copy_from_slice(taken);
        taken.fill(0);
        self.used += wanted.len();
    }
}

/// A new secret of 43 base62 characters, 256 bits: for tokens and keys.
pub fn secret(prefix: &str) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const CHARACTERS: usize = 43;
    let mut text = String::with_capacity(prefix.len() + CHARACTERS);
    text.push_str(prefix);
    while text.len() < prefix.len() + CHARACTERS {
        let mut drawn = [0; 64];
        fill_from_system(&mut drawn);
        // Values from 248 up would make the first letters likelier; they are drawn again.
        let fair =
            drawn.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(byte % 62)] as char);
        text.extend(fair.take(prefix.len() + CHARACTERS - text.len()));
    }
    text
}

/// From the kernel's generator. Not from aws-lc's: that one gathers entropy of its own first, which took 21 ms of a first
/// start, or of the first request (measured).
fn fill_from_system(mut bytes: &mut [u8]) {
    while !bytes.is_empty() {
        let filled = rustix::io::retry_on_intr(|| getrandom(&mut *bytes, GetRandomFlags::empty()));
        // A machine without randomness can keep no secret; there is nothing left to do but stop.
        bytes = &mut bytes[filled.expect("the system gives random bytes")..];
    }
}

/// Sebastiano Vigna's public-domain mixer: one draw per state.
fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        assert_eq!(Chance::seeded(7).media_id(), Chance::seeded(7).media_id());
        assert_ne!(Chance::seeded(7).media_id(), Chance::seeded(8).media_id());
        assert_ne!(Chance::system().bytes::<16>(), Chance::system().bytes::<16>());
    }

    #[test]
    fn no_bytes_are_given_twice() {
        let drawn: Vec<[u8; 16]> = (0..1000).map(|_| Chance::system().bytes()).collect();
        let different: std::collections::BTreeSet<_> = drawn.iter().collect();
        assert_eq!(different.len(), drawn.len());
        let large: [u8; 2000] = Chance::system().bytes();
        assert!(large.chunks(16).all(|piece| piece.iter().any(|byte| *byte != 0)));
    }

    #[test]
    fn secrets_are_long_and_distinct() {
        let (one, two) = (secret("wat_"), secret("wat_"));
        assert_eq!(one.len(), 4 + 43);
        assert!(one[4..].bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, two);
    }
}
