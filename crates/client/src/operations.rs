//! What takes one request and its answer: retrieve_url, delete, and the check of credential and number. Uploads and
//! downloads have files of their own.

use http::{HeaderMap, Method};
use serde_json::Value;
use wamedia_media::MediaId;

use crate::client::Inner;
use crate::download::{Download, download};
use crate::retry::{Again, Attempts};
use crate::transport::{Departing, Exchange, Sending};
use crate::upload::form::without_file;
use crate::verdict::{Asked, counts_as_error, failure, read_json, unreadable};
use crate::{BudgetRule, Error, Media, Rejection};

/// An id of 15 digits, which none has that is given out by any service known.
const NOBODYS_ID: MediaId = MediaId::new(100_000_000_000_001).expect("it has 15 digits");

pub(crate) async fn retrieve_url(inner: &Inner, id: MediaId) -> Result<Media, Error> {
    let mut attempts = Attempts::first(&inner.retries);
    loop {
        let error = match retrieve_once(inner, id).await {
            Ok(media) => return Ok(media),
            Err(error) => error,
        };
        attempts.again(error, Again::Harmless).await?;
    }
}

async fn retrieve_once(inner: &Inner, id: MediaId) -> Result<Media, Error> {
    let held_back = |retry_after| Error::HeldBack { retry_after, rule: BudgetRule::RetrievalErrors };
    let room = inner.retrieval_errors.admit().await.map_err(held_back)?;
    let retrieved = ask_for(inner, id).await;
    if retrieved.as_ref().is_err_and(counts_as_error) {
        room.spend();
    }
    retrieved
}

async fn ask_for(inner: &Inner, id: MediaId) -> Result<Media, Error> {
    let uri = inner.transport.service().media(id)?;
    let reply = inner.transport.ask(&Method::GET, uri, &HeaderMap::new()).await?;
    if reply.status != 200 {
        return Err(failure(reply, &Asked::Media(id)).await);
    }
    let body = read_json(reply).await?;
    let media: Result<Media, _> = serde_json::from_value(body);
    let media = media.map_err(|error| unreadable(200, format!("its answer describes no media: {error}")))?;
    if media.link.is_none() {
        return Err(unreadable(200, "its answer has no url"));
    }
    Ok(Media { id, ..media })
}

pub(crate) async fn fetch(inner: &Inner, id: MediaId) -> Result<Download, Error> {
    let media = retrieve_url(inner, id).await?;
    match download(inner, &media).await {
        // It died between the two requests, or was dead when it was made.
        Err(Error::Expired(_)) => download(inner, &retrieve_url(inner, id).await?).await,
        begun => begun,
    }
}

pub(crate) async fn delete(inner: &Inner, id: MediaId) -> Result<(), Error> {
    let mut attempts = Attempts::first(&inner.retries);
    let mut may_be_done = false;
    loop {
        let error = match delete_once(inner, id).await {
            // An earlier attempt whose answer was lost has done it.
            Err(Error::NotFound { .. }) if may_be_done => return Ok(()),
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        may_be_done |= match &error {
            Error::Connection(error) => error.was_sent,
            Error::Upstream(_) => true,
            _ => false,
        };
        attempts.again(error, Again::Harmless).await?;
    }
}

async fn delete_once(inner: &Inner, id: MediaId) -> Result<(), Error> {
    let uri = inner.transport.service().media(id)?;
    let reply = inner.transport.ask(&Method::DELETE, uri, &HeaderMap::new()).await?;
    let status = reply.status;
    if !(200..300).contains(&status) {
        return Err(failure(reply, &Asked::Media(id)).await);
    }
    let body = read_json(reply).await?;
    let is_done = ["success", "deleted"].iter().any(|key| is_true(&body[key]));
    // No body at all is what 204 says.
    if is_done || body.is_null() {
        Ok(())
    } else {
        Err(unreadable(status, "it does not say that it deleted"))
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => text == "true",
        Value::Number(number) => number.as_u64() == Some(1),
        _ => false,
    }
}

pub(crate) async fn check(inner: &Inner) -> Result<(), Error> {
    if inner.transport.service().is_graph() { check_number(inner).await } else { check_key(inner).await }
}

/// Posts a form without a file. Credential, permission and number are looked at before it is refused.
async fn check_number(inner: &Inner) -> Result<(), Error> {
    let held_back = |retry_after| Error::HeldBack { retry_after, rule: BudgetRule::UploadFailures };
    let room = inner.failed_uploads.admit().await.map_err(held_back)?;
    let _place = inner.pacer.pass().await;
    let service = inner.transport.service();
    let (content_type, body) = without_file()?;
    let body = Departing::Whole(content_type, body);
    let (uri, headers, sending) = (service.uploads()?, HeaderMap::new(), Sending::nothing());
    let error = match inner.transport.send(&Method::POST, &uri, &headers, body, &sending).await? {
        Exchange::Reply(reply) if (200..300).contains(&reply.status) => return Ok(()),
        Exchange::Reply(reply) => failure(reply, &Asked::Upload(service.phone_number_id())).await,
        Exchange::Redirect(_) => unreadable(308, "it redirects uploads; use the address to which it does"),
    };
    if counts_as_error(&error) {
        room.spend();
    }
    match &error {
        // `(#100) The parameter file is required.`
        Error::Rejected(rejection) => match &**rejection {
            Rejection::Service(answer) if answer.code == Some(100) => Ok(()),
            _ => Err(error),
        },
        _ => Err(error),
    }
}

/// Asks for a media that nobody has: whoever is told that it is not there was let in.
async fn check_key(inner: &Inner) -> Result<(), Error> {
    match retrieve_url(inner, NOBODYS_ID).await {
        Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
