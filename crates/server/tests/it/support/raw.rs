//! HTTP by hand: exact bytes out; status line, headers in their order and body back.
//!
//! No client library stands between a test and the wire, so a test can say what a library never would.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing in these tests takes this long; what does, hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A request, written out as it will be sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// How a body is framed.
#[derive(Clone, Debug)]
pub enum Body {
    None,
    Counted(Vec<u8>),
    /// In chunks of so many bytes.
    Chunked(Vec<u8>, usize),
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        let headers = vec![("Host".to_owned(), "media.example:8480".to_owned())];
        Self { method: method.to_owned(), target: target.to_owned(), headers, body: Body::None }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Counted(bytes.into());
        self
    }

    pub fn chunked(mut self, chunk_bytes: usize) -> Self {
        if let Body::Counted(bytes) = self.body {
            self.body = Body::Chunked(bytes, chunk_bytes);
        }
        self
    }

    /// The head alone, empty line included.
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        match &self.body {
            Body::None => {}
            Body::Counted(bytes) => head += &format!("Content-Length: {}\r\n", bytes.len()),
            Body::Chunked(..) => head += "Transfer-Encoding: chunked\r\n",
        }
        head += "\r\n";
        head.into_bytes()
    }

    /// Everything.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = self.head();
        match &self.body {
            Body::None => {}
            Body::Counted(bytes) => all.extend_from_slice(bytes),
            Body::Chunked(bytes, chunk_bytes) => {
                for chunk in bytes.chunks(*chunk_bytes) {
                    all.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    all.extend_from_slice(chunk);
                    all.extend_from_slice(b"\r\n");
                }
                all.extend_from_slice(b"0\r\n\r\n");
            }
        }
        all
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Statuses of interim answers before this one, such as 100.
    pub interim: Vec<u16>,
    pub status_line: String,
    /// In the order in which they were sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body came to the end that its head announced.
    pub whole: bool,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.status_line.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status")
    }

    /// The only header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let first = found.next();
        assert!(found.next().is_none(), "{name} stands twice in {self:?}");
        first.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.shown()))
    }

    /// Whether the server says that it will close the connection.
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Everything as text for comparison: headers sorted, without the date and without the length, which is checked
    /// here; the trace id, which must be the same in header and body, as `{trace}`.
    #[track_caller]
    pub fn shown(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.body).into_owned();
        if let Some(length) = self.header("content-length") {
            let bodiless = self.body.is_empty();
            assert!(bodiless || length == self.body.len().to_string(), "{self:?}");
        }
        let trace = self.header("x-fb-request-id").map(str::to_owned);
        if let Some(trace) = &trace {
            assert!(trace.len() == 23 && trace.starts_with('A'), "{trace}");
            assert_eq!(text.matches(trace.as_str()).count(), usize::from(!text.is_empty()), "{self:?}");
            text = text.replace(trace.as_str(), "{trace}");
        }
        let mut lines: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| !["date", "content-length"].contains(&name.as_str()))
            .map(|(name, value)| match &trace {
                Some(trace) => format!("{name}: {}", value.replace(trace.as_str(), "{trace}")),
                None => format!("{name}: {value}"),
            })
            .collect();
        lines.sort();
        format!("{}\n{}\n\n{text}", self.status_line, lines.join("\n"))
    }
}

/// One connection.
pub struct Connection<S = TcpStream> {
    stream: BufReader<S>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream =
            timeout(PATIENCE, TcpStream::connect(address)).await.expect("in time").expect("connects");
        stream.set_nodelay(true).expect("nodelay");
        Self::over(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.expect("the server reads");
    }

    pub async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(PATIENCE, written).await.expect("the server reads in time")
    }

    /// Sends in two pieces that the server meets one after the other.
    pub async fn send_cut(&mut self, bytes: &[u8], at: usize) {
        self.send(&bytes[..at]).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.send(&bytes[at..]).await;
    }

    /// No more from us, but we still listen.
    pub async fn end(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub fn ask(&mut self, request: &Request) -> impl Future<Output = Answer> {
        let (bytes, method) = (request.bytes(), request.method.clone());
        async move {
            self.send(&bytes).await;
            self.answer(&method).await.expect("an answer")
        }
    }

    /// The next answer. A head that does not come is an error, a body that is cut is told by [`Answer::whole`].
    pub async fn answer(&mut self, method: &str) -> io::Result<Answer> {
        timeout(PATIENCE, self.read_answer(method)).await.expect("the server answers in time")
    }

    async fn read_answer(&mut self, method: &str) -> io::Result<Answer> {
        let mut interim = Vec::new();
        loop {
            let (status_line, headers) = self.read_head().await?;
            let mut answer =
                Answer { interim: interim.clone(), status_line, headers, body: Vec::new(), whole: true };
            let status = answer.status();
            if (100..200).contains(&status) {
                interim.push(status);
                continue;
            }
            if method != "HEAD" && status != 304 && status != 204 {
                (answer.body, answer.whole) = self.read_body(&answer).await?;
            }
            return Ok(answer);
        }
    }

    async fn read_head(&mut self) -> io::Result<(String, Vec<(String, String)>)> {
        let status_line = self.read_line().await?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line().await?;
            if line.is_empty() {
                return Ok((status_line, headers));
            }
            let (name, value) = line.split_once(": ").expect("a header");
            headers.push((name.to_owned(), value.to_owned()));
        }
    }

    async fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await?;
        match line.strip_suffix(b"\r\n") {
            Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    async fn read_body(&mut self, answer: &Answer) -> io::Result<(Vec<u8>, bool)> {
        if answer.header("transfer-encoding").is_some() {
            return self.read_chunks().await;
        }
        let Some(length) = answer.header("content-length") else {
            let mut body = Vec::new();
            self.stream.read_to_end(&mut body).await?;
            return Ok((body, true));
        };
        let mut body = vec![0; length.parse().expect("a length")];
        let mut filled = 0;
        while filled < body.len() {
            match self.stream.read(&mut body[filled..]).await {
                Ok(0) | Err(_) => break,
                Ok(count) => filled += count,
            }
        }
        let whole = filled == body.len();
        body.truncate(filled);
        Ok((body, whole))
    }

    async fn read_chunks(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut body = Vec::new();
        loop {
            let Ok(line) = self.read_line().await else { return Ok((body, false)) };
            let size = usize::from_str_radix(&line, 16).expect("a chunk size");
            let mut chunk = vec![0; size + 2];
            if self.stream.read_exact(&mut chunk).await.is_err() {
                return Ok((body, false));
            }
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok((body, true));
            }
        }
    }

    /// Whether the server ends the connection within `wait` without saying anything more.
    pub async fn is_ended_within(&mut self, wait: Duration) -> bool {
        matches!(timeout(wait, self.stream.read(&mut [0])).await, Ok(Ok(0) | Err(_)))
    }
}
