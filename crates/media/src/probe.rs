//! The probes, one file a format: what its bytes say of themselves, and what the rules make of that.
//!
//! Each file reads its format into a small struct (`read`, `None` when the bytes are another format's) and judges it
//! under a declared type (`judge`). Shared by the image probes: canvas and orientation.

pub(crate) mod aac;
pub(crate) mod amr;
pub(crate) mod bmff;
mod exif;
pub(crate) mod id3;
mod inflate;
pub(crate) mod jpeg;
pub(crate) mod known;
pub(crate) mod mp4;
pub(crate) mod mpeg;
pub(crate) mod ogg;
pub(crate) mod ole;
pub(crate) mod ooxml;
pub(crate) mod pdf;
pub(crate) mod png;
pub(crate) mod text;
pub(crate) mod webp;
pub(crate) mod zip;

use crate::Rule;
use crate::case::Case;

/// Pixels from which an image is said to be huge: half of what the largest phone sensors take.
const HUGE_PIXELS: u64 = 100_000_000;

/// Warns of a canvas that no phone shows.
fn judge_canvas(case: &mut Case<'_>, width: u32, height: u32, limit: u64) {
    if u64::from(width) * u64::from(height) > limit {
        case.note(
            Rule::HugeCanvas,
            format!("its canvas is {width} × {height} pixels, more than phones show"),
        );
    }
}

/// Warns of an orientation that viewers must apply.
fn judge_orientation(case: &mut Case<'_>, orientation: Option<u8>) {
    let turn = match orientation {
        Some(2) => "mirrored",
        Some(3) => "turned by 180°",
        Some(4) => "upside down and mirrored",
        Some(5 | 7) => "turned by 90° and mirrored",
        Some(6) => "turned by 90° clockwise",
        Some(8) => "turned by 90° anticlockwise",
        _ => return,
    };
    let value = orientation.unwrap_or(1);
    case.note(Rule::Orientation, format!("its EXIF orientation is {value}: it is to be shown {turn}"));
}
