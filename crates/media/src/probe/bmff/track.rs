//! One track: its handler, its codec, and where its samples are said to lie.

use std::io;

use super::boxes::{Boxes, MediaBox, duration_ms, find};
use super::codec;
use crate::TrackFacts;
use crate::reader::Reader;

/// Sample table entries looked at, at either end of a table.
const MAX_ENTRIES: u32 = 1024;

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Handler {
    /// Moving pictures.
    Video,
    /// A still picture beside them.
    Cover,
    /// Sound.
    Audio,
    /// Timed text.
    Text,
    /// Time codes, hints, metadata.
    #[default]
    Other,
}

/// What a track says of itself.
#[derive(Debug, Default)]
pub(crate) struct Track {
    pub(crate) handler: Handler,
    /// Codec, profile, dimensions and so on.
    pub(crate) facts: TrackFacts,
    /// Whether its samples are encrypted.
    pub(crate) encrypted: bool,
    /// Whether a later sample description names another codec.
    pub(crate) other_codec: Option<String>,
    /// Samples in the index.
    pub(crate) samples: u64,
    /// The first byte any chunk starts at, and the last.
    pub(crate) chunks: Option<(u64, u64)>,
    /// Whether its tables speak of chunks that they do not have.
    pub(crate) contradicts: bool,
}

/// Reads a `trak`.
pub(super) fn read(reader: &mut Reader<'_>, trak: &MediaBox) -> io::Result<Track> {
    let mut track = Track::default();
    let Some(mdia) = find(reader, trak.start, trak.end, b"mdia")? else { return Ok(track) };
    let mut table = None;
    let mut children = Boxes::new(mdia.start, mdia.end);
    while let Some(child) = children.next(reader)? {
        match &child.kind {
            b"mdhd" => track.facts.duration_ms = duration_ms(reader, &child)?.filter(|ms| *ms > 0),
            b"hdlr" => track.handler = read_handler(reader, &child)?,
            b"minf" => table = find(reader, child.start, child.end, b"stbl")?,
            _ => {}
        }
    }
    if let Some(stbl) = table {
        read_sample_table(reader, &stbl, &mut track)?;
    }
    if track.handler == Handler::Video && codec::is_still(&track.facts.codec) {
        track.handler = Handler::Cover;
    }
    track.facts.kind = match track.handler {
        Handler::Video => "video",
        Handler::Cover => "cover",
        Handler::Audio => "audio",
        Handler::Text => "text",
        Handler::Other => "other",
    };
    Ok(track)
}

fn read_handler(reader: &mut Reader<'_>, hdlr: &MediaBox) -> io::Result<Handler> {
    Ok(match &reader.array::<4>(hdlr.start + 8)?.unwrap_or_default() {
        b"vide" => Handler::Video,
        b"auxv" | b"pict" => Handler::Cover,
        b"soun" => Handler::Audio,
        b"text" | b"sbtl" | b"subt" | b"clcp" | b"subp" => Handler::Text,
        _ => Handler::Other,
    })
}

fn read_sample_table(reader: &mut Reader<'_>, stbl: &MediaBox, track: &mut Track) -> io::Result<()> {
    let mut children = Boxes::new(stbl.start, stbl.end);
    let mut has_offsets = None;
    let mut last_run = 0;
    let mut chunk_count = 0;
    while let Some(child) = children.next(reader)? {
        match &child.kind {
            b"stsd" => codec::read_descriptions(reader, &child, track)?,
            b"ctts" => has_offsets = Some(reorders(reader, &child)?),
            b"stsz" | b"stz2" => track.samples = reader.be32(child.start + 8)?.unwrap_or(0).into(),
            b"stsc" => last_run = last_run_start(reader, &child)?,
            b"stco" | b"co64" => {
                chunk_count = reader.be32(child.start + 4)?.unwrap_or(0);
                track.chunks = chunk_range(reader, &child, if child.kind == *b"co64" { 8 } else { 4 })?;
            }
            _ => {}
        }
    }
    track.contradicts = chunk_count > 0 && last_run > chunk_count;
    if track.facts.codec == "h264" && track.samples > 0 {
        track.facts.b_frames = Some(has_offsets.unwrap_or(false));
    }
    Ok(())
}

/// The chunk that the last run of `stsc` starts at, counted from 1.
fn last_run_start(reader: &mut Reader<'_>, stsc: &MediaBox) -> io::Result<u32> {
    let said = u64::from(reader.be32(stsc.start + 4)?.unwrap_or(0));
    let count = said.min(stsc.len().saturating_sub(8) / 12);
    Ok(match count.checked_sub(1) {
        Some(last) => reader.be32(stsc.start + 8 + 12 * last)?.unwrap_or(0),
        None => 0,
    })
}

/// Whether composition offsets differ: frames are shown in another order than they are decoded.
fn reorders(reader: &mut Reader<'_>, ctts: &MediaBox) -> io::Result<bool> {
    let count = reader.be32(ctts.start + 4)?.unwrap_or(0).min(MAX_ENTRIES);
    let first = reader.be32(ctts.start + 12)?;
    for index in 1..u64::from(count) {
        if ctts.start + 16 + 8 * index > ctts.end {
            break;
        }
        if reader.be32(ctts.start + 12 + 8 * index)? != first {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The least and the greatest chunk offset among the first and the last entries of the table.
fn chunk_range(reader: &mut Reader<'_>, table: &MediaBox, width: u64) -> io::Result<Option<(u64, u64)>> {
    let said = u64::from(reader.be32(table.start + 4)?.unwrap_or(0));
    let count = said.min(table.len().saturating_sub(8) / width);
    let mut range = None;
    let edge = u64::from(MAX_ENTRIES);
    let ends = (0..count.min(edge)).chain(count.saturating_sub(edge).max(edge.min(count))..count);
    for index in ends {
        let at = table.start + 8 + width * index;
        let offset = if width == 8 { reader.be64(at)? } else { reader.be32(at)?.map(u64::from) };
        let Some(offset) = offset else { break };
        let (least, greatest) = range.unwrap_or((offset, offset));
        range = Some((offset.min(least), offset.max(greatest)));
    }
    Ok(range)
}
