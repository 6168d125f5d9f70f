//! A file that is not whole yet: under a temporary name beside its place, held by one process, published when whole.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sha2::Digest as _;

use crate::{Error, Media, Sha256};

/// Names longer than this are not repeated in the temporary one: file systems take 255 bytes.
const MAX_NAME_BYTES: usize = 180;
/// Bytes of an earlier call's beginning that are hashed at once.
const HASHED_AT_ONCE: usize = 64 * 1024;

/// A file on its way to be whole.
#[derive(Debug)]
pub(super) struct Partial {
    place: PathBuf,
    temporary: PathBuf,
    /// Touched on threads that may block only.
    inner: Arc<Mutex<Inner>>,
    bytes: u64,
}

#[derive(Debug)]
struct Inner {
    file: File,
    hash: sha2::Sha256,
}

impl Partial {
    /// Opens what is to become `place`. Of an earlier call's bytes those of the same content are kept.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where somebody else is writing the same file just now.
    pub(super) async fn open(place: &Path, media: &Media, keep_existing: bool) -> Result<Self, Error> {
        let (place, media) = (place.to_owned(), media.clone());
        blocking(place.clone(), move || Self::open_blocking(place, &media, keep_existing)).await
    }

    fn open_blocking(place: PathBuf, media: &Media, keep_existing: bool) -> io::Result<Self> {
        match place.metadata() {
            Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) if keep_existing => return Err(io::ErrorKind::AlreadyExists.into()),
            _ => {}
        }
        let temporary = temporary_of(&place, media).ok_or(io::ErrorKind::InvalidFilename)?;
        let file = open_locked(&temporary)?;
        let mut inner = Inner { file, hash: sha2::Sha256::new() };
        // Without a sum nobody can tell whether an earlier call's bytes are this content's.
        let bytes = match media.sha256 {
            Some(_) => inner.take_up(media.bytes)?,
            None => inner.restart().map(|()| 0)?,
        };
        Ok(Self { place, temporary, inner: Arc::new(Mutex::new(inner)), bytes })
    }

    /// How many bytes it has.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a piece.
    pub(super) async fn append(&mut self, piece: Bytes) -> Result<(), Error> {
        let count = piece.len() as u64;
        self.with(move |inner| {
            inner.file.write_all(&piece)?;
            inner.hash.update(&piece);
            Ok(())
        })
        .await?;
        self.bytes += count;
        Ok(())
    }

    /// Drops everything in it.
    pub(super) async fn restart(&mut self) -> Result<(), Error> {
        self.bytes = 0;
        self.with(Inner::restart).await
    }

    /// Of what is in it.
    pub(super) fn sha256(&self) -> Sha256 {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Sha256(inner.hash.clone().finalize().into())
    }

    /// Makes it durable and puts it in its place, at once and as a whole.
    pub(super) async fn publish(self, keep_existing: bool) -> Result<PathBuf, Error> {
        let (place, temporary) = (self.place.clone(), self.temporary.clone());
        self.with(move |inner| {
            inner.file.sync_all()?;
            put(&temporary, &place, keep_existing)?;
            sync_folder(&place)
        })
        .await?;
        Ok(self.place)
    }

    /// Removes it.
    pub(super) async fn remove(self) {
        let temporary = self.temporary.clone();
        // The error that led here is the one to tell of.
        let _ = self.with(move |_| std::fs::remove_file(&temporary)).await;
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Inner) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = self.inner.clone();
        let work = move || work(&mut inner.lock().unwrap_or_else(PoisonError::into_inner));
        blocking(self.place.clone(), work).await
    }
}

impl Inner {
    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hash = sha2::Sha256::new();
        Ok(())
    }

    /// Hashes what an earlier call left; more than there may be is nothing to go on with.
    fn take_up(&mut self, expected: Option<u64>) -> io::Result<u64> {
        let there = self.file.metadata()?.len();
        if expected.is_some_and(|expected| there > expected) {
            return self.restart().map(|()| 0);
        }
        let mut buffer = vec![0; HASHED_AT_ONCE];
        let mut bytes = 0;
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(bytes),
                Ok(count) => {
                    self.hash.update(&buffer[..count]);
                    bytes += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// `.name.tag.part` in the same folder. The tag is of the content, so that no two contents share a file.
fn temporary_of(place: &Path, media: &Media) -> Option<PathBuf> {
    let name = place.file_name()?;
    let tag = match media.sha256 {
        Some(sha256) => sha256.to_string()[..16].to_owned(),
        None => media.id.to_string(),
    };
    let mut temporary = OsString::from(".");
    if name.len() <= MAX_NAME_BYTES {
        temporary.push(name);
        temporary.push(".");
    }
    temporary.push(tag);
    temporary.push(".part");
    Some(place.with_file_name(temporary))
}

/// Opens a file that this process alone may write, following no symbolic link.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "its temporary name is taken by no plain file",
            ));
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) if is_still(&file, path) => return Ok(file),
            // Whoever held it put it in its place meanwhile; that file is no longer ours to write.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    "another download is writing this file",
                ));
            }
            // Not every file system knows locks.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(held), Ok(there)) = (file.metadata(), path.symlink_metadata()) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> bool {
    path.exists()
}

fn put(temporary: &Path, place: &Path, keep_existing: bool) -> io::Result<()> {
    if !keep_existing {
        return std::fs::rename(temporary, place);
    }
    // A second name can be given only where none is; renaming would replace what came there meanwhile.
    match std::fs::hard_link(temporary, place) {
        Ok(()) => std::fs::remove_file(temporary),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if place.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(temporary, place),
    }
}

#[cfg(unix)]
fn sync_folder(place: &Path) -> io::Result<()> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| Error::io(Some(&path), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    fn media(sum: bool) -> Media {
        let sha256 = sum.then(|| Sha256(sha2::Sha256::digest(b"hello").into()));
        Media { sha256, bytes: Some(5), ..Media::new("1761991787669262".parse().unwrap()) }
    }

    fn files(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn what_is_whole_appears_and_nothing_else_stays() {
        let folder = tempdir().unwrap();
        let place = folder.path().join("a.txt");
        let mut partial = Partial::open(&place, &media(true), false).await.unwrap();
        partial.append("hello".into()).await.unwrap();
        assert!(!place.exists());
        assert_eq!(partial.sha256(), media(true).sha256.unwrap());
        partial.publish(false).await.unwrap();
        assert_eq!(files(folder.path()), ["a.txt"]);
        assert_eq!(std::fs::read(&place).unwrap(), b"hello");
    }

    #[tokio::test]
    async fn an_earlier_calls_beginning_is_taken_up_where_a_sum_tells_the_content() {
        let folder = tempdir().unwrap();
        let place = folder.path().join("a.txt");
        for (sum, taken_up) in [(true, 3), (false, 0)] {
            let mut partial = Partial::open(&place, &media(sum), false).await.unwrap();
            partial.append("hel".into()).await.unwrap();
            drop(partial);
            let mut partial = Partial::open(&place, &media(sum), false).await.unwrap();
            assert_eq!(partial.bytes(), taken_up);
            partial.append("lo".into()).await.unwrap();
            partial.append("more than it may have".into()).await.unwrap();
            drop(partial);
            let partial = Partial::open(&place, &media(sum), false).await.unwrap();
            assert_eq!(partial.bytes(), 0);
            partial.remove().await;
        }
        assert!(files(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn one_writes_at_a_time() {
        let folder = tempdir().unwrap();
        let place = folder.path().join("a.txt");
        let first = Partial::open(&place, &media(true), false).await.unwrap();
        let second = Partial::open(&place, &media(true), false).await.unwrap_err();
        assert!(matches!(second, Error::Io { source, .. } if source.kind() == io::ErrorKind::WouldBlock));
        first.publish(false).await.unwrap();
        Partial::open(&place, &media(true), false).await.unwrap().remove().await;
        assert!(place.exists());
    }

    #[tokio::test]
    async fn what_is_there_is_kept_when_asked_for() {
        let folder = tempdir().unwrap();
        let place = folder.path().join("a.txt");
        let partial = Partial::open(&place, &media(true), true).await.unwrap();
        std::fs::write(&place, "theirs").unwrap();
        let error = partial.publish(true).await.unwrap_err();
        assert!(matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists));
        assert!(Partial::open(&place, &media(true), true).await.is_err());
        assert_eq!(std::fs::read(&place).unwrap(), b"theirs");
        assert!(Partial::open(folder.path(), &media(true), false).await.is_err());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_symbolic_link_in_the_temporary_names_place_is_not_followed() {
        let folder = tempdir().unwrap();
        let (place, victim) = (folder.path().join("a.txt"), folder.path().join("victim"));
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, temporary_of(&place, &media(true)).unwrap()).unwrap();
        assert!(Partial::open(&place, &media(true), false).await.is_err());
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    }
}
