//! retrieve_url of both dialects: a record and its link become JSON.

use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response};
use wamedia_store::View;
use wamedia_wire::answers::MediaAnswer;

use super::body::Body;
use super::dialect::Dialect;
use super::request::link_base;
use super::service::Exchange;
use crate::error::MediaError;
use crate::operations::{self, Caller};

/// Answers with the facts of media `id` and a new link.
pub fn retrieve_url(
    exchange: &Exchange<'_>,
    caller: &Caller,
    view: &View<'_>,
    id: &str,
) -> Result<Response<Body>, MediaError> {
    let asked = exchange.asked_number();
    let found = operations::retrieve_url(exchange.app, caller, view, id, asked.as_deref(), exchange.now)?;
    let config = &exchange.app.config;
    let file_size = match exchange.dialect {
        Dialect::Graph(_) => config.graph.file_size,
        Dialect::D360 => config.d360.file_size,
    };
    let base = link_base(exchange);
    let answer = MediaAnswer {
        url: &found.link.url(&base),
        mime_type: &found.media.mime_type,
        sha256: &found.media.sha256,
        bytes: found.media.bytes,
        id: found.media.id,
    };
    let mut response = exchange.dialect.answer(answer.to_json(file_size));
    // The link inside is good for five minutes and for one account: no cache may keep it.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}
