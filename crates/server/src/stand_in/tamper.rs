//! Answers that are broken on their way out: cut, flipped, stalled, slowed down, coded without being asked.
//!
//! Each is a task between the true body and the connection. Heads stay as they were, except for the coding.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderValue, Response};
use http_body::Body as _;
use tokio::sync::mpsc;
use wamedia_store::ReadError;

use super::fault::What;
use super::faults::{Acting, Released};
use crate::http::Body;

/// How long what was sent may take to leave before the connection is cut behind it.
const FLUSH: Duration = Duration::from_millis(50);

/// The steps in which a slowed answer trickles.
const STEPS_PER_SECOND: u64 = 10;

type Piece = Result<Bytes, ReadError>;

/// Does to the answer what `acting` says. An answer without a body has nothing to break.
pub fn tamper(response: &mut Response<Body>, acting: &Acting) {
    if response.body().is_end_stream() {
        return;
    }
    let released = acting.released.clone();
    let mut body = std::mem::replace(response.body_mut(), Body::Empty);
    body = match acting.what {
        What::Cut(after) => piped(body, move |body, out| cut(body, after, out)),
        What::Flip(at) => piped(body, move |body, out| flip(body, at, out)),
        What::Stall(after, lasts) => piped(body, move |body, out| stall(body, after, lasts, released, out)),
        What::Rate(bytes) => piped(body, move |body, out| trickle(body, bytes, out)),
        What::Gzip => {
            let headers = response.headers_mut();
            headers.remove(CONTENT_LENGTH);
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            piped(body, gzip)
        }
        _ => body,
    };
    *response.body_mut() = body;
}

/// A body that `step` makes of another. It ends when `step` does, or when nobody listens any more.
fn piped<F>(body: Body, step: impl FnOnce(Body, Out) -> F) -> Body
where
    F: Future<Output = Result<(), Gone>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let working = step(body, Out(sender));
    tokio::spawn(async move {
        let _ = working.await;
    });
    Body::Piped(receiver)
}

/// Where pieces go.
struct Out(mpsc::Sender<Piece>);

/// The client left.
struct Gone;

impl Out {
    async fn send(&self, piece: Piece) -> Result<(), Gone> {
        self.0.send(piece).await.map_err(|_| Gone)
    }

    /// Ends the connection once everything before has left.
    async fn break_off(&self) -> Result<(), Gone> {
        // There is room for one piece: with room for this one, the connection has taken all others.
        drop(self.0.reserve().await.map_err(|_| Gone)?);
        tokio::time::sleep(FLUSH).await;
        self.send(Err(ReadError::Io(io::Error::other("cut by a fault of the stand-in")))).await
    }
}

async fn next(body: &mut Body) -> Option<Piece> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        // Our bodies have no trailers.
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(bytes)) => return Some(Ok(bytes)),
            Ok(Err(_)) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

async fn cut(mut body: Body, after: u64, out: Out) -> Result<(), Gone> {
    let mut left = after;
    while let Some(piece) = next(&mut body).await {
        let Ok(mut bytes) = piece else { return out.send(piece).await };
        if bytes.len() as u64 > left {
            bytes.truncate(usize::try_from(left).unwrap_or(0));
            if !bytes.is_empty() {
                out.send(Ok(bytes)).await?;
            }
            return out.break_off().await;
        }
        left -= bytes.len() as u64;
        out.send(Ok(bytes)).await?;
    }
    Ok(())
}

async fn flip(mut body: Body, at: u64, out: Out) -> Result<(), Gone> {
    let mut passed = 0;
    while let Some(piece) = next(&mut body).await {
        let piece = piece.map(|bytes| invert(bytes, at.checked_sub(passed)));
        passed += piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
        out.send(piece).await?;
    }
    Ok(())
}

fn invert(bytes: Bytes, at: Option<u64>) -> Bytes {
    let Some(at) = at.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < bytes.len()) else {
        return bytes;
    };
    let mut changed = BytesMut::from(bytes.as_ref());
    changed[at] = !changed[at];
    changed.freeze()
}

async fn stall(
    mut body: Body,
    after: u64,
    lasts: Option<Duration>,
    mut released: Released,
    out: Out,
) -> Result<(), Gone> {
    let mut left = usize::try_from(after).unwrap_or(usize::MAX);
    let mut stalled = false;
    while let Some(piece) = next(&mut body).await {
        let Ok(mut bytes) = piece else { return out.send(piece).await };
        if !stalled && bytes.len() >= left {
            let before = bytes.split_to(left);
            if !before.is_empty() {
                out.send(Ok(before)).await?;
            }
            let pause = async {
                match lasts {
                    Some(lasts) => tokio::time::sleep(lasts).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = pause => {}
                () = released.wait() => {}
                () = out.0.closed() => return Err(Gone),
            }
            stalled = true;
        } else if !stalled {
            left -= bytes.len();
        }
        if !bytes.is_empty() {
            out.send(Ok(bytes)).await?;
        }
    }
    Ok(())
}

async fn trickle(mut body: Body, bytes_per_second: u64, out: Out) -> Result<(), Gone> {
    let step = (bytes_per_second / STEPS_PER_SECOND).max(1);
    let pause = Duration::from_secs(1).mul_f64(step as f64 / bytes_per_second as f64);
    while let Some(piece) = next(&mut body).await {
        let Ok(mut bytes) = piece else { return out.send(piece).await };
        while !bytes.is_empty() {
            tokio::time::sleep(pause).await;
            let drop = bytes.split_to(bytes.len().min(usize::try_from(step).unwrap_or(usize::MAX)));
            out.send(Ok(drop)).await?;
        }
    }
    Ok(())
}

/// The format (RFC 1952) around stored blocks (RFC 1951): coded, and not a byte shorter.
async fn gzip(mut body: Body, out: Out) -> Result<(), Gone> {
    const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    const LAST_BLOCK: &[u8] = &[1, 0, 0, 0xff, 0xff];
    out.send(Ok(Bytes::from_static(HEAD))).await?;
    let (mut crc, mut length) = (u32::MAX, 0_u32);
    while let Some(piece) = next(&mut body).await {
        let Ok(bytes) = piece else { return out.send(piece).await };
        crc = crc32(crc, &bytes);
        // The format counts modulo 2^32.
        length = length.wrapping_add(bytes.len() as u32);
        for block in bytes.chunks(usize::from(u16::MAX)) {
            // No block is longer than a size can say.
            let size = u16::try_from(block.len()).unwrap_or(u16::MAX);
            let mut coded = BytesMut::with_capacity(block.len() + 5);
            coded.extend_from_slice(&[0]);
            coded.extend_from_slice(&size.to_le_bytes());
            coded.extend_from_slice(&(!size).to_le_bytes());
            coded.extend_from_slice(block);
            out.send(Ok(coded.freeze())).await?;
        }
    }
    let mut end = BytesMut::from(LAST_BLOCK);
    end.extend_from_slice(&(!crc).to_le_bytes());
    end.extend_from_slice(&length.to_le_bytes());
    out.send(Ok(end.freeze())).await
}

/// The sum of RFC 1952, bit by bit: this is for tests, and nobody waits for it.
fn crc32(mut crc: u32, bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_formats() {
        // The check value that the catalogue of CRCs gives for CRC-32/ISO-HDLC.
        assert_eq!(!crc32(u32::MAX, b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn only_the_one_byte_is_inverted() {
        assert_eq!(invert(Bytes::from_static(b"abc"), Some(1))[..], [b'a', !b'b', b'c']);
        assert_eq!(invert(Bytes::from_static(b"abc"), Some(3))[..], *b"abc");
        assert_eq!(invert(Bytes::from_static(b"abc"), None)[..], *b"abc");
    }
}
