//! What bytes are: recognised once, by structure, then judged under whatever was declared.

use std::io;

use crate::reader::Reader;
use crate::{Facts, Found};

/// Recognised content.
pub(crate) enum Content {
    /// A type without rules of its own.
    Other(Found),
}

impl Content {
    pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        let head = reader.at(0, 64)?;
        Ok(Self::Other(by_signature(head)))
    }

    pub(crate) fn found(&self) -> Found {
        match self {
            Self::Other(found) => found.clone(),
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::default()
    }
}

fn by_signature(head: &[u8]) -> Found {
    let known: &[(usize, &[u8], &'static str, &'static str)] = &[
        (0, b"\xff\xd8\xff", "image/jpeg", "JPEG image"),
        (0, b"\x89PNG\r\n\x1a\n", "image/png", "PNG image"),
        (8, b"WEBP", "image/webp", "WebP image"),
        (4, b"ftypM4A", "audio/mp4", "MP4 audio"),
        (4, b"ftyp3g", "video/3gpp", "3GP video"),
        (4, b"ftyp", "video/mp4", "MP4 video"),
        (0, b"OggS", "audio/ogg", "Ogg audio"),
        (0, b"#!AMR\n", "audio/amr", "AMR audio"),
        (0, b"ID3", "audio/mpeg", "MP3 audio"),
        (0, b"\xff\xfb", "audio/mpeg", "MP3 audio"),
        (0, b"\xff\xf1", "audio/aac", "AAC audio"),
        (0, b"%PDF-", "application/pdf", "PDF document"),
    ];
    let hit =
        known.iter().find(|(at, magic, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    match hit {
        Some((.., mime, name)) => Found { mime, name },
        None if !head.is_empty() && head.iter().all(|b| *b >= 0x20 || b"\t\r\n".contains(b)) => {
            Found { mime: "text/plain", name: "plain text" }
        }
        None => Found::UNKNOWN,
    }
}
