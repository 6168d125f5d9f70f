//! MPEG audio frames and tags, judged under their types.
#![no_main]

const TYPES: &[&str] = &["audio/mpeg"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wamedia_fuzz::judge(bytes, TYPES));
