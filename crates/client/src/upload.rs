//! What is uploaded: a path, bytes or a stream, and what is said of it.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;

use bytes::Bytes;
use tokio::io::AsyncRead;
use wamedia_media::{MediaId, MimeType, Strictness, Warning};

use crate::progress::{Listener, Progress};
use crate::{Error, Sha256};

mod file_name;
pub(crate) mod form;
mod preflight;
mod ready;
mod send;

pub(crate) use send::upload;

/// A file to upload, and what is said of it.
///
/// ```no_run
/// # use wamedia_client::Upload;
/// let upload = Upload::path("photo.jpg").ttl_minutes(60);
/// ```
#[derive(Debug)]
pub struct Upload {
    content: Content,
    declared: Option<String>,
    file_name: Option<String>,
    ttl_minutes: Option<u32>,
    preflight: Preflight,
    progress: Option<Listener>,
}

/// Where the bytes come from.
enum Content {
    Path(PathBuf),
    Bytes(Bytes),
    Stream { reader: Pin<Box<dyn AsyncRead + Send>>, bytes: Option<u64> },
}

/// The lives that can be asked for: an hour to thirty days (documented by the vendor).
const TTL_MINUTES: std::ops::RangeInclusive<u32> = 60..=43_200;

/// Whether a file is judged before a byte of it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Preflight {
    /// What WhatsApp would refuse is refused here ([`crate::Rejection::Preflight`]).
    #[default]
    Judge,
    /// The same, with doubtful files refused or let pass as told.
    JudgeAs(Strictness),
    /// Nothing is refused here; only the type is found out, if it was not declared.
    Off,
}

impl Upload {
    /// A file. Its own name is sent, without the folders. It is opened anew for each attempt.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self::of(Content::Path(path.into()))
    }

    /// Bytes in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::of(Content::Bytes(bytes.into()))
    }

    /// A stream, with its length in bytes if it is known. It can be read only once, so nothing is retried after the
    /// first byte of it was sent, and only the beginning can be judged.
    pub fn stream(reader: impl AsyncRead + Send + 'static, bytes: Option<u64>) -> Self {
        Self::of(Content::Stream { reader: Box::pin(reader), bytes })
    }

    /// What was said of the file, checked.
    fn said(&self) -> Result<preflight::Said, Error> {
        if self.ttl_minutes.is_some_and(|minutes| !TTL_MINUTES.contains(&minutes)) {
            return Err(Error::Invalid("a life of 60 to 43,200 minutes can be asked for".to_owned()));
        }
        let declared = self.declared.as_deref().map(|declared| {
            MimeType::parse(declared).map_err(|error| Error::Invalid(format!("{declared:?}: {error}")))
        });
        let (file_name, preflight) = (self.file_name.clone(), self.preflight);
        Ok(preflight::Said { declared: declared.transpose()?, file_name, preflight })
    }

    fn of(content: Content) -> Self {
        Self {
            content,
            declared: None,
            file_name: None,
            ttl_minutes: None,
            preflight: Preflight::default(),
            progress: None,
        }
    }

    /// The media type, instead of the one that the bytes have: `image/jpeg`. Parameters are read and not sent, as
    /// services want `audio/ogg` for Opus too.
    pub fn declared(mut self, media_type: impl Into<String>) -> Self {
        self.declared = Some(media_type.into());
        self
    }

    /// The file's name, instead of the path's own. Only the base name of it is sent.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// How long the media shall live, 60 to 43,200 minutes (30 days).
    pub fn ttl_minutes(mut self, minutes: u32) -> Self {
        self.ttl_minutes = Some(minutes);
        self
    }

    /// Whether the file is judged before it is sent.
    pub fn preflight(mut self, preflight: Preflight) -> Self {
        self.preflight = preflight;
        self
    }

    /// Whom to tell how far it has come. Called on the transfer's own task: it must not block.
    pub fn progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Listener::new(listener));
        self
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "Path({})", path.display()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Stream { bytes, .. } => write!(f, "Stream({bytes:?} bytes)"),
        }
    }
}

/// An upload that was answered with an id.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Uploaded {
    /// The new media's id.
    pub id: MediaId,
    /// Of the bytes that were sent.
    pub sha256: Sha256,
    /// How many bytes were sent.
    pub bytes: u64,
    /// The type they were sent as.
    pub media_type: String,
    /// What is worth saying of the file though it was taken.
    pub warnings: Vec<Warning>,
    /// How many times it was sent.
    pub attempts: u32,
}
