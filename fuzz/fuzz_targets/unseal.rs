//! Sealed bytes from elsewhere: whatever is given, unsealing answers with the very bytes that were sealed, or with damage.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wamedia_store::seal::{Damaged, seal, sealed_len, unseal};

const KEY: [u8; 32] = [7; 32];

fuzz_target!(|data: &[u8]| {
    // Bytes that nobody sealed never open.
    assert_eq!(unseal(&KEY, b"fuzz", data), Err(Damaged));

    // The input's head says what is done to a good blob: how long it is, where it is cut, what is flipped or added.
    let Some((head, rest)) = data.split_first_chunk::<8>() else { return };
    let word = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let plain: Vec<u8> = rest.iter().copied().cycle().take(if rest.is_empty() { 0 } else { word(0) }).collect();
    let Ok(sealed) = seal(&KEY, b"fuzz", &plain) else { return };
    assert_eq!(sealed.len() as u64, sealed_len(plain.len() as u64));
    assert_eq!(unseal(&KEY, b"fuzz", &sealed), Ok(plain));

    let mut changed = sealed.clone();
    changed.truncate(sealed.len() - word(2) % (sealed.len() + 1));
    if let Some(byte) = changed.get_mut(word(4)) {
        *byte ^= head[6];
    }
    changed.extend_from_slice(&rest[..rest.len().min(head[7].into())]);
    if changed != sealed {
        assert_eq!(unseal(&KEY, b"fuzz", &changed), Err(Damaged));
    }
});
