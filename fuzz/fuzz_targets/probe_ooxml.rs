//! ZIP directories, judged under their types.
#![no_main]

const TYPES: &[&str] = &[
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wamedia_fuzz::judge(bytes, TYPES));
