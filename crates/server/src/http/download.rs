//! The download: whole, in part, or only its head.

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE, USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use wamedia_store::{Media, View};

use super::body::{Body, MediaBody, PIECE_BYTES};
use super::range::{Asked, asked};
use super::service::Exchange;
use crate::error::MediaError;
use crate::operations::{self, Caller, Download};

/// Answers with the bytes behind a link.
pub async fn download(
    exchange: &Exchange<'_>,
    caller: &Caller,
    view: &View<'_>,
    link_query: &str,
) -> Result<Response<Body>, MediaError> {
    let says_who = text(&exchange.head.headers, USER_AGENT).is_some_and(|agent| !agent.trim().is_empty());
    if exchange.app.config.download.require_user_agent && !says_who {
        return Ok(exchange.bad_request("A User-Agent is required."));
    }
    let download = operations::download(exchange.app, caller, view, link_query, exchange.now).await?;
    let etag = etag(&download.media);
    let headers = &exchange.head.headers;
    if is_cached(headers, &etag) {
        return Ok(with_media_headers(StatusCode::NOT_MODIFIED, Body::Empty, &download.media, &etag));
    }
    let length = download.media.bytes;
    // A range of another version of the bytes would be no part of these.
    let same = text(headers, IF_RANGE).is_none_or(|tag| tag == etag);
    match asked(text(headers, RANGE).filter(|_| same), length) {
        Asked::Unsatisfiable => {
            let mut response = exchange.bad_request("The range is outside of the file.");
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            response.headers_mut().insert(CONTENT_RANGE, header(&format!("bytes */{length}")));
            Ok(response)
        }
        Asked::Whole => send(exchange, download, &etag, StatusCode::OK, 0, length).await,
        Asked::Part(part) => {
            let range = header(&format!("bytes {}-{}/{length}", part.start, part.end - 1));
            let mut response =
                send(exchange, download, &etag, StatusCode::PARTIAL_CONTENT, part.start, part.end).await?;
            response.headers_mut().insert(CONTENT_RANGE, range);
            Ok(response)
        }
    }
}

/// The first piece is read before the head is answered: damage there can still be said with a status.
async fn send(
    exchange: &Exchange<'_>,
    mut download: Download,
    etag: &str,
    status: StatusCode,
    start: u64,
    end: u64,
) -> Result<Response<Body>, MediaError> {
    let is_head = exchange.head.method == Method::HEAD;
    let first = match usize::try_from(end - start).unwrap_or(usize::MAX).min(PIECE_BYTES) {
        0 => Bytes::new(),
        _ if is_head => Bytes::new(),
        max => download.read_at(start, max).await?,
    };
    let next = start + first.len() as u64;
    let whole = next == end;
    let mut response = with_media_headers(status, Body::Empty, &download.media, etag);
    response.headers_mut().insert(CONTENT_LENGTH, (end - start).into());
    *response.body_mut() = if is_head {
        Body::Empty
    } else if whole {
        exchange.app.metrics.sent(first.len());
        Body::Full(first)
    } else {
        // The place among the requests is held until the last piece has left.
        let place = exchange.place();
        let app = exchange.app.clone();
        let on_piece = Box::new(move |bytes| {
            let _ = &place;
            app.metrics.sent(bytes);
        });
        Body::Media(MediaBody::new(first, download.into_blob(), next, end, on_piece))
    };
    Ok(response)
}

fn with_media_headers(status: StatusCode, body: Body, media: &Media, etag: &str) -> Response<Body> {
    const NEVER_KEEP: HeaderValue = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, header(&media.mime_type));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, header(etag));
    headers.insert(CACHE_CONTROL, NEVER_KEEP);
    headers.insert(CONTENT_DISPOSITION, header(&format!("inline;filename={}", safe_name(media))));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The bytes' own hash: the same bytes have the same tag wherever they are kept.
fn etag(media: &Media) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let mut tag = String::with_capacity(66);
    tag.push('"');
    tag.extend(media.sha256.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    tag.push('"');
    tag
}

fn is_cached(headers: &HeaderMap, etag: &str) -> bool {
    let listed = |list: &str| {
        list.split(',').any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag)
    };
    text(headers, IF_NONE_MATCH).is_some_and(listed)
}

/// The name as uploaded, without anything that could end the header's value or lead a client elsewhere.
fn safe_name(media: &Media) -> String {
    const LONGEST: usize = 120;
    let extension = || {
        media
            .mime_type
            .parse()
            .ok()
            .and_then(|mime| wamedia_media::find(&mime))
            .map_or("bin", |row| row.extension)
    };
    let Some(name) = media.file_name.as_deref() else { return format!("{}.{}", media.id, extension()) };
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let cleaned: String = name.chars().map(safe).take(LONGEST).collect();
    match cleaned.trim_start_matches('.') {
        "" => format!("{}.{}", media.id, extension()),
        visible => visible.to_owned(),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
