//! The way of an upload: judged, let through, sent, answered; again where that is safe.

use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::Value;

use super::preflight::{grew_too_large, prepare};
use super::ready::Ready;
use super::{Upload, Uploaded, form};
use crate::client::Inner;
use crate::media::media_id;
use crate::progress::Listener;
use crate::retry::{Again, Attempts};
use crate::transport::{Departing, Exchange, Reply, Sending};
use crate::verdict::{Asked, counts_as_error, failure, read_json, unreadable};
use crate::{BudgetRule, Error};

/// Redirects of one upload that are followed, each with the whole body.
const MAX_REDIRECTS: usize = 3;

pub(crate) async fn upload(inner: &Inner, upload: Upload) -> Result<Uploaded, Error> {
    let said = upload.said()?;
    let (ttl_minutes, progress) = (upload.ttl_minutes, upload.progress);
    let file = prepare(upload.content, said).await?;
    let mut attempts = Attempts::first(&inner.retries);
    loop {
        let error = match once(inner, &file, ttl_minutes, progress.clone()).await {
            Ok(uploaded) => return Ok(Uploaded { attempts: attempts.total(), ..uploaded }),
            Err(error) => error,
        };
        // An upload whose answer was lost may have been kept; the second one has an id of its own, the first nobody
        // knows, and it expires.
        let again = if file.is_replayable() { Again::Repeats } else { Again::Impossible };
        attempts.again(named(error, &file), again).await?;
    }
}

/// One attempt.
async fn once(
    inner: &Inner,
    file: &Ready,
    ttl_minutes: Option<u32>,
    progress: Option<Listener>,
) -> Result<Uploaded, Error> {
    let held_back = |retry_after| Error::HeldBack { retry_after, rule: BudgetRule::UploadFailures };
    let room = inner.failed_uploads.admit().await.map_err(held_back)?;
    let _place = inner.pacer.pass().await;
    let sending = Arc::new(Sending::default());
    let sent = send(inner, file, ttl_minutes, progress, sending).await;
    if sent.as_ref().is_err_and(counts_as_error) {
        room.spend();
    }
    sent
}

async fn send(
    inner: &Inner,
    file: &Ready,
    ttl_minutes: Option<u32>,
    progress: Option<Listener>,
    mut sending: Arc<Sending>,
) -> Result<Uploaded, Error> {
    let mut uri = inner.transport.service().uploads()?;
    let fields = form::Fields { media_type: &file.media_type, file_name: &file.file_name, ttl_minutes };
    for _ in 0..=MAX_REDIRECTS {
        let form = form::form(&fields, file, progress.clone(), &sending).await?;
        let body = Departing::Form(Box::new(form));
        match inner.transport.send(&Method::POST, &uri, &HeaderMap::new(), body, &sending).await? {
            Exchange::Reply(reply) => return answered(inner, file, reply, &sending).await,
            Exchange::Redirect(_) if !file.is_replayable() => break,
            Exchange::Redirect(next) => uri = next,
        }
        sending = Arc::new(Sending::default());
    }
    Err(unreadable(308, "it redirects, and the upload cannot be sent there"))
}

async fn answered(inner: &Inner, file: &Ready, reply: Reply, sending: &Sending) -> Result<Uploaded, Error> {
    if !(200..300).contains(&reply.status) {
        return Err(failure(reply, &Asked::Upload(inner.transport.service().phone_number_id())).await);
    }
    let status = reply.status;
    let body = read_json(reply).await?;
    // Some of 360dialog's older answers are `{"media":[{"id":"…"}]}`.
    let id = media_id(&body["id"]).or_else(|| media_id(&body["media"][0]["id"]));
    let id = id.ok_or_else(|| unreadable(status, said_instead(&body)))?;
    let Some((bytes, sha256)) = sending.file() else {
        return Err(unreadable(status, "it answered before it had the whole file"));
    };
    let (media_type, warnings) = (file.media_type.clone(), file.warnings.clone());
    Ok(Uploaded { id, sha256, bytes, media_type, warnings, attempts: 1 })
}

fn said_instead(body: &Value) -> &'static str {
    if body.is_null() { "its answer is no JSON" } else { "its answer has no media id" }
}

/// The error with what only the upload knows: the path, and which type is too long.
fn named(error: Error, file: &Ready) -> Error {
    match error {
        Error::Io { path: None, source } => Error::Io { path: file.path().map(Into::into), source },
        Error::TooLong { limit } => grew_too_large(&file.media_type, limit + 1),
        error => error,
    }
}
