//! JPEG: markers up to the first scan, and whether the end is there.
//!
//! Entropy-coded data is never decoded; it is looked through for its end only when the file does not end as it should.

use std::io;

use memchr::{memchr, memchr_iter};

use super::{HUGE_PIXELS, exif};
use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Found, Rule};

/// Segments read before the first scan. Cameras write a few dozen; profiles and previews come in 64 KiB pieces.
const MAX_SEGMENTS: u32 = 1024;

/// Stray bytes skipped where a marker should stand, as decoders do.
const MAX_STRAY_BYTES: u64 = 64 * 1024;

/// The tail looked at for the end marker.
const TAIL_BYTES: usize = 64 * 1024;

/// Entropy-coded bytes looked through for the end marker: more than an image may have.
const MAX_SCAN_BYTES: u64 = 6 * 1024 * 1024;

/// XMP looked through for the names of further pictures.
const MAX_XMP_BYTES: usize = 32 * 1024;

/// What a JPEG says of itself.
#[derive(Debug, Default)]
pub(crate) struct Jpeg {
    /// The frame header, if there is one.
    pub(crate) frame: Option<Frame>,
    /// The colour transform of Adobe's segment.
    pub(crate) adobe_transform: Option<u8>,
    /// The EXIF orientation.
    pub(crate) orientation: Option<u8>,
    /// What further pictures are named by, if any.
    pub(crate) further: Option<&'static str>,
    has_tables: bool,
    /// Where the first scan's data starts.
    scan_at: Option<u64>,
    stray: bool,
    end: End,
}

/// The frame header: the SOF segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    marker: u8,
    precision: u8,
    height: u16,
    width: u16,
    components: u8,
    ids: [u8; 3],
}

/// How the file ends.
#[derive(Debug, Default, PartialEq, Eq)]
enum End {
    /// With the end marker.
    #[default]
    Marked,
    /// Some bytes after it.
    Trailing(u64),
    /// Without one.
    Missing,
}

/// Reads a JPEG; `None` when the bytes do not start like one.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Jpeg>> {
    if reader.array(0)? != Some([0xff, 0xd8, 0xff]) {
        return Ok(None);
    }
    let mut jpeg = Jpeg::default();
    let mut at = 2;
    for _ in 0..MAX_SEGMENTS {
        let Some((marker, body)) = next_marker(reader, at, &mut jpeg.stray)? else { break };
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            at = body;
            continue;
        }
        if marker == 0xd9 {
            break;
        }
        let Some(length) = reader.be16(body)?.map(u64::from).filter(|length| *length >= 2) else { break };
        if body + length > reader.len() {
            break;
        }
        at = body + length;
        if marker == 0xda {
            jpeg.scan_at = Some(at);
            break;
        }
        read_segment(reader, marker, body + 2, length - 2, &mut jpeg)?;
    }
    if let Some(scan_at) = jpeg.scan_at {
        jpeg.end = find_end(reader, scan_at)?;
    }
    Ok(Some(jpeg))
}

/// The next marker at or after `at`, and where its body starts.
fn next_marker(reader: &mut Reader<'_>, mut at: u64, stray: &mut bool) -> io::Result<Option<(u8, u64)>> {
    let limit = at + MAX_STRAY_BYTES;
    while at < limit {
        let Some([first, second]) = reader.array::<2>(at)? else { return Ok(None) };
        match (first, second) {
            (0xff, 0xff) => at += 1,
            (0xff, marker) if marker != 0 => return Ok(Some((marker, at + 2))),
            _ => {
                *stray = true;
                let piece = reader.at(at + 1, TAIL_BYTES)?;
                let Some(skip) = memchr(0xff, piece) else { return Ok(None) };
                at += 1 + skip as u64;
            }
        }
    }
    Ok(None)
}

fn read_segment(
    reader: &mut Reader<'_>,
    marker: u8,
    at: u64,
    length: u64,
    jpeg: &mut Jpeg,
) -> io::Result<()> {
    match marker {
        // Frame headers: SOF0 to SOF15 without DHT, JPG and DAC, and JPEG-LS's SOF55.
        0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xf7 if jpeg.frame.is_none() => {
            jpeg.frame = read_frame(reader, marker, at)?;
        }
        0xdb => jpeg.has_tables = true,
        0xe1 => {
            let bytes = reader.at(at, length.min(MAX_XMP_BYTES as u64) as usize)?;
            if bytes.starts_with(b"Exif\0\0") {
                jpeg.orientation = jpeg.orientation.or(exif::orientation(reader, at + 6, at + length)?);
            } else if bytes.starts_with(b"http://ns.adobe.com/xap/") {
                jpeg.further = jpeg.further.or(further_in_xmp(bytes));
            }
        }
        0xe2 if reader.array(at)? == Some(*b"MPF\0") => jpeg.further = Some("multi-picture format (MPF)"),
        0xee if reader.array(at)? == Some(*b"Adobe") => {
            jpeg.adobe_transform = reader.array::<1>(at + 11)?.map(|[transform]| transform);
        }
        _ => {}
    }
    Ok(())
}

fn read_frame(reader: &mut Reader<'_>, marker: u8, at: u64) -> io::Result<Option<Frame>> {
    let Some([precision, h1, h0, w1, w0, components]) = reader.array::<6>(at)? else { return Ok(None) };
    let mut ids = [0; 3];
    for (index, id) in ids.iter_mut().enumerate().take(usize::from(components)) {
        *id = reader.array::<1>(at + 6 + 3 * index as u64)?.unwrap_or_default()[0];
    }
    let (height, width) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
    Ok(Some(Frame { marker, precision, height, width, components, ids }))
}

/// Names of further pictures in XMP (Google's and Adobe's published schemas).
fn further_in_xmp(xmp: &[u8]) -> Option<&'static str> {
    let names: &[(&[u8], &'static str)] = &[
        (b"MotionPhoto", "a motion photo"),
        (b"MicroVideo", "a motion photo"),
        (b"hdrgm:", "a gain map"),
        (b"hdr-gain-map", "a gain map"),
    ];
    names.iter().find(|(name, _)| memchr::memmem::find(xmp, name).is_some()).map(|(_, what)| *what)
}

/// Looks for the end marker: at the very end, near it, then from the scan on.
fn find_end(reader: &mut Reader<'_>, scan_at: u64) -> io::Result<End> {
    let len = reader.len();
    if len >= scan_at + 2 && reader.array(len - 2)? == Some([0xff, 0xd9]) {
        return Ok(End::Marked);
    }
    let tail_at = scan_at.max(len.saturating_sub(TAIL_BYTES as u64));
    if tail_at > scan_at && memchr::memmem::find(reader.at(tail_at, TAIL_BYTES)?, &[0xff, 0xd9]).is_none() {
        // Neither at the end nor near it: a cut file, or a long one behind the picture.
        if let Some(end) = end_of_scans(reader, scan_at)? {
            return Ok(End::Trailing(len - end));
        }
        return Ok(End::Missing);
    }
    Ok(end_of_scans(reader, scan_at)?
        .map_or(End::Missing, |end| if end == len { End::Marked } else { End::Trailing(len - end) }))
}

/// Where the end marker that ends the scans is, skipping over segments between them.
fn end_of_scans(reader: &mut Reader<'_>, scan_at: u64) -> io::Result<Option<u64>> {
    let mut at = scan_at;
    while at < scan_at + MAX_SCAN_BYTES {
        let piece = reader.at(at, TAIL_BYTES)?;
        match next_marker_in_data(piece) {
            Some((hit, 0xd9)) => return Ok(Some(at + hit as u64 + 2)),
            Some((hit, _)) => {
                at += hit as u64 + 2;
                at += u64::from(reader.be16(at)?.unwrap_or(0));
            }
            None if piece.len() < TAIL_BYTES => return Ok(None),
            // The last byte may be the first of a marker.
            None => at += piece.len() as u64 - 1,
        }
    }
    Ok(None)
}

/// The first marker in entropy-coded data: stuffed zeros, fill bytes and restarts belong to the data.
fn next_marker_in_data(piece: &[u8]) -> Option<(usize, u8)> {
    let markers = memchr_iter(0xff, piece).filter_map(|hit| Some((hit, *piece.get(hit + 1)?)));
    markers.into_iter().find(|(_, marker)| !matches!(marker, 0 | 1 | 0xd0..=0xd8 | 0xff))
}

impl Jpeg {
    pub(crate) fn found(&self) -> Found {
        let is_ls = self.frame.is_some_and(|frame| frame.process() == "jpeg-ls");
        Found { mime: "image/jpeg", name: if is_ls { "JPEG-LS image" } else { "JPEG image" } }
    }

    pub(crate) fn facts(&self) -> Facts {
        let Some(frame) = self.frame else { return Facts::default() };
        Facts {
            width: Some(frame.width.into()),
            height: Some(frame.height.into()),
            bit_depth: Some(frame.precision),
            color: Some(self.color(frame)),
            coding: Some(frame.process()),
            orientation: self.orientation,
            ..Facts::default()
        }
    }

    fn color(&self, frame: Frame) -> &'static str {
        match (frame.components, self.adobe_transform) {
            (1, _) => "grayscale",
            (3, Some(0)) => "rgb",
            (3, None) if frame.ids == *b"RGB" => "rgb",
            (3, _) => "ycbcr",
            (4, Some(2)) => "ycck",
            (4, _) => "cmyk",
            _ => "other",
        }
    }
}

impl Frame {
    fn process(self) -> &'static str {
        match self.marker {
            0xc0 => "baseline",
            0xc1 => "extended",
            0xc2 => "progressive",
            0xc3 => "lossless",
            0xc9 | 0xca => "arithmetic",
            0xcb => "lossless arithmetic",
            0xf7 => "jpeg-ls",
            _ => "hierarchical",
        }
    }
}

/// Judges `image/jpeg`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Jpeg(jpeg) = content else { return case.note_other_type() };
    let (Some(frame), Some(scan_at)) = (jpeg.frame, jpeg.scan_at) else {
        return case.note(Rule::Undecodable, "it starts like a JPEG, and no image follows");
    };
    if frame.width == 0 || frame.height == 0 || scan_at >= case.bytes {
        return case.note(Rule::Undecodable, "it is a JPEG without any pixels");
    }
    let process = frame.process();
    if !matches!(process, "baseline" | "extended" | "progressive") {
        case.note(Rule::JpegProcess, format!("it is {process} JPEG, which phones do not decode"));
    } else if !jpeg.has_tables {
        case.note(Rule::Undecodable, "it has no quantisation tables");
    }
    if frame.precision != 8 {
        case.note(Rule::SampleDepth, format!("it has {} bits a channel; 8 are taken", frame.precision));
    }
    match jpeg.color(frame) {
        "grayscale" => case.note(Rule::Grayscale, "it is grayscale; RGB and RGBA are named"),
        "rgb" | "ycbcr" => {}
        "other" => {
            case.note(Rule::ColourModel, format!("it has {} channels; RGB is taken", frame.components))
        }
        color => {
            case.note(Rule::ColourModel, format!("its colours are {}; RGB is taken", color.to_uppercase()))
        }
    }
    super::judge_canvas(case, frame.width.into(), frame.height.into(), HUGE_PIXELS);
    super::judge_orientation(case, jpeg.orientation);
    if let Some(further) = jpeg.further {
        case.note(Rule::SeveralPictures, format!("it carries further pictures: {further}"));
    }
    if jpeg.stray {
        case.note(Rule::Damaged, "stray bytes stand between its segments");
    }
    match jpeg.end {
        End::Marked => {}
        End::Trailing(bytes) => case.note(Rule::TrailingData, format!("{bytes} bytes follow its end")),
        End::Missing => case.note(Rule::Damaged, "it has no end: it is cut off"),
    }
}
