//! Forms as clients send them: a push parser for `multipart/form-data` that is bounded and never buffers data.
//!
//! The parser is fed pieces of a body and gives events; it does no I/O. However the body is cut into pieces, the
//! events tell the same. What it holds between two pieces is at most one part's headers, or the beginning of what
//! may become a boundary. Receiving uploads is what we are for, and the common libraries buffer without bound.
//!
//! Line ends are CR LF and nothing else, everywhere: every client sends them, and one reading leaves no room for a
//! body that means one thing to a proxy and another to us. Beyond that, what real clients do is taken: quoted and
//! bare boundaries, bare names, `filename*`, folded headers, padding, whole paths as file names.
//!
//! ```
//! use bytes::Bytes;
//! use wamedia_wire::multipart::{Event, Limits, Parser, boundary_of};
//!
//! # fn main() -> Result<(), wamedia_wire::multipart::MultipartError> {
//! let boundary = boundary_of("multipart/form-data; boundary=xyz")?;
//! let mut parser = Parser::new(&boundary, Limits::default());
//! let mut parts = 0;
//! let pieces: [&'static [u8]; 2] = [b"--xyz\r\nContent-Disposition: form-data; na", b"me=a\r\n\r\nhi\r\n--xyz--"];
//! for piece in pieces {
//!     let mut piece = Bytes::from_static(piece);
//!     while let Some(event) = parser.next(&mut piece)? {
//!         parts += usize::from(event == Event::PartEnd);
//!     }
//! }
//! parser.finish()?; // The body has ended: was the form whole?
//! assert_eq!(parts, 1);
//! # Ok(())
//! # }
//! ```

mod boundary;
mod field;
mod headers;
mod parameters;
mod parser;

pub use boundary::{Boundary, boundary_of};
pub use field::TextField;
pub use headers::PartHeaders;
pub use parser::{Event, Parser};

/// What a form may cost. Everything beyond is an error, met as soon as it is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Parts of any name. Honest uploads have two to four.
    pub max_parts: usize,
    /// Bytes of one part's headers, line ends included. Honest ones have about 200.
    pub max_header_bytes: usize,
    /// Bytes before the first boundary. Honest forms have none.
    pub max_preamble_bytes: usize,
    /// Bytes after the closing boundary. Honest forms have two, CR LF.
    pub max_epilogue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_parts: 32, max_header_bytes: 8 * 1024, max_preamble_bytes: 1024, max_epilogue_bytes: 1024 }
    }
}

/// Why a form cannot be read. The text may be shown to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The request's `Content-Type` is another one.
    #[error("the request is not multipart/form-data")]
    NotMultipart,
    /// The `Content-Type` has no usable `boundary`; the text says why.
    #[error("the boundary of the form {0}")]
    Boundary(&'static str),
    /// No boundary within the first bytes of the body.
    #[error("no boundary within the first {max_bytes} bytes of the form")]
    PreambleTooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// Neither the end of the line nor `--` follows a boundary.
    #[error("a boundary is followed by something that is not the end of its line")]
    Delimiter,
    /// More parts than allowed.
    #[error("the form has more than {max_parts} parts")]
    TooManyParts {
        /// The limit.
        max_parts: usize,
    },
    /// A part's headers go on and on.
    #[error("the headers of a part are longer than {max_bytes} bytes")]
    HeadersTooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// A part's headers cannot be read; the text says why.
    #[error("a header of a part {0}")]
    Header(&'static str),
    /// A header or parameter of which a part has one stands there twice.
    #[error("a part has {0} twice")]
    Repeated(&'static str),
    /// A part is not `form-data` with a name.
    #[error("a part has no name")]
    NoName,
    /// A part's name or file name has a line end, a NUL or another control character.
    #[error("the {0} of a part has a control character in it")]
    ControlCharacter(&'static str),
    /// A part is encoded; forms carry bytes as they are (RFC 7578 section 4.7).
    #[error("a part has the Content-Transfer-Encoding {0}; send the bytes as they are")]
    TransferEncoding(String),
    /// Much more than a line end after the closing boundary.
    #[error("more than {max_bytes} bytes follow the end of the form")]
    EpilogueTooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// The body ended before the closing boundary.
    #[error("the form ended before its closing boundary")]
    Truncated,
    /// A text field is longer than any that is read.
    #[error("the field {name} is longer than {max_bytes} bytes")]
    FieldTooLong {
        /// Which field.
        name: String,
        /// The limit.
        max_bytes: usize,
    },
    /// A text field is not UTF-8.
    #[error("the field {name} is not UTF-8")]
    FieldNotUtf8 {
        /// Which field.
        name: String,
    },
}
