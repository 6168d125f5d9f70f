//! The form of an upload: its fields, the head of its file's part, its end.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use sha2::Digest as _;

use super::file_name;
use super::ready::Ready;
use crate::Error;
use crate::progress::Listener;
use crate::transport::{Form, Sending};

/// What the fields of a form say.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) media_type: &'a str,
    pub(super) file_name: &'a str,
    pub(super) ttl_minutes: Option<u32>,
}

/// A form around a file.
pub(super) async fn form(
    fields: &Fields<'_>,
    file: &Ready,
    progress: Option<Listener>,
    sending: &Arc<Sending>,
) -> Result<Form, Error> {
    let boundary = boundary()?;
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    Ok(Form {
        content_type: content_type
            .map_err(|_| Error::Invalid("a boundary is a header's value".to_owned()))?,
        before: before(fields, &boundary),
        file: file.open().await?,
        file_bytes: file.bytes,
        max_file_bytes: file.max_bytes,
        after: format!("\r\n--{boundary}--\r\n").into(),
        progress,
        sending: sending.clone(),
        hash: sha2::Sha256::new(),
    })
}

/// The fields come first, so that a service knows of the file what it must before the file.
fn before(fields: &Fields<'_>, boundary: &str) -> Bytes {
    let field = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut before = field("messaging_product", "whatsapp");
    before += &field("type", fields.media_type);
    if let Some(minutes) = fields.ttl_minutes {
        before += &field("ttl_minutes", &minutes.to_string());
    }
    before += &format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
        file_name::quoted(fields.file_name),
        fields.media_type,
    );
    before.into()
}

/// From the system's randomness: whoever made the file must not be able to end its part.
fn boundary() -> Result<String, Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::io(None, std::io::Error::other(error)))?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("wamedia-{digits}"))
}

/// A form that has everything but a file: services refuse it, and who is refused for that alone has a credential and a
/// number that hold.
pub(crate) fn without_file() -> Result<(HeaderValue, Bytes), Error> {
    let boundary = boundary()?;
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--{boundary}--\r\n"
    );
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    Ok((content_type.map_err(|_| Error::Invalid("a boundary is a header's value".to_owned()))?, body.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_written_as_services_read_it() {
        let fields = Fields { media_type: "image/png", file_name: "6\".png", ttl_minutes: Some(60) };
        let expected = concat!(
            "--b\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n",
            "--b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nimage/png\r\n",
            "--b\r\nContent-Disposition: form-data; name=\"ttl_minutes\"\r\n\r\n60\r\n",
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"6%22.png\"\r\n",
            "Content-Type: image/png\r\n\r\n",
        );
        assert_eq!(before(&fields, "b"), expected);
        assert_ne!(boundary().unwrap(), boundary().unwrap());
    }
}
