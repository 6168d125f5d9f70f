//! AMR: the header line, then frames whose first byte tells their length (RFC 4867, section 5).

use std::io;

use crate::case::Case;
use crate::content::Content;
use crate::reader::Reader;
use crate::{Facts, Found, Rule, TrackFacts};

/// Frames walked: twenty seconds of speech.
const MAX_FRAMES: u32 = 1000;

/// Bytes of a narrow-band frame by its type, first byte included; 0 is reserved.
const NARROW_BYTES: [u8; 16] = [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1];

/// Bytes of a wide-band frame.
const WIDE_BYTES: [u8; 16] = [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1];

/// An AMR file.
#[derive(Debug)]
pub(crate) struct Amr {
    variant: Variant,
    frames: u32,
    complete: bool,
    broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Narrow,
    Wide,
    /// Several channels, narrow or wide; no player is known.
    MultiChannel,
}

/// Reads AMR; `None` when the header line is another.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Amr>> {
    let head = reader.at(0, 16)?;
    let (variant, mut at) = if head.starts_with(b"#!AMR\n") {
        (Variant::Narrow, 6)
    } else if head.starts_with(b"#!AMR-WB\n") {
        (Variant::Wide, 9)
    } else if head.starts_with(b"#!AMR_MC1.0\n") || head.starts_with(b"#!AMR-WB_MC1.0\n") {
        return Ok(Some(Amr { variant: Variant::MultiChannel, frames: 0, complete: false, broken: false }));
    } else {
        return Ok(None);
    };
    let lengths = if variant == Variant::Wide { WIDE_BYTES } else { NARROW_BYTES };
    let mut amr = Amr { variant, frames: 0, complete: false, broken: false };
    while amr.frames < MAX_FRAMES {
        let Some([toc]) = reader.array::<1>(at)? else {
            amr.complete = true;
            break;
        };
        let length = u64::from(lengths[usize::from(toc >> 3 & 0x0f)]);
        // The first and the last two bits are padding and zero.
        if toc & 0x83 != 0 || length == 0 || at + length > reader.len() {
            amr.broken = true;
            break;
        }
        amr.frames += 1;
        at += length;
    }
    Ok(Some(amr))
}

impl Amr {
    pub(crate) fn found(&self) -> Found {
        match self.variant {
            Variant::Narrow => Found { mime: "audio/amr", name: "AMR audio" },
            Variant::Wide => Found { mime: "audio/amr-wb", name: "AMR wide-band audio" },
            Variant::MultiChannel => Found { mime: "audio/amr", name: "AMR audio of several channels" },
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        let wide = self.variant == Variant::Wide;
        // 20 ms a frame.
        let duration_ms = self.complete.then_some(u64::from(self.frames) * 20);
        Facts {
            duration_ms,
            tracks: vec![TrackFacts {
                kind: "audio",
                codec: if wide { "amr-wb" } else { "amr-nb" }.to_owned(),
                channels: (self.variant != Variant::MultiChannel).then_some(1),
                sample_rate: Some(if wide { 16000 } else { 8000 }),
                duration_ms,
                ..TrackFacts::default()
            }],
            ..Facts::default()
        }
    }
}

/// Judges `audio/amr`.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Amr(amr) = content else { return case.note_other_type() };
    match amr.variant {
        Variant::Narrow => {}
        Variant::Wide => case.note(Rule::AmrWideBand, "it is AMR wide band, which is audio/amr-wb"),
        Variant::MultiChannel => {
            return case.note(Rule::Undecodable, "it is AMR of several channels, which no player decodes");
        }
    }
    if amr.frames == 0 {
        case.note(Rule::Undecodable, "it has no frame");
    } else if amr.broken {
        case.note(Rule::Damaged, format!("its frames stop making sense after {}", amr.frames));
    }
}
