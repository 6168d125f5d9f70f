//! Connections: straight or through the proxy that the environment names, plain or with TLS, within their time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use crate::ConfigError;
use crate::address::Origin;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Connector {
    http: HttpConnector,
    proxies: Arc<Matcher>,
    tls: Arc<Tls>,
    timeout: Duration,
}

/// TLS is made ready when it is first needed: reading the system's authorities takes some milliseconds, and a test
/// double on the loopback address needs none.
struct Tls {
    more_roots: Vec<CertificateDer<'static>>,
    ready: OnceLock<Result<Arc<ClientConfig>, String>>,
}

/// A connection.
///
/// A service that refuses an upload may answer, and close, before it has read everything. What is written then fails,
/// while the answer is here already, waiting to be read: so a write that fails is not the end, only a read is.
pub(crate) struct Wire {
    stream: Stream,
    is_proxied: bool,
    /// Nothing that is written arrives any more.
    is_deaf: bool,
}

enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connector {
    pub(crate) fn new(timeout: Duration, root_certificates: &[Vec<u8>]) -> Result<Self, ConfigError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(Duration::from_secs(30)));
        let mut more_roots = Vec::new();
        for pem in root_certificates {
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let read = read.ok().filter(|read| !read.is_empty());
            more_roots
                .extend(read.ok_or_else(|| ConfigError::Tls("no certificate in PEM could be read".into()))?);
        }
        let tls = Arc::new(Tls { more_roots, ready: OnceLock::new() });
        Ok(Self { http, proxies: Arc::new(Matcher::from_env()), tls, timeout })
    }

    pub(super) fn tls(&self) -> Result<TlsConnector, ConfigError> {
        let ready = self.tls.ready.get_or_init(|| self.tls.configure());
        ready.clone().map(TlsConnector::from).map_err(ConfigError::Tls)
    }

    /// What a proxy wants to see in the request itself, where there is no tunnel through it.
    pub(super) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme_str() == Some("https") {
            return None;
        }
        self.proxy_for(uri)?.basic_auth().cloned()
    }

    /// The proxy to an address. What is on this machine is never behind one.
    fn proxy_for(&self, uri: &Uri) -> Option<Intercept> {
        let is_local = Origin::of(uri).is_some_and(|origin| origin.is_loopback());
        if is_local { None } else { self.proxies.intercept(uri) }
    }

    async fn connect(mut self, uri: Uri) -> Result<Wire, BoxError> {
        let is_https = uri.scheme_str() == Some("https");
        let proxy = self.proxy_for(&uri);
        let is_proxied = proxy.is_some() && !is_https;
        let stream = match proxy {
            None => self.http.call(uri.clone()).await?,
            Some(proxy) if proxy.uri().scheme_str() != Some("http") => {
                return Err("only http:// proxies are spoken to".into());
            }
            Some(proxy) if is_https => {
                let tunnel = Tunnel::new(proxy.uri().clone(), self.http.clone());
                let mut tunnel = match proxy.basic_auth() {
                    Some(auth) => tunnel.with_auth(auth.clone()),
                    None => tunnel,
                };
                tunnel.call(uri.clone()).await?
            }
            Some(proxy) => self.http.call(proxy.uri().clone()).await?,
        };
        if !is_https {
            return Ok(Wire::new(Stream::Plain(stream), is_proxied));
        }
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let stream = self.tls()?.connect(ServerName::try_from(host)?, stream.into_inner()).await?;
        Ok(Wire::new(Stream::Tls(Box::new(TokioIo::new(stream))), is_proxied))
    }
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Wire, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // The one that was ready is the one to use; its clone may not be.
        let fresh = self.clone();
        let ready = std::mem::replace(self, fresh);
        let limit = self.timeout;
        Box::pin(async move {
            match timeout(limit, ready.connect(uri)).await {
                Ok(connected) => connected,
                Err(_) => Err(format!("none within {} s", limit.as_secs_f32()).into()),
            }
        })
    }
}

impl Tls {
    fn configure(&self) -> Result<Arc<ClientConfig>, String> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        for root in &self.more_roots {
            roots.add(root.clone()).map_err(|error| format!("an authority cannot be used: {error}"))?;
        }
        if roots.is_empty() {
            return Err("the system has no authorities to trust; name a file of them".to_owned());
        }
        let provider = provider().ok_or("built without one: enable the feature aws-lc-rs or ring")?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }
}

/// The one that was built in; else the one that the application installed for the whole process.
fn provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    let built_in = Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    let built_in = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    let built_in = None;
    built_in.or_else(|| CryptoProvider::get_default().cloned())
}

impl Wire {
    fn new(stream: Stream, is_proxied: bool) -> Self {
        Self { stream, is_proxied, is_deaf: false }
    }

    /// What became of writing `count` bytes; what the other side closed itself to counts as written.
    fn written(&mut self, count: usize, result: io::Result<usize>) -> io::Result<usize> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match result {
            Err(error) if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) => {
                self.is_deaf = true;
                Ok(count)
            }
            result => result,
        }
    }
}

impl Stream {
    fn as_write(&mut self) -> Pin<&mut (dyn Write + Unpin)> {
        match self {
            Self::Plain(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_proxied)
    }
}

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_deaf {
            return Poll::Ready(Ok(buf.len()));
        }
        let result = ready!(this.stream.as_write().poll_write(cx, buf));
        Poll::Ready(this.written(buf.len(), result))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_deaf {
            return Poll::Ready(Ok(()));
        }
        let result = ready!(this.stream.as_write().poll_flush(cx));
        Poll::Ready(this.written(0, result.map(|()| 0)).map(drop))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.as_write().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = bufs.iter().map(|buf| buf.len()).sum();
        if this.is_deaf {
            return Poll::Ready(Ok(count));
        }
        let result = ready!(this.stream.as_write().poll_write_vectored(cx, bufs));
        Poll::Ready(this.written(count, result))
    }
}
