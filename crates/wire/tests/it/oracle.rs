//! `multer`, an independent parser, must understand forms as ours does. It is lenient where ours is strict: it takes
//! parts without a name and any text before the first boundary.

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use wamedia_wire::multipart::{Limits, MultipartError, boundary_of};

use crate::corpus::{Recorded, recorded};
use crate::forms::{read, read_whole};

type Field = (Option<String>, Option<String>, Vec<u8>);

/// The form as multer reads it; `None` if it refuses.
fn multer(boundary: &str, body: &[u8]) -> Option<Vec<Field>> {
    let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::copy_from_slice(body))]);
    let mut form = multer::Multipart::new(pieces, boundary);
    let all = async {
        let mut fields = Vec::new();
        while let Some(field) = form.next_field().await.ok()? {
            let (name, content_type) = (field.name().map(str::to_owned), content_type_of(&field));
            fields.push((name, content_type, field.bytes().await.ok()?.to_vec()));
        }
        Some(fields)
    };
    all.now_or_never().expect("the body is all there, so nothing is waited for")
}

fn content_type_of(field: &multer::Field<'_>) -> Option<String> {
    Some(field.headers().get("content-type")?.to_str().ok()?.to_owned())
}

fn ours(told: &crate::forms::Told) -> Vec<Field> {
    let field = |part: &crate::forms::Part| {
        (Some(part.headers.name.clone()), part.headers.content_type.clone(), part.data.clone())
    };
    told.parts.iter().map(field).collect()
}

#[test]
fn real_forms_are_read_alike() {
    for Recorded { client, content_type, body } in recorded() {
        // multer does not take folded headers.
        if client == "python_email" {
            continue;
        }
        let boundary = boundary_of(&content_type).unwrap();
        assert_eq!(multer::parse_boundary(&content_type).as_deref(), Ok(boundary.as_str()), "{client}");
        let told = read(&boundary, Limits::default(), [body.as_slice()]);
        assert_eq!(multer(boundary.as_str(), &body), Some(ours(&told)), "{client}");
    }
}

const DATA: &[&str] = &[
    "\r\n",
    "\r",
    "\n",
    "-",
    "--",
    "b",
    "--b",
    "\r\n--b",
    "\r\n--b--",
    "\r\n--b\r\n",
    "\r\n\r\n",
    "data",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn made_up_forms_are_read_alike(
        parts in vec((0..3usize, vec(select(DATA), 0..10)), 0..4),
        closing in select(vec!["--b--", "--b--\r\n", "--b", ""]),
    ) {
        let mut body = String::new();
        for (headers, data) in &parts {
            body += "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n";
            body += ["", "Content-Type: image/png\r\n", "X-Other: 1\r\n"][*headers];
            body += &format!("\r\n{}\r\n", data.concat());
        }
        body += closing;
        let told = read_whole("b", body.as_bytes());
        match (&told.outcome, multer("b", body.as_bytes())) {
            (Ok(()), theirs) => prop_assert_eq!(theirs, Some(ours(&told))),
            (Err(_), None) => {}
            (Err(MultipartError::NoName | MultipartError::Header(_)), Some(_)) => {}
            (Err(MultipartError::EpilogueTooLong { .. }), Some(_)) => {}
            (Err(error), Some(fields)) => prop_assert!(false, "{error}, but multer has {fields:?}"),
        }
    }
}
