//! Plain text: its encoding, and what speaks against its being text.
//!
//! A long text is looked at in windows: its start, its end and evenly between.

use std::io;

use memchr::memmem;

use crate::case::Case;
use crate::content::Content;
use crate::reader::{MAX_PIECE_BYTES, Reader};
use crate::{Facts, Found, Rule};

/// Texts up to this length are looked at in full.
const MAX_WHOLE_BYTES: u64 = 1024 * 1024;

/// Windows looked at of a longer text.
const WINDOWS: u64 = 16;

/// Bytes at the start that tell markup.
const HEAD_BYTES: usize = 4096;

/// Of a thousand bytes, how many may be control characters.
const MAX_CONTROLS_PER_MILLE: u64 = 10;

/// What a text is.
#[derive(Debug)]
pub(crate) struct Text {
    encoding: Encoding,
    markup: Option<Found>,
    controls: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Ascii,
    Utf8,
    Utf16Le,
    Utf16Be,
    Utf32,
    /// Latin-1, Windows-1252, GB 18030, Shift JIS: they cannot be told apart for certain.
    EightBit,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Utf32 => "utf-32",
            Self::EightBit => "8-bit",
        }
    }
}

/// Counts over what was looked at.
#[derive(Default)]
struct Counts {
    bytes: u64,
    zeros_at_even: u64,
    zeros_at_odd: u64,
    controls: u64,
    /// Control characters that terminals and printers know, as `file` has them: bell, backspace, form feed, escape.
    benign_controls: u64,
    has_high: bool,
    is_utf8: bool,
}

/// Reads a text; `None` when the bytes are none.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Text>> {
    let head = reader.at(0, HEAD_BYTES)?.to_vec();
    if head.is_empty() {
        return Ok(None);
    }
    let by_mark = by_byte_order_mark(&head);
    let counts = count(reader)?;
    let zeros = counts.zeros_at_even + counts.zeros_at_odd;
    let encoding = match by_mark {
        Some(Encoding::Utf8) if zeros == 0 && counts.is_utf8 => Encoding::Utf8,
        Some(wide @ (Encoding::Utf16Le | Encoding::Utf16Be | Encoding::Utf32)) => wide,
        _ if zeros > 0 => match wide_without_mark(&counts) {
            Some(wide) => wide,
            None => return Ok(None),
        },
        _ if !counts.has_high => Encoding::Ascii,
        _ if counts.is_utf8 => Encoding::Utf8,
        _ => Encoding::EightBit,
    };
    let is_wide = matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be | Encoding::Utf32);
    // In wide encodings any byte may be half of a letter.
    let controls = if is_wide { 0 } else { counts.controls };
    if controls * 1000 > counts.bytes * MAX_CONTROLS_PER_MILLE {
        return Ok(None);
    }
    let markup = if is_wide { None } else { markup(&head) };
    let benign = if is_wide { 0 } else { counts.benign_controls };
    Ok(Some(Text { encoding, markup, controls: controls + benign }))
}

fn by_byte_order_mark(head: &[u8]) -> Option<Encoding> {
    let marks: &[(&[u8], Encoding)] = &[
        (b"\xef\xbb\xbf", Encoding::Utf8),
        (b"\xff\xfe\0\0", Encoding::Utf32),
        (b"\0\0\xfe\xff", Encoding::Utf32),
        (b"\xff\xfe", Encoding::Utf16Le),
        (b"\xfe\xff", Encoding::Utf16Be),
    ];
    marks.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, encoding)| *encoding)
}

/// Western text in UTF-16 has nearly every second byte zero, nearly no other, and letters beside the zeros: control
/// characters are none but halves of other letters. Tables of small numbers look alike otherwise.
fn wide_without_mark(counts: &Counts) -> Option<Encoding> {
    let halves = counts.bytes / 2;
    let is_text = |upper: u64, lower: u64| {
        let (other_letters, few) = (halves.saturating_sub(upper), halves / 50);
        upper > 0
            && upper >= halves * 7 / 10
            && lower <= few
            && counts.controls <= other_letters * 3 / 2 + few
    };
    let (even, odd) = (counts.zeros_at_even, counts.zeros_at_odd);
    if is_text(odd, even) {
        return Some(Encoding::Utf16Le);
    }
    is_text(even, odd).then_some(Encoding::Utf16Be)
}

fn count(reader: &mut Reader<'_>) -> io::Result<Counts> {
    let len = reader.len();
    let piece = MAX_PIECE_BYTES as u64;
    let mut counts = Counts { is_utf8: true, ..Counts::default() };
    // Pieces start at even offsets, so that the halves of wide characters stay apart.
    let (step, pieces) = if len <= MAX_WHOLE_BYTES {
        (piece, len.div_ceil(piece))
    } else {
        (((len - piece) / (WINDOWS - 1)) & !1, WINDOWS)
    };
    for index in 0..pieces {
        let at = index * step;
        let bytes = reader.at(at, MAX_PIECE_BYTES)?;
        counts.add(bytes, at == 0, at + bytes.len() as u64 >= len);
    }
    Ok(counts)
}

impl Counts {
    fn add(&mut self, bytes: &[u8], is_first: bool, is_last: bool) {
        self.bytes += bytes.len() as u64;
        if bytes.is_ascii() {
            self.add_controls(bytes);
            return;
        }
        self.has_high = true;
        self.is_utf8 &= is_utf8(bytes, is_first, is_last);
        self.add_controls(bytes);
    }

    fn add_controls(&mut self, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                0 if index % 2 == 0 => self.zeros_at_even += 1,
                0 => self.zeros_at_odd += 1,
                b'\t' | b'\n' | b'\r' => {}
                0x07 | 0x08 | 0x0b | 0x0c | 0x1b => self.benign_controls += 1,
                0x01..=0x1f | 0x7f => self.controls += 1,
                _ => {}
            }
        }
    }
}

/// Whether a piece is UTF-8, apart from a character cut at either end that is not the text's own.
fn is_utf8(bytes: &[u8], is_first: bool, is_last: bool) -> bool {
    let is_continuation = |b: &&u8| **b & 0xc0 == 0x80;
    let start = if is_first { 0 } else { bytes.iter().take(3).take_while(is_continuation).count() };
    match std::str::from_utf8(&bytes[start..]) {
        Ok(_) => true,
        Err(error) => !is_last && error.error_len().is_none(),
    }
}

/// Names markup by how it starts.
fn markup(head: &[u8]) -> Option<Found> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let lower = head[..head.len().min(1024)].to_ascii_lowercase();
    let has = |text: &[u8]| memmem::find(&lower, text).is_some();
    let starts = |texts: &[&[u8]]| texts.iter().any(|text| lower.starts_with(text));
    if starts(&[b"{\\rtf"]) {
        return Some(Found { mime: "application/rtf", name: "RTF document" });
    }
    if starts(&[b"%!ps"]) {
        return Some(Found { mime: "application/postscript", name: "PostScript document" });
    }
    if starts(&[b"<!doctype html", b"<html", b"<head", b"<body", b"<script"])
        || (starts(&[b"<!--", b"<?xml"]) && has(b"<html"))
    {
        return Some(Found { mime: "text/html", name: "HTML page" });
    }
    if starts(&[b"<svg"]) || (starts(&[b"<?xml", b"<!--", b"<!doctype svg"]) && has(b"<svg")) {
        return Some(Found { mime: "image/svg+xml", name: "SVG drawing" });
    }
    if starts(&[b"<?xml"]) {
        let name = if has(b"progid=\"word.document\"") {
            "Word 2003 XML"
        } else if has(b"progid=\"excel.sheet\"") {
            "Excel 2003 XML"
        } else {
            "XML"
        };
        return Some(Found { mime: "application/xml", name });
    }
    let is_json = matches!(head.first(), Some(b'{' | b'['))
        && matches!(head.trim_ascii_end().last(), Some(b'}' | b']'));
    if is_json && has(b"\"") && (has(b":") || has(b",")) {
        return Some(Found { mime: "application/json", name: "JSON" });
    }
    None
}

impl Text {
    pub(crate) fn found(&self) -> Found {
        self.markup.clone().unwrap_or(Found { mime: "text/plain", name: "plain text" })
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts { encoding: Some(self.encoding.name()), ..Facts::default() }
    }
}

/// Judges `text/plain`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let text = match content {
        Content::Text(text) => text,
        Content::Other(found) if *found == Found::UNKNOWN => {
            return case.note(
                Rule::TextBinary,
                "it has zero bytes or control characters throughout, as no text has",
            );
        }
        _ => return case.note_other_type(),
    };
    match &text.markup {
        Some(found) if matches!(found.mime, "application/rtf" | "application/postscript") => {
            case.note(Rule::TextFormat, format!("it is {} ({}), a type of its own", found.name, found.mime));
        }
        Some(found) => {
            case.note(Rule::TextMarkup, format!("it is {} and will be shown as written", found.name))
        }
        None => {}
    }
    if !matches!(text.encoding, Encoding::Ascii | Encoding::Utf8) {
        case.note(Rule::TextEncoding, format!("its encoding is {}, not UTF-8", text.encoding.name()));
    }
    if text.controls > 0 {
        case.note(
            Rule::TextControl,
            format!("it has {} control characters that text seldom has", text.controls),
        );
    }
}
