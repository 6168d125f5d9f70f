//! Sealing and opening a blob in memory: the whole of the format, with its key derivation, and one more copy of the bytes.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use wamedia_micro::noise;
use wamedia_store::seal;

const KEY: [u8; 32] = [7; 32];
const LENGTHS: [usize; 4] = [1, 16 << 10, 100 << 10, 16 << 20];

fn main() {
    divan::main();
}

#[divan::bench(args = LENGTHS)]
fn seal(bencher: Bencher<'_, '_>, length: usize) {
    let plain = noise(length);
    bencher
        .counter(BytesCount::new(length))
        .bench(|| seal::seal(black_box(&KEY), b"context", black_box(&plain)).expect("sealed"));
}

#[divan::bench(args = LENGTHS)]
fn unseal(bencher: Bencher<'_, '_>, length: usize) {
    let sealed = seal::seal(&KEY, b"context", &noise(length)).expect("sealed");
    bencher
        .counter(BytesCount::new(length))
        .bench(|| seal::unseal(black_box(&KEY), b"context", black_box(&sealed)).expect("opened"));
}
