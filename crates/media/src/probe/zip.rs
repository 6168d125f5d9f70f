//! ZIP archives: the names in the central directory, which tell the formats that are ZIPs apart.
//!
//! One part is inflated, within the bounds of [`super::inflate`]: the list of content types, which alone tells an Office
//! document from a template or a show. Deliberately not here: the rules of OOXML; they are in [`super::ooxml`].

use std::io;

use memchr::memmem;

use super::inflate::{self, inflate};
use crate::reader::Reader;

/// Bytes of the central directory read: some ten thousand names.
const MAX_DIRECTORY_BYTES: u64 = 1024 * 1024;

/// The tail looked at for the end record: its comment may have 65535 bytes.
const TAIL_BYTES: usize = 64 * 1024;

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";

/// Compression methods (APPNOTE, section 4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What the names of an archive tell.
#[derive(Debug, Default)]
pub(crate) struct Zip {
    /// Whether the central directory could be read.
    pub(crate) has_directory: bool,
    /// Entries, as the end record tells.
    pub(crate) entries: u64,
    /// The list of content types, which every OOXML file has.
    pub(crate) has_content_types: bool,
    /// That list's text, where it can be read.
    pub(crate) content_types: Option<ContentTypes>,
    /// The text of a stored `mimetype`, which OpenDocument and EPUB begin with.
    pub(crate) mimetype: Option<Vec<u8>>,
    /// Whether some part is a macro project or a macro sheet.
    pub(crate) has_macros: bool,
    /// Whether the central directory stops making sense before its end.
    pub(crate) damaged: bool,
    /// Whether some part is encrypted.
    pub(crate) encrypted: bool,
    /// Which marks were met, as bits of [`MARKS`].
    marks: u32,
}

/// The list of content types.
#[derive(Debug)]
pub(crate) struct ContentTypes {
    /// In lower case and without zero bytes: types have no case, and the list may be UTF-16.
    pub(crate) text: Vec<u8>,
    /// Whether this is all of it; a list that is longer than what is looked at is not.
    pub(crate) is_whole: bool,
}

/// Where a part is, as the central directory tells.
struct Part {
    local_at: u64,
    bytes: usize,
}

/// Names, or starts of names ending in a slash, that tell formats apart.
#[rustfmt::skip]
const MARKS: &[&[u8]] = &[
    b"word/",
    b"xl/",
    b"ppt/",
    b"xl/workbook.bin",
    b"visio/",
    b"meta-inf/manifest.mf",
    b"androidmanifest.xml",
    b"payload/",
    b"fixeddocumentsequence.fdseq",
    b"fixeddocseq.fdseq",
    b"3d/",
    b"appxmanifest.xml",
    b"extension.vsixmanifest",
    b"_rels/.rels",
    b"word/document.xml",
    b"xl/workbook.xml",
    b"ppt/presentation.xml",
    b"index/document.iwa",
    b"doc.kml",
];

/// Reads a ZIP; `None` when the bytes do not start like one.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Zip>> {
    let head = reader.array::<4>(0)?.unwrap_or_default();
    if head != *LOCAL && head != *END {
        return Ok(None);
    }
    let mut zip = Zip { mimetype: read_mimetype(reader)?, ..Zip::default() };
    let Some((directory_at, directory_bytes)) = read_end(reader, &mut zip)? else { return Ok(Some(zip)) };
    let end = directory_at + directory_bytes.min(MAX_DIRECTORY_BYTES);
    let mut at = directory_at;
    let mut types_part = None;
    while at < end {
        let Some(header) = reader.array::<46>(at)?.filter(|header| header[..4] == *CENTRAL) else { break };
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        zip.has_directory = true;
        zip.encrypted |= short(8) & 1 == 1;
        let name_bytes = usize::from(short(28));
        let name = normal(reader.at(at + 46, name_bytes)?);
        zip.mark(&name);
        if name == b"[content_types].xml" {
            zip.has_content_types = true;
            types_part = Some(Part { local_at: u64::from(long(42)), bytes: long(20) as usize });
        }
        at += 46 + name_bytes as u64 + u64::from(short(30)) + u64::from(short(32));
    }
    zip.damaged = at < end;
    zip.has_directory |= zip.entries == 0;
    if let Some(part) = types_part {
        zip.content_types = read_content_types(reader, &part)?;
    }
    Ok(Some(zip))
}

/// Finds the end record: where the directory stands and how long it is.
fn read_end(reader: &mut Reader<'_>, zip: &mut Zip) -> io::Result<Option<(u64, u64)>> {
    let tail_at = reader.len().saturating_sub(TAIL_BYTES as u64);
    let tail = reader.at(tail_at, TAIL_BYTES)?;
    let Some(hit) = memmem::rfind(tail, END).filter(|hit| hit + 22 <= tail.len()) else { return Ok(None) };
    let record = &tail[hit..];
    let short = |at: usize| u64::from(u16::from_le_bytes([record[at], record[at + 1]]));
    let long = |at: usize| {
        u64::from(u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]))
    };
    zip.entries = short(10);
    let (bytes, said_at) = (long(12), long(16));
    if (said_at == u64::from(u32::MAX) || zip.entries == u64::from(u16::MAX))
        && let Some(place) = read_zip64_end(reader, tail_at + hit as u64, zip)?
    {
        return Ok(Some(place));
    }
    // The directory ends where its end record starts, whatever offset is said: writers differ behind prefixes.
    let at = (tail_at + hit as u64).checked_sub(bytes);
    Ok(at.map(|at| (at, bytes)))
}

fn read_zip64_end(reader: &mut Reader<'_>, end_at: u64, zip: &mut Zip) -> io::Result<Option<(u64, u64)>> {
    let Some(locator) = end_at.checked_sub(20) else { return Ok(None) };
    let Some(locator) = reader.array::<20>(locator)?.filter(|bytes| bytes.starts_with(b"PK\x06\x07")) else {
        return Ok(None);
    };
    let long = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or(0);
    let Some(record) =
        reader.array::<56>(long(&locator[8..16]))?.filter(|bytes| bytes.starts_with(b"PK\x06\x06"))
    else {
        return Ok(None);
    };
    zip.entries = long(&record[32..40]);
    let (at, bytes) = (long(&record[48..56]), long(&record[40..48]));
    let is_inside = at.checked_add(bytes).is_some_and(|end| end <= reader.len());
    Ok(is_inside.then_some((at, bytes)))
}

/// The content of a first part named `mimetype`, when it is stored.
fn read_mimetype(reader: &mut Reader<'_>) -> io::Result<Option<Vec<u8>>> {
    if reader.at(30, 8)? != b"mimetype" {
        return Ok(None);
    }
    let part = Part { local_at: 0, bytes: reader.le32(22)?.unwrap_or(0).min(128) as usize };
    let raw = read_raw(reader, &part)?;
    Ok(raw.and_then(|(method, raw)| (method == STORED).then(|| raw.to_vec())))
}

/// The list of content types, stored or deflated; `None` when it is neither, damaged or not there.
fn read_content_types(reader: &mut Reader<'_>, part: &Part) -> io::Result<Option<ContentTypes>> {
    let Some((method, raw)) = read_raw(reader, part)? else { return Ok(None) };
    let (mut text, is_whole) = match method {
        STORED => (raw.to_vec(), raw.len() == part.bytes),
        DEFLATED => match inflate(raw) {
            Some(inflated) => (inflated.bytes, inflated.is_whole),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    text.retain(|byte| *byte != 0);
    text.make_ascii_lowercase();
    Ok(Some(ContentTypes { text, is_whole }))
}

/// A part's compression method and its bytes as they stand in the file, or their beginning; `None` when they are
/// encrypted or not where the directory says.
fn read_raw<'r>(reader: &'r mut Reader<'_>, part: &Part) -> io::Result<Option<(u16, &'r [u8])>> {
    let header = reader.array::<30>(part.local_at)?.filter(|header| header[..4] == *LOCAL);
    let Some(header) = header.filter(|header| header[6] & 1 == 0) else { return Ok(None) };
    let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let at = part.local_at + 30 + u64::from(short(26)) + u64::from(short(28));
    Ok(Some((short(8), reader.at(at, part.bytes.min(inflate::MAX_INPUT_BYTES))?)))
}

/// A part's name as OPC compares it: without case, slashes forward, none in front.
fn normal(name: &[u8]) -> Vec<u8> {
    let forward = name.iter().map(|b| if *b == b'\\' { b'/' } else { b.to_ascii_lowercase() });
    forward.skip_while(|b| *b == b'/').collect()
}

impl Zip {
    fn mark(&mut self, name: &[u8]) {
        self.has_macros |= name.ends_with(b"vbaproject.bin") || name.starts_with(b"xl/macrosheets/");
        for (index, mark) in MARKS.iter().enumerate() {
            if name == *mark || (mark.ends_with(b"/") && name.starts_with(mark)) {
                self.marks |= 1 << index;
            }
        }
    }

    /// Whether a name of [`MARKS`], or something under it, is in the archive.
    pub(crate) fn has(&self, mark: &str) -> bool {
        let index = MARKS.iter().position(|known| *known == mark.as_bytes());
        index.is_some_and(|index| self.marks >> index & 1 == 1)
    }
}
