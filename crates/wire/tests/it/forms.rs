//! A form read whole, in any pieces: what the other tests compare.

use bytes::Bytes;
use wamedia_wire::multipart::{Boundary, Event, Limits, MultipartError, Parser, PartHeaders};

/// One part, its data put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) headers: PartHeaders,
    pub(crate) data: Vec<u8>,
    /// Whether the parser called it whole.
    pub(crate) ended: bool,
}

/// All that a parser told of a form, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) parts: Vec<Part>,
    pub(crate) outcome: Result<(), MultipartError>,
}

impl Told {
    pub(crate) fn part(&self, name: &str) -> &Part {
        self.parts.iter().find(|part| part.headers.name == name).unwrap()
    }
}

/// Feeds the pieces one by one; holds every promise about events on the way.
pub(crate) fn read<'a>(
    boundary: &Boundary,
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Told {
    let mut parser = Parser::new(boundary, limits);
    let mut parts: Vec<Part> = Vec::new();
    let mut ended = false;
    for piece in pieces {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            let event = match parser.next(&mut piece) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(parser.next(&mut piece), Err(error.clone()), "an error is repeated");
                    assert_eq!(parser.finish(), Err(error.clone()), "an error is the end");
                    return Told { parts, outcome: Err(error) };
                }
            };
            assert!(!ended, "nothing follows the end");
            let open = parts.last().is_some_and(|part| !part.ended);
            match event {
                Event::PartStart(headers) => {
                    assert!(!open, "parts do not overlap");
                    parts.push(Part { headers, data: Vec::new(), ended: false });
                }
                Event::Data(data) => {
                    assert!(open && !data.is_empty());
                    parts.last_mut().unwrap().data.extend_from_slice(&data);
                }
                Event::PartEnd => {
                    assert!(open);
                    parts.last_mut().unwrap().ended = true;
                }
                Event::End => {
                    assert!(!open);
                    ended = true;
                }
            }
        }
        assert!(piece.is_empty(), "all is taken");
        let held_at_most = (boundary.as_str().len() + 4).max(limits.max_header_bytes);
        assert!(parser.held_bytes() <= held_at_most, "{} bytes held", parser.held_bytes());
    }
    assert_eq!(parser.finish().is_ok(), ended);
    Told { parts, outcome: parser.finish() }
}

/// The form as one piece.
pub(crate) fn read_whole(boundary: &str, body: &[u8]) -> Told {
    read(&Boundary::new(boundary).unwrap(), Limits::default(), [body])
}

/// A form of one part `f` with this data.
pub(crate) fn form(boundary: &str, data: &[u8]) -> Vec<u8> {
    let mut body = format!("--{boundary}\r\nContent-Disposition: form-data; name=f\r\n\r\n").into_bytes();
    body.extend_from_slice(data);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}
