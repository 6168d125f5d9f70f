//! The delete of both dialects.

use http::Response;
use wamedia_wire::answers;

use super::body::Body;
use super::dialect::Dialect;
use super::service::Exchange;
use crate::error::MediaError;
use crate::operations::{self, Caller};

/// Deletes media `id` and says so.
pub async fn delete(
    exchange: &Exchange<'_>,
    caller: &Caller,
    id: &str,
) -> Result<Response<Body>, MediaError> {
    let asked = exchange.asked_number();
    operations::delete(exchange.app, caller, id, asked.as_deref(), exchange.now).await?;
    let answer = match exchange.dialect {
        Dialect::Graph(_) => exchange.app.config.graph.delete_answer,
        Dialect::D360 => exchange.app.config.d360.delete_answer,
    };
    Ok(exchange.dialect.answer(answers::deleted(answer).to_vec()))
}
