//! A data folder that does not survive: on a memory file system where there is one, removed when it is dropped.
//!
//! What a killed process leaves is removed by the next one that makes such a folder.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::chance::Chance;
use crate::clock::Clock;

/// In front of every such folder's name.
const PREFIX: &str = "wamedia-stand-in-";

/// A folder this young may belong to a process that has not locked it yet.
const GRACE: Duration = Duration::from_secs(60);

/// The folder. Dropping it removes it.
#[derive(Debug)]
pub struct MemoryDir(PathBuf);

impl MemoryDir {
    /// Makes one.
    ///
    /// # Errors
    /// What the system says of every place that was tried.
    pub fn make() -> io::Result<Self> {
        let shared = Path::new("/dev/shm");
        if shared.is_dir()
            && let Ok(made) = Self::make_in(shared)
        {
            return Ok(made);
        }
        Self::make_in(&std::env::temp_dir())
    }

    fn make_in(parent: &Path) -> io::Result<Self> {
        remove_left_over(parent);
        let name = u64::from_le_bytes(Chance::system().bytes());
        let path = parent.join(format!("{PREFIX}{name:016x}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for MemoryDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "a temporary folder could not be removed");
        }
    }
}

/// Folders whose serving lock nobody holds: their processes were killed.
fn remove_left_over(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_ours && is_left_over(&entry.path()).unwrap_or(false) {
            // Another's folder stays where it is.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left_over(dir: &Path) -> io::Result<bool> {
    let age = Clock::system().duration_since(fs::symlink_metadata(dir)?.modified()?).unwrap_or_default();
    let lock = File::open(dir.join("lock"));
    Ok(match lock {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound && age > GRACE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_when_dropped_and_what_a_killed_process_left_goes_too() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join(format!("{PREFIX}dead"));
        let alive = parent.path().join(format!("{PREFIX}alive"));
        for dir in [&dead, &alive] {
            fs::create_dir(dir).unwrap();
            File::create(dir.join("lock")).unwrap();
        }
        let lock = File::open(alive.join("lock")).unwrap();
        lock.try_lock().unwrap();
        let made = MemoryDir::make_in(parent.path()).unwrap();
        assert!(made.path().is_dir() && alive.is_dir() && !dead.exists());
        let path = made.path().to_owned();
        drop(made);
        assert!(!path.exists());
    }
}
