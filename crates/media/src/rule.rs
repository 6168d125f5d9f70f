//! Every rule a file is held to: its stable id, what each strictness makes of it, and what to do about it.
//!
//! The readings and their reasons are told in `docs/media-rules.md`, which a test holds to this table.
//! Deliberately not here: how a rule's breach is noticed; that is the probes' work.

use std::fmt;

/// How doubtful files are taken, where the vendors leave a rule open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    /// Accept what may well work.
    Lenient,
    /// Refuse where a documented rule can be named or the file cannot be what it says; else accept and warn.
    #[default]
    Default,
    /// Refuse what may fail.
    Strict,
}

/// What a broken rule means for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not worth a word.
    Accept,
    /// Accepted, and said.
    Warn,
    /// Refused.
    Refuse,
}

/// Which text of the vendor's a refusal carries as its `details`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// `… however on processing it is of type …`
    OtherType,
    /// `Image is invalid. Please check the image properties; …`
    ImageProperties,
    /// `Unsupported Audio mime type …`
    Unsupported,
    /// `File Too Large: …`
    TooLarge,
    /// No text of the vendor's is known; ours, in that manner.
    Own,
}

/// What one rule is: a row of the table below.
struct Row {
    id: &'static str,
    lenient: Severity,
    default: Severity,
    strict: Severity,
    says: Says,
    remedy: &'static str,
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal: $lenient:ident $default:ident $strict:ident, $says:ident, $remedy:literal;)+) => {
        /// One rule, by its stable id.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule { $($(#[doc = $doc])+ $name,)+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            const fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        id: $id,
                        lenient: Severity::$lenient, default: Severity::$default, strict: Severity::$strict,
                        says: Says::$says,
                        remedy: $remedy,
                    },)+
                }
            }
        }
    };
}

// name = id: lenient default strict, the text its refusal carries, what to do about it
#[rustfmt::skip]
rules! {
    /// No bytes at all.
    Empty = "empty": Refuse Refuse Refuse, OtherType, "Choose a file with content; this one has 0 bytes.";
    /// Over the limit of its type.
    TooLarge = "too-large": Refuse Refuse Refuse, TooLarge, "Make the file smaller: fewer pixels, a lower bit rate, a shorter piece.";
    /// Between the decimal and the binary reading of the limit.
    NearLimit = "near-limit": Accept Warn Refuse, TooLarge, "Stay under the decimal megabyte limit to be sure.";
    /// The bytes are of another type.
    WrongType = "wrong-type": Refuse Refuse Refuse, OtherType, "Declare the type the file really has, or convert the file.";
    /// The bytes are of no type known here.
    Unrecognised = "unrecognised": Refuse Refuse Refuse, OtherType, "Check that the file is complete and not encrypted, or convert it from its original.";
    /// A type on the upload list that no message takes.
    UnsupportedType = "unsupported-type": Refuse Refuse Refuse, Unsupported, "Declare the file as audio/ogg; codecs=opus.";
    /// The name's extension belongs to another type.
    NameDisagrees = "name-disagrees": Accept Warn Warn, OtherType, "Rename the file so that its extension fits its type.";
    /// The `codecs` parameter names another codec than the file has.
    CodecsDisagree = "codecs-disagree": Accept Warn Refuse, OtherType, "Leave the codecs parameter away, or name the codec the file has.";
    /// Judging the structure would take more reading than any honest file needs.
    TooConvoluted = "too-convoluted": Refuse Refuse Refuse, Own, "Write the file anew with a common tool.";
    /// Recognisable, but nothing in it can be decoded.
    Undecodable = "undecodable": Refuse Refuse Refuse, Own, "Write the file anew from its original; this copy is broken.";
    /// Part of the file is damaged or missing.
    Damaged = "damaged": Warn Warn Refuse, Own, "Write the file anew from its original; part of this copy is broken or missing.";
    /// Bytes after the end of the file's own structure.
    TrailingData = "trailing-data": Accept Warn Warn, Own, "Write the file anew to drop what follows its end.";

    /// More or other than 8 bits a channel.
    SampleDepth = "sample-depth": Refuse Refuse Refuse, ImageProperties, "Save the image with 8 bits a channel.";
    /// CMYK or another colour model than RGB.
    ColourModel = "colour-model": Refuse Refuse Refuse, ImageProperties, "Convert the image to RGB.";
    /// Grayscale, under a rule that names RGB and RGBA.
    Grayscale = "grayscale": Accept Warn Refuse, ImageProperties, "Save the image as RGB to be sure.";
    /// Palette, under a rule that names RGB and RGBA.
    Palette = "palette": Accept Warn Refuse, ImageProperties, "Save the image as RGB to be sure.";
    /// Lossless, hierarchical or arithmetic-coded JPEG, JPEG-LS.
    JpegProcess = "jpeg-process": Refuse Refuse Refuse, ImageProperties, "Save the image as baseline or progressive JPEG.";
    /// An animated PNG.
    AnimatedPng = "animated-png": Accept Warn Refuse, ImageProperties, "Expect only the first frame to be shown, or send the animation as video/mp4.";
    /// Further pictures in the file: MPF, gain map, motion photo.
    SeveralPictures = "several-pictures": Accept Warn Warn, ImageProperties, "Expect only the first picture to be shown.";
    /// An EXIF orientation that turns or mirrors the picture.
    Orientation = "orientation": Accept Warn Warn, ImageProperties, "Turn the pixels themselves: not every viewer follows the EXIF orientation.";
    /// More pixels than phones are known to show.
    HugeCanvas = "huge-canvas": Accept Warn Refuse, ImageProperties, "Scale the image down.";
    /// A sticker that is not 512 × 512.
    StickerSize = "sticker-size": Accept Warn Refuse, Own, "Draw the sticker on a canvas of 512 × 512 pixels.";

    /// A video codec other than H.264.
    VideoCodec = "video-codec": Refuse Refuse Refuse, OtherType, "Convert the video to H.264 with AAC sound.";
    /// An audio codec other than AAC in a video.
    VideoAudioCodec = "video-audio-codec": Refuse Refuse Refuse, OtherType, "Convert the sound to AAC.";
    /// More than one audio stream in a video.
    AudioStreams = "audio-streams": Refuse Refuse Refuse, OtherType, "Keep one audio stream, or none.";
    /// A video type without a video track.
    NoVideo = "no-video": Warn Refuse Refuse, OtherType, "Declare the file as audio/mp4.";
    /// An audio type with a video track.
    VideoInAudio = "video-in-audio": Refuse Refuse Refuse, OtherType, "Declare the file as video/mp4, or drop the video track.";
    /// High profile with B-frames.
    HighProfile = "high-profile": Accept Warn Refuse, OtherType, "Encode with Main or Baseline profile: some Android clients do not show High profile with B-frames.";
    /// High 10, High 4:2:2, High 4:4:4 and other H.264 profiles that few phones decode.
    RareProfile = "rare-profile": Warn Warn Refuse, OtherType, "Encode with Main profile and yuv420p: hardly any phone decodes this profile.";
    /// The index stands after the data.
    MoovLast = "moov-last": Accept Warn Warn, Own, "Move the index to the front (faststart).";
    /// A fragmented MP4.
    Fragmented = "fragmented": Accept Warn Refuse, Own, "Write a plain, unfragmented MP4: fragmented files have failed at send.";
    /// More than one video track.
    SeveralVideos = "several-videos": Warn Warn Refuse, OtherType, "Keep one video track.";
    /// Cover pictures, timed text and other tracks.
    ExtraTracks = "extra-tracks": Accept Warn Warn, Own, "Drop the tracks that are neither the picture nor the sound.";
    /// Encrypted tracks: nobody has the key.
    EncryptedMedia = "encrypted-media": Refuse Refuse Refuse, Own, "Send an unprotected copy.";
    /// Only a QuickTime brand.
    QuickTimeBrand = "quicktime-brand": Warn Refuse Refuse, OtherType, "Rewrite the file as MP4; the streams can stay as they are.";
    /// No `ftyp`, or brands of another type than the declared one.
    Brand = "brand": Warn Refuse Refuse, OtherType, "Declare the type the brands name, or rewrite the container.";
    /// Only 3GP brands under `audio/mp4`.
    Audio3gp = "audio-3gp": Accept Warn Refuse, OtherType, "Rewrite the file as M4A.";
    /// A codec other than AAC under `audio/mp4`.
    M4aCodec = "m4a-codec": Accept Warn Refuse, OtherType, "Convert the sound to AAC.";
    /// Several audio tracks under `audio/mp4`.
    M4aStreams = "m4a-streams": Accept Warn Refuse, OtherType, "Keep one audio track.";
    /// An AAC object type other than LC and HE.
    AacProfile = "aac-profile": Accept Warn Refuse, OtherType, "Encode with AAC LC.";

    /// AAC in ADIF or LATM instead of ADTS.
    AacFraming = "aac-framing": Refuse Refuse Refuse, OtherType, "Write the sound as ADTS or as M4A.";
    /// An ID3 tag before the first AAC frame.
    AacTag = "aac-tag": Accept Accept Warn, Own, "Remove the ID3 tag.";
    /// AMR wide band, registered as another type.
    AmrWideBand = "amr-wide-band": Warn Refuse Refuse, OtherType, "Convert the sound to AMR narrow band, AAC or Opus.";
    /// MPEG audio layer I or II.
    MpegLayer = "mpeg-layer": Warn Refuse Refuse, OtherType, "Convert the sound to MP3 (layer III).";
    /// Bytes before the first audio frame that are no tag.
    JunkBeforeFrames = "junk-before-frames": Warn Refuse Refuse, OtherType, "Write the file anew so that it starts with a tag or a frame.";
    /// Ogg with a codec other than Opus.
    OggCodec = "ogg-codec": Refuse Refuse Refuse, OtherType, "Convert the sound to Opus in Ogg.";
    /// More than one Opus stream in an Ogg.
    OggStreams = "ogg-streams": Warn Warn Refuse, OtherType, "Keep one stream.";
    /// Opus that is not mono.
    OpusChannels = "opus-channels": Accept Warn Refuse, OtherType, "Encode in mono: one page of the vendor's says mono input only.";

    /// White space or a byte order mark before `%PDF-`.
    PdfOffset = "pdf-offset": Accept Warn Refuse, Own, "Write the file anew so that it starts with %PDF-.";
    /// Other content before `%PDF-`.
    PdfBehindContent = "pdf-behind-content": Warn Refuse Refuse, OtherType, "Cut away what stands before %PDF-.";
    /// No end, or no cross-reference where the end says.
    PdfDamaged = "pdf-damaged": Accept Warn Refuse, Own, "Write the document anew; readers may fail to open it.";
    /// A password stands before the content.
    DocumentPassword = "document-password": Accept Warn Warn, Own, "Tell the recipient the password another way.";
    /// A macro, template, show or binary variant of an Office type.
    OfficeVariant = "office-variant": Warn Refuse Refuse, OtherType, "Save as the plain document type, without macros.";
    /// Office behind a password: the type cannot be seen.
    OfficeEncrypted = "office-encrypted": Refuse Refuse Refuse, Own, "Remove the password; what it protects cannot be seen.";
    /// An Office format from before 97.
    OfficeOld = "office-old": Accept Warn Refuse, Own, "Save in a current format; readers on phones may not open it.";
    /// An Office ZIP without its list of content types.
    OoxmlIncomplete = "ooxml-incomplete": Warn Refuse Refuse, OtherType, "Save the document anew; its list of parts is missing.";
    /// A list of content types that, as far as it can be read, does not name the plain document.
    ContentTypesUnread = "content-types-unread": Accept Warn Warn, OtherType, "Save the document anew; make sure that it is no template.";

    /// Text in another encoding than UTF-8.
    TextEncoding = "text-encoding": Accept Warn Refuse, OtherType, "Save the text as UTF-8.";
    /// Bytes that no text has.
    TextBinary = "text-binary": Refuse Refuse Refuse, OtherType, "Declare the type the file really has.";
    /// A control character or two that text seldom has.
    TextControl = "text-control": Accept Warn Refuse, OtherType, "Remove the control characters.";
    /// A page-description or markup format that is a type of its own: RTF, PostScript.
    TextFormat = "text-format": Warn Refuse Refuse, OtherType, "Save as PDF or as plain text.";
    /// HTML, JSON, XML or source code as plain text.
    TextMarkup = "text-markup": Accept Accept Warn, OtherType, "Expect the text to be shown as it is written.";
}

impl Rule {
    /// The stable id: lower case, words joined by `-`.
    pub const fn as_str(self) -> &'static str {
        self.row().id
    }

    /// What breaking it means under a strictness.
    pub const fn severity(self, strictness: Strictness) -> Severity {
        let row = self.row();
        match strictness {
            Strictness::Lenient => row.lenient,
            Strictness::Default => row.default,
            Strictness::Strict => row.strict,
        }
    }

    /// What to do about it, as a sentence.
    pub const fn remedy(self) -> &'static str {
        self.row().remedy
    }

    pub(crate) const fn says(self) -> Says {
        self.row().says
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A rule is written as its id.
impl serde::Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_strictness_only_tightens() {
        for (index, rule) in Rule::ALL.iter().enumerate() {
            assert!(Rule::ALL[..index].iter().all(|other| other.as_str() != rule.as_str()), "{rule}");
            let ladder =
                [Strictness::Lenient, Strictness::Default, Strictness::Strict].map(|s| rule.severity(s));
            assert!(ladder.is_sorted(), "{rule}");
            assert!(rule.remedy().ends_with('.'), "{rule}");
        }
    }
}
