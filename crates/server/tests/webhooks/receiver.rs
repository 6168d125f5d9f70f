//! An endpoint of a business: records every request as it came, answers as it is told, and knows HMAC by itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::samples;

/// One request.
#[derive(Clone, Debug)]
pub struct Hit {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Hit {
    /// The only header of this name, in lower case.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self.headers.iter().filter(|(key, _)| key == name).collect();
        assert_eq!(found.len(), 1, "{name} in {:?}", self.headers);
        &found[0].1
    }

    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(key, _)| key == name)
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// What the endpoint does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This status, these header lines, this body.
    Say(u16, &'static str, String),
    /// Nothing, ever.
    Silence,
    /// Hangs up.
    HangUp,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::Say(status, "", String::new())
    }
}

type Script = dyn Fn(&Hit, usize) -> Reply + Send + Sync;

/// A running endpoint; it ends when dropped.
pub struct Receiver {
    pub address: SocketAddr,
    hits: Arc<Mutex<Vec<Hit>>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// One that answers 200.
    pub async fn start() -> Self {
        Self::with(|_, _| Reply::status(200)).await
    }

    /// One that answers as `script` says of each request and its number, from nought.
    pub async fn with(script: impl Fn(&Hit, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, script)
    }

    pub fn on(listener: TcpListener, script: impl Fn(&Hit, usize) -> Reply + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let hits = Arc::new(Mutex::new(Vec::new()));
        let (recorded, script): (_, Arc<Script>) = (hits.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(serve(stream, recorded.clone(), script.clone()));
            }
        });
        Self { address, hits, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// The requests, once there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<Hit> {
        crate::support::wait_until(&format!("{count} requests"), || self.hits.lock().unwrap().len() >= count)
            .await;
        self.hits()
    }
}

/// One request a connection, as webhooks are sent.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    hits: Arc<Mutex<Vec<Hit>>>,
    script: Arc<Script>,
) {
    let Some(hit) = read(&mut stream).await else { return };
    let number = {
        let mut hits = hits.lock().unwrap();
        hits.push(hit.clone());
        hits.len() - 1
    };
    match script(&hit, number) {
        Reply::Say(status, headers, body) => {
            let head =
                format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.flush().await;
            let _ = stream.shutdown().await;
        }
        Reply::Silence => tokio::time::sleep(Duration::from_secs(3600)).await,
        Reply::HangUp => {}
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Hit> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a text");
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    assert_eq!(body.len(), length, "nothing behind the body");
    Some(Hit { method, target, headers, body })
}

/// HMAC-SHA256 from its definition (RFC 2104), in hex.
pub fn hmac(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&samples::sha256(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad).to_vec();
    let inner = samples::sha256(&[padded(0x36), message.to_vec()].concat());
    samples::hex(&samples::sha256(&[padded(0x5c), inner].concat()))
}

#[test]
fn the_receivers_hmac_is_the_rfcs() {
    // RFC 4231, test cases 2 and 6.
    assert_eq!(
        hmac(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}
