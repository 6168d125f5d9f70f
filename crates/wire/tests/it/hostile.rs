//! Forms that mean harm cost no more than honest ones: memory stays bounded and the refusal comes early.

use bytes::Bytes;
use wamedia_wire::multipart::{Boundary, Event, Limits, MultipartError, Parser};

use crate::forms::{form, read_whole};

const MIB: usize = 1024 * 1024;
const PIECE: usize = 64 * 1024;
const BEGIN: &[u8] = b"--boundary\r\nContent-Disposition: form-data; name=f\r\n\r\n";

fn parser() -> Parser {
    Parser::new(&Boundary::new("boundary").unwrap(), Limits::default())
}

/// Feeds one piece and gives the bytes of data told.
fn feed(parser: &mut Parser, piece: impl Into<Bytes>) -> Result<usize, MultipartError> {
    let (mut piece, mut bytes) = (piece.into(), 0);
    while let Some(event) = parser.next(&mut piece)? {
        if let Event::Data(data) = event {
            bytes += data.len();
        }
    }
    Ok(bytes)
}

/// Feeds the same piece until it is refused, at most 100 MiB; gives the error and the bytes fed until then.
fn refused(parser: &mut Parser, piece: &[u8]) -> (MultipartError, usize) {
    let piece = Bytes::copy_from_slice(piece);
    let mut fed = 0;
    while fed < 100 * MIB {
        fed += piece.len();
        if let Err(error) = feed(parser, piece.clone()) {
            return (error, fed);
        }
        assert!(parser.held_bytes() <= Limits::default().max_header_bytes);
    }
    panic!("100 MiB were taken");
}

#[test]
fn a_body_without_boundary_is_refused_early() {
    for piece in [&[0; PIECE][..], &[b'\r'; PIECE], &b"\r\n--boundar".repeat(1000), b"\r", b"-"] {
        let (error, fed) = refused(&mut parser(), piece);
        assert_eq!(error, MultipartError::PreambleTooLong { max_bytes: 1024 });
        assert!(fed <= 1024 + piece.len() + "\r\n--boundary".len(), "{fed}");
    }
}

#[test]
fn a_preamble_may_fill_its_bound_and_no_more() {
    let with_preamble = |bytes: usize| [&vec![b'x'; bytes], b"\r\n".as_slice(), &form("b", b"")].concat();
    assert_eq!(read_whole("b", &with_preamble(1024)).outcome, Ok(()));
    let error = MultipartError::PreambleTooLong { max_bytes: 1024 };
    assert_eq!(read_whole("b", &with_preamble(1025)).outcome, Err(error));
}

#[test]
fn endless_headers_are_refused_early() {
    for piece in [&b"X-Header: value\r\n"[..], b"x", &[b'x'; PIECE], b" \r\n", b"X: y\r\n "] {
        let mut parser = parser();
        feed(&mut parser, &b"--boundary\r\n"[..]).unwrap();
        let (error, fed) = refused(&mut parser, piece);
        assert_eq!(error, MultipartError::HeadersTooLong { max_bytes: 8192 });
        assert!(fed <= 8192 + piece.len(), "{fed}");
    }
}

#[test]
fn headers_may_fill_their_bound_and_no_more() {
    let with_headers = |bytes: usize| {
        let needed = "Content-Disposition: form-data; name=f\r\nX: \r\n\r\n".len();
        let filler = "x".repeat(bytes - needed);
        format!("--b\r\nContent-Disposition: form-data; name=f\r\nX: {filler}\r\n\r\n\r\n--b--")
    };
    assert_eq!(read_whole("b", with_headers(8192).as_bytes()).outcome, Ok(()));
    let error = MultipartError::HeadersTooLong { max_bytes: 8192 };
    assert_eq!(read_whole("b", with_headers(8193).as_bytes()).outcome, Err(error));
}

#[test]
fn a_part_without_headers_has_no_name() {
    assert_eq!(read_whole("b", b"--b\r\n\r\n").outcome, Err(MultipartError::NoName));
}

#[test]
fn endless_padding_is_refused_early() {
    let mut parser = parser();
    feed(&mut parser, &b"--boundary"[..]).unwrap();
    assert_eq!(refused(&mut parser, b" "), (MultipartError::Delimiter, 129));
}

#[test]
fn endless_parts_are_refused_early() {
    let part = [BEGIN, b"x\r\n"].concat();
    let (error, fed) = refused(&mut parser(), &part);
    assert_eq!(error, MultipartError::TooManyParts { max_parts: 32 });
    assert_eq!(fed, 33 * part.len());
}

#[test]
fn an_endless_epilogue_is_refused_early() {
    let mut parser = parser();
    feed(&mut parser, &b"--boundary--"[..]).unwrap();
    assert_eq!(parser.finish(), Ok(()));
    let (error, fed) = refused(&mut parser, b"\r\n");
    assert_eq!((error, fed), (MultipartError::EpilogueTooLong { max_bytes: 1024 }, 1026));
}

#[test]
fn a_part_without_end_passes_through_and_is_never_whole() {
    let mut parser = parser();
    feed(&mut parser, BEGIN).unwrap();
    for piece in [&[0; PIECE][..], &[b'\r'; PIECE], &b"\r\n--boundar".repeat(PIECE / 11), b"\r\n--boundar\r"]
    {
        let (fed_piece, mut fed, mut told) = (Bytes::copy_from_slice(piece), 0, parser.held_bytes());
        while fed < 25 * MIB.min(piece.len() * 100) {
            fed += piece.len();
            told += feed(&mut parser, fed_piece.clone()).unwrap();
            assert!(parser.held_bytes() < "\r\n--boundary".len());
        }
        assert!(told + parser.held_bytes() >= fed, "all but what is held back is told");
        feed(&mut parser, &b"x"[..]).unwrap();
    }
    assert_eq!(parser.finish(), Err(MultipartError::Truncated));
}

#[test]
fn near_boundaries_are_data() {
    let near = b"\r\n--boundarx\r\n-boundary\n--boundary--boundary\r--boundary \r\n--bound".repeat(3000);
    let told = read_whole("boundary", &form("boundary", &near));
    assert_eq!(told.outcome, Ok(()));
    assert_eq!(told.parts[0].data, near);
}

#[test]
fn single_bytes_are_never_held_beyond_the_boundary() {
    let body = form("boundary", &b"\r\n--boundar".repeat(500));
    let (mut parser, mut told) = (parser(), 0);
    for (at, byte) in body.iter().enumerate() {
        told += feed(&mut parser, vec![*byte]).unwrap();
        let in_headers = at < BEGIN.len();
        assert!(in_headers || parser.held_bytes() < "\r\n--boundary".len());
    }
    assert_eq!(told, 500 * 11);
    assert_eq!(parser.finish(), Ok(()));
}

#[test]
fn data_is_a_slice_of_what_was_fed_in() {
    let mut parser = parser();
    feed(&mut parser, BEGIN).unwrap();
    let mut piece = Bytes::from(vec![7; PIECE]);
    let fed = piece.as_ptr_range();
    let Ok(Some(Event::Data(data))) = parser.next(&mut piece) else { panic!("data is told at once") };
    assert_eq!(data.as_ptr_range(), fed);
}

#[test]
fn a_boundary_is_a_whole_line() {
    let begin = "--b\r\nContent-Disposition: form-data; name=f\r\n\r\n";
    for after in ["x", "-", "-x", "-\r\n", " x", "\n", "\rx", "\r\r\n", "\0"] {
        let told = read_whole("b", format!("{begin}data\r\n--b{after}\r\n--b--").as_bytes());
        assert_eq!(told.outcome, Err(MultipartError::Delimiter), "{after:?}");
        assert!(!told.parts[0].ended, "a part before a broken boundary is not whole: {after:?}");
    }
}

#[test]
fn line_ends_are_cr_lf_and_nothing_else() {
    let bare_preamble = b"preamble\n--b\r\nContent-Disposition: form-data; name=f\r\n\r\n\r\n--b--";
    assert_eq!(read_whole("b", bare_preamble).parts.len(), 0);
    let bare_header = read_whole("b", b"--b\r\nContent-Disposition: form-data; name=f\n\r\n\r\n--b--");
    assert_eq!(bare_header.outcome, Err(MultipartError::Header("ends in LF without CR")));
    let bare_data = read_whole("b", &form("b", b"a\n--b\nb"));
    assert_eq!(bare_data.parts[0].data, b"a\n--b\nb");
}

#[test]
fn empty_forms_and_empty_parts_are_forms() {
    assert_eq!(read_whole("b", b"--b--").outcome, Ok(()));
    assert_eq!(read_whole("b", b"").outcome, Err(MultipartError::Truncated));
    let told = read_whole("b", &form("b", b""));
    assert_eq!((told.outcome, told.parts[0].data.len()), (Ok(()), 0));
}
