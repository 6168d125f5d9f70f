//! The boundary that a request's `Content-Type` names.

use super::MultipartError;
use super::parameters;

/// Longest boundary taken. RFC 2046 says 70; nothing is gained by refusing a client that counts differently.
const MAX_BYTES: usize = 128;

/// What separates the parts of one form: 1 to 128 visible ASCII characters, spaces inside allowed.
///
/// Never contains CR, which the parser's search relies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// A boundary from its text.
    ///
    /// # Errors
    /// [`MultipartError::Boundary`] if it is empty, too long, ends in a space or has other characters. More is
    /// taken than RFC 2046 names, because clients make up boundaries with `=`, `*`, `@` and the like.
    pub fn new(text: &str) -> Result<Self, MultipartError> {
        if text.is_empty() {
            return Err(MultipartError::Boundary("is empty"));
        }
        if text.len() > MAX_BYTES {
            return Err(MultipartError::Boundary("is longer than 128 characters"));
        }
        if text.ends_with(' ') {
            return Err(MultipartError::Boundary("ends in a space"));
        }
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(MultipartError::Boundary("has characters that are not visible ASCII"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, without the dashes that introduce it in the body.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The boundary of a form from its `Content-Type`, quoted or not.
///
/// # Errors
/// [`MultipartError::NotMultipart`] for another type, [`MultipartError::Boundary`] if there is none, two that
/// differ, or one that cannot be.
pub fn boundary_of(content_type: &str) -> Result<Boundary, MultipartError> {
    let (essence, parameters) = parameters::split(content_type);
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Err(MultipartError::NotMultipart);
    }
    let mut boundary = None;
    for parameter in parameters {
        let (name, value) = parameter.map_err(|_| MultipartError::Boundary("has an open quote"))?;
        if !name.eq_ignore_ascii_case("boundary") {
            continue;
        }
        let found = Boundary::new(&value)?;
        if boundary.replace(found.clone()).is_some_and(|earlier| earlier != found) {
            return Err(MultipartError::Boundary("is named twice"));
        }
    }
    boundary.ok_or(MultipartError::Boundary("is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_content_types_are_read() {
        let cases = [
            // curl, browsers, .NET, OkHttp, Python's email package, Go, aiohttp, Apache.
            (
                "multipart/form-data; boundary=------------------------d74496d66958873e",
                "------------------------d74496d66958873e",
            ),
            (
                "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
                "----WebKitFormBoundary7MA4YWxkTrZu0gW",
            ),
            (
                "multipart/form-data; boundary=\"0b7e8a4a-6a3e-4c0f-9d68-0d2d1b1c8a52\"",
                "0b7e8a4a-6a3e-4c0f-9d68-0d2d1b1c8a52",
            ),
            (
                "multipart/form-data; boundary=c3a1b2d4-5e6f-7a8b-9c0d-e1f2a3b4c5d6",
                "c3a1b2d4-5e6f-7a8b-9c0d-e1f2a3b4c5d6",
            ),
            (
                "multipart/form-data; boundary=\"===============7330845974216740156==\"",
                "===============7330845974216740156==",
            ),
            (
                "multipart/form-data; boundary================7330845974216740156==",
                "===============7330845974216740156==",
            ),
            ("Multipart/Form-Data; charset=UTF-8;BOUNDARY=a(b)c:d/e?f", "a(b)c:d/e?f"),
            ("multipart/form-data;boundary=\"with space\" ; charset=utf-8", "with space"),
            ("multipart/form-data; boundary=x; boundary=\"x\"", "x"),
        ];
        for (content_type, boundary) in cases {
            assert_eq!(boundary_of(content_type).unwrap().as_str(), boundary, "{content_type}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused_with_its_reason() {
        for other in
            ["", "application/json", "multipart/mixed; boundary=x", "boundary=x", "multipart/form-dataX"]
        {
            assert_eq!(boundary_of(other), Err(MultipartError::NotMultipart), "{other}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(129));
        for (content_type, reason) in [
            ("multipart/form-data", "is missing"),
            ("multipart/form-data; boundary", "is empty"),
            ("multipart/form-data; boundary=\"\"", "is empty"),
            ("multipart/form-data; boundary=\"x", "has an open quote"),
            ("multipart/form-data; boundary=\"x \"", "ends in a space"),
            ("multipart/form-data; boundary=é", "has characters that are not visible ASCII"),
            ("multipart/form-data; boundary=\"a\rb\"", "has characters that are not visible ASCII"),
            ("multipart/form-data; boundary=x; boundary=y", "is named twice"),
            (long.as_str(), "is longer than 128 characters"),
        ] {
            assert_eq!(boundary_of(content_type), Err(MultipartError::Boundary(reason)), "{content_type}");
        }
    }
}
