//! Sample descriptions: which codec, which profile, and the numbers beside it.

use std::io;

use super::boxes::{Boxes, MediaBox, find};
use super::track::{Handler, Track};
use super::{FourCc, four_cc};
use crate::TrackFacts;
use crate::probe::aac::AudioConfig;
use crate::reader::Reader;

/// Sample descriptions looked at; one is usual, a second when an encoder changed its mind.
const MAX_DESCRIPTIONS: usize = 8;

/// Bytes of a visual sample entry before its boxes (ISO 14496-12: 8 of header not counted).
const VISUAL_ENTRY_BYTES: u64 = 78;

/// Bytes of an audio sample entry before its boxes, in its plain version.
const AUDIO_ENTRY_BYTES: u64 = 28;

/// Names of codecs by their four characters (mp4ra.org, QuickTime File Format).
#[rustfmt::skip]
const CODECS: &[(&FourCc, &str)] = &[
    (b"avc1", "h264"), (b"avc2", "h264"), (b"avc3", "h264"), (b"avc4", "h264"), (b"h264", "h264"), (b"H264", "h264"),
    (b"svc1", "h264-svc"), (b"mvc1", "h264-mvc"), (b"dva1", "dolby-vision"), (b"dvav", "dolby-vision"),
    (b"hvc1", "hevc"), (b"hev1", "hevc"), (b"dvh1", "dolby-vision"), (b"dvhe", "dolby-vision"),
    (b"vvc1", "vvc"), (b"vvi1", "vvc"), (b"av01", "av1"), (b"vp08", "vp8"), (b"vp09", "vp9"),
    (b"s263", "h263"), (b"h263", "h263"), (b"H263", "h263"), (b"d263", "h263"),
    (b"mp1v", "mpeg1"), (b"mp2v", "mpeg2"), (b"m2v1", "mpeg2"), (b"xvid", "mpeg4"), (b"XVID", "mpeg4"), (b"DIVX", "mpeg4"),
    (b"jpeg", "mjpeg"), (b"mjpa", "mjpeg"), (b"mjpb", "mjpeg"), (b"MJPG", "mjpeg"), (b"mjp2", "jpeg2000"), (b"png ", "png"),
    (b"apch", "prores"), (b"apcn", "prores"), (b"apcs", "prores"), (b"apco", "prores"), (b"ap4h", "prores"), (b"ap4x", "prores"),
    (b"SVQ1", "svq1"), (b"SVQ3", "svq3"), (b"cvid", "cinepak"), (b"rle ", "qtrle"), (b"rpza", "rpza"), (b"8BPS", "8bps"),
    (b"raw ", "raw"), (b"2vuy", "raw"), (b"yuv2", "raw"), (b"v210", "raw"), (b"dvc ", "dv"), (b"dvcp", "dv"), (b"vc-1", "vc1"),
    (b"alac", "alac"), (b"ac-3", "ac3"), (b"ec-3", "eac3"), (b"ac-4", "ac4"), (b"Opus", "opus"), (b"fLaC", "flac"),
    (b"dtsc", "dts"), (b"dtsh", "dts"), (b"dtsl", "dts"), (b"dtse", "dts"), (b"mlpa", "truehd"),
    (b"samr", "amr-nb"), (b"sawb", "amr-wb"), (b"sawp", "amr-wb+"), (b"sevc", "evrc"), (b"sqcp", "qcelp"), (b"Qclp", "qcelp"), (b"QDM2", "qdm2"), (b"QDMC", "qdmc"),
    (b".mp3", "mp3"), (b"ms\0U", "mp3"), (b"mha1", "mpeg-h"), (b"mhm1", "mpeg-h"),
    (b"twos", "pcm"), (b"sowt", "pcm"), (b"lpcm", "pcm"), (b"in24", "pcm"), (b"in32", "pcm"), (b"fl32", "pcm"),
    (b"fl64", "pcm"), (b"ipcm", "pcm"), (b"fpcm", "pcm"), (b"NONE", "pcm"), (b"ulaw", "mulaw"), (b"alaw", "alaw"), (b"ima4", "adpcm"),
    (b"tx3g", "tx3g"), (b"wvtt", "webvtt"), (b"stpp", "ttml"), (b"c608", "cea608"), (b"tmcd", "timecode"),
];

/// Codecs by the object type in `esds` (ISO 14496-1, mp4ra.org); MPEG-4 audio is told by its own configuration.
#[rustfmt::skip]
const OBJECT_TYPES: &[(u8, &str)] = &[
    (0x20, "mpeg4"), (0x21, "h264"), (0x23, "hevc"), (0x60, "mpeg2"), (0x61, "mpeg2"), (0x62, "mpeg2"), (0x63, "mpeg2"),
    (0x64, "mpeg2"), (0x65, "mpeg2"), (0x6a, "mpeg1"), (0x6c, "mjpeg"), (0x6d, "png"), (0x6e, "jpeg2000"), (0xb1, "vp9"), (0xa3, "vc1"),
    (0x66, "aac"), (0x67, "aac"), (0x68, "aac"), (0x69, "mp3"), (0x6b, "mp3"), (0xa0, "evrc"), (0xa5, "ac3"), (0xa6, "eac3"),
    (0xa9, "dts"), (0xaa, "dts"), (0xab, "dts"), (0xac, "dts"), (0xad, "opus"), (0xdd, "vorbis"), (0xe0, "dvd-subtitles"), (0xe1, "qcelp"),
];

/// The object type of MPEG-4 audio in `esds`.
const MPEG4_AUDIO: u8 = 0x40;

/// Whether a codec is that of a still picture, which makes a video track a cover.
pub(super) fn is_still(codec: &str) -> bool {
    codec == "png" || codec == "mjpeg"
}

/// Reads `stsd`: the first description in full, of the others the codec.
pub(super) fn read_descriptions(
    reader: &mut Reader<'_>,
    stsd: &MediaBox,
    track: &mut Track,
) -> io::Result<()> {
    let mut entries = Boxes::new(stsd.start + 8, stsd.end);
    let mut first = true;
    for _ in 0..MAX_DESCRIPTIONS {
        let Some(entry) = entries.next(reader)? else { break };
        let mut facts = TrackFacts::default();
        let encrypted = read_entry(reader, &entry, track.handler, &mut facts)?;
        track.encrypted |= encrypted;
        if first {
            facts.duration_ms = track.facts.duration_ms;
            track.facts = facts;
        } else if facts.codec != track.facts.codec {
            track.other_codec.get_or_insert(facts.codec);
        }
        first = false;
    }
    Ok(())
}

/// Reads one description; tells whether it is an encrypted one.
fn read_entry(
    reader: &mut Reader<'_>,
    entry: &MediaBox,
    handler: Handler,
    facts: &mut TrackFacts,
) -> io::Result<bool> {
    let (mut format, mut boxes_at) = (entry.kind, entry.start);
    match handler {
        Handler::Video | Handler::Cover => {
            facts.width = reader.be16(entry.start + 24)?.map(u32::from).filter(|width| *width > 0);
            facts.height = reader.be16(entry.start + 26)?.map(u32::from).filter(|height| *height > 0);
            boxes_at += VISUAL_ENTRY_BYTES;
        }
        Handler::Audio => {
            facts.channels = reader.be16(entry.start + 16)?.map(u32::from).filter(|channels| *channels > 0);
            facts.sample_rate = reader.be16(entry.start + 24)?.map(u32::from).filter(|rate| *rate > 0);
            boxes_at += audio_entry_bytes(reader, entry)?;
        }
        Handler::Text | Handler::Other => {}
    }
    let encrypted = is_protected(&format);
    if encrypted && let Some(sinf) = find(reader, boxes_at, entry.end, b"sinf")? {
        let frma = find(reader, sinf.start, sinf.end, b"frma")?;
        format = frma.map(|frma| reader.array(frma.start)).transpose()?.flatten().unwrap_or(format);
    }
    facts.codec = CODECS
        .iter()
        .find(|(code, _)| **code == format)
        .map_or_else(|| four_cc(&format), |(_, name)| (*name).to_owned());
    read_configuration(reader, boxes_at, entry.end, facts)?;
    Ok(encrypted)
}

/// Descriptions whose samples are encrypted: common encryption, iTunes' and OMA's protection.
fn is_protected(format: &FourCc) -> bool {
    matches!(format, b"encv" | b"enca" | b"enct" | b"encs" | b"drms" | b"drmi" | b"drmt" | b"odcf")
}

/// QuickTime's longer audio descriptions carry their version where ISO has reserved zeros.
fn audio_entry_bytes(reader: &mut Reader<'_>, entry: &MediaBox) -> io::Result<u64> {
    Ok(match reader.be16(entry.start + 8)? {
        // ISO's own version 1 has no extra fields: there a box stands right behind.
        Some(1) if !starts_with_box(reader, entry.start + AUDIO_ENTRY_BYTES)? => AUDIO_ENTRY_BYTES + 16,
        Some(2) => AUDIO_ENTRY_BYTES + 36,
        _ => AUDIO_ENTRY_BYTES,
    })
}

fn starts_with_box(reader: &mut Reader<'_>, at: u64) -> io::Result<bool> {
    let kind = reader.array::<4>(at + 4)?.unwrap_or_default();
    Ok(kind.iter().all(|b| b.is_ascii_alphanumeric() || *b == b' '))
}

/// The boxes behind a description: the decoder's configuration.
fn read_configuration(
    reader: &mut Reader<'_>,
    start: u64,
    end: u64,
    facts: &mut TrackFacts,
) -> io::Result<()> {
    let mut boxes = Boxes::new(start, end);
    while let Some(item) = boxes.next(reader)? {
        match &item.kind {
            b"avcC" => read_avc(reader, &item, facts)?,
            b"esds" => read_esds(reader, &item, facts)?,
            b"wave" => {
                if let Some(esds) = find(reader, item.start, item.end, b"esds")? {
                    read_esds(reader, &esds, facts)?;
                }
            }
            b"dOps" => facts.channels = reader.array::<1>(item.start + 1)?.map(|[channels]| channels.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Names of H.264 profiles by `profile_idc` (H.264, annex A).
#[rustfmt::skip]
const AVC_PROFILES: &[(u8, &str)] = &[
    (66, "Baseline"), (77, "Main"), (88, "Extended"), (100, "High"), (110, "High 10"), (122, "High 4:2:2"),
    (244, "High 4:4:4 Predictive"), (144, "High 4:4:4"), (44, "CAVLC 4:4:4 Intra"), (83, "Scalable Baseline"), (86, "Scalable High"),
    (118, "Multiview High"), (128, "Stereo High"),
];

/// The `constraint_set1_flag`, which makes Baseline the constrained one.
const CONSTRAINT_SET1: u8 = 0x40;

fn read_avc(reader: &mut Reader<'_>, avcc: &MediaBox, facts: &mut TrackFacts) -> io::Result<()> {
    let Some([_version, profile, compatibility, level]) = reader.array::<4>(avcc.start)? else {
        return Ok(());
    };
    let name = AVC_PROFILES.iter().find(|(idc, _)| *idc == profile).map(|(_, name)| *name);
    facts.profile = Some(match name {
        Some("Baseline") if compatibility & CONSTRAINT_SET1 != 0 => "Constrained Baseline".to_owned(),
        Some(name) => name.to_owned(),
        None => format!("profile {profile}"),
    });
    facts.level = Some(format!("{}.{}", level / 10, level % 10));
    Ok(())
}

/// The longest elementary stream descriptor looked into.
const MAX_ESDS_BYTES: u64 = 1024;

fn read_esds(reader: &mut Reader<'_>, esds: &MediaBox, facts: &mut TrackFacts) -> io::Result<()> {
    let bytes = reader.at(esds.start, esds.len().min(MAX_ESDS_BYTES) as usize)?;
    let Some(decoder) = decoder_config(bytes) else { return Ok(()) };
    let Some((&object_type, rest)) = decoder.split_first() else { return Ok(()) };
    let average = rest.get(8..12).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    facts.bit_rate = average.filter(|rate| *rate > 0);
    // Object type, flags, buffer size, two bit rates: 13 bytes before the decoder's own configuration.
    let specific = decoder.get(13..).and_then(|rest| descriptor(rest, 5)).map(|(body, _)| body);
    if object_type == MPEG4_AUDIO {
        match specific.and_then(AudioConfig::parse) {
            Some(config) => config.tell(facts),
            None => facts.codec = "aac".to_owned(),
        }
        return Ok(());
    }
    if let Some((_, name)) = OBJECT_TYPES.iter().find(|(code, _)| *code == object_type) {
        facts.codec = (*name).to_owned();
        if matches!(object_type, 0x66..=0x68) {
            facts.profile = Some(["Main", "LC", "SSR"][usize::from(object_type - 0x66)].to_owned());
        }
    } else {
        facts.codec = format!("mp4-object-{object_type:02x}");
    }
    Ok(())
}

/// The decoder configuration inside an elementary stream descriptor.
fn decoder_config(esds: &[u8]) -> Option<&[u8]> {
    // Four bytes of version and flags; some files start with the decoder's descriptor itself.
    let body = esds.get(4..)?;
    let Some((stream, _)) = descriptor(body, 3) else { return descriptor(body, 4).map(|(body, _)| body) };
    let flags = *stream.get(2)?;
    let mut at = 3;
    at += if flags & 0x80 != 0 { 2 } else { 0 };
    at += if flags & 0x40 != 0 { 1 + usize::from(*stream.get(at)?) } else { 0 };
    at += if flags & 0x20 != 0 { 2 } else { 0 };
    descriptor(stream.get(at..)?, 4).map(|(body, _)| body)
}

/// A descriptor of the wanted tag at the start of `bytes`: its body (clamped to what is there) and the rest.
fn descriptor(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, mut rest) = bytes.split_first()?;
    if found != tag {
        return None;
    }
    let mut length = 0usize;
    // A length is up to four groups of seven bits.
    for _ in 0..4 {
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(rest.split_at(length.min(rest.len())))
}
