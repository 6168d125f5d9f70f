//! A service that answers what it is told, one connection for each answer, and keeps what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wamedia_client::{Client, ClientBuilder, Dialect, PhoneNumberId, Retries};

pub const ID: &str = "1761991787669262";
pub const NUMBER: &str = "1025723653965602";
pub const TOKEN: &str = "EAAB-token";
pub const KEY: &str = "d360-key";

/// What becomes of one connection, after its request was read.
pub type Act = Box<dyn FnOnce(&mut TcpStream) + Send>;

/// A running script.
pub struct Script {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub body: Vec<u8>,
}

impl Script {
    /// Does one act for each connection, in order; connections after the last are closed at once.
    pub fn play(acts: Vec<Act>) -> Self {
        Self::play_after(acts, read_request)
    }

    /// The same, but bodies are left unread.
    pub fn play_on_heads(acts: Vec<Act>) -> Self {
        Self::play_after(acts, |stream| read_head(stream).map(|(asked, _)| asked))
    }

    fn play_after(acts: Vec<Act>, read: fn(&mut TcpStream) -> Option<Asked>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        std::thread::spawn(move || {
            for act in acts {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let Some(request) = read(&mut stream) else { continue };
                heard.lock().unwrap().push(request);
                act(&mut stream);
            }
        });
        Self { address, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn graph(&self) -> Client {
        patient(graph_at(&self.base()))
    }

    pub fn d360(&self) -> Client {
        patient(d360_at(&self.base()))
    }

    /// A link of this service's.
    pub fn link(&self) -> String {
        format!("{}/whatsapp_business/attachments/?mid={ID}&hash=x", self.base())
    }
}

pub fn graph_at(base: &str) -> ClientBuilder {
    Client::builder(Dialect::Graph {
        base: base.to_owned(),
        version: "v23.0".to_owned(),
        phone_number_id: NUMBER.parse::<PhoneNumberId>().unwrap(),
        token: TOKEN.into(),
    })
}

pub fn d360_at(base: &str) -> ClientBuilder {
    Client::builder(Dialect::D360 { base: base.to_owned(), key: KEY.into() })
}

pub fn patient(builder: ClientBuilder) -> Client {
    let retries = Retries::default().with_waits(Duration::from_millis(2), Duration::from_millis(5));
    builder.retries(retries).build().unwrap()
}

impl Asked {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Bytes as they are.
pub fn raw(bytes: impl Into<Vec<u8>>) -> Act {
    let bytes = bytes.into();
    Box::new(move |stream| {
        let _ = stream.write_all(&bytes);
    })
}

/// A whole answer with a body.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Act {
    let mut bytes = head(status, headers, body.len()).into_bytes();
    bytes.extend_from_slice(body);
    raw(bytes)
}

pub fn json(status: u16, body: &str) -> Act {
    answer(status, "Content-Type: application/json\r\n", body.as_bytes())
}

/// A head that announces `length` bytes, of which only `body` come.
pub fn cut(status: u16, headers: &str, length: usize, body: &[u8]) -> Act {
    let mut bytes = head(status, headers, length).into_bytes();
    bytes.extend_from_slice(body);
    raw(bytes)
}

fn head(status: u16, headers: &str, length: usize) -> String {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n")
}

/// Reads a whole request, chunked or with a length.
fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let (asked, mut body) = read_head(stream)?;
    if let Some(length) = asked.header("content-length") {
        let length: usize = length.parse().ok()?;
        while body.len() < length {
            read_some(stream, &mut body)?;
        }
    } else if asked.header("transfer-encoding").is_some() {
        while !body.ends_with(b"0\r\n\r\n") {
            read_some(stream, &mut body)?;
        }
    }
    Some(Asked { body, ..asked })
}

/// Reads a request's head; what came of its body beside it.
fn read_head(stream: &mut TcpStream) -> Option<(Asked, Vec<u8>)> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        read_some(stream, &mut bytes)?;
    };
    let body = bytes.split_off(end);
    Some((Asked { head: String::from_utf8_lossy(&bytes).into_owned(), body: Vec::new() }, body))
}

fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 16 * 1024];
    let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
    bytes.extend_from_slice(&piece[..count]);
    Some(())
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A media of which this service has the bytes.
pub fn media(script: &Script, bytes: &[u8]) -> wamedia_client::Media {
    let (sum, length) = (sha256(bytes), bytes.len());
    let spoken =
        format!(r#"{{"id":"{ID}","url":"{}","sha256":"{sum}","file_size":{length}}}"#, script.link());
    serde_json::from_str(&spoken).unwrap()
}
