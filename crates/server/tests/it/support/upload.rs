//! An upload's form with a legal default, and one method for each way to deviate from it.

use super::raw::Request;
use super::samples;

/// A form. [`Upload::png`] and its like are what an honest client sends.
#[derive(Clone)]
pub struct Upload {
    bytes: Vec<u8>,
    file_name: Option<String>,
    declared: Option<String>,
    file_headers: String,
    text_headers: String,
    /// Text fields in their order.
    fields: Vec<(String, String)>,
    has_file: bool,
    file_first: bool,
    bare_names: bool,
    boundary: String,
    quoted_boundary: bool,
    closed: bool,
    query: String,
}

impl Upload {
    /// These bytes under this declared type.
    pub fn of(declared: &str, file_name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            file_name: Some(file_name.to_owned()),
            declared: Some(declared.to_owned()),
            file_headers: String::new(),
            text_headers: String::new(),
            fields: vec![("messaging_product".into(), "whatsapp".into())],
            has_file: true,
            file_first: false,
            bare_names: false,
            boundary: "----wamediaboundary7MA4YWxkTrZu0gW".into(),
            quoted_boundary: false,
            closed: true,
            query: String::new(),
        }
    }

    pub fn png() -> Self {
        Self::of("image/png", "photo.png", samples::png())
    }

    pub fn jpeg() -> Self {
        Self::of("image/jpeg", "photo.jpg", samples::jpeg())
    }

    pub fn text(content: impl Into<Vec<u8>>) -> Self {
        Self::of("text/plain", "note.txt", content)
    }

    /// A text file of so many bytes, each chunk different.
    pub fn text_of(bytes: usize) -> Self {
        Self::text(samples::text_of(bytes))
    }

    pub fn content(&self) -> &[u8] {
        &self.bytes
    }

    pub fn declared(self, mime: &str) -> Self {
        Self { declared: Some(mime.to_owned()), ..self }
    }

    pub fn undeclared(self) -> Self {
        Self { declared: None, ..self }
    }

    pub fn named(self, file_name: &str) -> Self {
        Self { file_name: Some(file_name.to_owned()), ..self }
    }

    pub fn unnamed(self) -> Self {
        Self { file_name: None, ..self }
    }

    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self
    }

    pub fn without_file(self) -> Self {
        Self { has_file: false, ..self }
    }

    pub fn file_first(self) -> Self {
        Self { file_first: true, ..self }
    }

    /// Names without quotes.
    pub fn bare_names(self) -> Self {
        Self { bare_names: true, ..self }
    }

    /// More header lines of the file part, each with its line end.
    pub fn file_headers(self, lines: &str) -> Self {
        Self { file_headers: lines.to_owned(), ..self }
    }

    /// More header lines of the text parts.
    pub fn text_headers(self, lines: &str) -> Self {
        Self { text_headers: lines.to_owned(), ..self }
    }

    pub fn boundary(self, boundary: &str) -> Self {
        Self { boundary: boundary.to_owned(), ..self }
    }

    pub fn quoted_boundary(self) -> Self {
        Self { quoted_boundary: true, ..self }
    }

    /// Without the closing boundary.
    pub fn unclosed(self) -> Self {
        Self { closed: false, ..self }
    }

    /// A query for the upload's path, with its `?`.
    pub fn query(self, query: &str) -> Self {
        Self { query: query.to_owned(), ..self }
    }

    pub fn content_type(&self) -> String {
        let quote = if self.quoted_boundary { "\"" } else { "" };
        format!("multipart/form-data; boundary={quote}{}{quote}", self.boundary)
    }

    pub fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes.len() + 1024);
        if self.file_first {
            self.push_file(&mut body);
        }
        for (name, value) in &self.fields {
            let name = self.quoted(name);
            let part = format!(
                "--{}\r\nContent-Disposition: form-data; name={name}\r\n{}\r\n{value}\r\n",
                self.boundary, self.text_headers
            );
            body.extend_from_slice(part.as_bytes());
        }
        if !self.file_first {
            self.push_file(&mut body);
        }
        if self.closed {
            body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        }
        body
    }

    /// As a request to `path`, without a credential.
    pub fn to(&self, path: &str) -> Request {
        Request::new("POST", &format!("{path}{}", self.query))
            .header("Content-Type", &self.content_type())
            .body(self.body())
    }

    fn push_file(&self, body: &mut Vec<u8>) {
        if !self.has_file {
            return;
        }
        let mut head =
            format!("--{}\r\nContent-Disposition: form-data; name={}", self.boundary, self.quoted("file"));
        if let Some(file_name) = &self.file_name {
            head += &format!("; filename={}", self.quoted(file_name));
        }
        head += "\r\n";
        if let Some(declared) = &self.declared {
            head += &format!("Content-Type: {declared}\r\n");
        }
        head += &self.file_headers;
        head += "\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&self.bytes);
        body.extend_from_slice(b"\r\n");
    }

    fn quoted(&self, name: &str) -> String {
        if self.bare_names { name.to_owned() } else { format!("\"{name}\"") }
    }
}
