//! A request's body on its way out: nothing, or a form around a file that is read as it goes.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http_body::{Body, Frame, SizeHint};
use sha2::Digest as _;
use tokio::io::{AsyncRead, ReadBuf};

use crate::progress::Listener;
use crate::{Error, Sha256};

/// Bytes that are read from a file at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A request's body.
pub(crate) enum Departing {
    Nothing,
    /// A form that is whole already.
    Whole(HeaderValue, Bytes),
    Form(Box<Form>),
}

/// A multipart form: what stands before the file, the file, what stands behind it.
pub(crate) struct Form {
    pub(crate) content_type: HeaderValue,
    pub(crate) before: Bytes,
    pub(crate) file: Pin<Box<dyn Pieces>>,
    /// How many bytes the file has, if that is known.
    pub(crate) file_bytes: Option<u64>,
    /// The most it may have; more ends the request.
    pub(crate) max_file_bytes: u64,
    pub(crate) after: Bytes,
    pub(crate) progress: Option<Listener>,
    pub(crate) sending: Arc<Sending>,
    pub(crate) hash: sha2::Sha256,
}

/// A file as pieces.
pub(crate) trait Pieces: Send {
    /// The next piece, never an empty one; `None` at the end.
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>>;
}

/// How far a body has come; shared by it and by who waits for the answer.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    pieces: AtomicU64,
    is_whole: AtomicBool,
    file_bytes: AtomicU64,
    sha256: Mutex<Option<Sha256>>,
    failure: Mutex<Option<Error>>,
}

impl Sending {
    /// Of a request that has no body.
    pub(crate) fn nothing() -> Arc<Self> {
        let sending = Self::default();
        sending.is_whole.store(true, Ordering::Relaxed);
        Arc::new(sending)
    }

    /// How many pieces were handed over.
    pub(crate) fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Whether everything was handed over.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Relaxed)
    }

    /// How many bytes the file had, and their sum; `None` before its end.
    pub(crate) fn file(&self) -> Option<(u64, Sha256)> {
        let sha256 = *self.sha256.lock().unwrap_or_else(PoisonError::into_inner);
        sha256.map(|sha256| (self.file_bytes.load(Ordering::Relaxed), sha256))
    }

    /// Why the body could not be made.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fail(&self, failure: Error) -> io::Error {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        io::Error::other("the file failed")
    }
}

impl Departing {
    pub(super) fn content_type(&self) -> Option<HeaderValue> {
        match self {
            Self::Nothing => None,
            Self::Whole(content_type, _) => Some(content_type.clone()),
            Self::Form(form) => Some(form.content_type.clone()),
        }
    }
}

impl Body for Departing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Nothing => Poll::Ready(None),
            Self::Whole(_, bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(_, bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Form(form) => form.poll(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Whole(_, bytes) => bytes.is_empty(),
            Self::Form(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Whole(_, bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Form(form) => match form.file_bytes {
                Some(bytes) => {
                    SizeHint::with_exact(form.before.len() as u64 + bytes + form.after.len() as u64)
                }
                None => SizeHint::default(),
            },
        }
    }
}

impl Form {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        let sending = self.sending.clone();
        if !self.before.is_empty() {
            sending.pieces.fetch_add(1, Ordering::Relaxed);
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.before))));
        }
        if sending.is_whole() {
            return Poll::Ready(None);
        }
        let piece = match ready!(self.file.as_mut().poll_piece(cx)) {
            Ok(Some(piece)) => self.file_piece(piece),
            Ok(None) => self.end(),
            Err(error) => Err(sending.fail(Error::io(None, error))),
        };
        sending.pieces.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(piece))
    }

    fn file_piece(&mut self, piece: Bytes) -> Result<Bytes, io::Error> {
        let sent = self.sending.file_bytes.load(Ordering::Relaxed) + piece.len() as u64;
        if self.file_bytes.is_some_and(|bytes| sent > bytes) {
            return Err(self.sending.fail(other_length("more")));
        }
        if sent > self.max_file_bytes {
            return Err(self.sending.fail(Error::TooLong { limit: self.max_file_bytes }));
        }
        self.sending.file_bytes.store(sent, Ordering::Relaxed);
        self.hash.update(&piece);
        if let Some(progress) = &self.progress {
            progress.tell(sent, self.file_bytes);
        }
        Ok(piece)
    }

    fn end(&mut self) -> Result<Bytes, io::Error> {
        let sent = self.sending.file_bytes.load(Ordering::Relaxed);
        if self.file_bytes.is_some_and(|bytes| sent < bytes) {
            return Err(self.sending.fail(other_length("fewer")));
        }
        let sum = Sha256(self.hash.clone().finalize().into());
        *self.sending.sha256.lock().unwrap_or_else(PoisonError::into_inner) = Some(sum);
        self.sending.is_whole.store(true, Ordering::Relaxed);
        Ok(std::mem::take(&mut self.after))
    }
}

fn other_length(than: &str) -> Error {
    let text =
        format!("{than} bytes came than the file was said to have; it changed, or the length is wrong");
    Error::io(None, io::Error::new(io::ErrorKind::InvalidData, text))
}

/// Bytes in memory as pieces, so that progress is told of them too.
pub(crate) struct InMemory(pub(crate) Bytes);

impl Pieces for InMemory {
    fn poll_piece(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let count = self.0.len().min(PIECE_BYTES);
        let piece = self.0.split_to(count);
        Poll::Ready(Ok((!piece.is_empty()).then_some(piece)))
    }
}

/// What a reader gives as pieces.
pub(crate) struct Read<R> {
    pub(crate) reader: R,
    pub(crate) buffer: BytesMut,
}

impl<R: AsyncRead + Send + Unpin> Read<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: BytesMut::new() }
    }
}

impl<R: AsyncRead + Send + Unpin> Pieces for Read<R> {
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let this = self.get_mut();
        // The memory of a piece that was sent is taken again.
        if this.buffer.len() < PIECE_BYTES {
            this.buffer.resize(PIECE_BYTES, 0);
        }
        let mut buffer = ReadBuf::new(&mut this.buffer);
        ready!(Pin::new(&mut this.reader).poll_read(cx, &mut buffer))?;
        let count = buffer.filled().len();
        let piece = this.buffer.split_to(count).freeze();
        Poll::Ready(Ok((!piece.is_empty()).then_some(piece)))
    }
}
