//! `POST …/messages` of both dialects: a body becomes a message, its id becomes JSON.

use std::future::poll_fn;
use std::pin::Pin;

use http::Response;
use http_body::Body as _;
use wamedia_media::PhoneNumberId;
use wamedia_wire::messages::{MessageAnswer, MessageError, marked_as_read};

use super::body::Body;
use super::request_body::RequestBody;
use super::service::Exchange;
use crate::error::MediaError;
use crate::operations::{self, Caller, Sent};

/// Most bytes of a posted message. The longest honest ones, templates with many components, have a tenth of it.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Takes the message in `body`.
pub async fn messages(
    exchange: &Exchange<'_>,
    caller: &Caller,
    number: PhoneNumberId,
    body: &mut RequestBody,
) -> Result<Response<Body>, MediaError> {
    let posted = read_whole(body).await?;
    if let Some(instead) = exchange.instead_of_message(caller, number, &posted).await {
        return instead;
    }
    Ok(match operations::send(exchange.app, caller, number, &posted, exchange.now).await? {
        Sent::MarkedAsRead => exchange.dialect.answer(marked_as_read().to_vec()),
        Sent::Message { message, message_id } => {
            let answer = MessageAnswer { input: &message.to, wa_id: &message.wa_id, message_id: &message_id };
            exchange.dialect.answer(answer.to_json())
        }
    })
}

/// A body over the bound is no message: it is refused as one that cannot be read.
async fn read_whole(body: &mut RequestBody) -> Result<Vec<u8>, MediaError> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| MediaError::BodyLost { reason: error.to_string() })?;
        let Ok(bytes) = frame.into_data() else { continue };
        if whole.len() + bytes.len() > MAX_MESSAGE_BYTES {
            return Err(MediaError::Message(MessageError::MessagingProductRequired));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole)
}
