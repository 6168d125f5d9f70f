//! Formats that are not taken and named all the same, so that an error says what the file is.
//!
//! A signature is enough here: nothing is accepted by it. Growth happens in the table.

use std::io;

use memchr::memmem;

use crate::Found;
use crate::reader::Reader;

/// Bytes looked at: `tar` names itself at 257, a transport stream's third packet starts at 376, common writers of
/// Matroska and Windows Media name their tracks behind some KiB of room and tags.
const HEAD_BYTES: usize = 16 * 1024;

/// A signature at an offset, the type and what a person calls it.
type Signature = (usize, &'static [u8], &'static str, &'static str);

#[rustfmt::skip]
const SIGNATURES: &[Signature] = &[
    (0, b"GIF87a", "image/gif", "GIF image"),
    (0, b"GIF89a", "image/gif", "GIF image"),
    (0, b"II*\0", "image/tiff", "TIFF image"),
    (0, b"MM\0*", "image/tiff", "TIFF image"),
    (0, b"II+\0", "image/tiff", "BigTIFF image"),
    (0, b"MM\0+", "image/tiff", "BigTIFF image"),
    (0, b"\0\0\x01\0", "image/vnd.microsoft.icon", "Windows icon"),
    (0, b"\0\0\x02\0", "image/vnd.microsoft.icon", "Windows cursor"),
    (0, b"8BPS", "image/vnd.adobe.photoshop", "Photoshop image"),
    (0, b"\xff\x0a", "image/jxl", "JPEG XL image"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl", "JPEG XL image"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2", "JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "image/j2k", "JPEG 2000 codestream"),
    (0, b"\x76\x2f\x31\x01", "image/x-exr", "OpenEXR image"),
    (0, b"#?RADIANCE", "image/vnd.radiance", "Radiance HDR image"),
    (0, b"DDS ", "image/vnd-ms.dds", "DDS image"),
    (0, b"qoif", "image/qoi", "QOI image"),
    (0, b"\x8aMNG\r\n", "video/x-mng", "MNG animation"),
    (0, b"\x8bJNG\r\n", "image/x-jng", "JNG image"),
    (0, b"\xd7\xcd\xc6\x9a", "image/wmf", "Windows metafile"),
    (40, b" EMF", "image/emf", "Windows metafile"),
    (0, b"AT&TFORM", "image/vnd.djvu", "DjVu document"),
    (0, b"fLaC", "audio/flac", "FLAC audio"),
    (0, b"MThd", "audio/midi", "MIDI"),
    (0, b"caff\0\x01", "audio/x-caf", "Core Audio file"),
    (0, b".snd", "audio/basic", "AU audio"),
    (0, b"wvpk", "audio/x-wavpack", "WavPack audio"),
    (0, b"MAC ", "audio/x-ape", "Monkey's Audio"),
    (0, b"MPCK", "audio/x-musepack", "Musepack audio"),
    (0, b"MP+", "audio/x-musepack", "Musepack audio"),
    (0, b"TTA1", "audio/x-tta", "True Audio"),
    (0, b"\x0b\x77", "audio/ac3", "AC-3 audio"),
    (0, b"\x7f\xfe\x80\x01", "audio/vnd.dts", "DTS audio"),
    (0, b"FLV\x01", "video/x-flv", "Flash video"),
    (0, b".RMF", "application/vnd.rn-realmedia", "RealMedia file"),
    (0, b"\0\0\x01\xba", "video/mpeg", "MPEG program stream"),
    (0, b"\0\0\x01\xb3", "video/mpeg", "MPEG video"),
    (0, b"\0\0\0\x01\x67", "video/h264", "bare H.264 video"),
    (0, b"\0\0\0\x01\x27", "video/h264", "bare H.264 video"),
    (0, b"\0\0\x01\x67", "video/h264", "bare H.264 video"),
    (0, b"\0\0\0\x01\x09", "video/h264", "bare H.264 video"),
    (0, b"\0\0\0\x01\x40\x01", "video/h265", "bare HEVC video"),
    (0, b"\0\0\0\x01\x42\x01", "video/h265", "bare HEVC video"),
    (0, b"DKIF", "video/x-ivf", "IVF video"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "7-Zip archive"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar", "RAR archive"),
    (0, b"\x1f\x8b\x08", "application/gzip", "gzip file"),
    (0, b"BZh", "application/x-bzip2", "bzip2 file"),
    (0, b"\xfd7zXZ\0", "application/x-xz", "xz file"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd", "Zstandard file"),
    (0, b"\x04\x22\x4d\x18", "application/x-lz4", "LZ4 file"),
    (0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed", "Windows cabinet"),
    (257, b"ustar", "application/x-tar", "tar archive"),
    (0, b"!<arch>\n", "application/x-archive", "archive of ar"),
    (0, b"\x7fELF", "application/x-elf", "Linux executable"),
    (0, b"\xfe\xed\xfa\xce", "application/x-mach-binary", "macOS executable"),
    (0, b"\xfe\xed\xfa\xcf", "application/x-mach-binary", "macOS executable"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-binary", "macOS executable"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary", "macOS executable"),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm", "Java class"),
    (0, b"dex\n", "application/vnd.android.dex", "Android code"),
    (0, b"\0asm", "application/wasm", "WebAssembly"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3", "SQLite database"),
    (0, b"FWS", "application/x-shockwave-flash", "Flash film"),
    (0, b"CWS", "application/x-shockwave-flash", "Flash film"),
    (0, b"\xc5\xd0\xd3\xc6", "application/postscript", "EPS with preview"),
    (0, b"wOFF", "font/woff", "web font"),
    (0, b"wOF2", "font/woff2", "web font"),
    (0, b"\0\x01\0\0\0", "font/ttf", "TrueType font"),
    (0, b"OTTO", "font/otf", "OpenType font"),
    (0, b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut", "Windows shortcut"),
    (0, b"\x09\0\x04\0", "application/x-excel2", "Excel 2 worksheet"),
    (0, b"\x09\x02\x06\0", "application/x-excel3", "Excel 3 worksheet"),
    (0, b"\x09\x04\x06\0", "application/x-excel4", "Excel 4 worksheet"),
    (0, b"\x09\x08\x08\0\0\x05", "application/x-excel5", "Excel 5 worksheet without OLE"),
    (0, b"\xdb\xa5\x2d\0", "application/x-word2", "Word 2 document"),
    (0, b"\x9b\xa5\x21\0", "application/x-word1", "Word 1 document"),
    (0, b"\x31\xbe\0\0", "application/x-word-dos", "Word for DOS or Write document"),
    (0, b"\xffWPC", "application/vnd.wordperfect", "WordPerfect document"),
    (0, b"\0\x05\x16\0", "application/applefile", "AppleSingle file"),
    (0, b"\0\x05\x16\x07", "multipart/appledouble", "AppleDouble file"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote", "OneNote notebook"),
    (0, b"PK\x07\x08", "application/zip", "split ZIP archive"),
];

/// Names a format that is not taken; `None` when no signature fits.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Found>> {
    let len = reader.len();
    let head = reader.at(0, HEAD_BYTES)?;
    if is_text(head) {
        return Ok(None);
    }
    if let Some(found) = riff(head)
        .or_else(|| matroska(head))
        .or_else(|| asf(head))
        .or_else(|| stream(head))
        .or_else(|| weak(head, len))
    {
        return Ok(Some(found));
    }
    let hit =
        SIGNATURES.iter().find(|(at, magic, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    Ok(hit.map(|(_, _, mime, name)| Found { mime, name }))
}

/// Whether a head is plain letters: many signatures are words that a text may start with (`MAC `, `OTTO`, `RIFF`).
fn is_text(head: &[u8]) -> bool {
    let is_letter = |b: &u8| *b >= 0x20 || b"\t\n\r\x0c\x1b".contains(b);
    let is_utf8 = std::str::from_utf8(head).err().is_none_or(|error| error.error_len().is_none());
    is_utf8 && head.iter().all(is_letter)
}

fn riff(head: &[u8]) -> Option<Found> {
    let (mime, name) = match (head.get(..4)?, head.get(8..12)?) {
        (b"RIFF" | b"RIFX" | b"RF64", b"WAVE") => ("audio/wav", "WAV audio"),
        (b"RIFF", b"AVI ") => ("video/x-msvideo", "AVI video"),
        (b"RIFF", b"ACON") => ("application/x-navi-animation", "Windows cursor"),
        (b"RIFF", b"QLCM") => ("audio/qcelp", "QCP audio"),
        (b"RIFF", b"sfbk") => ("audio/x-sfbk", "sound font"),
        (b"RIFF", b"RMID") => ("audio/midi", "MIDI"),
        (b"FORM", b"AIFF" | b"AIFC") => ("audio/aiff", "AIFF audio"),
        (b"RIFF", _) => ("application/x-riff", "RIFF file"),
        _ => return None,
    };
    Some(Found { mime, name })
}

/// Matroska and WebM, told apart by their document type; sound only by their tracks' codecs.
fn matroska(head: &[u8]) -> Option<Found> {
    if !head.starts_with(b"\x1a\x45\xdf\xa3") {
        return None;
    }
    // A codec's name stands in an element of its own: the id, the length, the name.
    let has = |codec: &[u8]| memmem::find_iter(head, codec).any(|at| at >= 2 && head[at - 2] == 0x86);
    let (has_video, has_audio) = (has(b"V_"), has(b"A_"));
    let (mime, name) =
        match (memmem::find(&head[..head.len().min(64)], b"webm").is_some(), has_audio && !has_video) {
            (true, true) if has(b"A_OPUS") => ("audio/webm", "WebM audio with Opus"),
            (true, true) => ("audio/webm", "WebM audio"),
            (true, false) => ("video/webm", "WebM video"),
            (false, true) => ("audio/x-matroska", "Matroska audio"),
            (false, false) => ("video/x-matroska", "Matroska video"),
        };
    Some(Found { mime, name })
}

/// Windows Media, whose streams name their kind by the first half of a GUID that they share the rest of.
fn asf(head: &[u8]) -> Option<Found> {
    if !head.starts_with(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") {
        return None;
    }
    let has =
        |kind: &[u8; 4]| memmem::find(head, &[kind, &b"\x4d\x5b\xcf\x11\xa8\xfd"[..]].concat()).is_some();
    let (mime, name) = match (has(b"\x40\x9e\x69\xf8"), has(b"\xc0\xef\x19\xbc")) {
        (true, false) => ("audio/x-ms-wma", "Windows Media audio"),
        _ => ("video/x-ms-asf", "Windows Media file"),
    };
    Some(Found { mime, name })
}

/// Transport streams repeat their sync byte every 188 bytes, or 192 with a time stamp before each.
fn stream(head: &[u8]) -> Option<Found> {
    let repeats =
        |first: usize, step: usize| (0..3).all(|index| head.get(first + index * step) == Some(&0x47));
    (repeats(0, 188) || repeats(4, 192))
        .then_some(Found { mime: "video/mp2t", name: "MPEG transport stream" })
}

/// Signatures of two letters, which texts may start with: their headers are looked into.
fn weak(head: &[u8], len: u64) -> Option<Found> {
    let le32 =
        |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    if head.starts_with(b"BM") && matches!(le32(14), Some(12 | 16 | 40 | 48 | 52 | 56 | 64 | 108 | 124)) {
        return Some(Found { mime: "image/bmp", name: "BMP image" });
    }
    if head.starts_with(b"MZ") && len >= 64 {
        let is_portable = le32(60)
            .is_some_and(|at| head.get(at as usize..).is_some_and(|rest| rest.starts_with(b"PE\0\0")));
        let name = if is_portable { "Windows executable" } else { "DOS executable" };
        // A text may start with the letters, and has no zero byte in a header's place.
        return head[..64]
            .contains(&0)
            .then_some(Found { mime: "application/vnd.microsoft.portable-executable", name });
    }
    None
}
