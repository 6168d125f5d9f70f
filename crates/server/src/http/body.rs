//! The bodies of answers: nothing, a few bytes, or a media read and verified piece by piece.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;
use wamedia_store::{BlobReader, ReadError};

/// Bytes of the first piece out: it waits for nothing but itself.
pub const PIECE_BYTES: usize = 64 * 1024;
/// Most bytes that are asked for at once behind it; the store gives fewer where many downloads are under way.
const LARGE_PIECE_BYTES: usize = 256 * 1024;

/// The body of an answer.
pub enum Body {
    /// No bytes, or no more.
    Empty,
    /// All bytes at once.
    Full(Bytes),
    /// Bytes of a media as they are read.
    Media(MediaBody),
    /// Bytes that come through someone else's hands.
    Piped(mpsc::Receiver<Result<Bytes, ReadError>>),
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Full(bytes.into())
    }
}

type Reading = Pin<Box<dyn Future<Output = (BlobReader, Result<Bytes, ReadError>)> + Send + Sync>>;

/// A range of a media. Damage ends it with an error, which cuts the connection: never a clean end.
pub struct MediaBody {
    /// Already read and verified, sent first.
    ready: Option<Bytes>,
    blob: Option<BlobReader>,
    reading: Option<Reading>,
    next: u64,
    end: u64,
    /// Called with the bytes of each piece that leaves.
    on_piece: Box<dyn Fn(usize) + Send + Sync>,
}

impl MediaBody {
    /// The rest of `next..end` behind `ready`, whose bytes come first and end at `next`.
    pub fn new(
        ready: Bytes,
        blob: BlobReader,
        next: u64,
        end: u64,
        on_piece: Box<dyn Fn(usize) + Send + Sync>,
    ) -> Self {
        Self { ready: Some(ready), blob: Some(blob), reading: None, next, end, on_piece }
    }

    fn remaining(&self) -> u64 {
        self.end - self.next + self.ready.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        if let Some(bytes) = self.ready.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        if self.next == self.end {
            return Poll::Ready(None);
        }
        if let Some(mut blob) = self.blob.take() {
            let offset = self.next;
            let max = usize::try_from(self.end - offset).unwrap_or(usize::MAX).min(LARGE_PIECE_BYTES);
            self.reading = Some(Box::pin(async move {
                let piece = blob.read_at(offset, max).await;
                (blob, piece)
            }));
        }
        // Without reader and reading an earlier piece failed; the body has ended with that error.
        let Some(reading) = self.reading.as_mut() else { return Poll::Ready(None) };
        let (blob, piece) = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        Poll::Ready(Some(piece.inspect(|bytes| {
            self.next += bytes.len() as u64;
            self.blob = Some(blob);
        })))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = ReadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Media(media) => {
                let piece = ready!(media.poll_piece(cx));
                match &piece {
                    Some(Ok(bytes)) => (media.on_piece)(bytes.len()),
                    Some(Err(error)) => {
                        tracing::error!(%error, "a download was cut: its bytes cannot be trusted")
                    }
                    None => {}
                }
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
            Self::Piped(pieces) => {
                pieces.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Media(media) => media.remaining() == 0,
            Self::Piped(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Piped(_) => return SizeHint::default(),
            Self::Empty => 0,
            Self::Full(bytes) => bytes.len() as u64,
            Self::Media(media) => media.remaining(),
        })
    }
}
