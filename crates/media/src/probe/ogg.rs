//! Ogg: which codecs its streams start with, and how long the sound is.

use std::io;

use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Found, Rule, TrackFacts};

/// Pages at the start that may each begin a stream.
const MAX_STREAMS: usize = 16;

/// The tail looked at for the last page, whose position tells the duration. A page has at most 65307 bytes.
const TAIL_BYTES: usize = 64 * 1024;

/// Opus counts its positions at this rate whatever the input had (RFC 7845, section 4).
const OPUS_RATE: u64 = 48_000;

/// The streams of an Ogg file.
#[derive(Debug)]
pub(crate) struct Ogg {
    streams: Vec<Stream>,
    duration_ms: Option<u64>,
    /// Whether pages follow those that begin the streams.
    has_body: bool,
}

#[derive(Debug)]
struct Stream {
    serial: u32,
    codec: &'static str,
    is_video: bool,
    channels: Option<u32>,
    sample_rate: Option<u32>,
    pre_skip: u16,
}

/// A page's header.
struct Page {
    flags: u8,
    serial: u32,
    body_at: u64,
    end: u64,
}

/// First bytes of the codecs that are known in Ogg: name, and whether it is a picture.
#[rustfmt::skip]
const CODECS: &[(&[u8], &str, bool)] = &[
    (b"OpusHead", "opus", false),
    (b"\x01vorbis", "vorbis", false),
    (b"\x7fFLAC", "flac", false),
    (b"fLaC", "flac", false),
    (b"Speex   ", "speex", false),
    (b"PCM     ", "pcm", false),
    (b"CELT    ", "celt", false),
    (b"\x80theora", "theora", true),
    (b"BBCD\0", "dirac", true),
    (b"OVP80", "vp8", true),
    (b"\x01video", "ogm-video", true),
    (b"\x01audio", "ogm-audio", false),
    (b"\x80daala", "daala", true),
    (b"fishead\0", "skeleton", false),
    (b"CMML\0\0\0\0", "cmml", false),
    (b"\x80kate\0\0\0", "kate", false),
];

/// Reads an Ogg; `None` when the bytes do not start like one.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Ogg>> {
    let mut ogg = Ogg { streams: Vec::new(), duration_ms: None, has_body: false };
    let mut at = 0;
    while ogg.streams.len() < MAX_STREAMS {
        let Some(page) = page(reader, at)? else { break };
        let begins_stream = page.flags & 2 != 0;
        if !begins_stream {
            ogg.has_body = true;
            break;
        }
        ogg.streams.push(read_stream(reader, &page)?);
        at = page.end;
    }
    if ogg.streams.is_empty() && !ogg.has_body {
        return Ok(None);
    }
    ogg.duration_ms = duration_ms(reader, &ogg)?;
    Ok(Some(ogg))
}

fn page(reader: &mut Reader<'_>, at: u64) -> io::Result<Option<Page>> {
    let Some(header) = reader.array::<27>(at)? else { return Ok(None) };
    if header[..5] != *b"OggS\0" {
        return Ok(None);
    }
    let segments = usize::from(header[26]);
    let lacing = reader.at(at + 27, segments)?;
    let body_bytes: u64 = lacing.iter().map(|length| u64::from(*length)).sum();
    let body_at = at + 27 + segments as u64;
    let serial = u32::from_le_bytes([header[14], header[15], header[16], header[17]]);
    Ok(Some(Page { flags: header[5], serial, body_at, end: body_at + body_bytes }))
}

fn read_stream(reader: &mut Reader<'_>, page: &Page) -> io::Result<Stream> {
    let head = reader.at(page.body_at, (page.end - page.body_at).min(64) as usize)?;
    let known = CODECS.iter().find(|(magic, ..)| head.starts_with(magic));
    let (codec, is_video) = known.map_or(("unknown", false), |(_, codec, is_video)| (*codec, *is_video));
    let mut stream =
        Stream { serial: page.serial, codec, is_video, channels: None, sample_rate: None, pre_skip: 0 };
    let byte = |at: usize| head.get(at).copied().unwrap_or(0);
    let long = |at: usize| u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
    match codec {
        "opus" => {
            stream.channels = Some(byte(9).into());
            stream.pre_skip = u16::from_le_bytes([byte(10), byte(11)]);
            stream.sample_rate = Some(long(12)).filter(|rate| *rate > 0);
        }
        "vorbis" => {
            stream.channels = Some(byte(11).into());
            stream.sample_rate = Some(long(12));
        }
        _ => {}
    }
    Ok(stream)
}

/// The duration of a lone Opus stream, by the position on its last page.
fn duration_ms(reader: &mut Reader<'_>, ogg: &Ogg) -> io::Result<Option<u64>> {
    let [stream] = &ogg.streams[..] else { return Ok(None) };
    if stream.codec != "opus" {
        return Ok(None);
    }
    let tail = reader.at(reader.len().saturating_sub(TAIL_BYTES as u64), TAIL_BYTES)?;
    for hit in memchr::memmem::rfind_iter(tail, b"OggS\0") {
        let Some(page) = tail.get(hit..hit + 18) else { continue };
        let position = page[6..14].try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
        if page[14..] == stream.serial.to_le_bytes() && position != u64::MAX {
            let samples = position.saturating_sub(stream.pre_skip.into());
            return Ok(samples.checked_mul(1000).map(|samples| samples / OPUS_RATE));
        }
    }
    Ok(None)
}

impl Ogg {
    /// The streams of sound and pictures, without indexes and lyrics.
    fn media(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(|stream| !matches!(stream.codec, "skeleton" | "cmml" | "kate"))
    }

    pub(crate) fn found(&self) -> Found {
        if self.media().any(|stream| stream.is_video) {
            return Found { mime: "video/ogg", name: "Ogg video" };
        }
        let name = match self.media().next().map(|stream| stream.codec) {
            Some("opus") => "Ogg audio with Opus",
            Some("vorbis") => "Ogg audio with Vorbis",
            Some("flac") => "Ogg audio with FLAC",
            Some("speex") => "Ogg audio with Speex",
            _ => "Ogg audio",
        };
        Found { mime: "audio/ogg", name }
    }

    pub(crate) fn facts(&self) -> Facts {
        let track = |stream: &Stream| TrackFacts {
            kind: if stream.is_video { "video" } else { "audio" },
            codec: stream.codec.to_owned(),
            channels: stream.channels,
            sample_rate: stream.sample_rate,
            duration_ms: self.duration_ms,
            ..TrackFacts::default()
        };
        Facts { duration_ms: self.duration_ms, tracks: self.media().map(track).collect(), ..Facts::default() }
    }
}

/// Judges `audio/ogg`: Opus only (documented by the vendor); every client declares it without its codec.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Ogg(ogg) = content else { return case.note_other_type() };
    let codecs: Vec<&str> = ogg.media().map(|stream| stream.codec).collect();
    if let Some(codec) = codecs.iter().find(|codec| **codec != "opus") {
        // The vendor's texts know Ogg by its codec: anything but Opus is unknown data to them.
        let found = ogg.found().mime;
        case.found_as = Some(if found == "audio/ogg" { Found::UNKNOWN.mime } else { found }.to_owned());
        return case.note(Rule::OggCodec, format!("it carries {codec}; only opus is taken in Ogg"));
    }
    let Some(stream) = ogg.media().next() else {
        return case.note(
            Rule::Undecodable,
            "it does not begin with a stream's first page: it was cut out of a longer file",
        );
    };
    let channels = stream.channels.unwrap_or(0);
    if channels == 0 {
        return case.note(Rule::Undecodable, "its Opus header names no channel");
    }
    if !ogg.has_body {
        return case.note(Rule::Undecodable, "it ends after its first page");
    }
    if codecs.len() > 1 {
        case.note(Rule::OggStreams, format!("it carries {} Opus streams", codecs.len()));
    }
    if channels > 1 {
        case.note(
            Rule::OpusChannels,
            format!("its Opus has {channels} channels; one page of the vendor's says mono only"),
        );
    }
}

/// Judges `audio/opus`, which the upload list has and no message takes.
pub(crate) fn refuse_opus(case: &mut Case<'_>) {
    case.note(Rule::UnsupportedType, "audio/opus passes the upload list, and no message takes it");
}
