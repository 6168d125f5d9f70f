//! What bytes are: recognised once, by structure, then judged under whatever was declared.

use std::io;

use crate::probe::{aac, amr, bmff, id3, jpeg, known, mpeg, ogg, ole, pdf, png, text, webp, zip};
use crate::reader::Reader;
use crate::{Facts, Found};

/// Recognised content.
#[derive(Debug)]
pub(crate) enum Content {
    Jpeg(jpeg::Jpeg),
    Png(png::Png),
    Webp(webp::Webp),
    /// MP4, M4A, 3GP, QuickTime, HEIF.
    Movie(bmff::Movie),
    Ogg(ogg::Ogg),
    Adts(aac::Adts),
    /// AAC in a framing that is not taken.
    OtherAac(Found),
    MpegAudio(mpeg::MpegAudio),
    Amr(amr::Amr),
    Pdf(pdf::Pdf),
    Ole(ole::Ole),
    Zip(zip::Zip),
    Text(text::Text),
    /// A type without rules of its own, or none that is known.
    Other(Found),
}

impl Content {
    /// Recognises content: what has a signature first, what is told by repetition then, text last.
    pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        if let Some(content) = Self::by_structure(reader)? {
            return Ok(content);
        }
        if let Some(text) = text::read(reader)? {
            return Ok(Self::Text(text));
        }
        if let Some(audio) = mpeg::read_behind_junk(reader, 0)? {
            return Ok(Self::MpegAudio(audio));
        }
        Ok(Self::Other(Found::UNKNOWN))
    }

    fn by_structure(reader: &mut Reader<'_>) -> io::Result<Option<Self>> {
        macro_rules! first_of {
            ($($read:path => $content:path,)+) => {
                $(if let Some(found) = $read(reader)? { return Ok(Some($content(found))); })+
            };
        }
        first_of! {
            jpeg::read => Self::Jpeg,
            png::read => Self::Png,
            webp::read => Self::Webp,
            bmff::read => Self::Movie,
            ogg::read => Self::Ogg,
            amr::read => Self::Amr,
            ole::read => Self::Ole,
            zip::read => Self::Zip,
            aac::read_other_framing => Self::OtherAac,
            known::read => Self::Other,
            pdf::read => Self::Pdf,
            aac::read => Self::Adts,
            mpeg::read => Self::MpegAudio,
            id3::read_lone => Self::Other,
        }
        Ok(None)
    }

    /// The type, and what a person calls it.
    pub(crate) fn found(&self) -> Found {
        match self {
            Self::Jpeg(jpeg) => jpeg.found(),
            Self::Png(_) => Found { mime: "image/png", name: "PNG image" },
            Self::Webp(_) => Found { mime: "image/webp", name: "WebP image" },
            Self::Movie(movie) => movie.found(),
            Self::Ogg(ogg) => ogg.found(),
            Self::Adts(_) => Found { mime: "audio/aac", name: "AAC audio" },
            Self::MpegAudio(audio) => audio.found(),
            Self::Amr(amr) => amr.found(),
            Self::Pdf(_) => Found { mime: "application/pdf", name: "PDF document" },
            Self::Ole(ole) => ole.found(),
            Self::Zip(zip) => zip.found(),
            Self::Text(text) => text.found(),
            Self::OtherAac(found) | Self::Other(found) => found.clone(),
        }
    }

    /// What the headers tell.
    pub(crate) fn facts(&self) -> Facts {
        match self {
            Self::Jpeg(jpeg) => jpeg.facts(),
            Self::Png(png) => png.facts(),
            Self::Webp(webp) => webp.facts(),
            Self::Movie(movie) => movie.facts(),
            Self::Ogg(ogg) => ogg.facts(),
            Self::Adts(adts) => adts.facts(),
            Self::MpegAudio(audio) => audio.facts(),
            Self::Amr(amr) => amr.facts(),
            Self::Pdf(pdf) => pdf.facts(),
            Self::Ole(ole) => ole.facts(),
            Self::Zip(zip) => zip.facts(),
            Self::Text(text) => text.facts(),
            Self::OtherAac(_) | Self::Other(_) => Facts::default(),
        }
    }
}
