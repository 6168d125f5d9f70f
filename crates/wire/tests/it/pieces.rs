//! However a body is cut into pieces, the parser tells the same.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use wamedia_wire::multipart::{Boundary, Limits, boundary_of};

use crate::corpus::{Recorded, recorded};
use crate::forms::{read, read_whole};

#[test]
fn every_split_of_a_real_form_is_read_the_same() {
    for Recorded { client, content_type, body } in recorded() {
        let boundary = boundary_of(&content_type).unwrap();
        let whole = read(&boundary, Limits::default(), [body.as_slice()]);
        for at in 0..=body.len() {
            let (front, back) = body.split_at(at);
            assert_eq!(read(&boundary, Limits::default(), [front, back]), whole, "{client} split at {at}");
        }
        for size in [1, 2, 3, 7, 64] {
            let told = read(&boundary, Limits::default(), body.chunks(size));
            assert_eq!(told, whole, "{client} in pieces of {size}");
        }
    }
}

/// What parsers stumble over, for the boundary `b-b`.
const FRAGMENTS: &[&str] = &[
    "\r\n--b-b\r\nContent-Disposition: form-data; name=f\r\n\r\n",
    "--b-b\r\nContent-Disposition: form-data; name=g; filename=\"x\"\r\nContent-Type: a/b\r\n\r\n",
    "Content-Disposition: form-data; name=h\r\n\r\n",
    "\r\n--b-b--",
    "\r\n--b-b",
    "--b-b\r\n",
    "--b-b",
    "\r\n--b-",
    "\r\n--b-b \t\r\n",
    "\r\n",
    "\r",
    "\n",
    "-",
    "--",
    "b",
    ":",
    " ",
    "\0",
    "é",
    "some data",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// Small, so that every limit is met.
const SMALL: Limits =
    Limits { max_parts: 3, max_header_bytes: 100, max_preamble_bytes: 20, max_epilogue_bytes: 20 };

/// Mostly begins like a form, since else little is reached.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    (0..4usize, vec(select(FRAGMENTS), 0..24)).prop_map(|(begin, fragments)| {
        let begin = if begin == 0 { "" } else { FRAGMENTS[1] };
        [begin].into_iter().chain(fragments).collect::<String>().into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_pieces_of_any_body_are_read_the_same(
        body in bodies(),
        cuts in vec(any::<Index>(), 0..12),
        limits in select(vec![SMALL, Limits::default()]),
    ) {
        let boundary = Boundary::new("b-b").unwrap();
        let whole = read(&boundary, limits, [body.as_slice()]);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|ends| &body[ends[0]..ends[1]]);
        prop_assert_eq!(&read(&boundary, limits, pieces), &whole);
        prop_assert_eq!(&read(&boundary, limits, body.chunks(1)), &whole);
    }

    #[test]
    fn data_without_its_boundary_comes_through(data in vec(select(b"\r\n-bx".as_slice()), 0..200)) {
        prop_assume!(!contains(&[b"\r\n", data.as_slice()].concat(), b"\r\n--b-b"));
        let told = read_whole("b-b", &crate::forms::form("b-b", &data));
        prop_assert_eq!(told.outcome, Ok(()));
        prop_assert_eq!(&told.parts[0].data, &data);
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
