//! The files under what was named, in order, without holding more than the folders on the way.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Something to judge, or to say that it cannot be.
pub(in crate::cli) enum Item {
    /// A file; one that was named may be a pipe.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// What was named is not there, or a folder does not open.
    Unreadable(PathBuf, io::Error),
}

/// Walks over named files, and over folders in the order of names. Links that are met in folders are not followed;
/// neither they nor pipes, sockets and devices there are files.
pub(in crate::cli) struct Walk {
    /// What is still to come, the next one last.
    pending: Vec<Pending>,
}

enum Pending {
    Named(PathBuf),
    File(PathBuf),
    Folder(PathBuf),
}

impl Walk {
    pub(in crate::cli) fn new(named: &[PathBuf]) -> Self {
        Self { pending: named.iter().rev().cloned().map(Pending::Named).collect() }
    }

    /// Puts what a folder holds in front of what is still to come.
    fn open(&mut self, folder: &Path) -> io::Result<()> {
        let mut held = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_file() || kind.is_dir() {
                held.push((entry.file_name(), kind.is_dir()));
            }
        }
        held.sort_by(|(one, _), (other, _)| other.cmp(one));
        self.pending.extend(held.into_iter().map(|(name, is_folder)| {
            let path = folder.join(name);
            if is_folder { Pending::Folder(path) } else { Pending::File(path) }
        }));
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let folder = match self.pending.pop()? {
                Pending::File(path) => return Some(Item::File(path)),
                Pending::Named(path) if path.as_os_str() == OsStr::new("-") => return Some(Item::Stdin),
                Pending::Named(path) => match fs::metadata(&path) {
                    Ok(meta) if meta.is_dir() => path,
                    Ok(_) => return Some(Item::File(path)),
                    Err(error) => return Some(Item::Unreadable(path, error)),
                },
                Pending::Folder(path) => path,
            };
            if let Err(error) = self.open(&folder) {
                return Some(Item::Unreadable(folder, error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(named: &[&Path]) -> Vec<String> {
        let named: Vec<PathBuf> = named.iter().map(|path| path.to_path_buf()).collect();
        let told = Walk::new(&named).map(|item| match item {
            Item::File(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
            Item::Stdin => "-".to_owned(),
            Item::Unreadable(path, error) => format!("{}: {:?}", path.display(), error.kind()),
        });
        told.collect()
    }

    #[test]
    fn folders_are_walked_in_the_order_of_names_and_links_in_them_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("b/deep")).unwrap();
        for name in ["c", "a", "b/2", "b/10", "b/deep/1"] {
            fs::write(at(name), b"").unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), at("loop")).unwrap();
        std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
        assert_eq!(walked(&[dir.path()]), ["a", "10", "2", "1", "c"]);
        assert_eq!(walked(&[&at("link"), Path::new("-"), &at("b/deep")]), ["link", "-", "1"]);
    }

    #[test]
    fn what_is_not_there_is_said_in_its_place() {
        assert_eq!(walked(&[Path::new("nowhere"), Path::new("-")]), ["nowhere: NotFound", "-"]);
    }
}
