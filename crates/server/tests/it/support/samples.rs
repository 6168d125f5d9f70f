//! Files to upload: the committed samples, and made ones whose every chunk differs.

use std::path::Path;

/// A sample below `testdata/samples`.
pub fn sample(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/samples");
    std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("testdata/samples/{path}: {error}"))
}

pub fn png() -> Vec<u8> {
    sample("image/rgb.png")
}

pub fn jpeg() -> Vec<u8> {
    sample("image/rgb.jpg")
}

/// Lines of text that never repeat, `bytes` long.
pub fn text_of(bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 16);
    let mut line = 0;
    while text.len() < bytes {
        text.extend_from_slice(format!("line {line}\n").as_bytes());
        line += 1;
    }
    text.truncate(bytes);
    text
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}
