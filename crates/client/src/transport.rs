//! Requests over HTTP/1.1: pooled connections, bounded buffers, silence that ends, and the one gate before which a
//! credential is shown its way.
//!
//! On hyper's own pooled client: it sends addresses as they are, holds no more than it is told, and follows, decodes
//! and remembers nothing.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

mod arriving;
mod connect;
mod redirect;
mod sending;

pub(crate) use arriving::Arriving;
pub(crate) use connect::Connector;
pub(crate) use sending::{Departing, Form, InMemory, Pieces, Read, Sending};

use crate::address::Service;
use crate::{ConfigError, ConnectionError, Error, Secret, Timeouts};

/// The longest head of an answer, and the most that is read from a connection at once: 64 KiB.
const BUFFER_BYTES: usize = 64 * 1024;
/// Connections that are kept for the next request: as many as uploads begin in a second.
const MAX_IDLE_CONNECTIONS: usize = 25;
/// How long they are kept. Services close theirs after a minute or more.
const IDLE_CONNECTION_FOR: Duration = Duration::from_secs(50);
/// Redirects of one request that are followed.
const MAX_REDIRECTS: usize = 3;

/// Sends requests and gives their answers, whatever the status.
pub(crate) struct Transport {
    pool: Pool<Connector, Departing>,
    connector: Connector,
    service: Service,
    secret: Secret,
    user_agent: HeaderValue,
    timeouts: Timeouts,
}

/// An answer's head, and its body on the way.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Arriving,
}

/// What became of one request.
pub(crate) enum Exchange {
    Reply(Reply),
    /// It is to be sent again, with its body, to the same origin.
    Redirect(Uri),
}

impl Transport {
    pub(crate) fn new(
        service: Service,
        secret: Secret,
        user_agent: HeaderValue,
        timeouts: Timeouts,
        root_certificates: &[Vec<u8>],
    ) -> Result<Self, ConfigError> {
        let connector = Connector::new(timeouts.connect, root_certificates)?;
        if service.base().origin().is_https() {
            connector.tls()?;
        }
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION_FOR)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .http1_max_buf_size(BUFFER_BYTES)
            .build(connector.clone());
        let transport = Self { pool, connector, service, secret, user_agent, timeouts };
        transport.credential()?;
        Ok(transport)
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Sends a request without a body, and follows where it is sent to on the same origin.
    pub(crate) async fn ask(&self, method: &Method, uri: Uri, more: &HeaderMap) -> Result<Reply, Error> {
        let mut uri = uri;
        for _ in 0..=MAX_REDIRECTS {
            match self.send(method, &uri, more, Departing::Nothing, &Sending::nothing()).await? {
                Exchange::Reply(reply) => return Ok(reply),
                Exchange::Redirect(next) => uri = next,
            }
        }
        Err(redirect::too_many())
    }

    /// Sends one request. `sending` tells how far its body has come.
    pub(crate) async fn send(
        &self,
        method: &Method,
        uri: &Uri,
        more: &HeaderMap,
        body: Departing,
        sending: &Arc<Sending>,
    ) -> Result<Exchange, Error> {
        self.service.may_have_credential(uri)?;
        let request = self.request(method, uri, more, body);
        let reply = self.exchange(request, sending).await;
        // A file that fails ends the connection; the file is what to tell of.
        if let Some(failure) = sending.failure() {
            return Err(failure);
        }
        let (head, body) = reply?.into_parts();
        match redirect::next(method, head.status, &head.headers, uri)? {
            Some(next) => {
                self.service.may_have_credential(&next)?;
                Ok(Exchange::Redirect(next))
            }
            None => Ok(Exchange::Reply(Reply {
                status: head.status.as_u16(),
                headers: head.headers,
                body: Arriving::new(body, self.timeouts),
            })),
        }
    }

    fn request(&self, method: &Method, uri: &Uri, more: &HeaderMap, body: Departing) -> Request<Departing> {
        let content_type = body.content_type();
        let mut request = Request::new(body);
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.extend(content_type.map(|value| (http::header::CONTENT_TYPE, value)));
        headers.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        // It was read when the client was built.
        headers.extend(self.credential().ok());
        if let Some(auth) = self.connector.proxy_authorization(uri) {
            headers.insert(PROXY_AUTHORIZATION, auth);
        }
        request
    }

    fn credential(&self) -> Result<(HeaderName, HeaderValue), ConfigError> {
        if self.secret.expose().is_empty() {
            return Err(ConfigError::Secret);
        }
        let (name, value) = if self.service.is_graph() {
            (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {}", self.secret.expose())))
        } else {
            (HeaderName::from_static("d360-api-key"), HeaderValue::from_str(self.secret.expose()))
        };
        let mut value = value.map_err(|_| ConfigError::Secret)?;
        value.set_sensitive(true);
        Ok((name, value))
    }

    /// Waits for the head of the answer for as long as anything moves.
    async fn exchange(
        &self,
        request: Request<Departing>,
        sending: &Sending,
    ) -> Result<Response<Incoming>, Error> {
        let mut answer = pin!(self.pool.request(request));
        loop {
            let seen = sending.pieces();
            let patience = if sending.is_whole() { self.timeouts.answer } else { self.timeouts.idle };
            match timeout(patience, &mut answer).await {
                Ok(answer) => return answer.map_err(|error| not_answered(&error)),
                Err(_) if sending.pieces() != seen => {}
                Err(_) => return Err(silence(patience)),
            }
        }
    }
}

/// What to tell of an exchange that brought no answer. The address is never part of it.
fn not_answered(error: &hyper_util::client::legacy::Error) -> Error {
    Error::Connection(ConnectionError { was_sent: !error.is_connect(), source: innermost(error).into() })
}

/// The last cause's words: the layers above it say only that something went wrong.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn silence(waited: Duration) -> Error {
    let text = format!("nothing, or too little, came for {} s", waited.as_secs_f32());
    Error::Connection(ConnectionError {
        was_sent: true,
        source: io::Error::new(io::ErrorKind::TimedOut, text).into(),
    })
}
