//! ADTS frames and other framings of AAC, judged under their types.
#![no_main]

const TYPES: &[&str] = &["audio/aac"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wamedia_fuzz::judge(bytes, TYPES));
