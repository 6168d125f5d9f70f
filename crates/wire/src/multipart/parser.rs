//! The state machine: bytes in, events out.

use bytes::{Buf, Bytes};
use memchr::memmem;

use super::{Boundary, Limits, MultipartError, PartHeaders};

/// What happened in the form, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    PartStart(PartHeaders),
    /// Some of the part's bytes, never empty, a slice of what was fed in. Where pieces are cut means nothing.
    Data(Bytes),
    /// The part is whole: its boundary was read to the end of the line.
    PartEnd,
    /// The form is whole. What may still follow is skipped.
    End,
}

/// Reads one form.
///
/// Nothing that came before an error may be used: a form is whole or it is none. After an error the parser only
/// repeats it.
#[derive(Debug)]
pub struct Parser {
    /// CR LF, two dashes, the boundary. CR stands at its beginning only, so a search that fails within it can go on
    /// at the byte where it failed.
    delimiter: Bytes,
    finder: memmem::Finder<'static>,
    /// Bytes of the delimiter that the last pieces ended with: held back, without being kept, since they are its own.
    matched: usize,
    state: State,
    in_part: bool,
    parts: usize,
    /// The headers of the part that begins.
    block: Vec<u8>,
    /// Bytes that may still be skipped before the first boundary, then after the last.
    skippable: usize,
    limits: Limits,
    failed: Option<MultipartError>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Preamble,
    AfterBoundary,
    AfterDash,
    Padding { bytes: usize },
    AfterCr,
    Headers,
    Data,
    Closing,
    Epilogue,
}

enum Found {
    Data(Bytes),
    Delimiter,
    NeedMore,
}

/// White space that may stand between a boundary and the end of its line. RFC 2046 names no bound.
const MAX_PADDING_BYTES: usize = 128;

impl Parser {
    /// A parser at the beginning of a form.
    pub fn new(boundary: &Boundary, limits: Limits) -> Self {
        let delimiter = Bytes::from(format!("\r\n--{}", boundary.as_str()));
        Self {
            finder: memmem::Finder::new(&delimiter).into_owned(),
            delimiter,
            // The first boundary needs no line end before it: the beginning counts as one, and is not counted as skipped.
            matched: LINE_END,
            skippable: limits.max_preamble_bytes.saturating_add(LINE_END),
            state: State::Preamble,
            in_part: false,
            parts: 0,
            block: Vec::new(),
            limits,
            failed: None,
        }
    }

    /// Takes bytes from the front of `input` until something happens; `None` once all are taken.
    ///
    /// # Errors
    /// As soon as it is certain that the form is broken or over a limit.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Event>, MultipartError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let outcome = self.step(input);
        self.failed = outcome.as_ref().err().cloned();
        outcome
    }

    /// To be asked when the body has ended: was the form whole?
    ///
    /// # Errors
    /// [`MultipartError::Truncated`] without a closing boundary; the earlier error if there was one.
    pub fn finish(&self) -> Result<(), MultipartError> {
        match (&self.failed, self.state) {
            (Some(error), _) => Err(error.clone()),
            (None, State::Epilogue) => Ok(()),
            (None, _) => Err(MultipartError::Truncated),
        }
    }

    /// Bytes of the form that were fed in and are not yet told, for tests of the bounds.
    #[doc(hidden)]
    pub fn held_bytes(&self) -> usize {
        self.matched + self.block.len()
    }

    fn step(&mut self, input: &mut Bytes) -> Result<Option<Event>, MultipartError> {
        loop {
            match self.state {
                State::Preamble => match self.search(input) {
                    Found::Data(skipped) => self.skip(skipped.len(), preamble_too_long)?,
                    Found::Delimiter => self.state = State::AfterBoundary,
                    Found::NeedMore => return Ok(None),
                },
                State::Data => match self.search(input) {
                    Found::Data(data) => return Ok(Some(Event::Data(data))),
                    Found::Delimiter => self.state = State::AfterBoundary,
                    Found::NeedMore => return Ok(None),
                },
                State::AfterBoundary | State::AfterDash | State::Padding { .. } | State::AfterCr => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    self.state = self.delimiter_line(input.get_u8())?;
                    let line_has_ended = matches!(self.state, State::Headers | State::Closing);
                    if line_has_ended && std::mem::take(&mut self.in_part) {
                        return Ok(Some(Event::PartEnd));
                    }
                }
                State::Headers => {
                    if !self.collect_headers(input)? {
                        return Ok(None);
                    }
                    let headers = PartHeaders::parse(&self.block)?;
                    self.block.clear();
                    (self.in_part, self.state) = (true, State::Data);
                    return Ok(Some(Event::PartStart(headers)));
                }
                State::Closing => {
                    self.skippable = self.limits.max_epilogue_bytes;
                    self.state = State::Epilogue;
                    return Ok(Some(Event::End));
                }
                State::Epilogue => {
                    self.skip(input.len(), epilogue_too_long)?;
                    input.clear();
                    return Ok(None);
                }
            }
        }
    }

    /// Looks for the delimiter; gives what is certainly before it and holds back what may be its beginning.
    fn search(&mut self, input: &mut Bytes) -> Found {
        if self.matched > 0 {
            return self.go_on_matching(input);
        }
        if let Some(at) = self.finder.find(input) {
            if at > 0 {
                return Found::Data(input.split_to(at));
            }
            input.advance(self.delimiter.len());
            return Found::Delimiter;
        }
        let tail_from = input.len().saturating_sub(self.delimiter.len() - 1);
        let last_cr = memchr::memrchr(b'\r', &input[tail_from..]).map(|at| tail_from + at);
        let held_from = last_cr.filter(|&at| self.delimiter.starts_with(&input[at..])).unwrap_or(input.len());
        let data = input.split_to(held_from);
        self.matched = input.len();
        input.clear();
        if data.is_empty() { Found::NeedMore } else { Found::Data(data) }
    }

    /// The last piece ended within what may be the delimiter: is it?
    fn go_on_matching(&mut self, input: &mut Bytes) -> Found {
        let rest = &self.delimiter[self.matched..];
        let common = rest.len().min(input.len());
        if rest[..common] != input[..common] {
            let held = self.delimiter.slice(..self.matched);
            self.matched = 0;
            return Found::Data(held);
        }
        input.advance(common);
        self.matched += common;
        if self.matched < self.delimiter.len() {
            return Found::NeedMore;
        }
        self.matched = 0;
        Found::Delimiter
    }

    /// What follows a boundary: `--`, or padding and the end of the line. Anything else is an error and not data:
    /// a line that begins with the boundary is one (RFC 2046 section 5.1.1), so its writer did not mean it as data.
    fn delimiter_line(&mut self, byte: u8) -> Result<State, MultipartError> {
        match (self.state, byte) {
            (State::AfterBoundary, b'-') => Ok(State::AfterDash),
            (State::AfterDash, b'-') => Ok(State::Closing),
            (State::AfterBoundary, b' ' | b'\t') => Ok(State::Padding { bytes: 1 }),
            (State::Padding { bytes }, b' ' | b'\t') if bytes < MAX_PADDING_BYTES => {
                Ok(State::Padding { bytes: bytes + 1 })
            }
            (State::AfterBoundary | State::Padding { .. }, b'\r') => Ok(State::AfterCr),
            (State::AfterCr, b'\n') => {
                if self.parts >= self.limits.max_parts {
                    return Err(MultipartError::TooManyParts { max_parts: self.limits.max_parts });
                }
                self.parts += 1;
                Ok(State::Headers)
            }
            _ => Err(MultipartError::Delimiter),
        }
    }

    /// Collects lines up to the empty one; whether that was reached.
    fn collect_headers(&mut self, input: &mut Bytes) -> Result<bool, MultipartError> {
        let max_bytes = self.limits.max_header_bytes;
        while !input.is_empty() {
            let line_feed = memchr::memchr(b'\n', input);
            let taken = line_feed.map_or(input.len(), |at| at + 1);
            if taken > max_bytes - self.block.len() {
                return Err(MultipartError::HeadersTooLong { max_bytes });
            }
            self.block.extend_from_slice(&input[..taken]);
            input.advance(taken);
            if line_feed.is_none() {
                break;
            }
            if !self.block.ends_with(b"\r\n") {
                return Err(MultipartError::Header("ends in LF without CR"));
            }
            if self.block == b"\r\n" || self.block.ends_with(b"\r\n\r\n") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn skip(&mut self, bytes: usize, too_long: fn(&Limits) -> MultipartError) -> Result<(), MultipartError> {
        self.skippable = self.skippable.checked_sub(bytes).ok_or_else(|| too_long(&self.limits))?;
        Ok(())
    }
}

/// Bytes of CR LF.
const LINE_END: usize = 2;

fn preamble_too_long(limits: &Limits) -> MultipartError {
    MultipartError::PreambleTooLong { max_bytes: limits.max_preamble_bytes }
}

fn epilogue_too_long(limits: &Limits) -> MultipartError {
    MultipartError::EpilogueTooLong { max_bytes: limits.max_epilogue_bytes }
}
