//! One head, read strictly: a request line, headers, and the one length that they tell of the body.

use memchr::{memchr, memchr2};

use super::{Refusal, TOO_LARGE, bad};

/// How the end of a body is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BodyLength {
    Known(u64),
    Chunked,
}

/// Reads a head (without its empty line) and tells how long the body is.
pub(super) fn body_of(head: &[u8], max_headers: usize) -> Result<BodyLength, Refusal> {
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
