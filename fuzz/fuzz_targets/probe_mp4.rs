//! MP4 boxes, judged under their types.
#![no_main]

const TYPES: &[&str] = &["video/mp4", "video/3gpp", "audio/mp4"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wamedia_fuzz::judge(bytes, TYPES));
