//! What the headers of a file tell, with stable keys; what a file does not tell is left out.

use serde::Serialize;

/// Facts about one file. Absent keys do not apply or are not told by the headers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Facts {
    /// The whole length.
    pub bytes: u64,
    /// Pixels across; of the first video track for a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Bits a channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_depth: Option<u8>,
    /// `rgb`, `rgba`, `grayscale`, `grayscale-alpha`, `palette`, `ycbcr`, `cmyk`, `ycck`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<&'static str>,
    /// How an image is coded: `baseline`, `progressive`, `lossy`, `lossless`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coding: Option<&'static str>,
    /// Whether some pixels may be transparent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<bool>,
    /// Whether the image moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub animated: Option<bool>,
    /// Frames of an animation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// The EXIF orientation, 1 to 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<u8>,
    /// The brands of an MP4, the major one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brands: Vec<String>,
    /// Where the index of an MP4 stands: `first` or `last`, seen from the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moov: Option<&'static str>,
    /// Whether an MP4 is fragmented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragmented: Option<bool>,
    /// The tracks or streams, in file order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracks: Vec<TrackFacts>,
    /// The length in milliseconds, where headers tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The encoding of a text: `ascii`, `utf-8`, `utf-16le`, `utf-16be`, `8-bit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
    /// The version a PDF names in its header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pdf_version: Option<String>,
    /// Whether a password or key protects the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// Whether an Office file carries macros.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macros: Option<bool>,
    /// Entries of a ZIP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
}

/// Facts about one track or stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrackFacts {
    /// `video`, `audio`, `cover`, `text` or `other`.
    pub kind: &'static str,
    /// The codec: `h264`, `aac`, `opus`, …, or the four characters of an unknown one.
    pub codec: String,
    /// Profile or object type: `High`, `LC`, `HE-AAC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Level: `3.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Whether B-frames were seen, where the headers tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b_frames: Option<bool>,
    /// Pixels across.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Samples a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Bits a second, where the header tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_rate: Option<u32>,
    /// The length in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}
