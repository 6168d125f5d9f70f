//! What a subscription must be before it is kept: texts that can be sent, and an endpoint that knows its verify token.

use http::{HeaderName, HeaderValue, StatusCode};
use wamedia_store::{Endpoint, WebhookDialect};
use wamedia_wire::subscription::SubscriptionCheck;

use super::{Caller, Reach, Target};

/// Headers of a subscription: more are no honest endpoint's need.
const MAX_HEADERS: usize = 32;

/// What we say ourselves, or what would change how a body is read.
const RESERVED: [&str; 13] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-hub-signature-256",
    "x-360dialog-signature",
];

/// Everything that must fit into a header or a query.
///
/// # Errors
/// What does not, and what to do.
pub fn check_texts(dialect: WebhookDialect, endpoint: &Endpoint) -> Result<(), String> {
    if dialect == WebhookDialect::D360 && endpoint.verify_token.is_some() {
        return Err("360dialog makes no subscription check; leave the verify token out".to_owned());
    }
    for (what, text) in [("verify token", &endpoint.verify_token), ("app secret", &endpoint.app_secret)] {
        if text.as_ref().is_some_and(String::is_empty) {
            return Err(format!("the {what} is empty; leave it out, or give one"));
        }
    }
    if endpoint.headers.len() > MAX_HEADERS {
        return Err(format!("a subscription has at most {MAX_HEADERS} headers"));
    }
    for (name, value) in &endpoint.headers {
        let Some(known) = HeaderName::try_from(name).ok().filter(|_| HeaderValue::try_from(value).is_ok())
        else {
            return Err(format!("{name:?} is no header, or its value cannot be sent; write Name: value"));
        };
        if RESERVED.contains(&known.as_str()) {
            return Err(format!("the header {known} is set by the delivery itself"));
        }
    }
    Ok(())
}

/// The subscription check of Meta's dialect: the endpoint must say the challenge back. `bits` is chance.
///
/// # Errors
/// What it did instead.
pub async fn challenge(
    caller: &Caller,
    url: &str,
    reach: Reach,
    verify_token: &str,
    bits: u32,
) -> Result<(), String> {
    let check = SubscriptionCheck::from_random(bits, verify_token);
    let target = Target::parse(&check.url(url)).map_err(|error| error.to_string())?;
    match caller.get(&target, reach).await {
        Ok(answer) if answer.status != StatusCode::OK => Err(format!("it answered {}", answer.status)),
        Ok(answer) if !check.is_answered_by(&answer.body) => {
            Err("it did not say the challenge back".to_owned())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
