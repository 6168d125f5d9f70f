//! The way to a service, step by step and by hand: name, connection, TLS, and the clock at the other end.
//!
//! The client does all of this by itself; here each step is tried apart, so that each has an error and a remedy of its own.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Finding;
use crate::cli::output::duration;
use crate::cli::transfer::target::{Connection, read_authorities};
use crate::clock::Clock;

/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any head of an answer.
const HEAD_BYTES: u64 = 16 * 1024;

/// Clocks that differ by more are worth a word: links live for 300 seconds.
const SKEW_WORTH_A_WORD: SignedDuration = SignedDuration::from_secs(30);

/// What is tried, in this order, under the names that are told.
pub(super) const STEPS: &[(&str, Try)] =
    &[("name", Try::Name), ("connect", Try::Connect), ("tls", Try::Tls), ("clock", Try::Clock)];

/// One of the steps.
#[derive(Clone, Copy)]
pub(super) enum Try {
    Name,
    Connect,
    Tls,
    Clock,
}

/// How far we have come.
pub(super) struct Way<'c> {
    connection: &'c Connection,
    host: String,
    port: u16,
    is_tls: bool,
    addresses: Vec<SocketAddr>,
    stream: Option<Box<dyn Stream>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Variables that lead the client through a proxy.
const PROXIES: &[&str] =
    &["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

impl<'c> Way<'c> {
    /// The way to a connection's service; or why it is not ours to walk.
    pub(super) fn to(connection: &'c Connection) -> Result<Self, String> {
        let uri: http::Uri = connection.base.parse().map_err(|_| "the base is no address".to_owned())?;
        let is_tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let proxy = PROXIES.iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        if let Some(name) = proxy.filter(|_| !is_here) {
            return Err(format!("{name} is set: the way may lead through a proxy, and is not looked at"));
        }
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self { connection, host, port, is_tls, addresses: Vec::new(), stream: None })
    }

    /// Tries the next step.
    pub(super) async fn step(&mut self, step: Try) -> Finding {
        let tried = timeout(PATIENCE, async {
            match step {
                Try::Name => self.name().await,
                Try::Connect => self.connect().await,
                Try::Tls => self.tls().await,
                Try::Clock => self.clock().await,
            }
        });
        tried.await.unwrap_or_else(|_| {
            let what = format!("{} did not answer within {} s", self.host, PATIENCE.as_secs());
            Finding::failed(
                what,
                "Look at the network and at firewalls on the way; is the port the right one?",
            )
        })
    }

    async fn name(&mut self) -> Finding {
        match lookup_host((self.host.as_str(), self.port)).await {
            Ok(addresses) => self.addresses = addresses.collect(),
            Err(error) => {
                let what = format!("{} is not found: {error}", self.host);
                return Finding::failed(
                    what,
                    "Is the base spelled right, and does this machine reach a name server?",
                );
            }
        }
        let Some(first) = self.addresses.first() else {
            let what = format!("{} has no address", self.host);
            return Finding::failed(what, "Is the base spelled right?");
        };
        if self.host.parse::<IpAddr>().is_ok() {
            return Finding::ok("the base has an address already");
        }
        let more = match self.addresses.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Finding::ok(format!("{} is {}{more}", self.host, first.ip()))
    }

    async fn connect(&mut self) -> Finding {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in &self.addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    self.stream = Some(Box::new(stream));
                    return Finding::ok(address.to_string());
                }
                Err(error) => last = error,
            }
        }
        let remedy = match last.kind() {
            io::ErrorKind::ConnectionRefused => {
                "Nobody listens there: is the service running, and is the port right?"
            }
            _ => "Look at the network and at firewalls on the way.",
        };
        Finding::failed(format!("port {}: {last}", self.port), remedy)
    }

    async fn tls(&mut self) -> Finding {
        if !self.is_tls {
            return Finding::skipped("the base is http://");
        }
        let Some(stream) = self.stream.take() else { return Finding::skipped("there is no connection") };
        let connector = match connector(self.connection) {
            Ok(connector) => connector,
            Err(what) => {
                return Finding::failed(what, "Install ca-certificates, or name a PEM file with --ca-file.");
            }
        };
        let name = match ServerName::try_from(self.host.clone()) {
            Ok(name) => name,
            Err(error) => {
                return Finding::failed(error.to_string(), "Certificates are for names: is the base right?");
            }
        };
        match connector.connect(name, stream).await {
            Ok(stream) => {
                let version = stream.get_ref().1.protocol_version();
                self.stream = Some(Box::new(stream));
                Finding::ok(version.map_or("TLS".to_owned(), |it| format!("{it:?}").replace('_', ".")))
            }
            Err(error) => {
                let what = error.to_string();
                let remedy = if what.contains("UnknownIssuer") {
                    "Nobody here knows who signed its certificate; trust an authority of your own with --ca-file."
                } else if what.contains("InvalidContentType") {
                    "It does not speak TLS at that port: the base begins with http://, or has another port."
                } else {
                    "Is it the right port, and is the certificate in date and for this name?"
                };
                Finding::failed(what, remedy)
            }
        }
    }

    /// A request that needs no credential: any answer tells the time.
    async fn clock(&mut self) -> Finding {
        let Some(stream) = &mut self.stream else { return Finding::skipped("there is no connection") };
        let request = format!(
            "HEAD / HTTP/1.1\r\nHost: {}\r\nUser-Agent: wamedia-doctor\r\nConnection: close\r\n\r\n",
            self.host
        );
        let mut answer = Vec::new();
        let asked = async {
            stream.write_all(request.as_bytes()).await?;
            stream.take(HEAD_BYTES).read_to_end(&mut answer).await
        };
        // Who closes without ceremony has still answered.
        let failed = asked.await.err();
        if !answer.starts_with(b"HTTP/1.") {
            let what =
                failed.map_or("what answers does not speak HTTP".to_owned(), |error| error.to_string());
            return Finding::failed(what, "Is it the right port, and https:// where there is TLS?");
        }
        match date(&answer) {
            None => Finding::skipped("its answers have no date"),
            Some(theirs) => compared(theirs, Clock::running().now()),
        }
    }
}

/// Links say when they end by the service's clock, and tokens by everybody's.
fn compared(theirs: Timestamp, ours: Timestamp) -> Finding {
    let apart = ours.duration_since(theirs).abs();
    let told = duration(u64::try_from(apart.as_millis()).unwrap_or(u64::MAX));
    if apart <= SKEW_WORTH_A_WORD {
        return Finding::ok("its clock and ours agree");
    }
    let which = if ours < theirs { "behind" } else { "ahead of" };
    Finding::warning(
        format!("our clock is {told} {which} the service's"),
        "Set this machine's clock, by NTP for instance: links and tokens end by the date.",
    )
}

/// The `Date` of an answer's head.
fn date(answer: &[u8]) -> Option<Timestamp> {
    let head = String::from_utf8_lossy(answer);
    let mut lines = head.lines().skip(1).take_while(|line| !line.is_empty());
    let value = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then(|| value.trim().to_owned())
    })?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()
}

fn connector(connection: &Connection) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &connection.ca_file {
        let pem = read_authorities(path).map_err(|error| format!("{error:#}"))?;
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    }
    if roots.is_empty() {
        return Err("there are no authorities to trust".to_owned());
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    #[test]
    fn the_date_is_read_from_any_head() {
        let head = b"HTTP/1.1 404 Not Found\r\nserver: x\r\ndate: Thu, 14 May 2026 13:54:25 GMT\r\n\r\nDate: never\r\n";
        assert_eq!(date(head), Timestamp::from_second(1_778_766_865).ok());
        assert_eq!(date(b"HTTP/1.1 200 OK\r\n\r\ndate: Thu, 14 May 2026 13:54:25 GMT\r\n"), None);
        assert_eq!(date(b"HTTP/1.1 200 OK\r\ndate: yesterday\r\n\r\n"), None);
    }

    #[test]
    fn clocks_that_differ_are_told_and_which_is_behind() {
        let at = |second: i64| Timestamp::from_second(1_778_766_865 + second).unwrap();
        assert!(compared(at(0), at(29)).state == State::Ok);
        let behind = compared(at(3600), at(0));
        assert!(
            behind.state == State::Warning && behind.detail.contains("1:00:00 behind"),
            "{}",
            behind.detail
        );
        assert!(compared(at(0), at(61)).detail.contains("1:01 ahead of"));
    }
}
