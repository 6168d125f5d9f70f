//! Where requests begin and end on a connection, read strictly before the HTTP library sees a byte.
//!
//! Two readers that disagree on an end are how requests are smuggled past a proxy. Whatever could be read in two
//! ways (both lengths, folded headers, bare line feeds, odd chunk sizes) is refused here, so there is one reading.

mod chunks;
mod head;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use http::StatusCode;
use memchr::memmem::Finder;

use chunks::Chunks;
use head::{BodyLength, body_of};

/// The end of a head's last line and the empty line behind it.
static HEAD_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

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
            State::Chunks(chunks) => {
                let (taken, next) = chunks.step(bytes)?;
                self.state = next.map_or(State::Head, State::Chunks);
                Ok(Step::Pass(taken))
            }
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
            BodyLength::Chunked => State::Chunks(Chunks::FIRST),
        };
        Ok(Step::Pass(leading + end + 4))
    }
}
