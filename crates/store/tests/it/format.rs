//! The formats on disk, read by somebody else: frozen vectors of another implementation, and a decryptor that knows only
//! what docs/formats.md says and uses other crates' cryptography.

use std::collections::HashMap;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use hkdf::hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};
use wamedia_store::seal::{Damaged, seal, sealed_len, unseal};

use crate::bench::{Bench, LENGTHS, Spot, noise};

/// HKDF-Expand of RFC 5869 with SHA-512.
pub(crate) fn hkdf_expand(prk: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    let mut output = Vec::new();
    let mut block = Vec::new();
    for counter in 1_u8.. {
        let mut mac = <Hmac<Sha512> as Mac>::new_from_slice(prk).unwrap();
        mac.update(&block);
        mac.update(info);
        mac.update(&[counter]);
        block = mac.finalize().into_bytes().to_vec();
        output.extend_from_slice(&block);
        if output.len() >= len {
            break;
        }
    }
    output.truncate(len);
    output
}

/// The blob format, after the specification and nothing else.
fn decrypt_blob(key: &[u8], context: &[u8], sealed: &[u8]) -> Vec<u8> {
    let (salt, commitment, mut rest) = (&sealed[..24], &sealed[24..56], &sealed[56..]);
    let info = [b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0", salt, context].concat();
    let derived = hkdf_expand(key, &info, 32 + 12 + 32);
    assert_eq!(&derived[44..], commitment);
    let cipher = Aes256Gcm::new_from_slice(&derived[..32]).unwrap();
    let mut plain = Vec::new();
    for counter in 0_u64.. {
        let mut nonce: [u8; 12] = derived[32..44].try_into().unwrap();
        for (byte, mask) in nonce[4..].iter_mut().zip(counter.to_be_bytes()) {
            *byte ^= mask;
        }
        let (chunk, after) = rest.split_at(rest.len().min(16_384 + 16));
        plain.extend(cipher.decrypt(&nonce.into(), chunk).unwrap());
        if chunk.len() < 16_384 + 16 {
            return plain;
        }
        rest = after;
    }
    unreachable!()
}

/// The bytes that the frozen vectors were made of.
fn vector_plain(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251 + 3) as u8).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn frozen_vectors_of_another_implementation_open() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let index = std::fs::read_to_string(dir.join("cobblestone256.json")).unwrap();
    let vectors: Vec<HashMap<String, serde_json::Value>> = serde_json::from_str(&index).unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let sealed = std::fs::read(dir.join(vector["file"].as_str().unwrap())).unwrap();
        let key: [u8; 32] = hex(vector["key"].as_str().unwrap()).try_into().unwrap();
        let context = hex(vector["context"].as_str().unwrap());
        let len = vector["plain_bytes"].as_u64().unwrap();
        assert_eq!(sealed.len() as u64, sealed_len(len));
        let plain = unseal(&key, &context, &sealed).unwrap();
        assert_eq!(plain, vector_plain(len as usize));
        assert_eq!(Sha256::digest(&plain).to_vec(), hex(vector["plain_sha256"].as_str().unwrap()));
        assert_eq!(decrypt_blob(&key, &context, &sealed), plain);
        assert_eq!(unseal(&[1; 32], &context, &sealed), Err(Damaged));
        assert_eq!(unseal(&key, b"elsewhere", &sealed), Err(Damaged));
    }
}

#[test]
fn what_is_sealed_here_opens_elsewhere_and_never_looks_the_same() {
    for len in LENGTHS {
        let plain = noise(*len, 5);
        let sealed = seal(&[7; 32], b"here", &plain).unwrap();
        assert_eq!(sealed.len() as u64, sealed_len(*len as u64));
        assert_eq!(decrypt_blob(&[7; 32], b"here", &sealed), plain);
        assert_eq!(unseal(&[7; 32], b"here", &sealed).unwrap(), plain);
        assert_ne!(seal(&[7; 32], b"here", &plain).unwrap(), sealed);
    }
}

#[test]
fn every_flipped_bit_every_cut_and_every_addition_is_damage() {
    let plain = noise(16_384 + 700, 5);
    let sealed = seal(&[7; 32], b"", &plain).unwrap();
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1 << (at % 8);
        assert_eq!(unseal(&[7; 32], b"", &flipped), Err(Damaged), "byte {at}");
    }
    for len in 0..sealed.len() {
        assert_eq!(unseal(&[7; 32], b"", &sealed[..len]), Err(Damaged), "cut at {len}");
    }
    for more in [1, 15, 16, 17, 16_400, 20_000] {
        let longer = [sealed.clone(), vec![0; more]].concat();
        assert_eq!(unseal(&[7; 32], b"", &longer), Err(Damaged));
    }
}

#[test]
fn whole_chunks_cannot_be_dropped_repeated_or_swapped() {
    let sealed = seal(&[7; 32], b"", &noise(3 * 16_384, 1)).unwrap();
    let (header, chunks) = sealed.split_at(56);
    let chunk = |n: usize| &chunks[n * 16_400..((n + 1) * 16_400).min(chunks.len())];
    for order in [&[0, 1, 2][..], &[0, 1, 3], &[1, 0, 2, 3], &[0, 1, 1, 2, 3], &[0, 1, 2, 2], &[3], &[0, 3]] {
        let changed = order.iter().fold(header.to_vec(), |made, n| [made, chunk(*n).to_vec()].concat());
        assert_eq!(unseal(&[7; 32], b"", &changed), Err(Damaged), "{order:?}");
    }
    assert!(unseal(&[7; 32], b"", &sealed).is_ok());
}

/// From `master.key`, `catalog.sqlite` and `blobs/` alone to the plain bytes, with none of the store's code.
#[tokio::test]
async fn a_folder_can_be_read_with_the_documents_alone() {
    let mut bench = Bench::new().await;
    for (seed, len) in LENGTHS.iter().enumerate() {
        bench.upload(&noise(*len, seed as u64)).await;
    }
    let data = bench.data();
    bench.store.clone().close().await;

    let ring = std::fs::read_to_string(data.join("master.key")).unwrap();
    let line = ring.lines().find_map(|line| line.strip_prefix("v1 ")).unwrap();
    let master = base64::engine::general_purpose::STANDARD.decode(line).unwrap();
    let catalog = rusqlite::Connection::open(data.join("catalog.sqlite")).unwrap();
    let mut statement = catalog.prepare("SELECT * FROM media ORDER BY id").unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut seen = 0;
    while let Some(row) = rows.next().unwrap() {
        let int = |name: &str| row.get::<_, i64>(name).unwrap();
        let (blob, sealed): (Vec<u8>, Vec<u8>) = (row.get("blob").unwrap(), row.get("box").unwrap());
        let mime: String = row.get("mime_type").unwrap();
        let account = int("account").to_be_bytes();

        let key = hkdf_expand(&master, &[b"wamedia/v1/wrap".as_slice(), &account].concat(), 32);
        let bound = [
            b"wamedia/record".as_slice(),
            &[1],
            &1_u16.to_be_bytes(),
            &account,
            &int("id").to_be_bytes(),
            &int("phone_number").to_be_bytes(),
            &blob,
            &int("bytes").to_be_bytes(),
            &[int("origin") as u8],
            &int("created_at").to_be_bytes(),
            &int("keep_for_ms").to_be_bytes(),
            mime.as_bytes(),
        ]
        .concat();
        let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
        let opened =
            cipher.decrypt(sealed[..12].into(), Payload { msg: &sealed[12..], aad: &bound }).unwrap();
        assert_eq!(&opened[64..], b"\x01holiday.png");

        let name: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
        let spot = Spot::of(&data, &name, int("bytes").cast_unsigned());
        assert_eq!(spot.is_in_pack(), LENGTHS[seen] <= 128 * 1024);
        let file = spot.read();
        let context = [b"wamedia/v1/blob".as_slice(), &account, &blob].concat();
        let plain = decrypt_blob(&opened[..32], &context, &file);
        assert_eq!(plain, noise(LENGTHS[seen], seen as u64));
        assert_eq!(Sha256::digest(&plain)[..], opened[32..64]);
        seen += 1;
    }
    assert_eq!(seen, LENGTHS.len());
}

#[tokio::test]
async fn nothing_plain_is_on_disk() {
    let mut bench = Bench::new().await;
    let secret = b"a secret that nobody may find on the disk".repeat(10);
    let credential = b"EAAG-a-token-of-some-length";
    bench.store.keys().credential_hash(credential);
    bench.upload(&secret).await;
    bench.upload(&secret.repeat(1000)).await;
    let staged = bench.stage(&[secret.repeat(1000), vec![1]].concat()).await;
    for file in crate::bench::files_below(&bench.data()) {
        let bytes = std::fs::read(&file).unwrap();
        for needle in [&secret[..20], b"holiday", credential] {
            assert!(!bytes.windows(needle.len()).any(|part| part == needle), "{}", file.display());
        }
    }
    drop(staged);
}
