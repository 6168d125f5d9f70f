//! One HTTP call, bounded in every way: only to an address that was judged, over a connection of its own, no redirect
//! followed, no proxy asked, no more of the answer read than was configured.
//!
//! On hyper's own client connection, which is here already: a client library's resolver hooks, pools, proxies and
//! redirects would all have to be switched off again.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::target::{Reach, Target, TargetError};
use crate::config::{self, AllowPrivate};

/// Names looked up at once: the system's resolver blocks a thread for as long as it likes.
const LOOKUPS: usize = 8;
/// Addresses of one name that are tried.
const ADDRESSES: usize = 4;
/// The longest head of an answer.
const HEAD_BYTES: usize = 16 * 1024;

/// Makes calls within bounds. Shared.
pub struct Caller {
    timeout: Duration,
    answer_bytes: usize,
    ceiling: AllowPrivate,
    ca_file: PathBuf,
    lookups: Arc<Semaphore>,
    /// The system's authorities are read at the first https call: a start need not wait for them.
    tls: OnceCell<TlsConnector>,
}

/// What an endpoint answered.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, as far as it is read.
    pub body: Bytes,
    retry_after: Option<HeaderValue>,
}

/// Why there was no answer. Never names the URL, whose query may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The URL or an address behind it may not be called.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The name has no address.
    #[error("the host has no address")]
    NoSuchHost,
    /// Nobody listens there.
    #[error("no connection: {0}")]
    NoConnection(std::io::Error),
    /// The certificate is not trusted, or is another's, or there is no TLS.
    #[error("no TLS: {0}")]
    Tls(std::io::Error),
    /// The authorities to trust cannot be read.
    #[error("the trusted certificates cannot be read: {0}")]
    Authorities(String),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended early, or spoke no HTTP.
    #[error("no whole answer: {0}")]
    Broken(hyper::Error),
}

impl CallError {
    /// A short stable word for metrics, lists and logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Target(_) => "target-refused",
            Self::NoSuchHost => "no-such-host",
            Self::NoConnection(_) => "no-connection",
            Self::Tls(_) => "no-tls",
            Self::Authorities(_) => "no-authorities",
            Self::Timeout => "timeout",
            Self::Broken(_) => "broken",
        }
    }
}

impl Answer {
    /// How long the endpoint asked to be left alone (`Retry-After`, seconds or a date).
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.retry_after.as_ref()?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        until.duration_since(now).try_into().ok()
    }
}

impl Caller {
    /// With the configured bounds.
    pub fn new(settings: &config::Webhooks) -> Self {
        Self {
            timeout: settings.timeout.duration(),
            answer_bytes: settings.answer_bytes.as_usize(),
            ceiling: settings.allow_private,
            ca_file: settings.ca_file.clone(),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            tls: OnceCell::new(),
        }
    }

    /// How far the calls of a subscription may go that allows what is not public, or does not.
    pub fn reach(&self, allow_private: bool) -> Reach {
        Reach::new(self.ceiling, allow_private)
    }

    /// Every address behind the target, each of which may be called. An address that is written out is not looked up.
    ///
    /// # Errors
    /// One of them may not be called, or there is none.
    pub async fn addresses(&self, target: &Target, reach: Reach) -> Result<Vec<SocketAddr>, CallError> {
        let found = match target.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, target.port)],
            Err(_) => timeout(self.timeout, self.look_up(target)).await.map_err(|_| CallError::Timeout)??,
        };
        for address in &found {
            reach.check(address.ip().to_canonical(), target.https)?;
        }
        if found.is_empty() { Err(CallError::NoSuchHost) } else { Ok(found) }
    }

    /// A thread that the resolver keeps counts until it returns, whoever still waits for it.
    async fn look_up(&self, target: &Target) -> Result<Vec<SocketAddr>, CallError> {
        let place = self.lookups.clone().acquire_owned().await;
        let (host, port) = (target.host.clone(), target.port);
        let looked_up = tokio::task::spawn_blocking(move || {
            let _place = place;
            (host.as_str(), port).to_socket_addrs().map(Iterator::collect)
        });
        looked_up.await.ok().and_then(Result::ok).ok_or(CallError::NoSuchHost)
    }

    /// GET, with nothing but what must be said.
    ///
    /// # Errors
    /// [`CallError`]; an answer of any status is none.
    pub async fn get(&self, target: &Target, reach: Reach) -> Result<Answer, CallError> {
        self.call(target, reach, Method::GET, HeaderMap::new(), Bytes::new()).await
    }

    /// POST of exactly these bytes.
    ///
    /// # Errors
    /// [`CallError`]; an answer of any status is none.
    pub async fn post(
        &self,
        target: &Target,
        reach: Reach,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, CallError> {
        self.call(target, reach, Method::POST, headers, body).await
    }

    async fn call(
        &self,
        target: &Target,
        reach: Reach,
        method: Method,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, CallError> {
        let deadline = Instant::now() + self.timeout;
        let host = HeaderValue::from_str(&target.authority).map_err(|_| TargetError::NoUrl)?;
        headers.insert(HOST, host);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.path.clone().into();
        *request.headers_mut() = headers;
        let called = async {
            let stream = self.connect(&self.addresses(target, reach).await?).await?;
            if target.https {
                exchange(self.secured(stream, &target.host).await?, request).await
            } else {
                exchange(stream, request).await
            }
        };
        let (answer, _connection) = timeout_at(deadline, called).await.map_err(|_| CallError::Timeout)??;
        let status = answer.status();
        let retry_after = answer.headers().get(RETRY_AFTER).cloned();
        // The status is known: whatever becomes of the body does not change it.
        let mut body = Vec::new();
        let _ = timeout_at(deadline, read_up_to(self.answer_bytes, answer.into_body(), &mut body)).await;
        Ok(Answer { status, body: body.into(), retry_after })
    }

    /// One after the other, so that one silent address leaves time for the next.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, CallError> {
        let tried = addresses.len().clamp(1, ADDRESSES);
        let each = self.timeout / u32::try_from(tried).unwrap_or(1);
        let mut last = CallError::Timeout;
        for address in addresses.iter().take(tried) {
            match timeout(each, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = CallError::NoConnection(error),
                Err(_) => last = CallError::Timeout,
            }
        }
        Err(last)
    }

    async fn secured(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, CallError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| CallError::Tls(std::io::Error::other(error)))?;
        let connector = self.tls.get_or_try_init(|| connector(self.ca_file.clone())).await?;
        connector.connect(name, stream).await.map_err(CallError::Tls)
    }
}

/// Reads the authorities: the system's, and those of the file.
async fn connector(ca_file: PathBuf) -> Result<TlsConnector, CallError> {
    let read = tokio::task::spawn_blocking(move || {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        roots.add_parsable_certificates(own_authorities(&ca_file).map_err(|error| error.to_string())?);
        if roots.is_empty() {
            return Err("there are none; install ca-certificates, or set webhooks.ca_file".to_owned());
        }
        Ok(roots)
    });
    let roots = read.await.map_err(|error| error.to_string()).flatten().map_err(CallError::Authorities)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificates of `webhooks.ca_file`; none where it is not set.
///
/// # Errors
/// The file cannot be read, or is no PEM.
pub fn own_authorities(
    ca_file: &Path,
) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    if ca_file.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    CertificateDer::pem_file_iter(ca_file)?.collect()
}

/// Ends the connection with whoever holds it.
struct Connection(tokio::task::JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends the request, waits for the head of its answer.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(http::Response<Incoming>, Connection), CallError> {
    let mut client = hyper::client::conn::http1::Builder::new();
    client.max_buf_size(HEAD_BYTES);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(CallError::Broken)?;
    let driven = Connection(tokio::spawn(async move {
        // What goes wrong here is told to the request.
        let _ = connection.await;
    }));
    let answer = sender.send_request(request).await.map_err(CallError::Broken)?;
    Ok((answer, driven))
}

async fn read_up_to(max_bytes: usize, mut body: Incoming, read: &mut Vec<u8>) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else { continue };
        let room = max_bytes - read.len();
        read.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if read.len() == max_bytes {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let asked = |text: &'static str| {
            let retry_after = Some(HeaderValue::from_static(text));
            Answer { status: StatusCode::OK, body: Bytes::new(), retry_after }.retry_after(now)
        };
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked("Fri, 20 Nov 2026 12:01:30 GMT"), Some(Duration::from_secs(90)));
        for none in ["", "soon", "-1", "1.5", "Fri, 20 Nov 2026 11:00:00 GMT"] {
            assert_eq!(asked(none), None, "{none}");
        }
    }
}
