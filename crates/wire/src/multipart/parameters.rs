//! The parameters of `Content-Type` and `Content-Disposition`: `; name=value; name="value"`.

use std::borrow::Cow;

/// A quoted value without its closing quote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unterminated;

/// Splits a header's value into its first word and its parameters.
pub(super) fn split(value: &str) -> (&str, Parameters<'_>) {
    let end = value.find(';').unwrap_or(value.len());
    (value[..end].trim_ascii(), Parameters(&value[end..]))
}

/// Gives name and value of each parameter; values lose their quotes and the backslashes that escape.
pub(super) struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<(&'a str, Cow<'a, str>), Unterminated>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start_matches([';', ' ', '\t']);
        if text.is_empty() {
            return None;
        }
        let name_end = text.find(['=', ';']).unwrap_or(text.len());
        let name = text[..name_end].trim_ascii();
        let rest = &text[name_end..];
        // A word without `=` is nobody's parameter; it is given with an empty value and matches no name.
        let value = rest.strip_prefix('=').unwrap_or("").trim_ascii_start();
        if let Some(quoted) = value.strip_prefix('"') {
            let Some(end) = closing_quote(quoted) else {
                self.0 = "";
                return Some(Err(Unterminated));
            };
            self.0 = &quoted[end + 1..];
            return Some(Ok((name, unescape(&quoted[..end]))));
        }
        let value_from = text.len() - if rest.starts_with('=') { value.len() } else { rest.len() };
        let value_end = text[value_from..].find(';').map_or(text.len(), |at| value_from + at);
        self.0 = &text[value_end..];
        Some(Ok((name, text[value_from..value_end].trim_ascii().into())))
    }
}

/// Where the closing quote is: the first that no backslash escapes and after which the parameter ends.
///
/// A quote in the middle belongs to the value: some clients write a file name's own quotes as they are.
fn closing_quote(quoted: &str) -> Option<usize> {
    let bytes = quoted.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += found;
        if bytes[at] == b'\\' {
            at += if escapes(bytes, at) { 2 } else { 1 };
            continue;
        }
        let after = quoted[at + 1..].trim_start_matches([' ', '\t']);
        if after.is_empty() || after.starts_with(';') {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// A backslash escapes a quote or a backslash. Before anything else it is one: `C:\photos\cat.jpg` is sent so.
fn escapes(bytes: &[u8], backslash: usize) -> bool {
    matches!(bytes.get(backslash + 1), Some(b'"' | b'\\'))
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(&escaped @ ('"' | '\\'))) => {
                out.push(escaped);
                characters.next();
            }
            _ => out.push(character),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Vec<(String, String)>, Unterminated> {
        split(value).1.map(|found| found.map(|(name, value)| (name.into(), value.into_owned()))).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Result<Vec<(String, String)>, Unterminated> {
        Ok(expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn values_may_be_quoted_or_not() {
        assert_eq!(split(" form-data ;x").0, "form-data");
        assert_eq!(read("f"), pairs(&[]));
        assert_eq!(read("f;;; "), pairs(&[]));
        assert_eq!(read("f; a=b;c = \"d\" ; e"), pairs(&[("a", "b"), ("c", "d"), ("e", "")]));
        assert_eq!(read("f; a=; b=\"\"; c"), pairs(&[("a", ""), ("b", ""), ("c", "")]));
        assert_eq!(read("f; a=x y ; b=a=b"), pairs(&[("a", "x y"), ("b", "a=b")]));
        assert_eq!(read(r#"f; a="x;y=\"z\""; b=1"#), pairs(&[("a", r#"x;y="z""#), ("b", "1")]));
    }

    #[test]
    fn backslashes_escape_only_quotes_and_themselves() {
        assert_eq!(read(r#"f; a="C:\new\tab.jpg""#), pairs(&[("a", r"C:\new\tab.jpg")]));
        assert_eq!(read(r#"f; a="a\\b\"c\d""#), pairs(&[("a", r#"a\b"c\d"#)]));
        assert_eq!(read(r#"f; a="x\\""#), pairs(&[("a", r"x\")]));
    }

    #[test]
    fn a_quote_inside_belongs_to_the_value() {
        assert_eq!(read(r#"f; a="6" nails.jpg"; b=1"#), pairs(&[("a", r#"6" nails.jpg"#), ("b", "1")]));
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for open in [r#"f; a=""#, r#"f; a="x"#, r#"f; a="x\""#, r#"f; a="x\"; b=c"#] {
            assert_eq!(read(open), Err(Unterminated), "{open}");
        }
    }
}
