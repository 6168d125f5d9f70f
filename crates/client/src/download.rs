//! A media's bytes on their way in: counted and hashed as they come, and verified at the end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Error, Media};

/// A media's bytes on their way in.
///
/// Bytes are given as they come; whether they are the right ones is known only at the end: a stream that ends in an
/// error gave nothing that may be kept. [`crate::Client::fetch_to`] keeps files only when whole and verified.
#[derive(Debug)]
pub struct Download {
    media: Media,
}

impl Download {
    /// What is known of the media. Size and type are those of the answer where the record did not tell.
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// The next piece; `None` after the last, when everything was verified.
    ///
    /// # Errors
    /// [`Error::Connection`], [`Error::Damaged`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        Err(Error::BadLink("not built yet"))
    }

    /// Everything, in memory.
    ///
    /// # Errors
    /// [`Error::TooLong`] over `limit` bytes, and those of [`Download::chunk`].
    pub async fn bytes(self, limit: u64) -> Result<Bytes, Error> {
        Err(Error::TooLong { limit })
    }

    /// Writes everything and flushes; gives the number of bytes.
    ///
    /// # Errors
    /// [`Error::Io`] from the writer, and those of [`Download::chunk`].
    pub async fn write_to(self, writer: &mut (impl AsyncWrite + Unpin)) -> Result<u64, Error> {
        let _ = writer;
        Err(Error::BadLink("not built yet"))
    }

    /// As a reader; its errors are [`std::io::Error`]s around [`Error`].
    pub fn into_reader(self) -> impl AsyncRead + Send + Unpin + 'static {
        tokio::io::empty()
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}
