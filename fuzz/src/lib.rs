//! What the targets share.
//!
//! Each `probe_*` target judges bytes under the types of one probe, and holds the work to its bounds. Run one with
//! `cargo fuzz run -s none probe_jpeg` (stable toolchain); seeds are in `corpus/<target>`, more in `../testdata/samples`.

#![forbid(unsafe_code)]

use std::io;

use wamedia_media::{InspectOptions, MimeType, Source, Strictness, find, inspect};

/// Judges bytes under each type, at each strictness.
///
/// # Panics
/// When a bound is broken or the verdicts contradict each other: that is what the fuzzer looks for.
pub fn judge(bytes: &[u8], types: &[&str]) {
    for declared in types {
        let row =
            MimeType::parse(declared).ok().and_then(|mime| find(&mime)).expect("targets name listed types");
        let mut refused_before = false;
        for strictness in [Strictness::Lenient, Strictness::Default, Strictness::Strict] {
            let options =
                InspectOptions { strictness, file_name: Some("a.jpg"), declared_codecs: Some("opus") };
            let mut source = Counting { bytes, reads: 0, bytes_read: 0 };
            let verdict = inspect(&mut source, row, &options).expect("memory is read without errors");
            assert!(source.reads <= 512 && source.bytes_read <= 8 << 20, "unbounded work");
            assert!(!refused_before || !verdict.is_accepted(), "stricter and accepted");
            refused_before = !verdict.is_accepted();
        }
    }
}

struct Counting<'a> {
    bytes: &'a [u8],
    reads: u64,
    bytes_read: u64,
}

impl Source for Counting<'_> {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let count = (&mut &*self.bytes).read_at(offset, buf)?;
        self.reads += 1;
        self.bytes_read += count as u64;
        Ok(count)
    }
}
