//! Holes in files: parts that were given back to the file system, and what lies between them.

use std::fs::File;
use std::io;
use std::ops::Range;

#[cfg(target_os = "linux")]
use crate::blob_name::UNIT_BYTES;

/// What holds data outside of these extents.
#[cfg(target_os = "linux")]
pub(crate) fn data_outside(file: &File, mut kept: Vec<Range<u64>>) -> io::Result<Vec<Range<u64>>> {
    use rustix::fs::{SeekFrom, seek};
    kept.sort_unstable_by_key(|it| it.start);
    let end = file.metadata()?.len();
    let starts = kept.iter().map(|it| it.start).chain([end]);
    let gaps = std::iter::once(0).chain(kept.iter().map(|it| it.end)).zip(starts);
    let mut found = Vec::new();
    for (mut at, gap_end) in gaps {
        while at < gap_end {
            let data = match seek(file, SeekFrom::Data(at)) {
                Ok(data) if data < gap_end => data,
                Ok(_) | Err(rustix::io::Errno::NXIO) => break,
                Err(error) => return Err(error.into()),
            };
            let hole = seek(file, SeekFrom::Hole(data))?.min(gap_end);
            // The last block is given back only as a whole.
            found.push(data..hole.next_multiple_of(UNIT_BYTES));
            at = hole;
        }
    }
    Ok(found)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn data_outside(_: &File, _: Vec<Range<u64>>) -> io::Result<Vec<Range<u64>>> {
    Ok(Vec::new())
}

/// Gives a part of a file back to the file system; it reads as zeros afterwards.
#[cfg(target_os = "linux")]
pub(crate) fn punch(file: &File, part: Range<u64>) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(file, flags, part.start, part.end - part.start)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn punch(_: &File, _: Range<u64>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
