//! AAC: ADTS frames, the configuration MP4 carries, and the framings that are not taken (ADIF, LATM).

use std::io;

use super::id3;
use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Found, Rule, TrackFacts};

/// Frames walked: enough to rule out chance, and a whole short recording.
const MAX_FRAMES: u32 = 256;

/// Frames that must follow one another for bytes to be ADTS, unless the file ends with fewer.
const SURE_FRAMES: u32 = 3;

/// Samples a second by index (ISO 14496-3, table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/// Object types of ADTS, by its two bits.
const ADTS_PROFILES: [&str; 4] = ["Main", "LC", "SSR", "LTP"];

/// Channels by configuration; 0 leaves it to the stream (ISO 14496-3, table 1.19).
const CHANNELS: [u32; 8] = [0, 1, 2, 3, 4, 5, 6, 8];

/// A run of ADTS frames.
#[derive(Debug)]
pub(crate) struct Adts {
    /// Where the first frame starts; behind 0 stands a tag.
    starts_at: u64,
    header: Header,
    frames: u32,
    /// Whether the walk ended with the file or a tag, so that `frames` are all.
    complete: bool,
    /// Whether the frames stop making sense before the walk was over.
    broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    profile: u8,
    rate_index: u8,
    channels: u8,
}

/// Reads ADTS; `None` when the bytes are not a run of frames, tags before it allowed.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Adts>> {
    let starts_at = id3::skip(reader)?;
    let Some((header, _)) = frame(reader, starts_at)? else { return Ok(None) };
    let mut adts = Adts { starts_at, header, frames: 0, complete: false, broken: false };
    let mut at = starts_at;
    while adts.frames < MAX_FRAMES {
        match frame(reader, at)? {
            Some((next, length)) if next.rate_index == header.rate_index => {
                if at + length > reader.len() {
                    adts.broken = true;
                    break;
                }
                adts.frames += 1;
                at += length;
            }
            _ => {
                let rest = reader.at(at, 16)?;
                adts.complete = rest.is_empty() || id3::is_tag(rest);
                adts.broken = !adts.complete;
                break;
            }
        }
    }
    let sure = adts.frames >= SURE_FRAMES || (adts.frames > 0 && (adts.complete || at >= reader.len()));
    Ok(sure.then_some(adts))
}

/// The header of the frame at `at`, and the frame's length.
fn frame(reader: &mut Reader<'_>, at: u64) -> io::Result<Option<(Header, u64)>> {
    let Some([sync, b1, b2, b3, b4, b5, _]) = reader.array::<7>(at)? else { return Ok(None) };
    // Twelve bits of sync, and the two of the layer, which AAC has zero.
    if sync != 0xff || b1 & 0xf6 != 0xf0 {
        return Ok(None);
    }
    let header = Header { profile: b2 >> 6, rate_index: b2 >> 2 & 0x0f, channels: (b2 & 1) << 2 | b3 >> 6 };
    let length = u64::from(b3 & 0x03) << 11 | u64::from(b4) << 3 | u64::from(b5 >> 5);
    let header_bytes = if b1 & 1 == 0 { 9 } else { 7 };
    Ok((usize::from(header.rate_index) < SAMPLE_RATES.len() && length > header_bytes)
        .then_some((header, length)))
}

/// AAC in a framing that is not taken.
pub(crate) fn read_other_framing(reader: &mut Reader<'_>) -> io::Result<Option<Found>> {
    if reader.array(0)? == Some(*b"ADIF") {
        return Ok(Some(Found { mime: "audio/x-adif", name: "AAC in ADIF" }));
    }
    // LOAS: eleven bits of sync 0x2b7 and thirteen of length, several times over.
    let mut at = 0;
    for frames in 0.. {
        let Some([b0, b1, b2]) = reader.array::<3>(at)? else { return Ok(None) };
        if b0 != 0x56 || b1 & 0xe0 != 0xe0 {
            return Ok(None);
        }
        if frames == SURE_FRAMES {
            break;
        }
        at += 3 + (u64::from(b1 & 0x1f) << 8 | u64::from(b2));
    }
    Ok(Some(Found { mime: "audio/x-latm", name: "AAC in LATM" }))
}

impl Adts {
    pub(crate) fn facts(&self) -> Facts {
        let rate = SAMPLE_RATES[usize::from(self.header.rate_index)];
        // 1024 samples a frame.
        let duration_ms = self.complete.then(|| u64::from(self.frames) * 1024 * 1000 / u64::from(rate));
        Facts {
            duration_ms,
            tracks: vec![TrackFacts {
                kind: "audio",
                codec: "aac".to_owned(),
                profile: Some(ADTS_PROFILES[usize::from(self.header.profile)].to_owned()),
                channels: Some(CHANNELS[usize::from(self.header.channels)]).filter(|channels| *channels > 0),
                sample_rate: Some(rate),
                duration_ms,
                ..TrackFacts::default()
            }],
            ..Facts::default()
        }
    }
}

/// Judges `audio/aac`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let adts = match content {
        Content::Adts(adts) => adts,
        Content::OtherAac(found) => {
            return case.note(Rule::AacFraming, format!("it is {}; ADTS is taken", found.name));
        }
        _ => return case.note_other_type(),
    };
    let profile = ADTS_PROFILES[usize::from(adts.header.profile)];
    if profile != "LC" {
        case.note(
            Rule::AacProfile,
            format!("its AAC object type is {profile}, which not every phone decodes"),
        );
    }
    if adts.starts_at > 0 {
        case.note(Rule::AacTag, format!("a tag of {} bytes stands before its first frame", adts.starts_at));
    }
    if adts.broken {
        case.note(Rule::Damaged, format!("its frames stop making sense after {}", adts.frames));
    }
}

/// The decoder configuration of MPEG-4 audio (ISO 14496-3, 1.6.2.1).
#[derive(Debug)]
pub(super) struct AudioConfig {
    object_type: u32,
    sample_rate: Option<u32>,
    channels: Option<u32>,
}

impl AudioConfig {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut bits = Bits { bytes, at: 0 };
        let object_type = bits.object_type()?;
        let sample_rate = bits.sample_rate()?;
        let channels = CHANNELS.get(bits.take(4)? as usize).copied().filter(|channels| *channels > 0);
        let mut config = Self { object_type, sample_rate, channels };
        if matches!(object_type, 5 | 29) {
            // Spectral band replication doubles the rate and names it.
            config.sample_rate = bits.sample_rate().flatten().or(sample_rate);
        }
        Some(config)
    }

    /// Writes codec, profile, channels and rate.
    pub(super) fn tell(&self, facts: &mut TrackFacts) {
        let (codec, profile) = match self.object_type {
            1 => ("aac", "Main"),
            2 => ("aac", "LC"),
            3 => ("aac", "SSR"),
            4 => ("aac", "LTP"),
            5 => ("aac", "HE-AAC"),
            6 => ("aac", "Scalable"),
            17 => ("aac", "ER LC"),
            19 => ("aac", "ER LTP"),
            20 => ("aac", "ER Scalable"),
            22 => ("aac", "ER BSAC"),
            23 => ("aac", "LD"),
            29 => ("aac", "HE-AAC v2"),
            39 => ("aac", "ELD"),
            42 => ("aac", "xHE-AAC"),
            32 => ("mp1", "layer I"),
            33 => ("mp2", "layer II"),
            34 => ("mp3", "layer III"),
            36 => ("als", "MPEG-4 ALS"),
            37 | 38 => ("sls", "MPEG-4 SLS"),
            8 | 24 => ("celp", "CELP"),
            9 | 25 => ("hvxc", "HVXC"),
            _ => ("unknown", "unknown MPEG-4 audio"),
        };
        facts.codec = codec.to_owned();
        facts.profile = Some(profile.to_owned());
        facts.channels = self.channels.or(facts.channels);
        facts.sample_rate = self.sample_rate.or(facts.sample_rate);
    }
}

/// Bits from the front of some bytes.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            object_type => Some(object_type),
        }
    }

    /// An index, or 24 bits behind the index 15; `None` inside for a reserved index.
    fn sample_rate(&mut self) -> Option<Option<u32>> {
        match self.take(4)? {
            15 => self.take(24).map(Some),
            index => Some(SAMPLE_RATES.get(index as usize).copied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_name_their_object_type() {
        let told = |bytes: &[u8]| {
            let mut facts = TrackFacts::default();
            AudioConfig::parse(bytes).unwrap().tell(&mut facts);
            (facts.profile.unwrap(), facts.sample_rate, facts.channels)
        };
        assert_eq!(told(&[0x12, 0x10]), ("LC".to_owned(), Some(44100), Some(2)));
        assert_eq!(told(&[0x2b, 0x09, 0x88, 0x00]), ("HE-AAC".to_owned(), Some(48000), Some(1)));
        assert_eq!(told(&[0xf9, 0x46, 0x43]).0, "xHE-AAC");
        assert!(AudioConfig::parse(&[0x12]).is_none());
    }
}
