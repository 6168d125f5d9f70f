//! One file: opened, read where it decides, judged under what was asked for.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use wamedia_media::{
    Examined, Facts, Found, GREATEST_MAX_BYTES, InspectOptions, Kind, MediaType, MimeType, Refusal, Source,
    Strictness, Warning, find, guess, guess_as,
};

use super::walk::Item;

/// What was asked about every file.
pub(super) struct Asked {
    pub(super) declared: Option<MimeType>,
    pub(super) kind: Option<Kind>,
    pub(super) strictness: Strictness,
}

/// What became of one file.
pub(super) struct Outcome {
    /// The path as it is shown; `-` for standard input.
    pub(super) file: String,
    pub(super) judged: io::Result<Judged>,
}

/// What was found out about one file.
pub(super) struct Judged {
    /// The type it was judged under; `None` when nothing could be guessed.
    pub(super) declared: Option<String>,
    pub(super) found: Found,
    pub(super) facts: Facts,
    pub(super) warnings: Vec<Warning>,
    pub(super) refusal: Option<Refusal>,
}

/// Judges one file. Whatever keeps it from being read is told of this file alone.
pub(super) fn judge(item: Item, asked: &Asked) -> Outcome {
    match item {
        Item::File(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy());
            let judged = open(&path).and_then(|mut source| asked.judge(&mut source, name.as_deref()));
            Outcome { file: path.to_string_lossy().into_owned(), judged }
        }
        Item::Stdin => {
            let judged = spool(io::stdin().lock()).and_then(|mut source| asked.judge(&mut source, None));
            Outcome { file: "-".to_owned(), judged }
        }
        Item::Unreadable(path, error) => {
            Outcome { file: path.to_string_lossy().into_owned(), judged: Err(error) }
        }
    }
}

impl Asked {
    fn judge(&self, source: &mut dyn Source, name: Option<&str>) -> io::Result<Judged> {
        let file = Examined::read(source)?;
        let found = file.found();
        let refused = |declared: Option<String>, refusal| Judged {
            declared,
            found: file.found(),
            facts: file.facts(),
            warnings: Vec::new(),
            refusal: Some(refusal),
        };
        let row = match (&self.declared, self.kind) {
            (Some(declared), _) => match find(declared) {
                Some(row) => row,
                None => return Ok(refused(Some(declared.to_string()), file.refuse_declared(declared))),
            },
            (None, Some(kind)) => match guess_as(kind, &found, name) {
                Some(row) => row,
                None => {
                    let declared = guess(&found, name).map(|row| row.mime.to_owned());
                    return Ok(refused(declared, file.refuse_content(Some(kind))));
                }
            },
            (None, None) => match guess(&found, name) {
                Some(row) => row,
                None => return Ok(refused(None, file.refuse_content(None))),
            },
        };
        Ok(self.judge_as(&file, row, name))
    }

    fn judge_as(&self, file: &Examined, row: &'static MediaType, name: Option<&str>) -> Judged {
        let declared_codecs = self.declared.as_ref().and_then(MimeType::codecs);
        let options = InspectOptions { strictness: self.strictness, file_name: name, declared_codecs };
        let verdict = file.judge(row, &options);
        Judged {
            declared: Some(row.mime.to_owned()),
            found: verdict.found,
            facts: verdict.facts,
            warnings: verdict.warnings,
            refusal: verdict.refusal,
        }
    }
}

/// A file that is read where it decides, never as a whole.
struct OpenFile {
    file: File,
    bytes: u64,
}

impl Source for OpenFile {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
}

fn open(path: &Path) -> io::Result<OpenFile> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { Ok(OpenFile { file, bytes: meta.len() }) } else { spool(file) }
}

/// A pipe's bytes in a temporary file without a name: as many as tell that no type takes so many.
fn spool(pipe: impl Read) -> io::Result<OpenFile> {
    let mut file = tempfile::tempfile()?;
    let bytes = io::copy(&mut pipe.take(GREATEST_MAX_BYTES + 1), &mut file)?;
    Ok(OpenFile { file, bytes })
}
