//! A file that may be sent: what is said of it, and how its bytes are read, once more if need be.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use wamedia_media::Warning;

use crate::Error;
use crate::transport::{InMemory, Pieces, Read};

/// A file that may be sent.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) again: Replay,
    /// How many bytes it has, if that is known.
    pub(super) bytes: Option<u64>,
    /// The most it may have.
    pub(super) max_bytes: u64,
    pub(super) media_type: String,
    pub(super) file_name: String,
    pub(super) warnings: Vec<Warning>,
}

/// How a file is read, once more if need be.
pub(super) enum Replay {
    Path(PathBuf),
    Bytes(Bytes),
    Stream { head: Bytes, rest: Rest },
}

/// What a stream has behind its head. As long as nothing was read of it, it can be sent again.
#[derive(Clone)]
pub(super) struct Rest(Arc<Mutex<RestState>>);

struct RestState {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    is_begun: bool,
}

impl Ready {
    /// Whether it can be sent once more.
    pub(super) fn is_replayable(&self) -> bool {
        match &self.again {
            Replay::Path(_) | Replay::Bytes(_) => true,
            Replay::Stream { rest, .. } => !rest.lock().is_begun,
        }
    }

    /// Its path, to be named in errors.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.again {
            Replay::Path(path) => Some(path),
            _ => None,
        }
    }

    /// Its bytes from the beginning.
    pub(super) async fn open(&self) -> Result<Pin<Box<dyn Pieces>>, Error> {
        match &self.again {
            Replay::Path(path) => {
                let file = tokio::fs::File::open(path).await.map_err(|error| Error::io(Some(path), error))?;
                Ok(Box::pin(Read::new(file)))
            }
            Replay::Bytes(bytes) => Ok(Box::pin(InMemory(bytes.clone()))),
            Replay::Stream { head, rest } => {
                Ok(Box::pin(Streamed { head: InMemory(head.clone()), rest: Read::new(rest.clone()) }))
            }
        }
    }
}

/// A stream's head, then its rest.
struct Streamed {
    head: InMemory,
    rest: Read<Rest>,
}

impl Pieces for Streamed {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.head).poll_piece(cx) {
            Poll::Ready(Ok(None)) => Pin::new(&mut this.rest).poll_piece(cx),
            head => head,
        }
    }
}

impl Rest {
    pub(super) fn new(reader: Pin<Box<dyn AsyncRead + Send>>) -> Self {
        Self(Arc::new(Mutex::new(RestState { reader, is_begun: false })))
    }

    fn lock(&self) -> MutexGuard<'_, RestState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Rest {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        state.is_begun = true;
        state.reader.as_mut().poll_read(cx, buf)
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path(_) => "Path",
            Self::Bytes(_) => "Bytes",
            Self::Stream { .. } => "Stream",
        })
    }
}
