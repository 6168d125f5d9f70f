//! PDF headers and ends, judged under their types.
#![no_main]

const TYPES: &[&str] = &["application/pdf"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wamedia_fuzz::judge(bytes, TYPES));
