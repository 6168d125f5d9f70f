//! Commands that would mend a refused file, where a conversion can: each writes what is then taken.
//!
//! Deliberately not here: what ffmpeg and cwebp do not read (HEIC, xHE-AAC), and videos too long for any bearable picture.

use crate::verdict::Hint;
use crate::{Facts, Kind, MediaType, Rule};

/// H.264 wants even sides.
const VIDEO: &str = "ffmpeg -i INPUT -map 0:v:0 -map '0:a:0?' -vf 'pad=ceil(iw/2)*2:ceil(ih/2)*2' -c:v libx264 -profile:v main -pix_fmt yuv420p -c:a aac -ac 2 -movflags +faststart OUTPUT.mp4";
const VIDEO_SOUND: &str =
    "ffmpeg -i INPUT -map 0:v:0 -map 0:a:0 -c:v copy -c:a aac -movflags +faststart OUTPUT.mp4";
const VIDEO_COPY: &str = "ffmpeg -i INPUT -map 0:v:0 -map '0:a:0?' -c copy -movflags +faststart OUTPUT.mp4";
const M4A: &str = "ffmpeg -i INPUT -map 0:a:0 -c:a aac OUTPUT.m4a";
const M4A_COPY: &str = "ffmpeg -i INPUT -map 0:a:0 -c copy OUTPUT.m4a";
const AAC: &str = "ffmpeg -i INPUT -map 0:a:0 -c:a aac OUTPUT.aac";
const MP3: &str = "ffmpeg -i INPUT -map 0:a:0 -c:a libmp3lame OUTPUT.mp3";
const OPUS: &str = "ffmpeg -i INPUT -map 0:a:0 -c:a libopus -ac 1 -b:a 32k OUTPUT.ogg";
const JPEG: &str = "ffmpeg -i INPUT -frames:v 1 -pix_fmt yuvj420p -q:v 3 -update 1 OUTPUT.jpg";
const PNG: &str = "ffmpeg -i INPUT -frames:v 1 -pix_fmt rgba -update 1 OUTPUT.png";
/// 2048 × 2048 pixels at this quality stay under 5 MiB, whatever they show.
const SMALL_JPEG: &str = "ffmpeg -i INPUT -frames:v 1 -vf scale=2048:2048:force_original_aspect_ratio=decrease -pix_fmt yuvj420p -q:v 6 -update 1 OUTPUT.jpg";
const STICKER: &str = "cwebp -resize 512 512 -size 90000 INPUT -o OUTPUT.webp";
/// For what cwebp does not read, and for what is not square: the rest of the canvas stays transparent.
const PADDED_STICKER: &str = "ffmpeg -i INPUT -frames:v 1 -vf scale=512:512:force_original_aspect_ratio=decrease,format=rgba,pad=512:512:-1:-1:black@0 -c:v libwebp -quality 40 OUTPUT.webp";

/// The command for a refusal, if one would mend it.
pub(crate) fn hint(rule: Rule, declared: &MediaType, found_mime: &str, facts: &Facts) -> Option<Hint> {
    let to_declared = || conversion(declared, found_mime, facts);
    let text = match rule {
        Rule::TooLarge => return smaller(declared, found_mime, facts),
        Rule::WrongType | Rule::JunkBeforeFrames => to_declared(),
        Rule::SampleDepth | Rule::ColourModel | Rule::Grayscale | Rule::Palette | Rule::JpegProcess => {
            to_declared()
        }
        Rule::StickerSize => sticker(found_mime, facts),
        Rule::VideoCodec | Rule::RareProfile | Rule::HighProfile => Some(VIDEO),
        Rule::NoVideo | Rule::VideoInAudio | Rule::Audio3gp | Rule::M4aStreams | Rule::AmrWideBand => {
            sound(facts)
        }
        Rule::VideoAudioCodec | Rule::AudioStreams | Rule::SeveralVideos | Rule::MoovLast => video(facts),
        Rule::QuickTimeBrand | Rule::Brand | Rule::ExtraTracks | Rule::Fragmented => match declared.kind {
            Kind::Video => video(facts),
            _ => sound(facts),
        },
        Rule::AacProfile if facts.tracks.iter().any(|track| track.profile.as_deref() == Some("xHE-AAC")) => {
            None
        }
        Rule::M4aCodec | Rule::AacProfile => Some(M4A),
        Rule::AacFraming | Rule::AacTag => Some(AAC),
        Rule::MpegLayer => Some(MP3),
        Rule::OggCodec | Rule::OggStreams | Rule::OpusChannels => codec(facts, "audio").and(Some(OPUS)),
        _ => None,
    };
    text.map(Hint::of)
}

/// The command that makes something of a kind from a file of an unlisted type, if one would.
pub(crate) fn hint_for_kind(kind: Kind, found_mime: &str, facts: &Facts) -> Option<Hint> {
    let text = match (kind, top_level(found_mime)) {
        (Kind::Image, "image") => picture(found_mime, facts, PNG),
        (Kind::Sticker, "image") => sticker(found_mime, facts),
        (Kind::Video, "video") if reads(found_mime) => Some(VIDEO),
        (Kind::Audio, "audio" | "video") if reads(found_mime) => Some(M4A),
        _ => None,
    };
    text.map(Hint::of)
}

/// From what the file is to what was declared, where ffmpeg or cwebp reads the one and writes the other.
fn conversion(declared: &MediaType, found_mime: &str, facts: &Facts) -> Option<&'static str> {
    match (declared.mime, top_level(found_mime)) {
        ("image/jpeg", "image") => picture(found_mime, facts, JPEG),
        ("image/png", "image") => picture(found_mime, facts, PNG),
        ("image/webp", "image") => sticker(found_mime, facts),
        (_, "image") => None,
        _ if !reads(found_mime) => None,
        ("video/mp4" | "video/3gpp", "video") => Some(VIDEO),
        ("audio/ogg", "audio" | "video") => Some(OPUS),
        ("audio/mpeg", "audio" | "video") => Some(MP3),
        ("audio/aac", "audio" | "video") => Some(AAC),
        ("audio/mp4" | "audio/amr", "audio" | "video") => Some(M4A),
        _ => None,
    }
}

/// Types that are of a kind by name, and that ffmpeg does not read or read well.
const NOT_READ: &[&str] = &[
    "image/heic",
    "image/heif",
    "image/emf",
    "image/svg+xml",
    "image/vnd.djvu",
    "image/wmf",
    "image/x-jng",
    "audio/midi",
    "audio/x-sfbk",
    "video/x-mng",
];

fn reads(found_mime: &str) -> bool {
    !NOT_READ.contains(&found_mime)
}

fn top_level(mime: &str) -> &str {
    mime.split('/').next().unwrap_or_default()
}

/// A still picture in another format; ffmpeg reads neither animated WebP nor the rare processes of JPEG.
fn picture(found_mime: &str, facts: &Facts, command: &'static str) -> Option<&'static str> {
    let is_animated_webp = found_mime == "image/webp" && facts.animated == Some(true);
    let is_rare_jpeg = found_mime == "image/jpeg"
        && (facts.bit_depth.is_some_and(|bits| bits > 8)
            || matches!(facts.coding, Some("arithmetic" | "hierarchical")));
    (reads(found_mime) && !is_animated_webp && !is_rare_jpeg).then_some(command)
}

fn sticker(found_mime: &str, facts: &Facts) -> Option<&'static str> {
    let is_square = facts.width.is_some() && facts.width == facts.height;
    let is_for_cwebp = matches!(found_mime, "image/png" | "image/jpeg" | "image/webp")
        && !matches!(facts.color, Some("cmyk" | "ycck"));
    picture(found_mime, facts, if is_square && is_for_cwebp { STICKER } else { PADDED_STICKER })
}

/// The codec of the first track of a kind.
fn codec<'f>(facts: &'f Facts, kind: &str) -> Option<&'f str> {
    facts.tracks.iter().find(|track| track.kind == kind).map(|track| track.codec.as_str())
}

/// A movie as MP4, with as little coded anew as can be.
fn video(facts: &Facts) -> Option<&'static str> {
    match (codec(facts, "video"), codec(facts, "audio")) {
        (Some("h264"), Some("aac") | None) => Some(VIDEO_COPY),
        (Some("h264"), Some(_)) => Some(VIDEO_SOUND),
        (Some(_), _) => Some(VIDEO),
        (None, Some(_)) => sound(facts),
        (None, None) => None,
    }
}

/// The sound alone as M4A.
fn sound(facts: &Facts) -> Option<&'static str> {
    codec(facts, "audio").map(|codec| if codec == "aac" { M4A_COPY } else { M4A })
}

/// The same in fewer bytes.
fn smaller(declared: &MediaType, found_mime: &str, facts: &Facts) -> Option<Hint> {
    match (declared.kind, top_level(found_mime)) {
        (Kind::Sticker, "image") => sticker(found_mime, facts).map(Hint::of),
        (Kind::Image, "image") => picture(found_mime, facts, SMALL_JPEG).map(Hint::of),
        (Kind::Video, "video") if reads(found_mime) => smaller_video(declared.max_bytes, facts.duration_ms?),
        (Kind::Audio, "audio" | "video") if reads(found_mime) => {
            let fits = bits_a_second(declared.max_bytes, facts.duration_ms?) >= 32_000;
            fits.then(|| Hint::of(OPUS))
        }
        _ => None,
    }
}

/// A video at the bit rate that its length leaves, of moderate size.
fn smaller_video(max_bytes: u64, duration_ms: u64) -> Option<Hint> {
    const SOUND_KBITS: u64 = 64;
    let kbits = (bits_a_second(max_bytes, duration_ms) / 1000).saturating_sub(SOUND_KBITS).min(2000);
    // Below, nothing can be seen any more.
    (kbits >= 150).then(|| {
        Hint(format!(
            "ffmpeg -i INPUT -map 0:v:0 -map '0:a:0?' -vf scale=854:854:force_original_aspect_ratio=decrease:force_divisible_by=2 \
             -c:v libx264 -profile:v main -pix_fmt yuv420p -b:v {kbits}k -maxrate {kbits}k -bufsize {kbits}k \
             -c:a aac -ac 2 -b:a {SOUND_KBITS}k -movflags +faststart OUTPUT.mp4"
        ).into())
    })
}

/// Bits a second that fill nine tenths of a limit: containers and encoders take theirs.
fn bits_a_second(max_bytes: u64, duration_ms: u64) -> u64 {
    max_bytes * 8 * 9 / 10 * 1000 / duration_ms.max(1)
}
