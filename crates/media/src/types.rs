//! The table of media types: one row each, with its kind, its limit and the probe that judges it.
//!
//! Deliberately not here: what a probe looks for; that is [`crate::inspect`] and the files under `probe`.

use std::fmt;

use crate::MimeType;
use crate::case::Case;
use crate::probe;

/// One kibibyte.
const KIB: u64 = 1024;
/// One mebibyte. The vendors write MB; limits are read as the binary ones.
const MIB: u64 = 1024 * KIB;

/// The largest upload of any type: 100 MiB (documented by the vendor).
pub const GREATEST_MAX_BYTES: u64 = 100 * MIB;

/// A static sticker's limit, which only inspection can apply: 100 KiB (documented by the vendor).
pub const STATIC_STICKER_MAX_BYTES: u64 = 100 * KIB;

/// What a message carries; decides which rules apply to a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound.
    Audio,
    /// A file that is handed over as it is.
    Document,
    /// A still picture.
    Image,
    /// A picture in a chat's own style, WebP.
    Sticker,
    /// Moving pictures.
    Video,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Audio, Self::Document, Self::Image, Self::Sticker, Self::Video];

    /// The name in the API's bodies: lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Image => "image",
            Self::Sticker => "sticker",
            Self::Video => "video",
        }
    }

    /// The kind that a type is of by its name alone; what is neither seen nor heard is a document.
    pub fn of(mime: &str) -> Self {
        match mime.split('/').next() {
            Some("audio") => Self::Audio,
            Some("image") => Self::Image,
            Some("video") => Self::Video,
            _ => Self::Document,
        }
    }
}

/// The name as the vendor's texts use it: `Audio file uploaded with mimetype as …`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Audio => "Audio",
            Self::Document => "Document",
            Self::Image => "Image",
            Self::Sticker => "Sticker",
            Self::Video => "Video",
        })
    }
}

/// One row: a type that uploads may declare.
#[derive(Debug, Clone, Copy)]
pub struct MediaType {
    /// The essence, as in retrieved records.
    pub mime: &'static str,
    /// What a message carries it as.
    pub kind: Kind,
    /// The largest upload in bytes; a static sticker's lower limit is a rule of inspection.
    pub max_bytes: u64,
    /// The usual file name extension, without the dot.
    pub extension: &'static str,
    /// Other extensions that files of this type carry.
    pub also: &'static [&'static str],
    /// What a person calls it.
    pub name: &'static str,
    /// Judges recognised content under this row's rules.
    pub(crate) probe: fn(&mut Case<'_>),
}

impl PartialEq for MediaType {
    fn eq(&self, other: &Self) -> bool {
        self.mime == other.mime
    }
}

impl Eq for MediaType {}

/// A row is written as its `mime`.
impl serde::Serialize for MediaType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.mime)
    }
}

/// Every media type on the upload list (documented by the vendor).
#[rustfmt::skip]
pub const MEDIA_TYPES: &[MediaType] = &[
    MediaType { mime: "audio/aac", kind: Kind::Audio, max_bytes: 16 * MIB, extension: "aac", also: &["adts"], name: "AAC audio", probe: probe::aac::judge },
    MediaType { mime: "audio/amr", kind: Kind::Audio, max_bytes: 16 * MIB, extension: "amr", also: &[], name: "AMR audio", probe: probe::amr::judge },
    MediaType { mime: "audio/mp4", kind: Kind::Audio, max_bytes: 16 * MIB, extension: "m4a", also: &["mp4", "m4b"], name: "MP4 audio", probe: probe::mp4::judge_audio },
    MediaType { mime: "audio/mpeg", kind: Kind::Audio, max_bytes: 16 * MIB, extension: "mp3", also: &["mpga"], name: "MP3 audio", probe: probe::mpeg::judge },
    MediaType { mime: "audio/ogg", kind: Kind::Audio, max_bytes: 16 * MIB, extension: "ogg", also: &["opus", "oga"], name: "Ogg audio with Opus", probe: probe::ogg::judge },
    MediaType { mime: "audio/opus", kind: Kind::Audio, max_bytes: 16 * MIB, extension: "opus", also: &["ogg"], name: "Opus audio", probe: probe::ogg::refuse_opus },
    MediaType { mime: "application/msword", kind: Kind::Document, max_bytes: 100 * MIB, extension: "doc", also: &["dot"], name: "Word 97 document", probe: probe::ole::judge },
    MediaType { mime: "application/pdf", kind: Kind::Document, max_bytes: 100 * MIB, extension: "pdf", also: &[], name: "PDF document", probe: probe::pdf::judge },
    MediaType { mime: "application/vnd.ms-excel", kind: Kind::Document, max_bytes: 100 * MIB, extension: "xls", also: &["xlt"], name: "Excel 97 workbook", probe: probe::ole::judge },
    MediaType { mime: "application/vnd.ms-powerpoint", kind: Kind::Document, max_bytes: 100 * MIB, extension: "ppt", also: &["pps", "pot"], name: "PowerPoint 97 presentation", probe: probe::ole::judge },
    MediaType { mime: "application/vnd.openxmlformats-officedocument.presentationml.presentation", kind: Kind::Document, max_bytes: 100 * MIB, extension: "pptx", also: &[], name: "PowerPoint presentation", probe: probe::ooxml::judge },
    MediaType { mime: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", kind: Kind::Document, max_bytes: 100 * MIB, extension: "xlsx", also: &[], name: "Excel workbook", probe: probe::ooxml::judge },
    MediaType { mime: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", kind: Kind::Document, max_bytes: 100 * MIB, extension: "docx", also: &[], name: "Word document", probe: probe::ooxml::judge },
    MediaType { mime: "text/plain", kind: Kind::Document, max_bytes: 100 * MIB, extension: "txt", also: &[], name: "plain text", probe: probe::text::judge },
    MediaType { mime: "image/jpeg", kind: Kind::Image, max_bytes: 5 * MIB, extension: "jpg", also: &["jpeg", "jpe", "jfif"], name: "JPEG image", probe: probe::jpeg::judge },
    MediaType { mime: "image/png", kind: Kind::Image, max_bytes: 5 * MIB, extension: "png", also: &["apng"], name: "PNG image", probe: probe::png::judge },
    MediaType { mime: "image/webp", kind: Kind::Sticker, max_bytes: 500 * KIB, extension: "webp", also: &[], name: "WebP sticker", probe: probe::webp::judge },
    MediaType { mime: "video/3gpp", kind: Kind::Video, max_bytes: 16 * MIB, extension: "3gp", also: &["3gpp"], name: "3GP video", probe: probe::mp4::judge_video },
    MediaType { mime: "video/mp4", kind: Kind::Video, max_bytes: 16 * MIB, extension: "mp4", also: &["m4v", "mpg4", "mp4v"], name: "MP4 video", probe: probe::mp4::judge_video },
];

/// The row of a declared type; `None` when it is not on the upload list.
///
/// `audio/opus` has a row, because uploads may declare it; inspection refuses it, as the vendor does at send.
pub fn find(declared: &MimeType) -> Option<&'static MediaType> {
    row(declared.as_str())
}

/// The row of an essence.
pub(crate) fn row(mime: &str) -> Option<&'static MediaType> {
    MEDIA_TYPES.iter().find(|row| row.mime == mime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_limit_is_the_greatest() {
        assert_eq!(MEDIA_TYPES.iter().map(|row| row.max_bytes).max(), Some(GREATEST_MAX_BYTES));
    }

    #[test]
    fn every_row_is_found_by_its_own_name_once() {
        for row in MEDIA_TYPES {
            assert_eq!(find(&MimeType::parse(row.mime).unwrap()), Some(row));
            assert_eq!(MEDIA_TYPES.iter().filter(|other| other.mime == row.mime).count(), 1);
        }
    }
}
