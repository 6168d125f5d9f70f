//! Where requests begin and end on a connection, read strictly before the HTTP library sees a byte.
//!
//! Two readers that disagree on an end are how requests are smuggled past a proxy. Whatever could be read in two
//! ways (both lengths, folded headers, bare line feeds, odd chunk sizes) is refused here, so there is one reading.

use std::sync::LazyLock;

use http::StatusCode;
use memchr::memmem::Finder;
use memchr::{memchr, memchr2};

/// The end of a head's last line and the empty line behind it.
static HEAD_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

/// Longest chunk size line, extensions included. Honest ones have ten characters.
const MAX_CHUNK_LINE_BYTES: usize = 1024;

/// Longest trailer section of a chunked body. Honest forms have none.
const MAX_TRAILER_BYTES: usize = 8 * 1024;

/// What a head may cost.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of request line and headers together.
    pub max_bytes: usize,
    /// Header lines.
    pub max_headers: usize,
}

/// Why a request was refused before it was one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// 400 or 431.
    pub status: StatusCode,
    /// What is wrong, for the client.
    pub text: &'static str,
}

const fn bad(text: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, text }
}

const TOO_LARGE: Refusal = Refusal {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    text: "The request's headers are too large.",
};

/// What the next bytes of the connection are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Head,
    Body { remaining: u64 },
    Chunks(Chunks),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Chunks {
    /// The size line: its digits so far, whether extensions began, its length.
    Size {
        size: u64,
        digits: u8,
        in_extension: bool,
        seen: usize,
    },
    SizeLf {
        size: u64,
    },
    Data {
        remaining: u64,
    },
    DataCr,
    DataLf,
    /// The lines after the last chunk: bytes of the current line, bytes of all.
    Trailer {
        line: usize,
        seen: usize,
    },
    TrailerLf {
        line: usize,
        seen: usize,
    },
}

const FIRST_SIZE: Chunks = Chunks::Size { size: 0, digits: 0, in_extension: false, seen: 0 };

/// Follows one connection from request to request.
#[derive(Debug)]
pub struct Framing {
    state: State,
    limits: HeadLimits,
}

/// What some bytes turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// This many bytes belong to requests read so far and may pass.
    Pass(usize),
    /// They begin a head that is not whole yet.
    HeadBegins,
}

impl Framing {
    /// At the beginning of a connection.
    pub fn new(limits: HeadLimits) -> Self {
        Self { state: State::Head, limits }
    }

    /// Whether the next byte begins a request, or is within its head.
    pub fn in_head(&self) -> bool {
        self.state == State::Head
    }

    /// Looks at the next bytes. Everything up to the returned count is taken; call again with the rest. A head is
    /// taken whole or not at all.
    ///
    /// # Errors
    /// [`Refusal`] as soon as something could be read in two ways, or is over a limit.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        match self.state {
            State::Head => self.head(bytes),
            State::Body { remaining } => {
                let taken = remaining.min(bytes.len() as u64);
                self.state = match remaining - taken {
                    0 => State::Head,
                    remaining => State::Body { remaining },
                };
                Ok(Step::Pass(usize::try_from(taken).unwrap_or(bytes.len())))
            }
            State::Chunks(chunks) => self.chunks(chunks, bytes).map(Step::Pass),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        // Empty lines in front of a request line are allowed (RFC 9112, section 2.2).
        let leading = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let head = &bytes[leading..];
        let Some(end) = HEAD_END.find(head) else {
            return if bytes.len() >= self.limits.max_bytes { Err(TOO_LARGE) } else { Ok(Step::HeadBegins) };
        };
        if leading + end > self.limits.max_bytes {
            return Err(TOO_LARGE);
        }
        let body = body_of(&head[..end], self.limits.max_headers)?;
        self.state = match body {
            BodyLength::Known(0) => State::Head,
            BodyLength::Known(remaining) => State::Body { remaining },
            BodyLength::Chunked => State::Chunks(FIRST_SIZE),
        };
        Ok(Step::Pass(leading + end + 4))
    }

    fn chunks(&mut self, mut chunks: Chunks, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut at = 0;
        while at < bytes.len() {
            if let Chunks::Data { remaining } = chunks {
                let taken = remaining.min((bytes.len() - at) as u64);
                at += usize::try_from(taken).unwrap_or(0);
                chunks = match remaining - taken {
                    0 => Chunks::DataCr,
                    remaining => Chunks::Data { remaining },
                };
                continue;
            }
            let Some(next) = next_chunk_state(chunks, bytes[at])? else {
                self.state = State::Head;
                return Ok(at + 1);
            };
            chunks = next;
            at += 1;
        }
        self.state = State::Chunks(chunks);
        Ok(at)
    }
}

/// One byte further through the lines between chunks; `None` at the end of the body.
fn next_chunk_state(chunks: Chunks, byte: u8) -> Result<Option<Chunks>, Refusal> {
    const BROKEN: Refusal = bad("The chunked body is malformed.");
    let next = match (chunks, byte) {
        (Chunks::Size { size, digits: 1.., .. }, b'\r') => Chunks::SizeLf { size },
        (Chunks::Size { seen, .. }, _) if seen >= MAX_CHUNK_LINE_BYTES => return Err(BROKEN),
        (Chunks::Size { size, digits: digits @ 1.., seen, .. }, b';') => {
            Chunks::Size { size, digits, in_extension: true, seen: seen + 1 }
        }
        (Chunks::Size { size, digits, in_extension: true, seen }, b' '..=b'~' | b'\t') => {
            Chunks::Size { size, digits, in_extension: true, seen: seen + 1 }
        }
        // Fifteen digits are four petabytes; more could overflow in somebody's reader.
        (Chunks::Size { size, digits: digits @ ..15, in_extension: false, seen }, byte) => {
            let digit = (byte as char).to_digit(16).ok_or(BROKEN)?;
            Chunks::Size {
                size: size * 16 + u64::from(digit),
                digits: digits + 1,
                in_extension: false,
                seen: seen + 1,
            }
        }
        (Chunks::SizeLf { size: 0 }, b'\n') => Chunks::Trailer { line: 0, seen: 0 },
        (Chunks::SizeLf { size }, b'\n') => Chunks::Data { remaining: size },
        (Chunks::DataCr, b'\r') => Chunks::DataLf,
        (Chunks::DataLf, b'\n') => FIRST_SIZE,
        (Chunks::Trailer { line, seen }, b'\r') => Chunks::TrailerLf { line, seen },
        (Chunks::Trailer { line, seen }, b' '..=b'~' | b'\t') if seen < MAX_TRAILER_BYTES => {
            Chunks::Trailer { line: line + 1, seen: seen + 1 }
        }
        (Chunks::TrailerLf { line: 0, .. }, b'\n') => return Ok(None),
        (Chunks::TrailerLf { seen, .. }, b'\n') => Chunks::Trailer { line: 0, seen },
        _ => return Err(BROKEN),
    };
    Ok(Some(next))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BodyLength {
    Known(u64),
    Chunked,
}

/// Reads a head (without its empty line) and tells how long the body is.
fn body_of(head: &[u8], max_headers: usize) -> Result<BodyLength, Refusal> {
    let mut lines = Lines(Some(head));
    let request_line = lines.next().ok_or(bad("The request line is missing."))??;
    let is_http_1_1 = check_request_line(request_line)?;
    let (mut length, mut chunked, mut hosts) = (None, false, 0);
    for (count, line) in lines.enumerate() {
        let (name, value) = split_header(line?)?;
        if count >= max_headers {
            return Err(TOO_LARGE);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = parse_length(value).ok_or(bad("The Content-Length is not a number."))?;
            if length.replace(value).is_some() {
                return Err(bad("The request has several Content-Length headers."));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if chunked || !is_http_1_1 || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(bad("The only Transfer-Encoding understood is chunked."));
            }
            chunked = true;
        } else if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
        }
    }
    if hosts > 1 || (hosts == 0 && is_http_1_1) {
        return Err(bad("Exactly one Host header is required."));
    }
    match (length, chunked) {
        (Some(_), true) => Err(bad("The request has both Content-Length and Transfer-Encoding.")),
        (None, true) => Ok(BodyLength::Chunked),
        (length, false) => Ok(BodyLength::Known(length.unwrap_or(0))),
    }
}

/// Lines that end in CR LF and have neither alone inside.
struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        const BROKEN: Refusal = bad("A line of the request's head has a control character in it.");
        let rest = self.0?;
        let (line, after) = match memchr(b'\n', rest) {
            Some(at) => (rest[..at].strip_suffix(b"\r"), Some(&rest[at + 1..])),
            None => (Some(rest), None),
        };
        self.0 = after;
        Some(line.filter(|line| memchr2(b'\r', 0, line).is_none()).ok_or(BROKEN))
    }
}

/// `METHOD target HTTP/1.x` with single spaces; true for 1.1.
fn check_request_line(line: &[u8]) -> Result<bool, Refusal> {
    const BROKEN: Refusal = bad("The request line is malformed.");
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if words.next().is_some()
        || !method.is_some_and(is_token)
        || target.is_none_or(|target| !is_target(target))
    {
        return Err(BROKEN);
    }
    match version {
        Some(b"HTTP/1.1") => Ok(true),
        Some(b"HTTP/1.0") => Ok(false),
        _ => Err(BROKEN),
    }
}

fn split_header(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    const BROKEN: Refusal = bad("A header is malformed.");
    let colon = memchr(b':', line).ok_or(BROKEN)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    // A name that begins with white space is a folded line; one that ends with it hides from some readers.
    // Without an early end, so that many bytes are looked at in one step.
    let has_control =
        value.iter().fold(false, |found, byte| found | (byte.is_ascii_control() && *byte != b'\t'));
    if !is_token(name) || has_control {
        return Err(BROKEN);
    }
    Ok((name, value.trim_ascii()))
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let digits = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    if digits { str::from_utf8(value).ok()?.parse().ok() } else { None }
}

/// RFC 9110, section 5.6.2.
const TOKEN: [bool; 256] = bytes_among(b"!#$%&'*+-.^_`|~");

/// What may stand in a path or query without being looked at further (RFC 3986, section 3.3), and `?`.
const PLAIN_IN_TARGET: [bool; 256] = bytes_among(b"-._~!$&'()*+,;=:@/%?");

/// Letters, digits and `more`.
const fn bytes_among(more: &[u8]) -> [bool; 256] {
    let mut among = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        among[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < more.len() {
        among[more[at] as usize] = true;
        at += 1;
    }
    among
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| TOKEN[usize::from(*byte)])
}

/// What the HTTP library takes, too, and without a fragment: it would cut one off, and a changed link would work.
fn is_target(bytes: &[u8]) -> bool {
    /// Far below what the library counts in.
    const SHORT: usize = 8 * 1024;
    let is_plain = bytes.len() < SHORT && bytes.iter().all(|byte| PLAIN_IN_TARGET[usize::from(*byte)]);
    if bytes.first() == Some(&b'/') && is_plain {
        return true;
    }
    !bytes.contains(&b'#') && http::Uri::try_from(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framing() -> Framing {
        Framing::new(HeadLimits { max_bytes: 1024, max_headers: 8 })
    }

    /// Feeds pieces the way a connection does; how many requests were whole, or why not.
    fn requests(pieces: &[&[u8]]) -> Result<usize, Refusal> {
        let (mut framing, mut held, mut whole) = (framing(), Vec::new(), 0);
        for piece in pieces {
            held.extend_from_slice(piece);
            while !held.is_empty() {
                match framing.step(&held)? {
                    Step::HeadBegins => break,
                    Step::Pass(count) => {
                        held.drain(..count);
                        whole += usize::from(framing.in_head());
                    }
                }
            }
        }
        Ok(whole)
    }

    const GET: &str = "GET /1761991787669262 HTTP/1.1\r\nHost: x\r\n\r\n";
    const POST: &str = "POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &str = "POST /media HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n";

    #[test]
    fn requests_follow_each_other() {
        let all = format!("{GET}{POST}\r\n{CHUNKED}{GET}");
        assert_eq!(requests(&[all.as_bytes()]), Ok(4));
    }

    #[test]
    fn whatever_reads_two_ways_is_refused() {
        let heads = [
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked",
            "POST / HTTP/1.1\r\nHost: x\r\n Transfer-Encoding: chunked",
            "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked",
            "GET / HTTP/1.1\r\nHost: x\nX: y",
            "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b",
            "GET / HTTP/1.1\r\nHost: x\r\nHost: y",
            "GET / HTTP/1.1",
            "GET /<1> HTTP/1.1\r\nHost: x",
            "GET /#x HTTP/1.1\r\nHost: x",
            "GET  / HTTP/1.1\r\nHost: x",
            "GET / HTTP/2.0\r\nHost: x",
            "GET /",
        ];
        for head in heads {
            let refused = requests(&[format!("{head}\r\n\r\n").as_bytes()]);
            assert_eq!(refused.map_err(|refusal| refusal.status), Err(StatusCode::BAD_REQUEST), "{head}");
        }
        for chunks in [
            "5\nhello\r\n0\r\n\r\n",
            "\r\n\r\n",
            "5\r\nhelloX\n0\r\n\r\n",
            "-1\r\n",
            "fffffffffffffffff\r\n",
            "0x5\r\n",
        ] {
            let body = format!("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
            assert!(requests(&[body.as_bytes()]).is_err(), "{chunks:?}");
        }
    }

    #[test]
    fn heads_are_bounded() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(2_000));
        assert_eq!(requests(&[long.as_bytes()]), Err(TOO_LARGE));
        assert_eq!(requests(&[&long.as_bytes()[..1_500]]), Err(TOO_LARGE));
        let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(8));
        assert_eq!(requests(&[many.as_bytes()]), Err(TOO_LARGE));
    }

    proptest! {
        /// What is let pass without a closer look is what the library takes.
        #[test]
        fn a_plain_target_is_one_to_the_library(target in "/[-0-9A-Za-z._~!$&'()*+,;=:@/%?]{0,40}") {
            prop_assert!(http::Uri::try_from(target.as_bytes()).is_ok());
        }

        #[test]
        fn the_cut_into_pieces_means_nothing(cuts in prop::collection::vec(0usize..400, 0..12)) {
            let all = format!("{POST}{CHUNKED}{GET}{CHUNKED}");
            let bytes = all.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(requests(&pieces), Ok(4));
        }

        #[test]
        fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = requests(&[&bytes]);
        }
    }
}
