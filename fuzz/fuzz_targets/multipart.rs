//! Any body, in any pieces: no panic, bounded memory, and the same told however it is cut.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use wamedia_wire::multipart::{Boundary, Event, Limits, MultipartError, Parser, boundary_of};

/// Small, so that every limit is met by small inputs.
const LIMITS: Limits =
    Limits { max_parts: 3, max_header_bytes: 256, max_preamble_bytes: 32, max_epilogue_bytes: 32 };

/// Events with the data put together, and how it ended.
type Told = (Vec<Event>, Result<(), MultipartError>);

// Byte 0 sizes the pieces, byte 1 the boundary; the rest is the body, and a `Content-Type` as well.
fuzz_target!(|input: &[u8]| {
    let [piece, boundary, body @ ..] = input else { return };
    let text = "b-".repeat(1 + usize::from(boundary % 8));
    let Ok(boundary) = Boundary::new(&text) else { return };
    let whole = read(&boundary, [body]);
    assert_eq!(read(&boundary, body.chunks(1)), whole);
    assert_eq!(read(&boundary, body.chunks(1 + usize::from(*piece))), whole);
    if let Ok(content_type) = std::str::from_utf8(body) {
        let _ = boundary_of(content_type);
    }
});

fn read<'a>(boundary: &Boundary, pieces: impl IntoIterator<Item = &'a [u8]>) -> Told {
    let mut parser = Parser::new(boundary, LIMITS);
    let mut events = Vec::new();
    for piece in pieces {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match parser.next(&mut piece) {
                Ok(Some(event)) => push(&mut events, event),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
        assert!(piece.is_empty());
        assert!(parser.held_bytes() <= LIMITS.max_header_bytes.max(boundary.as_str().len() + 4));
    }
    (events, parser.finish())
}

fn push(events: &mut Vec<Event>, event: Event) {
    match (events.last_mut(), event) {
        (Some(Event::Data(before)), Event::Data(data)) => *before = [&before[..], &data[..]].concat().into(),
        (_, event) => events.push(event),
    }
}
