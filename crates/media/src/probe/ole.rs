//! OLE compound files: the Office formats of 1997 to 2003, told apart by the streams in the root.
//!
//! Reads the header and the directory (MS-CFB); chains are followed by steps, never by recursion.

use std::io;

use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Found, Rule};

const SIGNATURE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// Directory entries read. Office files have some dozens, with many embedded objects some thousands.
const MAX_ENTRIES: usize = 8192;

/// Sectors of allocation tables' table followed, which lets the directory stand anywhere in the largest document.
const MAX_DIFAT_SECTORS: u32 = 256;

/// Sector numbers from here on mean something else than a sector.
const MAX_SECTOR: u32 = 0xffff_fffa;

/// Bytes of a directory entry.
const ENTRY_BYTES: u64 = 128;

/// What an OLE file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OleKind {
    Word,
    Excel,
    PowerPoint,
    /// OOXML behind a password.
    EncryptedOoxml,
    /// Something else that is known, or not.
    Other(&'static str, &'static str),
    /// The directory cannot be read.
    Broken,
}

/// An OLE file.
#[derive(Debug)]
pub(crate) struct Ole {
    pub(crate) kind: OleKind,
    /// Of before 97.
    old: bool,
    encrypted: bool,
    macros: bool,
    cut: bool,
}

/// Streams in the root that tell what a file is; the first match counts.
const STREAMS: &[(&str, OleKind)] = &[
    ("EncryptedPackage", OleKind::EncryptedOoxml),
    ("WordDocument", OleKind::Word),
    ("Workbook", OleKind::Excel),
    ("Book", OleKind::Excel),
    ("PowerPoint Document", OleKind::PowerPoint),
    ("PP40", OleKind::PowerPoint),
    ("PP97_DUALSTORAGE", OleKind::PowerPoint),
    ("__properties_version1.0", OleKind::Other("application/vnd.ms-outlook", "Outlook message")),
    ("VisioDocument", OleKind::Other("application/vnd.visio", "Visio drawing")),
    ("Quill", OleKind::Other("application/x-mspublisher", "Publisher document")),
    ("FileHeader", OleKind::Other("application/x-hwp", "Hangul document")),
    ("StarWriterDocument", OleKind::Other("application/vnd.stardivision.writer", "StarWriter document")),
    ("StarCalcDocument", OleKind::Other("application/vnd.stardivision.calc", "StarCalc document")),
    ("StarDrawDocument3", OleKind::Other("application/vnd.stardivision.draw", "StarDraw document")),
    ("MatOST", OleKind::Other("application/vnd.ms-works", "Works document")),
    ("Props", OleKind::Other("application/vnd.ms-project", "Project plan")),
    ("Props9", OleKind::Other("application/vnd.ms-project", "Project plan")),
    ("Props12", OleKind::Other("application/vnd.ms-project", "Project plan")),
    ("Props14", OleKind::Other("application/vnd.ms-project", "Project plan")),
    ("!_StringData", OleKind::Other("application/x-msi", "Windows installer")),
    ("Catalog", OleKind::Other("application/x-thumbs-db", "Windows thumbnails")),
];

/// Names that are macros' when they stand anywhere.
const MACRO_NAMES: &[&str] = &["_VBA_PROJECT_CUR", "Macros", "_VBA_PROJECT"];

/// Reads an OLE file; `None` when the bytes do not start like one.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Ole>> {
    if reader.array(0)? != Some(SIGNATURE) {
        return Ok(None);
    }
    let mut ole = Ole { kind: OleKind::Broken, old: false, encrypted: false, macros: false, cut: false };
    let Some(file) = Sectors::open(reader)? else { return Ok(Some(ole)) };
    let entries = read_directory(reader, &file)?;
    let root = root_children(&entries);
    if root.is_empty() {
        return Ok(Some(ole));
    }
    ole.macros = entries.iter().any(|entry| MACRO_NAMES.contains(&&*entry.name));
    ole.kind = OleKind::Other("application/x-ole-storage", "OLE file");
    for (name, kind) in STREAMS {
        let Some(stream) = root.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)) else { continue };
        ole.kind = *kind;
        ole.old = matches!(*name, "Book" | "PP40");
        ole.cut = stream.size >= 4096 && file.offset(stream.start) >= reader.len();
        if *kind == OleKind::Word && !ole.cut {
            read_word_header(reader, &file, stream, &mut ole)?;
        }
        break;
    }
    Ok(Some(ole))
}

/// The start of a Word stream tells its age and whether a password protects it (MS-DOC, FibBase).
fn read_word_header(
    reader: &mut Reader<'_>,
    file: &Sectors,
    stream: &Entry,
    ole: &mut Ole,
) -> io::Result<()> {
    // Streams under 4096 bytes lie elsewhere; a Word stream of that size is of no version known.
    if stream.size < 4096 {
        return Ok(());
    }
    let at = file.offset(stream.start);
    let version = reader.le16(at + 2)?.unwrap_or(0);
    ole.old = version < 0xc1;
    ole.encrypted = reader.le16(at + 10)?.unwrap_or(0) & 0x0100 != 0;
    Ok(())
}

/// Where sectors lie and which follows which.
struct Sectors {
    /// 9 or 12: sectors of 512 or 4096 bytes.
    shift: u32,
    directory: u32,
    /// The allocation table's first sectors, as the header lists them.
    tables: Vec<u32>,
    /// The first sector of the rest of that list.
    more_tables: u32,
}

impl Sectors {
    fn open(reader: &mut Reader<'_>) -> io::Result<Option<Self>> {
        let Some(header) = reader.array::<512>(0)? else { return Ok(None) };
        let long =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let shift = u32::from(u16::from_le_bytes([header[30], header[31]]));
        if shift != 9 && shift != 12 {
            return Ok(None);
        }
        let tables = (0..109).map(|index| long(76 + 4 * index)).collect();
        Ok(Some(Self { shift, directory: long(48), tables, more_tables: long(68) }))
    }

    /// Where a sector starts: the header takes the place of the first.
    fn offset(&self, sector: u32) -> u64 {
        (u64::from(sector) + 1) << self.shift
    }

    /// The sector behind another in its chain.
    fn next(&self, reader: &mut Reader<'_>, sector: u32) -> io::Result<Option<u32>> {
        let a_table = 1u32 << (self.shift - 2);
        let Some(table) = self.table(reader, sector / a_table)? else { return Ok(None) };
        let at = self.offset(table) + 4 * u64::from(sector % a_table);
        Ok(reader.le32(at)?.filter(|next| *next < MAX_SECTOR))
    }

    /// The sector of the allocation table's piece `index`.
    fn table(&self, reader: &mut Reader<'_>, index: u32) -> io::Result<Option<u32>> {
        if let Some(sector) = self.tables.get(index as usize) {
            return Ok(Some(*sector).filter(|sector| *sector < MAX_SECTOR));
        }
        // A list sector holds one number less than fit: the last is the next list sector.
        let a_list = (1u32 << (self.shift - 2)) - 1;
        let (mut left, mut list) = (index - 109, self.more_tables);
        for _ in 0..MAX_DIFAT_SECTORS {
            if list >= MAX_SECTOR {
                break;
            }
            if left < a_list {
                let sector = reader.le32(self.offset(list) + 4 * u64::from(left))?;
                return Ok(sector.filter(|sector| *sector < MAX_SECTOR));
            }
            left -= a_list;
            list = reader.le32(self.offset(list) + 4 * u64::from(a_list))?.unwrap_or(MAX_SECTOR);
        }
        Ok(None)
    }
}

/// A directory entry.
struct Entry {
    name: String,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    size: u32,
}

fn read_directory(reader: &mut Reader<'_>, file: &Sectors) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut sector = Some(file.directory).filter(|sector| *sector < MAX_SECTOR);
    while let Some(here) = sector {
        let start = file.offset(here);
        for index in 0..(1u64 << file.shift) / ENTRY_BYTES {
            let Some(bytes) = reader.array::<128>(start + index * ENTRY_BYTES)? else { return Ok(entries) };
            entries.push(read_entry(&bytes));
        }
        if entries.len() >= MAX_ENTRIES {
            break;
        }
        sector = file.next(reader, here)?;
    }
    Ok(entries)
}

fn read_entry(bytes: &[u8; 128]) -> Entry {
    let long = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    // The length counts the zero at the end; an unused entry has none.
    let name_bytes = usize::from(u16::from_le_bytes([bytes[64], bytes[65]])).min(64);
    let units = bytes[..name_bytes].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let name = char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|unit| unit.unwrap_or('\u{fffd}'))
        .collect();
    Entry { name, left: long(68), right: long(72), child: long(76), start: long(116), size: long(120) }
}

/// The entries right under the root: objects embedded in a document have streams of the same names deeper down.
fn root_children(entries: &[Entry]) -> Vec<&Entry> {
    let mut children = Vec::new();
    let mut seen = vec![false; entries.len()];
    let mut stack: Vec<u32> = entries.first().map(|root| root.child).into_iter().collect();
    while let Some(index) = stack.pop() {
        let index = index as usize;
        let Some(entry) = entries.get(index) else { continue };
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        children.push(entry);
        stack.extend([entry.left, entry.right]);
    }
    children
}

impl Ole {
    pub(crate) fn found(&self) -> Found {
        let (mime, name) = match self.kind {
            OleKind::Word => ("application/msword", "Word 97 document"),
            OleKind::Excel => ("application/vnd.ms-excel", "Excel 97 workbook"),
            OleKind::PowerPoint => ("application/vnd.ms-powerpoint", "PowerPoint 97 presentation"),
            OleKind::EncryptedOoxml => ("application/encrypted", "Office document behind a password"),
            OleKind::Other(mime, name) => (mime, name),
            OleKind::Broken => ("application/x-ole-storage", "broken OLE file"),
        };
        Found { mime, name }
    }

    pub(crate) fn facts(&self) -> Facts {
        let encrypted = self.encrypted || self.kind == OleKind::EncryptedOoxml;
        Facts { encrypted: Some(encrypted), macros: Some(self.macros), ..Facts::default() }
    }
}

/// Judges the three types of Office 97.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Ole(ole) = content else { return case.note_other_type() };
    match ole.kind {
        OleKind::EncryptedOoxml => return note_encrypted(case),
        OleKind::Broken => {
            return case.note(
                Rule::Undecodable,
                "it starts like an Office 97 file, and its directory cannot be read",
            );
        }
        _ if ole.found().mime != case.declared.mime => return case.note_other_type(),
        _ => {}
    }
    if ole.old {
        case.note(Rule::OfficeOld, "it was written by an Office from before 97");
    }
    if ole.encrypted {
        case.note(Rule::DocumentPassword, "it is encrypted: recipients may need a password");
    }
    if ole.cut {
        case.note(Rule::Undecodable, "its document lies past the end of the file: it is cut off");
    }
}

/// The same refusal whatever Office type was declared.
pub(super) fn note_encrypted(case: &mut Case<'_>) {
    case.note(
        Rule::OfficeEncrypted,
        "it is an Office document behind a password, and its type cannot be seen",
    );
}
