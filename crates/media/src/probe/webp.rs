//! WebP: its chunks, canvas, and whether it moves.

use std::io;

use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Rule, STATIC_STICKER_MAX_BYTES};

/// Chunks looked at; an animation has one a frame.
const MAX_CHUNKS: u32 = 2048;

/// The side of a sticker's canvas that third parties ask for.
const STICKER_PIXELS: u32 = 512;

/// What a WebP says of itself.
#[derive(Debug, Default)]
pub(crate) struct Webp {
    size: Option<(u32, u32)>,
    coding: Option<&'static str>,
    alpha: bool,
    animated: bool,
    frames: u32,
    /// A picture that can be decoded was met.
    has_picture: bool,
    cut: bool,
    trailing_bytes: u64,
}

/// Reads a WebP; `None` when the bytes do not start like one.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Webp>> {
    let Some(head) = reader.array::<12>(0)? else { return Ok(None) };
    if head[..4] != *b"RIFF" || head[8..] != *b"WEBP" {
        return Ok(None);
    }
    let mut webp = Webp::default();
    let said = 8 + u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    webp.cut = said > reader.len();
    // A file that says it is a byte short of even is padded.
    webp.trailing_bytes = reader.len().saturating_sub(said.next_multiple_of(2));
    let end = said.min(reader.len());
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        if at + 8 > end {
            break;
        }
        let Some(header) = reader.array::<8>(at)? else { break };
        let length = u64::from(u32::from_le_bytes([header[4], header[5], header[6], header[7]]));
        webp.cut |= at + 8 + length > end;
        read_chunk(reader, &header[..4], at + 8, &mut webp)?;
        at += 8 + length.next_multiple_of(2);
    }
    Ok(Some(webp))
}

fn read_chunk(reader: &mut Reader<'_>, kind: &[u8], at: u64, webp: &mut Webp) -> io::Result<()> {
    match kind {
        b"VP8X" => {
            let Some([flags, _, _, _, w0, w1, w2, h0, h1, h2]) = reader.array::<10>(at)? else {
                return Ok(());
            };
            webp.size =
                Some((u32::from_le_bytes([w0, w1, w2, 0]) + 1, u32::from_le_bytes([h0, h1, h2, 0]) + 1));
            webp.alpha = flags & 0x10 != 0;
            webp.animated = flags & 0x02 != 0;
        }
        b"VP8 " => {
            if let Some(size) = lossy_size(reader, at)? {
                webp.take_picture(size, "lossy");
            }
        }
        b"VP8L" => {
            if let Some((size, alpha)) = lossless_size(reader, at)? {
                webp.alpha |= alpha;
                webp.take_picture(size, "lossless");
            }
        }
        b"ALPH" => webp.alpha = true,
        b"ANMF" => {
            webp.frames += 1;
            // A frame's 16 bytes of place and time, then the chunk of its picture, perhaps after one of alpha.
            let coding = match reader.array::<4>(at + 16)? {
                Some([b'V', b'P', b'8', b'L']) => Some("lossless"),
                Some([b'V', b'P', b'8', b' '] | [b'A', b'L', b'P', b'H']) => Some("lossy"),
                _ => None,
            };
            webp.has_picture |= coding.is_some();
            webp.coding = webp.coding.or(coding);
        }
        _ => {}
    }
    Ok(())
}

/// The size in a lossy key frame's header (RFC 6386, section 9.1).
fn lossy_size(reader: &mut Reader<'_>, at: u64) -> io::Result<Option<(u32, u32)>> {
    let Some([tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]) = reader.array::<10>(at)? else {
        return Ok(None);
    };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    let (width, height) = (side(w0, w1), side(h0, h1));
    let is_key_frame = tag & 1 == 0;
    Ok((is_key_frame && width > 0 && height > 0).then_some((width, height)))
}

/// The size and the alpha hint of a lossless picture (RFC 9649, section 3.4).
fn lossless_size(reader: &mut Reader<'_>, at: u64) -> io::Result<Option<((u32, u32), bool)>> {
    let Some([0x2f, bits @ ..]) = reader.array::<5>(at)? else { return Ok(None) };
    let bits = u32::from_le_bytes(bits);
    let size = ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
    let version = bits >> 29;
    Ok((version == 0).then_some((size, bits >> 28 & 1 == 1)))
}

impl Webp {
    fn take_picture(&mut self, size: (u32, u32), coding: &'static str) {
        self.size.get_or_insert(size);
        self.coding.get_or_insert(coding);
        self.has_picture = true;
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts {
            width: self.size.map(|(width, _)| width),
            height: self.size.map(|(_, height)| height),
            coding: self.coding,
            alpha: Some(self.alpha),
            animated: Some(self.animated),
            frames: self.animated.then_some(self.frames),
            ..Facts::default()
        }
    }
}

/// Judges `image/webp`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Webp(webp) = content else { return case.note_other_type() };
    let (true, Some((width, height))) = (webp.has_picture, webp.size) else {
        return case.note(Rule::Undecodable, "it is a WebP without a picture");
    };
    if !webp.animated {
        judge_static_size(case);
    }
    if (width, height) != (STICKER_PIXELS, STICKER_PIXELS) {
        case.note(
            Rule::StickerSize,
            format!("it is {width} × {height} pixels; stickers are asked to be 512 × 512"),
        );
    }
    super::judge_canvas(case, width, height, super::HUGE_PIXELS);
    if webp.cut {
        case.note(Rule::Damaged, "its chunks reach past the end of the file: it is cut off");
    }
    if webp.trailing_bytes > 0 {
        case.note(Rule::TrailingData, format!("{} bytes follow its end", webp.trailing_bytes));
    }
}

fn judge_static_size(case: &mut Case<'_>) {
    let (bytes, limit) = (case.bytes, STATIC_STICKER_MAX_BYTES);
    if bytes > case.declared.max_bytes {
        // Too large for any sticker, and said so.
    } else if bytes > limit {
        case.note(
            Rule::TooLarge,
            format!("a static sticker may be at most {limit} bytes, this file has {bytes}"),
        );
    } else if bytes > 100_000 {
        case.note(
            Rule::NearLimit,
            format!("{bytes} bytes lie between the decimal limit of 100000 and the binary one of {limit}"),
        );
    }
}
