//! Text and the signatures of what is named only, judged under their types.
#![no_main]

const TYPES: &[&str] = &["text/plain"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wamedia_fuzz::judge(bytes, TYPES));
