//! ISO base media files (MP4, M4A, 3GP, QuickTime): brands, where the index stands, what the tracks are.
//!
//! Walks boxes along known paths only, so depth never grows with the input; work is bounded by [`MAX_TOP_BOXES`],
//! [`MAX_TRACKS`] and [`boxes::MAX_CHILDREN`]. Deliberately not here: what is accepted; that is [`super::mp4`].

mod boxes;
mod codec;
mod track;

use std::io;

use crate::reader::Reader;
use crate::{Facts, Found};
use boxes::{Boxes, MediaBox};
pub(crate) use track::{Handler, Track};

/// Boxes looked at on the top level. The index of an honest file is among the first dozen, or last after the data;
/// fragments beyond the first few tell nothing new.
const MAX_TOP_BOXES: u32 = 256;

/// Fragments looked at once the index is known.
const MAX_FRAGMENTS: u32 = 16;

/// Tracks read; files with more are refused for their streams long before.
const MAX_TRACKS: usize = 64;

/// Brands read from `ftyp`.
const MAX_BRANDS: usize = 64;

/// Four characters that name a box, a brand or a codec.
pub(crate) type FourCc = [u8; 4];

/// What an ISO base media file says of itself.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    /// The brands, the major one first; empty when there is no `ftyp`.
    pub(crate) brands: Vec<FourCc>,
    /// Whether an index (`moov`) is there.
    pub(crate) has_moov: bool,
    /// Whether media data was met before the index.
    pub(crate) moov_last: bool,
    /// Whether samples are in fragments.
    pub(crate) fragmented: bool,
    /// Whether the index is compressed, as old QuickTime files have it.
    pub(crate) compressed: bool,
    /// Whether a top-level box runs past the end of the file.
    pub(crate) cut: bool,
    /// The tracks, in file order.
    pub(crate) tracks: Vec<Track>,
    /// The length in milliseconds.
    pub(crate) duration_ms: Option<u64>,
    /// Where the media data lies; empty when not all of it was met.
    data: Vec<(u64, u64)>,
}

/// First boxes a file of this family starts with; anything else is another format.
const FIRST_BOXES: &[&FourCc] = &[
    b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx", b"moof", b"uuid",
    b"junk",
];

/// Reads a movie; `None` when the bytes are of another format.
pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Option<Movie>> {
    let Some(first) = reader.array::<8>(0)? else { return Ok(None) };
    if !FIRST_BOXES.iter().any(|kind| first[4..] == **kind) {
        return Ok(None);
    }
    let mut movie = Movie::default();
    let mut boxes = Boxes::new(0, reader.len());
    let mut fragments = 0;
    let mut complete = false;
    for _ in 0..MAX_TOP_BOXES {
        let Some(item) = boxes.next(reader)? else {
            complete = true;
            break;
        };
        movie.cut |= item.cut;
        match &item.kind {
            b"ftyp" | b"styp" if movie.brands.is_empty() => read_brands(reader, &item, &mut movie)?,
            b"moov" if !movie.has_moov => read_moov(reader, &item, &mut movie)?,
            b"mdat" => {
                movie.moov_last |= !movie.has_moov;
                movie.data.push((item.start, item.end));
            }
            b"moof" => {
                movie.fragmented = true;
                fragments += 1;
            }
            _ => {}
        }
        if movie.has_moov && fragments >= MAX_FRAGMENTS {
            break;
        }
    }
    movie.cut |= boxes.is_broken();
    movie.moov_last &= movie.has_moov;
    // Without brands only an index, or fragments, make it this format: four bytes alone may be chance.
    let known = !movie.brands.is_empty() || movie.has_moov || (!movie.data.is_empty() && !movie.cut);
    if !complete {
        movie.data.clear();
    }
    Ok(known.then_some(movie))
}

fn read_brands(reader: &mut Reader<'_>, item: &MediaBox, movie: &mut Movie) -> io::Result<()> {
    let bytes = reader.at(item.start, item.len().min(4 * (MAX_BRANDS as u64 + 2)) as usize)?;
    // The second word is the minor version.
    let words = bytes.chunks_exact(4).enumerate().filter(|(index, _)| *index != 1).map(|(_, word)| word);
    movie.brands = words.filter_map(|word| word.try_into().ok()).filter(|brand| *brand != [0; 4]).collect();
    Ok(())
}

fn read_moov(reader: &mut Reader<'_>, moov: &MediaBox, movie: &mut Movie) -> io::Result<()> {
    movie.has_moov = true;
    let mut children = Boxes::new(moov.start, moov.end);
    while let Some(child) = children.next(reader)? {
        match &child.kind {
            b"mvhd" => movie.duration_ms = boxes::duration_ms(reader, &child)?,
            b"trak" if movie.tracks.len() < MAX_TRACKS => movie.tracks.push(track::read(reader, &child)?),
            b"mvex" => movie.fragmented = true,
            b"cmov" => movie.compressed = true,
            _ => {}
        }
    }
    movie.cut |= children.is_broken();
    Ok(())
}

impl Movie {
    /// Tracks of moving pictures, without covers.
    pub(crate) fn videos(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.handler == Handler::Video)
    }

    /// Tracks of sound.
    pub(crate) fn sounds(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.handler == Handler::Audio)
    }

    /// Whether a byte is known to lie outside the media data.
    pub(crate) fn is_outside_data(&self, offset: u64) -> bool {
        !self.data.is_empty() && !self.data.iter().any(|(start, end)| (*start..*end).contains(&offset))
    }

    /// Whether every brand is QuickTime's.
    pub(crate) fn only_quicktime(&self) -> bool {
        !self.brands.is_empty() && self.brands.iter().all(|brand| brand == b"qt  ")
    }

    /// Whether a brand is one of 3GPP's own (3GPP2's `3g2` is another type).
    pub(crate) fn has_3gp(&self) -> bool {
        self.brands.iter().any(is_3gp)
    }

    /// Whether every brand is 3GPP's or 3GPP2's.
    pub(crate) fn only_3gp(&self) -> bool {
        !self.brands.is_empty() && self.brands.iter().all(|brand| brand.starts_with(b"3g"))
    }

    /// The brands as text, for messages.
    pub(crate) fn brand_list(&self) -> String {
        self.brands.iter().map(four_cc).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn found(&self) -> Found {
        let major = self.brands.first();
        if let Some((.., mime, name)) =
            IMAGE_BRANDS.iter().find(|(brand, ..)| major.is_some_and(|major| major.starts_with(brand)))
        {
            return Found { mime, name };
        }
        let has_video = self.videos().next().is_some();
        let only_sound = !has_video && self.sounds().next().is_some();
        let says_sound =
            !has_video && major.is_some_and(|major| major.starts_with(b"M4A") || major == b"M4B ");
        let (mime, name) = match major {
            None => ("video/quicktime", "QuickTime movie"),
            Some(_) if self.only_quicktime() => ("video/quicktime", "QuickTime movie"),
            Some(major) if major.starts_with(b"3g2") && only_sound => ("audio/3gpp2", "3GPP2 audio"),
            Some(major) if major.starts_with(b"3g2") => ("video/3gpp2", "3GPP2 video"),
            Some(major) if is_3gp(major) && only_sound => ("audio/3gpp", "3GP audio"),
            Some(major) if is_3gp(major) => ("video/3gpp", "3GP video"),
            Some(_) if only_sound || says_sound => ("audio/mp4", "MP4 audio"),
            Some(_) => ("video/mp4", "MP4 video"),
        };
        Found { mime, name }
    }

    pub(crate) fn facts(&self) -> Facts {
        let picture = self.videos().next();
        Facts {
            brands: self.brands.iter().map(four_cc).collect(),
            width: picture.and_then(|track| track.facts.width),
            height: picture.and_then(|track| track.facts.height),
            moov: self.has_moov.then_some(if self.moov_last { "last" } else { "first" }),
            fragmented: Some(self.fragmented),
            encrypted: self.tracks.iter().any(|track| track.encrypted).then_some(true),
            duration_ms: self.duration_ms.filter(|ms| *ms > 0),
            tracks: self.tracks.iter().map(|track| track.facts.clone()).collect(),
            ..Facts::default()
        }
    }
}

/// Major brands of pictures, which share the boxes and nothing else.
const IMAGE_BRANDS: &[(&[u8], &str, &str)] = &[
    (b"heic", "image/heic", "HEIC image"),
    (b"heix", "image/heic", "HEIC image"),
    (b"heim", "image/heic", "HEIC image"),
    (b"heis", "image/heic", "HEIC image"),
    (b"hevc", "image/heic-sequence", "HEIC image sequence"),
    (b"hevx", "image/heic-sequence", "HEIC image sequence"),
    (b"avif", "image/avif", "AVIF image"),
    (b"avis", "image/avif", "AVIF image sequence"),
    (b"mif1", "image/heif", "HEIF image"),
    (b"mif2", "image/heif", "HEIF image"),
    (b"msf1", "image/heif-sequence", "HEIF image sequence"),
    (b"miaf", "image/heif", "HEIF image"),
    (b"crx ", "image/x-canon-cr3", "Canon raw image"),
    (b"jp2 ", "image/jp2", "JPEG 2000 image"),
    (b"jpx ", "image/jpx", "JPEG 2000 image"),
];

/// 3GPP's brands are `3g` and a letter or digit other than 3GPP2's `2`.
fn is_3gp(brand: &FourCc) -> bool {
    brand.starts_with(b"3g") && brand[2] != b'2'
}

/// Four characters for people; what cannot be printed becomes a dot.
pub(crate) fn four_cc(code: &FourCc) -> String {
    code.iter().map(|b| if b.is_ascii_graphic() || *b == b' ' { *b as char } else { '.' }).collect()
}
