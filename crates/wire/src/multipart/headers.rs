//! The headers of one part: its name, its file name, what it says of its content.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::MultipartError;
use super::parameters;

/// What a part says of itself. Nothing here is trusted beyond its spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHeaders {
    /// The field's name, without control characters.
    pub name: String,
    /// The base name of the file: `filename*` if there is one, else `filename`. Any folders before it are cut off.
    /// Without control characters; may be empty, and bytes that are not UTF-8 became U+FFFD.
    pub file_name: Option<String>,
    /// `Content-Type` as sent, parameters included; `None` if missing or empty.
    pub content_type: Option<String>,
    /// `Content-Length` where it is a number. A hint: the part ends at the boundary, whatever this says.
    pub content_length: Option<u64>,
}

impl PartHeaders {
    /// Reads a header block, the empty line at its end included. Every line in it ends in CR LF.
    pub(super) fn parse(block: &[u8]) -> Result<Self, MultipartError> {
        let block = String::from_utf8_lossy(block);
        let (mut disposition, mut content_type, mut encoding, mut content_length) = (None, None, None, None);
        for line in unfolded(&block).lines() {
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(MultipartError::Header("has no colon"))?;
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(MultipartError::Header("has a name with illegal characters"));
            }
            if value.chars().any(|character| character.is_ascii_control() && character != '\t') {
                return Err(MultipartError::Header("has a control character in it"));
            }
            let place = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => ("Content-Disposition", &mut disposition),
                "content-type" => ("Content-Type", &mut content_type),
                "content-transfer-encoding" => ("Content-Transfer-Encoding", &mut encoding),
                "content-length" => ("Content-Length", &mut content_length),
                _ => continue,
            };
            if place.1.replace(value.trim_ascii().to_owned()).is_some() {
                return Err(MultipartError::Repeated(place.0));
            }
        }
        check_encoding(encoding)?;
        let (name, file_name) = names(&disposition.ok_or(MultipartError::NoName)?)?;
        Ok(Self {
            name,
            file_name,
            content_type: content_type.filter(|value| !value.is_empty()),
            content_length: content_length.and_then(|value| value.parse().ok()),
        })
    }
}

/// Lines that go on with white space belong to the line before (RFC 822; some mail-born writers fold).
fn unfolded(block: &str) -> Cow<'_, str> {
    if block.contains("\r\n ") || block.contains("\r\n\t") {
        block.replace("\r\n ", " ").replace("\r\n\t", "\t").into()
    } else {
        block.into()
    }
}

/// The characters of a header's name (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Encodings that leave bytes as they are pass; the others would have to be undone, and nobody sends them.
fn check_encoding(encoding: Option<String>) -> Result<(), MultipartError> {
    let Some(encoding) = encoding else { return Ok(()) };
    let identity = ["", "binary", "8bit", "7bit"].iter().any(|name| encoding.eq_ignore_ascii_case(name));
    if identity {
        return Ok(());
    }
    let shown = &encoding[..encoding.floor_char_boundary(32)];
    Err(MultipartError::TransferEncoding(shown.to_owned()))
}

/// Name and file name of a `Content-Disposition`.
fn names(disposition: &str) -> Result<(String, Option<String>), MultipartError> {
    let (kind, parameters) = parameters::split(disposition);
    if !kind.eq_ignore_ascii_case("form-data") {
        return Err(MultipartError::NoName);
    }
    let (mut name, mut plain, mut extended) = (None, None, None);
    for parameter in parameters {
        let (key, value) = parameter.map_err(|_| MultipartError::Header("has an open quote"))?;
        let place = match key.to_ascii_lowercase().as_str() {
            "name" => ("name", &mut name),
            "filename" => ("filename", &mut plain),
            "filename*" => ("filename*", &mut extended),
            _ => continue,
        };
        if place.1.replace(value).is_some() {
            return Err(MultipartError::Repeated(place.0));
        }
    }
    let name = without_browser_escapes(name.ok_or(MultipartError::NoName)?);
    let file_name = extended
        .and_then(|value| decode_extended(&value))
        .or_else(|| plain.map(without_browser_escapes))
        .map(|path| base_name(&path).to_owned());
    if name.chars().any(char::is_control) {
        return Err(MultipartError::ControlCharacter("name"));
    }
    if file_name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        return Err(MultipartError::ControlCharacter("file name"));
    }
    Ok((name, file_name))
}

/// Browsers, and libraries that follow them, write a quote, CR and LF of a name as `%22`, `%0D` and `%0A` and leave
/// every other `%` alone (HTML Standard), so no more than these are decoded: `100%25.png` is a name.
fn without_browser_escapes(value: Cow<'_, str>) -> String {
    if !value.contains('%') {
        return value.into_owned();
    }
    let value = value.replace("%22", "\"");
    value.replace("%0D", "\r").replace("%0d", "\r").replace("%0A", "\n").replace("%0a", "\n")
}

/// `UTF-8''na%C3%AFve.png` (RFC 8187); `None` for a charset we do not know, so that `filename` can speak.
fn decode_extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    let decoded = percent_decode_str(encoded);
    if charset.eq_ignore_ascii_case("utf-8") {
        Some(decoded.decode_utf8_lossy().into_owned())
    } else if charset.eq_ignore_ascii_case("iso-8859-1") {
        // Latin-1 is the first 256 characters of Unicode.
        Some(decoded.map(char::from).collect())
    } else {
        None
    }
}

/// What stands after the last folder, of Windows or Unix.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Result<PartHeaders, MultipartError> {
        PartHeaders::parse(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())
    }

    fn disposition(parameters: &str) -> Result<PartHeaders, MultipartError> {
        parse(&[&format!("Content-Disposition: form-data; name=f; {parameters}")])
    }

    fn file_name(parameters: &str) -> String {
        disposition(parameters).unwrap().file_name.unwrap()
    }

    #[test]
    fn headers_are_read_in_any_case_and_order() {
        let headers = parse(&[
            "content-length:  12 ",
            "X-Anything: at all",
            "CONTENT-TYPE: audio/ogg; codecs=opus",
            "Content-transfer-encoding: BINARY",
            "content-disposition:Form-Data;NAME=file;FileName=\"a.ogg\"",
        ]);
        let expected = PartHeaders {
            name: "file".into(),
            file_name: Some("a.ogg".into()),
            content_type: Some("audio/ogg; codecs=opus".into()),
            content_length: Some(12),
        };
        assert_eq!(headers, Ok(expected));
    }

    #[test]
    fn a_length_is_a_hint_and_an_empty_type_is_none() {
        let headers =
            parse(&["Content-Disposition: form-data; name=f", "Content-Length: -1", "Content-Type:"]);
        let headers = headers.unwrap();
        assert_eq!((headers.content_length, headers.content_type, headers.file_name), (None, None, None));
    }

    #[test]
    fn file_names_keep_their_last_piece() {
        assert_eq!(file_name(r#"filename="cat.jpg""#), "cat.jpg");
        assert_eq!(file_name("filename=cat.jpg"), "cat.jpg");
        assert_eq!(file_name(r#"filename="C:\Users\me\cat.jpg""#), "cat.jpg");
        assert_eq!(file_name(r#"filename="C:\\Users\\me\\cat.jpg""#), "cat.jpg");
        assert_eq!(file_name(r#"filename="/home/me/cat.jpg""#), "cat.jpg");
        assert_eq!(file_name(r#"filename="../../etc/passwd""#), "passwd");
        assert_eq!(file_name("filename*=UTF-8''%2Ftmp%2Fcat.jpg"), "cat.jpg");
        assert_eq!(file_name(r#"filename="""#), "");
    }

    #[test]
    fn quotes_in_file_names_come_in_three_spellings() {
        for spelled in [r#"filename="6%22.jpg""#, r#"filename="6\".jpg""#, r#"filename="6".jpg""#] {
            assert_eq!(file_name(spelled), "6\".jpg", "{spelled}");
        }
        assert_eq!(file_name(r#"filename="100%25 %41.png""#), "100%25 %41.png");
    }

    #[test]
    fn file_names_of_every_script() {
        assert_eq!(file_name("filename=\"фото 日本.png\""), "фото 日本.png");
        assert_eq!(file_name("filename=\"x.png\"; filename*=UTF-8''na%C3%AFve.png"), "naïve.png");
        assert_eq!(file_name("filename*=utf-8'en'a%20b.png; filename=x.png"), "a b.png");
        assert_eq!(file_name("filename*=iso-8859-1''na%EFve.png"), "naïve.png");
        assert_eq!(file_name("filename*=koi8-r''%c1; filename=x.png"), "x.png");
        assert_eq!(file_name("filename*=broken; filename=x.png"), "x.png");
        let latin = PartHeaders::parse(b"Content-Disposition: form-data; name=f; filename=\"\xe9\"\r\n\r\n");
        assert_eq!(latin.unwrap().file_name.unwrap(), "\u{fffd}");
    }

    #[test]
    fn folded_headers_are_one_line() {
        let headers =
            parse(&["Content-Disposition: form-data;", " name=\"f\";", "\tfilename=\"a.png\""]).unwrap();
        assert_eq!((headers.name.as_str(), headers.file_name.as_deref()), ("f", Some("a.png")));
    }

    #[test]
    fn a_part_needs_a_name() {
        for lines in [
            &["Content-Type: text/plain"][..],
            &["Content-Disposition: form-data"],
            &["Content-Disposition: form-data; filename=x"],
            &["Content-Disposition: attachment; name=x"],
            &[""],
        ] {
            assert_eq!(parse(lines), Err(MultipartError::NoName), "{lines:?}");
        }
    }

    #[test]
    fn nothing_stands_twice() {
        assert_eq!(disposition("name=g"), Err(MultipartError::Repeated("name")));
        assert_eq!(disposition("filename=a; FILENAME=b"), Err(MultipartError::Repeated("filename")));
        let twice = ["Content-Disposition: form-data; name=f", "content-disposition: form-data; name=g"];
        assert_eq!(parse(&twice), Err(MultipartError::Repeated("Content-Disposition")));
    }

    #[test]
    fn names_carry_no_control_characters() {
        use MultipartError::ControlCharacter;
        for spelled in ["%0d%0a", "%0A", "%0D"] {
            let name = parse(&[&format!("Content-Disposition: form-data; name=\"a{spelled}b\"")]);
            assert_eq!(name, Err(ControlCharacter("name")));
            assert_eq!(disposition(&format!("filename=\"a{spelled}b\"")), Err(ControlCharacter("file name")));
        }
        for spelled in ["a%00b", "a%0d%0aX-Evil:%20b", "a%1fb", "a%C2%85b"] {
            let extended = disposition(&format!("filename*=UTF-8''{spelled}"));
            assert_eq!(extended, Err(ControlCharacter("file name")), "{spelled}");
        }
    }

    #[test]
    fn broken_headers_are_refused() {
        let control = Err(MultipartError::Header("has a control character in it"));
        assert_eq!(disposition("filename=\"a\0b\""), control);
        assert_eq!(disposition("filename=\"a\rb\""), control);
        let name = Err(MultipartError::Header("has a name with illegal characters"));
        assert_eq!(parse(&["Content-Disposition : form-data; name=f"]), name);
        assert_eq!(parse(&[": x"]), name);
        assert_eq!(parse(&["no colon"]), Err(MultipartError::Header("has no colon")));
        assert_eq!(disposition("filename=\"a"), Err(MultipartError::Header("has an open quote")));
    }

    #[test]
    fn encoded_parts_are_refused_by_name() {
        for (sent, shown) in [("base64", "base64"), ("Quoted-Printable", "Quoted-Printable")] {
            let part = parse(&[
                "Content-Disposition: form-data; name=f",
                &format!("Content-Transfer-Encoding: {sent}"),
            ]);
            assert_eq!(part, Err(MultipartError::TransferEncoding(shown.into())));
        }
    }
}
