//! A JSON writer that escapes like the vendor's PHP, so that bodies are equal byte for byte.
//!
//! `/` becomes `\/`, everything outside ASCII `\u` and four lower-case hex digits (two such above the basic plane);
//! both seen in recorded traffic. Keys keep the order in which they are written, without any white space.
//!
//! Deliberately not here: reading JSON, and arrays of more than one object, which no body of ours has.

use std::fmt::{self, Display, Write as _};

/// One JSON object being written. Its bytes are in one growing buffer, nested objects included.
#[derive(Debug)]
pub struct Object {
    out: Vec<u8>,
}

impl Object {
    /// An object without members yet. The capacity holds the common bodies without growing.
    pub fn new() -> Self {
        let mut out = Vec::with_capacity(512);
        out.push(b'{');
        Self { out }
    }

    /// Adds a string, escaped.
    pub fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        self.out.push(b'"');
        escape(&mut self.out, value);
        self.out.push(b'"');
        self
    }

    /// Adds the text of a value as a string, escaped, without an intermediate `String`.
    pub fn display(mut self, key: &str, value: impl Display) -> Self {
        self.key(key);
        self.out.push(b'"');
        // Writing to a Vec cannot fail; a Display that reports an error leaves its text short.
        let _ = write!(Escaping(&mut self.out), "{value}");
        self.out.push(b'"');
        self
    }

    /// Adds bytes as a string of lower-case hex.
    pub fn hex(mut self, key: &str, value: &[u8]) -> Self {
        self.key(key);
        self.out.push(b'"');
        for byte in value {
            self.out.push(HEX[usize::from(byte >> 4)]);
            self.out.push(HEX[usize::from(byte & 15)]);
        }
        self.out.push(b'"');
        self
    }

    /// Adds a number.
    pub fn number(mut self, key: &str, value: u64) -> Self {
        self.key(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self
    }

    /// Adds a number as a string.
    pub fn digits(mut self, key: &str, value: u64) -> Self {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self.out.push(b'"');
        self
    }

    /// Adds `true` or `false`.
    pub fn boolean(mut self, key: &str, value: bool) -> Self {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// Adds a nested object: `fill` gets it empty and gives it back written.
    pub fn object(mut self, key: &str, fill: impl FnOnce(Object) -> Object) -> Self {
        self.key(key);
        self.out.push(b'{');
        let mut filled = fill(self);
        filled.out.push(b'}');
        filled
    }

    /// Adds an array with one object in it: `fill` gets it empty and gives it back written.
    pub fn array_of_one(mut self, key: &str, fill: impl FnOnce(Object) -> Object) -> Self {
        self.key(key);
        self.out.extend_from_slice(b"[{");
        let mut filled = fill(self);
        filled.out.extend_from_slice(b"}]");
        filled
    }

    /// Adds a string, escaped, if there is one.
    pub fn optional_text(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// Closes the object and gives its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }

    fn key(&mut self, key: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.push(b'"');
        escape(&mut self.out, key);
        self.out.extend_from_slice(b"\":");
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

/// Lower case, as the vendor writes both hashes and `\u` escapes.
const HEX: &[u8; 16] = b"0123456789abcdef";

struct Escaping<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

/// The bytes that stand for themselves: of ASCII, all but what JSON and the vendor escape.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b' ';
    // PHP leaves DEL as it is: it is ASCII and JSON allows it.
    while byte <= 0x7f {
        plain[byte as usize] = !matches!(byte, b'"' | b'\\' | b'/');
        byte += 1;
    }
    plain
};

fn escape(out: &mut Vec<u8>, mut text: &str) {
    loop {
        // Plain runs are copied as they are; they always end between characters.
        let run = text.bytes().position(|byte| !PLAIN[usize::from(byte)]).unwrap_or(text.len());
        out.extend_from_slice(&text.as_bytes()[..run]);
        let mut rest = text[run..].chars();
        let Some(character) = rest.next() else { return };
        escape_character(out, character);
        text = rest.as_str();
    }
}

fn escape_character(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '/' => out.extend_from_slice(b"\\/"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        '\r' => out.extend_from_slice(b"\\r"),
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escape_unit(out, *unit);
            }
        }
    }
}

fn escape_unit(out: &mut Vec<u8>, unit: u16) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from(unit >> shift & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        String::from_utf8(Object::new().text("t", text).finish()).unwrap()
    }

    #[test]
    fn escapes_as_the_vendor_does() {
        assert_eq!(written("image/png"), r#"{"t":"image\/png"}"#);
        assert_eq!(written("é"), r#"{"t":"\u00e9"}"#);
        assert_eq!(written("日本"), r#"{"t":"\u65e5\u672c"}"#);
        assert_eq!(written("😀"), r#"{"t":"\ud83d\ude00"}"#);
        assert_eq!(written("\"\\"), r#"{"t":"\"\\"}"#);
        assert_eq!(written("\u{8}\t\n\u{c}\r"), r#"{"t":"\b\t\n\f\r"}"#);
        assert_eq!(written("\0\u{1f}\u{7f}\u{80}"), "{\"t\":\"\\u0000\\u001f\u{7f}\\u0080\"}");
        assert_eq!(written("\u{2028}\u{ffff}"), r#"{"t":"\u2028\uffff"}"#);
        assert_eq!(written("'<&>"), r#"{"t":"'<&>"}"#);
    }

    #[test]
    fn members_stand_in_the_order_written() {
        let body = Object::new()
            .number("n", u64::MAX)
            .object("o", |o| o.boolean("yes", true).object("empty", |o| o).boolean("no", false))
            .display("d", format_args!("{}/{}", 1, 'ü'))
            .array_of_one("a", |o| {
                o.array_of_one("b", |o| o).optional_text("c", Some("/")).optional_text("e", None)
            })
            .hex("h", &[0, 0xab, 0xff])
            .finish();
        let expected = br#"{"n":18446744073709551615,"o":{"yes":true,"empty":{},"no":false},"d":"1\/\u00fc","a":[{"b":[{}],"c":"\/"}],"h":"00abff"}"#;
        assert_eq!(body, expected);
        assert_eq!(Object::new().finish(), b"{}");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_is_ascii(text: String) {
            let body = Object::new().text(&text, &text).finish();
            prop_assert!(body.is_ascii());
            let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(parsed[&text].as_str(), Some(text.as_str()));
        }
    }
}
