//! The upload of both dialects: a form becomes an [`Upload`], an id becomes JSON.

use http::Response;
use http::header::CONTENT_TYPE;
use wamedia_media::PhoneNumberId;
use wamedia_wire::answers;

use super::body::Body;
use super::request::parameter;
use super::request_body::RequestBody;
use super::service::Exchange;
use crate::error::MediaError;
use crate::form::Form;
use crate::operations::{self, Caller, Upload};

/// Reads the form of `body` and answers with the id of what it held.
pub async fn upload(
    exchange: &Exchange<'_>,
    caller: &Caller,
    phone_number_id: PhoneNumberId,
    body: &mut RequestBody,
) -> Result<Response<Body>, MediaError> {
    caller.check_permission()?;
    let content_type = exchange.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut form = Form::new(content_type, body)?;
    let upload = Upload {
        caller,
        phone_number_id,
        messaging_product: parameter(exchange.head, "messaging_product").map(|text| text.into_owned()),
        encounter: exchange.met.as_ref().map(|met| &met.encounter),
    };
    let id = operations::upload(exchange.app, upload, &mut form).await?;
    Ok(exchange.dialect.answer(answers::uploaded(id)))
}
