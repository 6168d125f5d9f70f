//! PNG: the header, what stands before the image data, and whether the end is there.
//!
//! Nothing is inflated: compressed texts and profiles are skipped by their length.

use std::io;

use super::{HUGE_PIXELS, exif};
use crate::case::Case;
use crate::content::Content;
use crate::reader::{MAX_PIECE_BYTES, Reader};
use crate::{Facts, Rule};

/// Chunks looked at before the image data; encoders write about ten.
const MAX_HEAD_CHUNKS: u32 = 1024;

/// Chunks walked after the first image data, when the file does not end with its end chunk.
const MAX_BODY_CHUNKS: u32 = 256;

/// The tail looked at for the end chunk.
const TAIL_BYTES: usize = 64 * 1024;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// The end chunk, whole: no length, its name, its checksum.
const END_CHUNK: &[u8; 12] = b"\0\0\0\0IEND\xaeB\x60\x82";

/// What a PNG says of itself.
#[derive(Debug, Default)]
pub(crate) struct Png {
    header: Option<Header>,
    /// Why nothing in it can be decoded.
    broken: Option<&'static str>,
    /// What is damaged or missing behind a good start.
    damaged: Option<&'static str>,
    /// Frames of an animation.
    frames: Option<u32>,
    transparency: bool,
    orientation: Option<u8>,
    trailing_bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    width: u32,
    height: u32,
    depth: u8,
    color_type: u8,
}

/// Reads a PNG; `None` when the bytes do not start like one.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Png>> {
    if reader.array(0)? != Some(SIGNATURE) {
        return Ok(None);
    }
    let mut png = Png::default();
    match read_header(reader)? {
        Ok(header) => png.header = Some(header),
        Err(why) => {
            png.broken = Some(why);
            return Ok(Some(png));
        }
    }
    match read_head_chunks(reader, &mut png)? {
        Some(data_at) => read_end(reader, data_at, &mut png)?,
        None => png.broken = Some(png.broken.unwrap_or("it has no image data (IDAT)")),
    }
    Ok(Some(png))
}

fn read_header(reader: &mut Reader<'_>) -> io::Result<Result<Header, &'static str>> {
    let Some(chunk) = reader.array::<25>(8)? else { return Ok(Err("it ends within its header")) };
    if chunk[4..8] == *b"CgBI" {
        return Ok(Err("it is Apple's private variant of PNG (CgBI)"));
    }
    if chunk[..8] != *b"\0\0\0\x0dIHDR" {
        return Ok(Err("it does not start with its header (IHDR)"));
    }
    let [.., a, b, c, d] = chunk;
    if crc32(&chunk[4..21]) != u32::from_be_bytes([a, b, c, d]) {
        return Ok(Err("the checksum of its header (IHDR) is wrong"));
    }
    let long = |at: usize| u32::from_be_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]]);
    let header = Header { width: long(8), height: long(12), depth: chunk[16], color_type: chunk[17] };
    let size_is_legal = |pixels: u32| pixels > 0 && pixels <= i32::MAX as u32;
    if !size_is_legal(header.width) || !size_is_legal(header.height) {
        return Ok(Err("its width or height is zero or out of range"));
    }
    let depths: &[u8] = match header.color_type {
        0 => &[1, 2, 4, 8, 16],
        3 => &[1, 2, 4, 8],
        2 | 4 | 6 => &[8, 16],
        _ => &[],
    };
    if !depths.contains(&header.depth) || chunk[18] != 0 || chunk[19] != 0 || chunk[20] > 1 {
        return Ok(Err("its header names a depth, colour type or method that PNG does not have"));
    }
    Ok(Ok(header))
}

/// Reads up to the image data and returns where its chunk starts.
fn read_head_chunks(reader: &mut Reader<'_>, png: &mut Png) -> io::Result<Option<u64>> {
    let mut at = 33;
    let mut has_palette = false;
    let needs_palette = png.header.is_some_and(|header| header.color_type == 3);
    for _ in 0..MAX_HEAD_CHUNKS {
        let Some((length, kind)) = chunk_at(reader, at)? else { return Ok(None) };
        match &kind {
            b"IDAT" => {
                if needs_palette && !has_palette {
                    png.broken = Some("it has a palette image without a palette (PLTE)");
                } else if length >= 2 && !starts_zlib(reader.array(at + 8)?) {
                    png.broken = Some("its image data is not compressed as PNG has it");
                } else if !is_intact(reader, at, length)? {
                    png.broken = Some("the checksum of its image data (IDAT) is wrong");
                }
                return Ok(Some(at));
            }
            b"PLTE" => {
                has_palette = true;
                // Elsewhere a palette is a suggestion, and readers drop one that is broken.
                if needs_palette && (length % 3 != 0 || length > 768 || length == 0) {
                    png.broken = Some("the length of its palette (PLTE) makes no sense");
                } else if needs_palette && !is_intact(reader, at, length)? {
                    png.broken = Some("the checksum of its palette (PLTE) is wrong");
                }
            }
            b"acTL" => png.frames = reader.be32(at + 8)?,
            b"tRNS" => png.transparency = true,
            b"eXIf" => png.orientation = exif::orientation(reader, at + 8, at + 8 + length)?,
            b"IEND" => return Ok(None),
            _ => {}
        }
        at += 12 + length;
    }
    Ok(None)
}

/// A chunk's length and name; `None` where there is no chunk.
fn chunk_at(reader: &mut Reader<'_>, at: u64) -> io::Result<Option<(u64, [u8; 4])>> {
    let Some([a, b, c, d, kind @ ..]) = reader.array::<8>(at)? else { return Ok(None) };
    let length = u32::from_be_bytes([a, b, c, d]);
    let legal = length <= i32::MAX as u32 && kind.iter().all(u8::is_ascii_alphabetic);
    Ok(legal.then_some((length.into(), kind)))
}

/// Whether the checksum of a chunk is right, as far as that is looked at: readers give up on a wrong one in what they
/// need. Long chunks and cut ones count as intact.
fn is_intact(reader: &mut Reader<'_>, at: u64, length: u64) -> io::Result<bool> {
    let bytes = reader.at(at + 4, MAX_PIECE_BYTES)?;
    // The name belongs to what is summed up.
    let summed = length as usize + 4;
    let Some(sum) = bytes.get(summed..summed + 4).and_then(|sum| sum.try_into().ok()) else {
        return Ok(true);
    };
    Ok(crc32(&bytes[..summed]) == u32::from_be_bytes(sum))
}

/// The two bytes of a zlib header: deflate, and a checksum over both (RFC 1950). `None` is a cut file's affair.
fn starts_zlib(bytes: Option<[u8; 2]>) -> bool {
    bytes.is_none_or(|bytes| bytes[0] & 0x0f == 8 && u16::from_be_bytes(bytes).is_multiple_of(31))
}

/// Looks for the end chunk: at the very end, near it, then chunk by chunk.
fn read_end(reader: &mut Reader<'_>, data_at: u64, png: &mut Png) -> io::Result<()> {
    let len = reader.len();
    if len >= 12 && reader.array(len - 12)? == Some(*END_CHUNK) {
        return Ok(());
    }
    let tail_at = data_at.max(len.saturating_sub(TAIL_BYTES as u64));
    if let Some(hit) = memchr::memmem::find(reader.at(tail_at, TAIL_BYTES)?, END_CHUNK) {
        png.trailing_bytes = len - tail_at - hit as u64 - END_CHUNK.len() as u64;
        return Ok(());
    }
    let mut at = data_at;
    for _ in 0..MAX_BODY_CHUNKS {
        match chunk_at(reader, at)? {
            Some((0, kind)) if kind == *b"IEND" => {
                png.trailing_bytes = len.saturating_sub(at + 12);
                return Ok(());
            }
            Some((length, _)) => at += 12 + length,
            None => break,
        }
    }
    png.damaged = Some("it has no end (IEND): it is cut off or broken inside");
    Ok(())
}

/// CRC-32 as PNG and ZIP have it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| crc >> 8 ^ CRC_OF_BYTE[(crc as u8 ^ byte) as usize])
}

const CRC_OF_BYTE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

impl Png {
    pub(crate) fn facts(&self) -> Facts {
        let Some(header) = self.header else { return Facts::default() };
        let color = match header.color_type {
            0 => "grayscale",
            2 => "rgb",
            3 => "palette",
            4 => "grayscale-alpha",
            _ => "rgba",
        };
        Facts {
            width: Some(header.width),
            height: Some(header.height),
            bit_depth: Some(header.depth),
            color: Some(color),
            alpha: Some(self.transparency || header.color_type >= 4),
            animated: Some(self.frames.is_some()),
            frames: self.frames,
            orientation: self.orientation,
            ..Facts::default()
        }
    }
}

/// Judges `image/png`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Png(png) = content else { return case.note_other_type() };
    if let Some(why) = png.broken {
        case.note(Rule::Undecodable, why);
    }
    let Some(header) = png.header else { return };
    if header.depth > 8 {
        case.note(Rule::SampleDepth, format!("it has {} bits a channel; up to 8 are taken", header.depth));
    }
    match header.color_type {
        0 | 4 => case.note(
            Rule::Grayscale,
            format!("it is grayscale of {} bits; RGB and RGBA are named", header.depth),
        ),
        3 => case.note(Rule::Palette, "it has a palette; RGB and RGBA are named"),
        _ => {}
    }
    super::judge_canvas(case, header.width, header.height, HUGE_PIXELS);
    super::judge_orientation(case, png.orientation);
    if let Some(frames) = png.frames {
        case.note(Rule::AnimatedPng, format!("it is animated (APNG, {frames} frames)"));
    }
    if let Some(what) = png.damaged {
        case.note(Rule::Damaged, what);
    }
    if png.trailing_bytes > 0 {
        case.note(Rule::TrailingData, format!("{} bytes follow its end", png.trailing_bytes));
    }
}
