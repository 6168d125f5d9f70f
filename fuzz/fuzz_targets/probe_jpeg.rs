//! JPEG markers and EXIF, judged under their types.
#![no_main]

const TYPES: &[&str] = &["image/jpeg"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wamedia_fuzz::judge(bytes, TYPES));
