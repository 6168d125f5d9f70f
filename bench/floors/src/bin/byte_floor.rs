//! The byte floor: SHA-256 and AES-256-GCM over the same bytes, in chunks of 16 KiB, on one core.
//!
//! `byte_floor BYTES ROUNDS` prints one line of JSON: the seconds of each round.

use std::time::Instant;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};

/// The blob format's chunk.
const CHUNK: usize = 16 * 1024;

fn main() -> Result<(), aws_lc_rs::error::Unspecified> {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|it| it.parse().ok()).collect();
    let (bytes, rounds) =
        (arguments.first().copied().unwrap_or(95 << 20), arguments.get(1).copied().unwrap_or(1));
    let mut plain = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut plain)?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32])?);
    let mut times = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        let mut hash = Context::new(&SHA256);
        for (number, chunk) in plain.chunks_mut(CHUNK).enumerate() {
            hash.update(chunk);
            let mut nonce = [0; 12];
            nonce[4..].copy_from_slice(&(number as u64).to_be_bytes());
            let tag =
                key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), chunk)?;
            let _ = std::hint::black_box(tag);
        }
        std::hint::black_box(hash.finish());
        times.push(format!("{:.6}", began.elapsed().as_secs_f64()));
    }
    println!("[{}]", times.join(","));
    Ok(())
}
