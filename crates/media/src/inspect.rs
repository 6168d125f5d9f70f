//! Inspection: read what decides, name what the bytes are, judge them under the declared type.

use std::io;

use crate::case::Case;
use crate::content::Content;
use crate::probe::ooxml;
use crate::reader::Reader;
use crate::types::row;
use crate::{
    Facts, Found, Kind, MEDIA_TYPES, MediaType, MimeType, Rule, Source, Strictness, Verdict, suggest,
};

/// What else is known about a file, and how doubt is taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct InspectOptions<'a> {
    /// How doubtful files are taken.
    pub strictness: Strictness,
    /// The file's base name, if it has one. A name warns and never decides.
    pub file_name: Option<&'a str>,
    /// The `codecs` parameter of the declared type, as [`crate::MimeType::codecs`] gives it.
    pub declared_codecs: Option<&'a str>,
}

/// Judges a file under its declared type.
///
/// Reads headers and structure only, at most 8 MiB in 512 reads of any file, and decodes nothing.
///
/// # Errors
/// Only what the source meets while reading; a bad file is a [`Verdict`], not an error.
pub fn inspect(
    source: &mut dyn Source,
    declared: &'static MediaType,
    options: &InspectOptions<'_>,
) -> io::Result<Verdict> {
    Ok(Examined::read(source)?.judge(declared, options))
}

/// Names what bytes are, by content alone.
///
/// # Errors
/// Only what the source meets while reading.
pub fn identify(source: &mut dyn Source) -> io::Result<Found> {
    Ok(Examined::read(source)?.found())
}

/// A file that was read once, to be judged under any type, or under none.
#[derive(Debug)]
pub struct Examined {
    content: Content,
    bytes: u64,
    is_exhausted: bool,
}

impl Examined {
    /// Reads what decides, within the bounds of [`inspect`].
    ///
    /// # Errors
    /// Only what the source meets while reading.
    pub fn read(source: &mut dyn Source) -> io::Result<Self> {
        let mut reader = Reader::new(source);
        let content = Content::read(&mut reader)?;
        Ok(Self { content, bytes: reader.len(), is_exhausted: reader.is_exhausted() })
    }

    /// What the bytes are.
    pub fn found(&self) -> Found {
        self.content.found()
    }

    /// What the headers tell.
    pub fn facts(&self) -> Facts {
        Facts { bytes: self.bytes, ..self.content.facts() }
    }

    /// Judges the file under a declared type.
    pub fn judge(&self, declared: &'static MediaType, options: &InspectOptions<'_>) -> Verdict {
        let mut case = Case::new(declared, &self.content, self.bytes);
        judge_size(&mut case);
        if self.is_exhausted {
            case.note(
                Rule::TooConvoluted,
                "its structure would take more reading than any honest file needs",
            );
        }
        if self.bytes > 0 {
            (declared.probe)(&mut case);
        }
        if let Some(name) = options.file_name {
            judge_name(&mut case, name);
        }
        let facts = self.facts();
        if let Some(codecs) = options.declared_codecs {
            judge_codecs(&mut case, codecs, &facts);
        }
        case.conclude(facts, options)
    }
}

/// The row to judge a file under when nobody declared one: by content, by name, then by what the content is near to.
///
/// Almost any bytes without a NUL are text of some encoding, so there a name that says otherwise wins: `photo.jpg` with
/// a page of errors in it is a photo gone wrong, and nobody wants it sent as a document.
pub fn guess(found: &Found, file_name: Option<&str>) -> Option<&'static MediaType> {
    let named = || by_extension(file_name?);
    if let Some(promised) = named().filter(|_| found.mime == "text/plain") {
        return Some(promised);
    }
    let nearest = || row(suggest(&MimeType::parse(found.mime).ok()?)?);
    let plain = || row(ooxml::plain_of(found.mime)?);
    row(found.mime).or_else(plain).or_else(named).or_else(nearest)
}

/// The row to judge a file under that is to be sent as a kind; `None` when no message of that kind carries its content.
pub fn guess_as(kind: Kind, found: &Found, file_name: Option<&str>) -> Option<&'static MediaType> {
    let guessed = guess(found, file_name)?;
    let sibling = match (kind, guessed.mime) {
        (Kind::Video, "audio/mp4") => row("video/mp4"),
        (Kind::Audio, "video/mp4" | "video/3gpp") => row("audio/mp4"),
        _ => None,
    };
    sibling.or((guessed.kind == kind).then_some(guessed))
}

fn by_extension(file_name: &str) -> Option<&'static MediaType> {
    let extension = extension_of(file_name)?;
    let named = |row: &&MediaType| row.extension == extension;
    let also = |row: &&MediaType| row.also.contains(&&*extension);
    MEDIA_TYPES.iter().find(named).or_else(|| MEDIA_TYPES.iter().find(also))
}

/// The extension in lower case; a leading dot hides a file and starts no extension.
fn extension_of(file_name: &str) -> Option<String> {
    let (stem, extension) = file_name.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
}

fn judge_size(case: &mut Case<'_>) {
    let (bytes, limit) = (case.bytes, case.declared.max_bytes);
    // The same number of decimal megabytes or kilobytes.
    let decimal =
        if limit.is_multiple_of(1 << 20) { (limit >> 20) * 1_000_000 } else { (limit >> 10) * 1000 };
    if bytes == 0 {
        case.note(Rule::Empty, "it has 0 bytes");
    } else if bytes > limit {
        let name = case.declared.mime;
        case.note(Rule::TooLarge, format!("{name} may be at most {limit} bytes, this file has {bytes}"));
    } else if bytes > decimal {
        case.note(
            Rule::NearLimit,
            format!("{bytes} bytes lie between the decimal limit of {decimal} and the binary one of {limit}"),
        );
    }
}

/// Warns when the declared codecs name one that no track has.
fn judge_codecs(case: &mut Case<'_>, declared: &str, facts: &Facts) {
    let named = declared.split(',').filter_map(|codec| {
        let codec = codec.trim();
        CODEC_PARAMETERS.iter().find(|(prefix, _)| codec.starts_with(prefix)).map(|(_, name)| *name)
    });
    let missing = named.into_iter().find(|name| !facts.tracks.iter().any(|track| track.codec == *name));
    if let Some(name) = missing.filter(|_| !facts.tracks.is_empty()) {
        case.note(Rule::CodecsDisagree, format!("its codecs parameter names {name}, which no track has"));
    }
}

/// How a codec is written in a `codecs` parameter (RFC 6381), and its name here.
const CODEC_PARAMETERS: &[(&str, &str)] = &[
    ("opus", "opus"),
    ("vorbis", "vorbis"),
    ("flac", "flac"),
    ("mp4a.40", "aac"),
    ("avc1", "h264"),
    ("avc3", "h264"),
];

/// Extensions of other common types, which a name may carry in vain.
#[rustfmt::skip]
const OTHER_EXTENSIONS: &[&str] = &[
    "docm", "dotx", "dotm", "xlsm", "xlsb", "xltx", "xltm", "pptm", "ppsx", "ppsm", "potx", "potm", "odt", "ods", "odp",
    "rtf", "gif", "heic", "heif", "avif", "bmp", "tif", "tiff", "svg", "jxl", "jp2", "ico", "psd", "webm", "mkv", "mov",
    "avi", "wmv", "flv", "mpg", "mpeg", "ts", "3g2", "wav", "flac", "wma", "aiff", "caf", "mid", "zip", "rar", "7z", "gz",
    "tar", "exe", "apk", "jar", "epub",
];

/// Warns when the extension is another type's.
fn judge_name(case: &mut Case<'_>, name: &str) {
    let Some(extension) = extension_of(name) else { return };
    let names = |row: &MediaType| row.extension == extension || row.also.contains(&&*extension);
    let is_known = MEDIA_TYPES.iter().any(names) || OTHER_EXTENSIONS.contains(&&*extension);
    if !names(case.declared) && is_known {
        let expected = case.declared.extension;
        case.note(
            Rule::NameDisagrees,
            format!("the name ends in .{extension}, a file of this type in .{expected}"),
        );
    }
}
