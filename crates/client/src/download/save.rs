//! Downloads to a path: resumed by range, from a fresh link if need be, there only when whole and verified.

use std::path::{Path, PathBuf};

use http::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method};

use super::partial::Partial;
use super::{complete, content_length, unexpected, verify};
use crate::client::Inner;
use crate::operations::retrieve_url;
use crate::progress::{Listener, Progress};
use crate::retry::{Again, Attempts};
use crate::transport::{Arriving, Reply};
use crate::{ConnectionError, Damage, Error, Media, Sha256};

/// How a download to a path is done.
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    keep_existing: bool,
    progress: Option<Listener>,
}

impl SaveOptions {
    /// A file that is there is replaced, and nobody is told of progress.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails with [`std::io::ErrorKind::AlreadyExists`] where a file is there already. Otherwise it is replaced, by
    /// the whole new one at once.
    pub fn keep_existing(mut self, keep: bool) -> Self {
        self.keep_existing = keep;
        self
    }

    /// Whom to tell how far it has come. Called on the transfer's own task: it must not block.
    pub fn progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Listener::new(listener));
        self
    }
}

/// A download that is whole, verified and under its name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// What is known of the media.
    pub media: Media,
    /// Of the file.
    pub sha256: Sha256,
    /// The file's length in bytes.
    pub bytes: u64,
    /// How many of them were there from an earlier, broken call.
    pub resumed_from: u64,
    /// How many times bytes were asked for; 0 where an earlier call had got them all.
    pub attempts: u32,
}

/// A download under way.
struct Saving<'a> {
    inner: &'a Inner,
    options: &'a SaveOptions,
    media: Media,
    partial: Partial,
    /// Of the answer to which the bytes belong, if it is a strong one.
    etag: Option<HeaderValue>,
    requests: u32,
}

/// Downloads to a path, beginning with the media's own link if it has one.
pub(crate) async fn save(
    inner: &Inner,
    media: Media,
    path: &Path,
    options: &SaveOptions,
) -> Result<Saved, Error> {
    let id = media.id;
    let media = if media.link.is_none() { retrieve_url(inner, id).await? } else { media };
    let partial = Partial::open(path, &media, options.keep_existing).await?;
    let resumed_from = partial.bytes();
    let mut saving = Saving { inner, options, media, partial, etag: None, requests: 0 };
    let mut attempts = Attempts::first(&inner.retries);
    let mut was_damaged = false;
    // A link that was made anew and is dead all the same stays so.
    let mut is_fresh = false;
    let ended = loop {
        let before = saving.partial.bytes();
        let error = match saving.receive().await {
            Ok(sha256) => break Ok(sha256),
            Err(error) => error,
        };
        if saving.partial.bytes() > before {
            // A line that breaks every few megabytes is still a line.
            attempts.progressed();
            is_fresh = false;
        }
        let next = match error {
            Error::Expired(_) if !is_fresh => {
                is_fresh = true;
                saving.refresh().await
            }
            Error::Damaged(damage) if was_damaged => Err(Error::Damaged(damage)),
            error => {
                was_damaged = matches!(error, Error::Damaged(_));
                attempts.again(error, Again::Harmless).await
            }
        };
        if let Err(error) = next {
            break Err(error);
        }
    };
    match ended {
        Ok(sha256) => saving.finish(sha256, resumed_from).await,
        Err(error) => Err(saving.give_up(error).await),
    }
}

impl Saving<'_> {
    /// Asks for what is missing, writes it, and verifies the whole. Damaged bytes are dropped.
    async fn receive(&mut self) -> Result<Sha256, Error> {
        let received = self.receive_rest().await;
        let verified = received.and_then(|()| {
            let sha256 = self.partial.sha256();
            verify(&self.media, self.partial.bytes(), sha256).map(|()| sha256)
        });
        if matches!(verified, Err(Error::Damaged(_))) {
            self.etag = None;
            self.partial.restart().await?;
        }
        verified
    }

    async fn receive_rest(&mut self) -> Result<(), Error> {
        let from = self.partial.bytes();
        if from > 0 && self.media.bytes == Some(from) {
            return Ok(());
        }
        let link = self.media.link.as_ref().ok_or(Error::BadLink("there is none; resolve its id"))?;
        let uri = self.inner.transport.service().link(link)?;
        self.requests += 1;
        let reply = self.inner.transport.ask(&Method::GET, uri, &self.range(from)).await?;
        match reply.status {
            200 => {
                // The service sends everything: it knows no ranges, or the bytes changed.
                if from > 0 {
                    self.partial.restart().await?;
                }
                complete(&mut self.media, &reply.headers, content_length(&reply.headers))?;
            }
            206 => {
                let (first, whole) = content_range(&reply.headers).ok_or(Error::Damaged(Damage::Range))?;
                if from == 0 || first != from || self.is_of_other_bytes(&reply) {
                    return Err(Error::Damaged(Damage::Range));
                }
                complete(&mut self.media, &reply.headers, whole)?;
            }
            // There is nothing behind what is here: it is the whole, or nothing to go on with.
            416 if from > 0 => {
                let is_whole = unsatisfied_range(&reply.headers) == Some(from);
                return if is_whole { Ok(()) } else { Err(Error::Damaged(Damage::Range)) };
            }
            _ => return Err(unexpected(reply).await),
        }
        self.etag = strong_etag(&reply.headers);
        self.write(reply.body).await
    }

    async fn write(&mut self, mut body: Arriving) -> Result<(), Error> {
        while let Some(piece) = body.piece().await? {
            let bytes = self.partial.bytes() + piece.len() as u64;
            if let Some(expected) = self.media.bytes.filter(|expected| bytes > *expected) {
                return Err(Error::Damaged(Damage::Length { expected, actual: bytes }));
            }
            self.partial.append(piece).await?;
            if let Some(progress) = &self.options.progress {
                progress.tell(bytes, self.media.bytes);
            }
        }
        match self.media.bytes {
            Some(expected) if self.partial.bytes() < expected => Err(ended_early()),
            _ => Ok(()),
        }
    }

    fn range(&self, from: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if from > 0 {
            headers.extend(HeaderValue::try_from(format!("bytes={from}-")).ok().map(|range| (RANGE, range)));
            headers.extend(self.etag.clone().map(|etag| (IF_RANGE, etag)));
        }
        headers
    }

    fn is_of_other_bytes(&self, reply: &Reply) -> bool {
        let etag = strong_etag(&reply.headers);
        matches!((&self.etag, etag), (Some(before), Some(now)) if *before != now)
    }

    /// Resolves the id once more. Bytes of other content are of no use.
    async fn refresh(&mut self) -> Result<(), Error> {
        let media = retrieve_url(self.inner, self.media.id).await?;
        let is_other = |before, now| matches!((before, now), (Some(before), Some(now)) if before != now);
        let is_other_sum =
            is_other(self.media.sha256.map(|sum| sum.0.to_vec()), media.sha256.map(|sum| sum.0.to_vec()));
        self.media = Media {
            link: media.link,
            sha256: media.sha256.or(self.media.sha256),
            bytes: media.bytes.or(self.media.bytes),
            media_type: media.media_type.or(self.media.media_type.take()),
            file_name: self.media.file_name.take(),
            id: self.media.id,
        };
        if is_other_sum { self.partial.restart().await } else { Ok(()) }
    }

    async fn finish(self, sha256: Sha256, resumed_from: u64) -> Result<Saved, Error> {
        let (bytes, attempts, media) = (self.partial.bytes(), self.requests, self.media);
        let path = self.partial.publish(self.options.keep_existing).await?;
        Ok(Saved { path, media, sha256, bytes, resumed_from, attempts })
    }

    /// Keeps what a later call can go on with, and nothing else.
    async fn give_up(self, error: Error) -> Error {
        let can_go_on = self.media.sha256.is_some() && self.partial.bytes() > 0;
        let is_passing = error.is_retryable() || matches!(error, Error::Io { .. } | Error::Unauthorized(_));
        if !can_go_on || !is_passing {
            self.partial.remove().await;
        }
        error
    }
}

fn ended_early() -> Error {
    Error::Connection(ConnectionError { was_sent: true, source: "the body ended early".into() })
}

/// Where a part begins, and how long the whole is: `bytes 100-199/200`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, whole) =
        headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let whole = if whole == "*" { None } else { Some(whole.parse().ok()?) };
    Some((first.trim().parse().ok()?, whole))
}

/// How long the whole is, where no part of it was asked for: `bytes */200`.
fn unsatisfied_range(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes */")?.parse().ok()
}

/// A weak one says that two bodies mean the same, not that they are the same bytes.
fn strong_etag(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(ETAG).filter(|etag| etag.as_bytes().starts_with(b"\"")).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, value.parse().unwrap());
            content_range(&headers)
        };
        assert_eq!(of("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(of("bytes 0-0/*"), Some((0, None)));
        for wrong in ["", "bytes */200", "bytes 100-199", "items 1-2/3", "bytes x-1/2", "bytes 1-2/x"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
