//! PDF: where its header stands, whether its end is there, whether a password protects it.
//!
//! Documents are opaque to WhatsApp: objects are not read, streams not inflated.

use std::io;

use memchr::memmem;

use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Rule};

/// Where readers still look for the header (PDF 1.7, appendix H, note 13).
const MAX_HEADER_OFFSET: usize = 1024;

/// The tail looked at for `startxref` and the trailer.
const TAIL_BYTES: usize = 32 * 1024;

/// Bytes looked at where the cross-reference table stands, for the trailer behind or in it.
const XREF_BYTES: usize = 32 * 1024;

/// What a PDF says of itself.
#[derive(Debug)]
pub(crate) struct Pdf {
    version: String,
    /// Where `%PDF-` stands.
    header_at: usize,
    /// Whether only white space and byte order marks stand before it.
    blank_before: bool,
    encrypted: bool,
    damage: Option<&'static str>,
}

/// Reads a PDF; `None` when there is no header where readers look for one.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Pdf>> {
    let head = reader.at(0, MAX_HEADER_OFFSET + 16)?;
    let Some(header_at) = memmem::find(head, b"%PDF-").filter(|at| *at <= MAX_HEADER_OFFSET) else {
        return Ok(None);
    };
    let before = head[..header_at].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head[..header_at]);
    let blank_before = before.iter().all(|b| b.is_ascii_whitespace() || *b == 0);
    let version: Vec<u8> = head[header_at + 5..]
        .iter()
        .copied()
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .take(8)
        .collect();
    let mut pdf = Pdf {
        version: String::from_utf8(version).unwrap_or_default(),
        header_at,
        blank_before,
        encrypted: false,
        damage: None,
    };
    let ends = read_end(reader, &mut pdf)?;
    // A text about PDF, or mail with one attached: behind other content only an end makes it one.
    if !blank_before && !ends {
        return Ok(None);
    }
    Ok(Some(pdf))
}

/// Reads the end; tells whether there is one.
fn read_end(reader: &mut Reader<'_>, pdf: &mut Pdf) -> io::Result<bool> {
    let tail = reader.at(reader.len().saturating_sub(TAIL_BYTES as u64), TAIL_BYTES)?;
    pdf.encrypted = memmem::find(tail, b"/Encrypt").is_some();
    let has_eof = memmem::rfind(tail, b"%%EOF").is_some();
    let Some(start) = memmem::rfind(tail, b"startxref") else {
        let has_trailer = memmem::find(tail, b"trailer").is_some();
        pdf.damage = Some(if has_trailer || has_eof {
            "it does not say where its objects stand (startxref)"
        } else {
            "it has no end: it is cut off"
        });
        return Ok(has_eof);
    };
    let digits = tail[start + 9..].trim_ascii_start().iter().copied().take_while(u8::is_ascii_digit);
    let offset = digits.take(12).fold(0, |offset, digit| offset * 10 + u64::from(digit - b'0'));
    let xref_at = offset + pdf.header_at as u64;
    let table = reader.at(xref_at, XREF_BYTES)?;
    let starts_right = {
        let table = table.trim_ascii_start();
        table.starts_with(b"xref") || table.first().is_some_and(u8::is_ascii_digit)
    };
    if starts_right {
        pdf.encrypted |= memmem::find(table, b"/Encrypt").is_some();
    } else {
        pdf.damage = Some("its end points at a table of objects that is not there");
    }
    Ok(true)
}

impl Pdf {
    pub(crate) fn facts(&self) -> Facts {
        let version = (!self.version.is_empty()).then(|| self.version.clone());
        Facts { pdf_version: version, encrypted: Some(self.encrypted), ..Facts::default() }
    }
}

/// Judges `application/pdf`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Pdf(pdf) = content else { return case.note_other_type() };
    if !pdf.blank_before {
        case.found_as = Some(crate::Found::UNKNOWN.mime.to_owned());
        case.note(
            Rule::PdfBehindContent,
            format!("{} bytes of other content stand before %PDF-", pdf.header_at),
        );
    } else if pdf.header_at > 0 {
        case.note(Rule::PdfOffset, format!("{} blank bytes stand before %PDF-", pdf.header_at));
    }
    if let Some(damage) = pdf.damage {
        case.note(Rule::PdfDamaged, damage);
    }
    if pdf.encrypted {
        case.note(Rule::DocumentPassword, "it is encrypted: recipients may need a password");
    }
}
