//! Forms of real clients (`tests/corpus`): all carry the same fields, and all are read the same.

use std::fs;
use std::path::{Path, PathBuf};

use wamedia_wire::multipart::{Limits, boundary_of};

use crate::forms::read;

/// One recorded request.
pub(crate) struct Recorded {
    pub(crate) client: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// All recorded requests, by client.
pub(crate) fn recorded() -> Vec<Recorded> {
    let mut all: Vec<Recorded> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .map(|path| {
            let file = fs::read(&path).unwrap();
            let head_end = file.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let head = std::str::from_utf8(&file[..head_end]).unwrap();
            Recorded {
                client: path.file_stem().unwrap().to_string_lossy().into_owned(),
                content_type: head.strip_prefix("Content-Type: ").unwrap().to_owned(),
                body: file[head_end + 4..].to_vec(),
            }
        })
        .collect();
    all.sort_by(|one, other| one.client.cmp(&other.client));
    assert!(all.len() >= 20, "the corpus is there");
    all
}

#[test]
fn every_client_is_understood() {
    let payload = fs::read(folder().join("payload.bin")).unwrap();
    for Recorded { client, content_type, body } in recorded() {
        let told = read(&boundary_of(&content_type).unwrap(), Limits::default(), [body.as_slice()]);
        assert_eq!(told.outcome, Ok(()), "{client}");
        assert_eq!(told.parts.len(), 3, "{client}");
        assert_eq!(told.part("messaging_product").data, b"whatsapp", "{client}");
        assert_eq!(told.part("type").data, b"image/png", "{client}");
        let file = told.part("file");
        assert_eq!(file.data, payload, "{client}");
        assert_eq!(file.headers.content_type.as_deref(), Some("image/png"), "{client}");
        let file_name = match client.as_str() {
            // It percent-encodes the whole name, which cannot be told from a name that has a `%` in it.
            "aiohttp" => "na%C3%AFve%20\"6\".png",
            "apache_strict" => "na?ve \"6\".png",
            _ => "naïve \"6\".png",
        };
        assert_eq!(file.headers.file_name.as_deref(), Some(file_name), "{client}");
        if ["okhttp", "guzzle"].contains(&client.as_str()) {
            assert_eq!(file.headers.content_length, Some(payload.len() as u64), "{client}");
        }
    }
}

#[test]
fn a_form_cut_anywhere_is_an_error() {
    for Recorded { client, content_type, body } in recorded() {
        let boundary = boundary_of(&content_type).unwrap();
        let closing = format!("--{}--", boundary.as_str());
        let end = body.windows(closing.len()).rposition(|window| window == closing.as_bytes()).unwrap();
        for cut in 0..end + closing.len() {
            let told = read(&boundary, Limits::default(), [&body[..cut]]);
            assert!(told.outcome.is_err(), "{client} cut at {cut}");
        }
        let told = read(&boundary, Limits::default(), [&body[..end + closing.len()]]);
        assert_eq!(told.outcome, Ok(()), "{client} without its last line end");
    }
}
