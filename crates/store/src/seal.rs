//! The blob format: C2SP chunked-encryption as Cobblestone-256 (<https://c2sp.org/chunked-encryption>).
//!
//! A blob is `salt(24) || commitment(32) || chunks`; a chunk is 16 KiB of bytes and a tag of 16, the last one is
//! shorter and may be empty. Nothing here touches files, and nothing damaged ever leaves: a chunk is checked before
//! its bytes are given out. `docs/formats.md` says which key and context wamedia gives to it.

use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Prk};

use crate::secret::{Secret, fill_random};

/// Bytes of a full chunk.
pub const CHUNK_BYTES: usize = 16 * 1024;
/// Bytes of the tag behind each chunk.
pub const TAG_BYTES: usize = 16;
/// Bytes of a full chunk with its tag.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Bytes before the first chunk: salt and commitment.
pub const HEADER_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;

const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// Key, base nonce and commitment come out of one derivation.
const DERIVED_BYTES: usize = KEY_BYTES + NONCE_BYTES + COMMITMENT_BYTES;
/// The format ends here: chunk numbers have 38 bits.
const MAX_CHUNKS: u64 = 1 << 38;

/// Sealed bytes that are not what was sealed: changed, cut, extended, under another key or from another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed bytes are damaged")]
pub struct Damaged;

/// How long `plain_bytes` are once sealed.
pub const fn sealed_len(plain_bytes: u64) -> u64 {
    let chunks = plain_bytes / CHUNK_BYTES as u64 + 1;
    HEADER_BYTES as u64 + plain_bytes + chunks * TAG_BYTES as u64
}

/// Where chunk `index` starts in a sealed blob.
pub const fn chunk_offset(index: u64) -> u64 {
    HEADER_BYTES as u64 + index * SEALED_CHUNK_BYTES as u64
}

/// Seals or opens the chunks of one blob.
pub(crate) struct ChunkCipher {
    key: LessSafeKey,
    base_nonce: [u8; NONCE_BYTES],
}

impl ChunkCipher {
    /// A cipher for a new blob, with the header to write before its first chunk.
    pub(crate) fn seal(key: &[u8; 32], context: &[u8]) -> io::Result<(Self, [u8; HEADER_BYTES])> {
        let mut header = [0; HEADER_BYTES];
        fill_random(&mut header[..SALT_BYTES])?;
        let (cipher, commitment) =
            Self::derive(key, &header[..SALT_BYTES], context).map_err(io::Error::other)?;
        header[SALT_BYTES..].copy_from_slice(&commitment);
        Ok((cipher, header))
    }

    /// A cipher for a blob that starts with `header`, if this key and context made it.
    pub(crate) fn open(key: &[u8; 32], context: &[u8], header: &[u8; HEADER_BYTES]) -> Result<Self, Damaged> {
        let (salt, found) = header.split_at(SALT_BYTES);
        let (cipher, commitment) = Self::derive(key, salt, context).map_err(|_| Damaged)?;
        verify_slices_are_equal(&commitment, found).map_err(|_| Damaged)?;
        Ok(cipher)
    }

    fn derive(
        key: &[u8; 32],
        salt: &[u8],
        context: &[u8],
    ) -> Result<(Self, [u8; COMMITMENT_BYTES]), Unspecified> {
        let info: [&[u8]; 4] = [b"c2sp.org/chunked-encryption@v1+", b"AEAD_AES_256_GCM\0", salt, context];
        let mut derived = Secret::<DERIVED_BYTES>::empty();
        Prk::new_less_safe(HKDF_SHA512, key).expand(&info, Length(DERIVED_BYTES))?.fill(derived.as_mut())?;

        let (key, rest) = derived.as_ref().split_at(KEY_BYTES);
        let (nonce, commitment) = rest.split_at(NONCE_BYTES);
        let mut base_nonce = [0; NONCE_BYTES];
        base_nonce.copy_from_slice(nonce);
        let mut committed = [0; COMMITMENT_BYTES];
        committed.copy_from_slice(commitment);
        Ok((Self { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?), base_nonce }, committed))
    }

    fn nonce(&self, index: u64) -> Result<Nonce, Unspecified> {
        if index >= MAX_CHUNKS {
            return Err(Unspecified);
        }
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[NONCE_BYTES - 8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= counter;
        }
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    /// Seals one chunk in place and gives its tag. Only the last chunk is, and must be, shorter than 16 KiB.
    pub(crate) fn seal_chunk(&self, index: u64, chunk: &mut [u8]) -> io::Result<[u8; TAG_BYTES]> {
        let sealed = self
            .nonce(index)
            .and_then(|nonce| self.key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk));
        sealed.map_err(io::Error::other)?.as_ref().try_into().map_err(io::Error::other)
    }

    /// Opens one chunk in place.
    pub(crate) fn open_chunk(
        &self,
        index: u64,
        chunk: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Damaged> {
        let opened = self.nonce(index).and_then(|nonce| {
            self.key.open_in_place_separate_tag(nonce, Aad::empty(), tag, chunk).map(|_| ())
        });
        opened.map_err(|_| {
            // What the cipher may have left there was not verified.
            chunk.fill(0);
            Damaged
        })
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Seals `plain` as one blob.
///
/// # Errors
/// Only when the system's random generator fails.
pub fn seal(key: &[u8; 32], context: &[u8], plain: &[u8]) -> io::Result<Vec<u8>> {
    let (cipher, header) = ChunkCipher::seal(key, context)?;
    let mut sealed = Vec::with_capacity(usize::try_from(sealed_len(plain.len() as u64)).unwrap_or(0));
    sealed.extend_from_slice(&header);
    for index in 0..=plain.len() / CHUNK_BYTES {
        let start = index * CHUNK_BYTES;
        let end = plain.len().min(start + CHUNK_BYTES);
        let at = sealed.len();
        sealed.extend_from_slice(&plain[start..end]);
        let tag = cipher.seal_chunk(index as u64, &mut sealed[at..])?;
        sealed.extend_from_slice(&tag);
    }
    Ok(sealed)
}

/// Opens one whole blob.
///
/// # Errors
/// [`Damaged`] when anything but the very bytes that were sealed under this key and context is given.
pub fn unseal(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Damaged> {
    let Some((header, mut rest)) = sealed.split_first_chunk::<HEADER_BYTES>() else { return Err(Damaged) };
    let cipher = ChunkCipher::open(key, context, header)?;
    let mut plain = Vec::with_capacity(rest.len());
    for index in 0.. {
        let is_last = rest.len() < SEALED_CHUNK_BYTES;
        let (chunk, after) = rest.split_at(rest.len().min(SEALED_CHUNK_BYTES));
        let (chunk, tag) = chunk.split_last_chunk::<TAG_BYTES>().ok_or(Damaged)?;
        let at = plain.len();
        plain.extend_from_slice(chunk);
        cipher.open_chunk(index, &mut plain[at..], tag)?;
        if is_last {
            break;
        }
        rest = after;
    }
    Ok(plain)
}
