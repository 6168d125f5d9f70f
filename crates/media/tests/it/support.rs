//! What the tests share: samples on disk, judging bytes, a source that counts.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wamedia_media::{InspectOptions, MimeType, Source, Strictness, Verdict, find, inspect};

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The committed samples.
pub(crate) fn samples() -> PathBuf {
    workspace().join("testdata/samples")
}

/// Judges bytes under a declared type, as spelled by a client.
pub(crate) fn judge(bytes: &[u8], declared: &str) -> Verdict {
    judge_as(bytes, declared, Strictness::Default)
}

/// Judges bytes under a strictness.
pub(crate) fn judge_as(bytes: &[u8], declared: &str, strictness: Strictness) -> Verdict {
    let declared = MimeType::parse(declared).unwrap();
    let row = find(&declared).unwrap_or_else(|| panic!("{declared} is not on the upload list"));
    let options = InspectOptions { strictness, file_name: None, declared_codecs: declared.codecs() };
    let mut source = Counting::new(bytes);
    let verdict = inspect(&mut source, row, &options).unwrap();
    source.assert_bounded();
    verdict
}

/// One line of an expect file.
pub(crate) struct Expectation {
    pub(crate) path: PathBuf,
    /// Declared type and verdict.
    pub(crate) verdicts: Vec<(String, String)>,
}

/// Reads an expect file: `key` names the object of verdicts by declared type.
pub(crate) fn expectations(file: &Path, folder: &Path, key: &str) -> Vec<Expectation> {
    let text = std::fs::read_to_string(file).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let verdicts = line[key].as_object().unwrap();
        let verdicts =
            verdicts.iter().map(|(mime, verdict)| (mime.clone(), verdict.as_str().unwrap().to_owned()));
        Expectation { path: folder.join(line["path"].as_str().unwrap()), verdicts: verdicts.collect() }
    };
    text.lines().map(line).collect()
}

/// Bytes whose reads are counted.
pub(crate) struct Counting<'a> {
    bytes: &'a [u8],
    pub(crate) reads: u64,
    pub(crate) bytes_read: u64,
}

impl<'a> Counting<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, reads: 0, bytes_read: 0 }
    }

    /// The bounds that hold for any input, as `inspect` documents them.
    pub(crate) fn assert_bounded(&self) {
        assert!(self.reads <= 512, "{} reads", self.reads);
        assert!(self.bytes_read <= 8 * 1024 * 1024, "{} bytes read", self.bytes_read);
    }
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

/// Every file under a folder, in a fixed order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
