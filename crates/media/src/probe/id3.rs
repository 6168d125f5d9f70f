//! Tags around audio frames: ID3 and APE, skipped by their length.

use std::io;

use crate::Found;
use crate::reader::Reader;

/// Tags skipped at the start; some files carry two or three.
const MAX_TAGS: u32 = 8;

/// Zero bytes accepted between a tag and the first frame, which some taggers leave.
const MAX_PADDING_BYTES: u64 = 64 * 1024;

/// Where the audio starts behind the tags, 0 without any.
pub(super) fn skip(reader: &mut Reader<'_>) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..MAX_TAGS {
        let Some(length) = tag_bytes(reader, at)? else { break };
        at += length;
    }
    if at == 0 {
        return Ok(0);
    }
    let limit = at + MAX_PADDING_BYTES;
    while at < limit {
        let piece = reader.at(at, 4096)?;
        let zeros = piece.iter().take_while(|b| **b == 0).count();
        let more = zeros == piece.len() && zeros > 0;
        at += zeros as u64;
        if !more {
            break;
        }
    }
    Ok(at)
}

/// A tag and nothing behind it that is known.
pub(crate) fn read_lone(reader: &mut Reader<'_>) -> io::Result<Option<Found>> {
    if tag_bytes(reader, 0)?.is_none() {
        return Ok(None);
    }
    let at = skip(reader)?;
    if reader.array(at)? == Some(*b"fLaC") {
        return Ok(Some(Found { mime: "audio/flac", name: "FLAC audio behind a tag" }));
    }
    Ok(Some(Found { mime: "application/x-id3", name: "ID3 tag without audio" }))
}

/// Whether what stands here is a tag at the end of a file, where frames are over.
pub(super) fn is_tag(bytes: &[u8]) -> bool {
    [&b"TAG"[..], b"ID3", b"APETAGEX", b"LYRICSBEGIN", b"3DI"].iter().any(|tag| bytes.starts_with(tag))
}

/// The length of the tag at `at`, header and footer included.
fn tag_bytes(reader: &mut Reader<'_>, at: u64) -> io::Result<Option<u64>> {
    let Some(head) = reader.array::<10>(at)? else { return Ok(None) };
    if head.starts_with(b"ID3") && (2..=4).contains(&head[3]) && head[6..].iter().all(|b| *b < 0x80) {
        // Seven bits a byte; the flag 0x10 announces a footer as long as the header.
        let size = head[6..].iter().fold(0, |size, b| size << 7 | u64::from(*b));
        let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
        return Ok(Some(10 + size + footer));
    }
    if reader.array(at)? == Some(*b"APETAGEX") {
        let size = reader.le32(at + 12)?.unwrap_or(0);
        return Ok(Some(32 + u64::from(size)));
    }
    Ok(None)
}
