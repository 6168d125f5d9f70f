//! MPEG audio: layers I to III, recognised by frames that follow one another.

use std::io;

use memchr::memchr_iter;

use super::id3;
use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Found, Rule, TrackFacts};

/// Frames walked to be sure and to see one bit rate or several.
const MAX_FRAMES: u32 = 32;

/// Frames that must follow one another for bytes at the start to be MPEG audio.
const SURE_FRAMES: u32 = 2;

/// Frames that must follow one another behind bytes that are no tag.
const SURE_FRAMES_BEHIND_JUNK: u32 = 6;

/// Bytes looked through for a first frame behind junk.
const MAX_JUNK_BYTES: usize = 64 * 1024;

/// The longest frame whose length is not told by its bit rate ("free format").
const MAX_FREE_BYTES: usize = 8 * 1024;

/// Bit rates in kbit/s by version (1, then 2 and 2.5), layer and index (ISO 11172-3, ISO 13818-3).
const BIT_RATES: [[[u16; 15]; 3]; 2] = [
    [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    ],
    [
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ],
];

/// A run of MPEG audio frames.
#[derive(Debug)]
pub(crate) struct MpegAudio {
    first: Header,
    /// Bytes before the first frame that are no tag.
    junk_bytes: u64,
    /// Bytes of audio, from the first frame to the end.
    audio_bytes: u64,
    frames: u32,
    /// Whether all walked frames have one bit rate.
    constant: bool,
    broken: bool,
    /// Frames in all, as the encoder's own first frame tells.
    told_frames: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// 1, 2, or 25 for the unofficial 2.5.
    version: u8,
    layer: u8,
    /// In kbit/s; 0 is free format.
    bit_rate: u16,
    sample_rate: u32,
    padding: bool,
    channels: u32,
}

impl Header {
    fn parse([sync, b1, b2, b3]: [u8; 4]) -> Option<Self> {
        if sync != 0xff || b1 & 0xe0 != 0xe0 {
            return None;
        }
        let (version, shift) = match b1 >> 3 & 3 {
            0 => (25, 2),
            2 => (2, 1),
            3 => (1, 0),
            _ => return None,
        };
        let layer = 4 - (b1 >> 1 & 3);
        let bit_rates = BIT_RATES[usize::from(version != 1)].get(usize::from(layer) - 1)?;
        let bit_rate = *bit_rates.get(usize::from(b2 >> 4))?;
        let sample_rate = [44100, 48000, 32000].get(usize::from(b2 >> 2 & 3))? >> shift;
        let channels = if b3 >> 6 == 3 { 1 } else { 2 };
        Some(Self { version, layer, bit_rate, sample_rate, padding: b2 & 2 != 0, channels })
    }

    /// Whether two frames may belong to one stream.
    fn agrees(&self, other: &Self) -> bool {
        (self.version, self.layer, self.sample_rate) == (other.version, other.layer, other.sample_rate)
    }

    fn samples(&self) -> u32 {
        match (self.layer, self.version) {
            (1, _) => 384,
            (3, 2 | 25) => 576,
            _ => 1152,
        }
    }

    /// The frame's length; `None` in free format.
    fn frame_bytes(&self) -> Option<u64> {
        let slot = if self.layer == 1 { 4 } else { 1 };
        let bits = u64::from(self.bit_rate) * 1000;
        let slots = u64::from(self.samples()) / 8 * bits / u64::from(self.sample_rate) / slot;
        (bits > 0).then_some((slots + u64::from(self.padding)) * slot)
    }
}

/// Reads MPEG audio at the start, tags before it allowed.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<MpegAudio>> {
    let at = id3::skip(reader)?;
    let audio = read_from(reader, at)?;
    let sure = |audio: &MpegAudio| audio.frames >= SURE_FRAMES || (audio.frames == 1 && !audio.broken);
    if audio.as_ref().is_some_and(sure) {
        return Ok(audio);
    }
    // Some taggers say a wrong length: what stands behind a tag is looked through too.
    if at > 0 { read_behind_junk(reader, at.min(reader.len())) } else { Ok(None) }
}

/// Reads MPEG audio behind bytes that are no tag; asked last, when the bytes are nothing else.
pub(crate) fn read_behind_junk(reader: &mut Reader<'_>, start: u64) -> io::Result<Option<MpegAudio>> {
    let piece = reader.at(start, MAX_JUNK_BYTES)?;
    let looks_right = |at: &usize| {
        piece.get(*at..at + 4).is_some_and(|b| b.try_into().is_ok_and(|b| Header::parse(b).is_some()))
    };
    let candidates: Vec<usize> = memchr_iter(0xff, piece).filter(looks_right).take(512).collect();
    for offset in candidates {
        let audio = read_from(reader, start + offset as u64)?;
        // Frames of the other layers are short enough to be met by chance.
        let is_sure = |audio: &MpegAudio| audio.first.layer == 3 && audio.frames >= SURE_FRAMES_BEHIND_JUNK;
        if let Some(audio) = audio.filter(is_sure) {
            return Ok(Some(MpegAudio { junk_bytes: offset as u64, ..audio }));
        }
    }
    Ok(None)
}

fn read_from(reader: &mut Reader<'_>, starts_at: u64) -> io::Result<Option<MpegAudio>> {
    let Some(first) = reader.array(starts_at)?.and_then(Header::parse) else { return Ok(None) };
    let free_bytes = if first.bit_rate == 0 { free_frame_bytes(reader, starts_at, first)? } else { None };
    let mut audio = MpegAudio {
        first,
        junk_bytes: 0,
        audio_bytes: reader.len() - starts_at,
        frames: 0,
        constant: true,
        broken: false,
        told_frames: told_frames(reader, starts_at)?,
    };
    let mut at = starts_at;
    while audio.frames < MAX_FRAMES {
        let rest = reader.at(at, 16)?;
        if rest.is_empty() || id3::is_tag(rest) {
            break;
        }
        let header = rest.get(..4).and_then(|bytes| Header::parse(bytes.try_into().ok()?));
        let Some(header) = header.filter(|header| header.agrees(&first)) else {
            audio.broken = true;
            break;
        };
        let Some(length) = header.frame_bytes().or(free_bytes.map(|bytes| bytes + u64::from(header.padding)))
        else {
            audio.broken = true;
            break;
        };
        if at + length > reader.len() {
            // A last frame cut short is how many recordings end.
            audio.broken = audio.frames == 0;
            break;
        }
        audio.constant &= header.bit_rate == first.bit_rate;
        audio.frames += 1;
        at += length;
    }
    Ok((audio.frames > 0).then_some(audio))
}

/// The length of a free-format frame without padding: the way to the next header of the same stream.
fn free_frame_bytes(reader: &mut Reader<'_>, at: u64, first: Header) -> io::Result<Option<u64>> {
    let piece = reader.at(at, MAX_FREE_BYTES)?;
    let next = memchr_iter(0xff, piece).skip(1).find(|hit| {
        let header = piece.get(*hit..hit + 4).and_then(|bytes| Header::parse(bytes.try_into().ok()?));
        header.is_some_and(|header| header.agrees(&first) && header.bit_rate == 0)
    });
    Ok(next.map(|next| next as u64 - u64::from(first.padding)))
}

/// The count of frames in the Xing, Info or VBRI header of an encoder's first frame.
fn told_frames(reader: &mut Reader<'_>, at: u64) -> io::Result<Option<u32>> {
    let head = reader.at(at, 256)?;
    let field =
        |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    // Behind the header and the side information, whose length goes by version and channels.
    for start in [13, 21, 36] {
        if matches!(head.get(start..start + 4), Some(b"Xing" | b"Info"))
            && field(start + 4).unwrap_or(0) & 1 == 1
        {
            return Ok(field(start + 8));
        }
    }
    Ok(if head.get(36..40) == Some(b"VBRI") { field(50) } else { None })
}

impl MpegAudio {
    pub(crate) fn found(&self) -> Found {
        let name = match self.first.layer {
            1 => "MPEG audio layer I (MP1)",
            2 => "MPEG audio layer II (MP2)",
            _ => "MP3 audio",
        };
        Found { mime: "audio/mpeg", name }
    }

    pub(crate) fn facts(&self) -> Facts {
        let first = self.first;
        let told = self.told_frames.map(|frames| {
            u64::from(frames) * u64::from(first.samples()) * 1000 / u64::from(first.sample_rate)
        });
        let bit_rate =
            (self.constant && first.bit_rate > 0 && self.told_frames.is_none()).then_some(first.bit_rate);
        // kbit/s are bits a millisecond.
        let duration_ms = told.or(bit_rate.map(|rate| self.audio_bytes * 8 / u64::from(rate)));
        let version = match first.version {
            25 => "2.5".to_owned(),
            version => version.to_string(),
        };
        Facts {
            duration_ms,
            tracks: vec![TrackFacts {
                kind: "audio",
                codec: format!("mp{}", first.layer),
                profile: Some(format!(
                    "MPEG-{version} layer {}",
                    ["I", "II", "III"][usize::from(first.layer - 1)]
                )),
                channels: Some(first.channels),
                sample_rate: Some(first.sample_rate),
                bit_rate: bit_rate.map(|rate| u32::from(rate) * 1000),
                duration_ms,
                ..TrackFacts::default()
            }],
            ..Facts::default()
        }
    }
}

/// Judges `audio/mpeg`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::MpegAudio(audio) = content else { return case.note_other_type() };
    if audio.first.layer != 3 {
        case.note(Rule::MpegLayer, format!("it is {}; layer III (MP3) is taken", audio.found().name));
    }
    if audio.junk_bytes > 0 {
        case.found_as = Some(Found::UNKNOWN.mime.to_owned());
        case.note(
            Rule::JunkBeforeFrames,
            format!("{} bytes that are no tag stand before its first frame", audio.junk_bytes),
        );
    }
    if audio.frames == 1 {
        case.note(Rule::Undecodable, "it is a single frame, which decodes to nothing");
    } else if audio.broken {
        case.note(Rule::Damaged, format!("its frames stop making sense after {}", audio.frames));
    }
}
