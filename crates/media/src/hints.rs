//! Commands that would mend a refused file, where a conversion can.

use crate::verdict::Hint;
use crate::{Kind, MediaType, Rule};

const VIDEO: Hint = Hint(
    "ffmpeg -i INPUT -map 0:v:0 -map '0:a:0?' -c:v libx264 -profile:v main -pix_fmt yuv420p -c:a aac -ac 2 -movflags +faststart OUTPUT.mp4",
);
const VIDEO_SOUND: Hint =
    Hint("ffmpeg -i INPUT -map 0:v:0 -map 0:a:0 -c:v copy -c:a aac -movflags +faststart OUTPUT.mp4");
const VIDEO_COPY: Hint =
    Hint("ffmpeg -i INPUT -map 0:v:0 -map '0:a:0?' -c copy -movflags +faststart OUTPUT.mp4");
const M4A: Hint = Hint("ffmpeg -i INPUT -map 0:a:0 -c:a aac OUTPUT.m4a");
const M4A_COPY: Hint = Hint("ffmpeg -i INPUT -map 0:a:0 -c copy OUTPUT.m4a");
const AAC: Hint = Hint("ffmpeg -i INPUT -map 0:a:0 -c:a aac OUTPUT.aac");
const MP3: Hint = Hint("ffmpeg -i INPUT -map 0:a:0 -c:a libmp3lame OUTPUT.mp3");
const OPUS: Hint = Hint("ffmpeg -i INPUT -map 0:a:0 -c:a libopus -ac 1 -b:a 32k OUTPUT.ogg");
const JPEG: Hint = Hint("ffmpeg -i INPUT -frames:v 1 -pix_fmt yuvj420p OUTPUT.jpg");
const PNG: Hint = Hint("ffmpeg -i INPUT -frames:v 1 -pix_fmt rgba OUTPUT.png");
const STICKER: Hint = Hint("cwebp -resize 512 512 -size 100000 INPUT -o OUTPUT.webp");

/// The command for a refusal, if one would mend it.
pub(crate) fn hint(rule: Rule, declared: &MediaType, found_mime: &str) -> Option<Hint> {
    match rule {
        Rule::WrongType | Rule::JunkBeforeFrames => conversion(declared, found_mime),
        Rule::VideoCodec | Rule::RareProfile | Rule::HighProfile => Some(VIDEO),
        Rule::VideoAudioCodec => Some(VIDEO_SOUND),
        Rule::AudioStreams | Rule::SeveralVideos | Rule::MoovLast | Rule::Fragmented => Some(VIDEO_COPY),
        Rule::QuickTimeBrand | Rule::Brand | Rule::ExtraTracks if declared.kind == Kind::Video => {
            Some(VIDEO_COPY)
        }
        Rule::QuickTimeBrand | Rule::Brand | Rule::ExtraTracks | Rule::Audio3gp | Rule::M4aStreams => {
            Some(M4A_COPY)
        }
        Rule::NoVideo => Some(M4A_COPY),
        Rule::VideoInAudio | Rule::M4aCodec | Rule::AacProfile | Rule::AmrWideBand => Some(M4A),
        Rule::AacFraming | Rule::AacTag => Some(AAC),
        Rule::MpegLayer => Some(MP3),
        Rule::OggCodec | Rule::OggStreams | Rule::OpusChannels => Some(OPUS),
        Rule::SampleDepth | Rule::ColourModel | Rule::Grayscale | Rule::Palette | Rule::JpegProcess => {
            conversion(declared, "image/png")
        }
        Rule::StickerSize => Some(STICKER),
        Rule::TooLarge => match declared.kind {
            Kind::Sticker => Some(STICKER),
            Kind::Video => Some(VIDEO),
            Kind::Audio => Some(OPUS),
            Kind::Image => Some(JPEG),
            Kind::Document => None,
        },
        _ => None,
    }
}

/// From what the file is to what was declared, where ffmpeg or cwebp reads the one and writes the other.
fn conversion(declared: &MediaType, found_mime: &str) -> Option<Hint> {
    let found = found_mime.split('/').next()?;
    match (declared.mime, found) {
        ("image/jpeg", "image") => Some(JPEG),
        ("image/png", "image") => Some(PNG),
        ("image/webp", "image") => Some(STICKER),
        ("video/mp4" | "video/3gpp", "video") => Some(VIDEO),
        ("audio/ogg", "audio" | "video") => Some(OPUS),
        ("audio/mpeg", "audio" | "video") => Some(MP3),
        ("audio/aac", "audio" | "video") => Some(AAC),
        ("audio/mp4" | "audio/amr", "audio" | "video") => Some(M4A),
        _ => None,
    }
}
