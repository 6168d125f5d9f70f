//! A media's bytes on their way in: counted and hashed as they come, and verified at the end.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_core::Stream;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};
use sha2::Digest as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::client::Inner;
use crate::retry::{Again, Attempts};
use crate::transport::{Arriving, Reply};
use crate::verdict::{Asked, failure, unreadable};
use crate::{Damage, Error, Media, Sha256};

pub(crate) mod partial;
pub(crate) mod save;

/// A media's bytes on their way in.
///
/// Bytes are given as they come; whether they are the right ones is known only at the end: a stream that ends in an
/// error gave nothing that may be kept. [`crate::Client::fetch_to`] keeps files only when whole and verified.
///
/// It is a [`Stream`] of pieces of up to 64 KiB, and a reader by [`Download::into_reader`].
#[derive(Debug)]
pub struct Download {
    media: Media,
    /// `None` after the end, or after an error.
    arriving: Option<Arriving>,
    hash: sha2::Sha256,
    received: u64,
}

/// The most memory that is reserved before bytes come: 1 MiB.
const MAX_RESERVED_BYTES: u64 = 1 << 20;

/// Begins a download by a media's link.
pub(crate) async fn download(inner: &Inner, media: &Media) -> Result<Download, Error> {
    let link = media.link.as_ref().ok_or(Error::BadLink("there is none; resolve its id"))?;
    let uri = inner.transport.service().link(link)?;
    let mut attempts = Attempts::first(&inner.retries);
    loop {
        let error = match inner.transport.ask(&Method::GET, uri.clone(), &HeaderMap::new()).await {
            Ok(reply) if reply.status == 200 => return Download::of(media.clone(), reply),
            Ok(reply) => unexpected(reply).await,
            Err(error) => error,
        };
        attempts.again(error, Again::Harmless).await?;
    }
}

/// The error that an answer to a download is.
pub(crate) async fn unexpected(reply: Reply) -> Error {
    match reply.status {
        200..300 => unreadable(reply.status, "it answered with something else than the file"),
        _ => failure(reply, &Asked::Link).await,
    }
}

/// What the head of an answer tells that the record did not; what both tell must agree.
pub(crate) fn complete(media: &mut Media, headers: &HeaderMap, bytes: Option<u64>) -> Result<(), Error> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    if let Some(coding) = text(CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Error::Damaged(Damage::Coded(coding.to_owned())));
    }
    if let (Some(expected), Some(actual)) = (media.bytes, bytes)
        && expected != actual
    {
        return Err(Error::Damaged(Damage::Length { expected, actual }));
    }
    media.bytes = media.bytes.or(bytes);
    media.media_type = media.media_type.take().or_else(|| text(CONTENT_TYPE).map(str::to_owned));
    Ok(())
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Download {
    fn of(mut media: Media, reply: Reply) -> Result<Self, Error> {
        complete(&mut media, &reply.headers, content_length(&reply.headers))?;
        Ok(Self { media, arriving: Some(reply.body), hash: sha2::Sha256::new(), received: 0 })
    }

    /// What is known of the media. Size and type are those of the answer where the record did not tell.
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// How many bytes have come so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The next piece; `None` after the last, when everything was verified. Cancel-safe.
    ///
    /// # Errors
    /// [`Error::Connection`] where it breaks, [`Error::Damaged`] where size or SHA-256 are not the announced ones.
    /// After an error there is nothing more.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let Some(arriving) = &mut self.arriving else { return Poll::Ready(Ok(None)) };
        let piece = ready!(arriving.poll_piece(cx)).and_then(|piece| self.take(piece));
        if !matches!(piece, Ok(Some(_))) {
            self.arriving = None;
        }
        Poll::Ready(piece)
    }

    /// Counts and hashes a piece; verifies the whole at its end.
    fn take(&mut self, piece: Option<Bytes>) -> Result<Option<Bytes>, Error> {
        let Some(piece) = piece else {
            verify(&self.media, self.received, Sha256(self.hash.clone().finalize().into()))?;
            return Ok(None);
        };
        self.received += piece.len() as u64;
        if let Some(expected) = self.media.bytes.filter(|expected| self.received > *expected) {
            return Err(Error::Damaged(Damage::Length { expected, actual: self.received }));
        }
        self.hash.update(&piece);
        Ok(Some(piece))
    }

    /// Everything, in memory.
    ///
    /// # Errors
    /// [`Error::TooLong`] over `limit` bytes, before they are read where the length is known, and those of
    /// [`Download::chunk`].
    pub async fn bytes(mut self, limit: u64) -> Result<Bytes, Error> {
        if self.media.bytes.is_some_and(|bytes| bytes > limit) {
            return Err(Error::TooLong { limit });
        }
        // What is announced is not yet there, and need not come.
        let announced = self.media.bytes.unwrap_or(0).min(limit).min(MAX_RESERVED_BYTES);
        let mut held = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
        while let Some(piece) = self.chunk().await? {
            if self.received > limit {
                return Err(Error::TooLong { limit });
            }
            held.extend_from_slice(&piece);
        }
        Ok(held.freeze())
    }

    /// Writes everything and flushes; gives the number of bytes. After an error, what was written is to be thrown
    /// away.
    ///
    /// # Errors
    /// [`Error::Io`] from the writer, and those of [`Download::chunk`].
    pub async fn write_to(mut self, writer: &mut (impl AsyncWrite + Unpin)) -> Result<u64, Error> {
        while let Some(piece) = self.chunk().await? {
            writer.write_all(&piece).await.map_err(|error| Error::io(None, error))?;
        }
        writer.flush().await.map_err(|error| Error::io(None, error))?;
        Ok(self.received)
    }

    /// As a reader; its errors are [`io::Error`]s around [`Error`], and its clean end is a verified one.
    pub fn into_reader(self) -> impl AsyncRead + Send + Unpin + 'static {
        Reader { download: self, piece: Bytes::new() }
    }
}

/// Whether bytes are those that were announced.
pub(crate) fn verify(media: &Media, bytes: u64, sha256: Sha256) -> Result<(), Error> {
    if let Some(expected) = media.bytes.filter(|expected| *expected != bytes) {
        return Err(Error::Damaged(Damage::Length { expected, actual: bytes }));
    }
    if media.sha256.is_some_and(|expected| expected != sha256) {
        return Err(Error::Damaged(Damage::Sha256));
    }
    Ok(())
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx).map(Result::transpose)
    }
}

struct Reader {
    download: Download,
    piece: Bytes,
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.piece.is_empty() {
            match ready!(self.download.poll_chunk(cx)) {
                Ok(Some(piece)) => self.piece = piece,
                Ok(None) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        let count = self.piece.len().min(buf.remaining());
        buf.put_slice(&self.piece[..count]);
        self.piece.advance(count);
        Poll::Ready(Ok(()))
    }
}
