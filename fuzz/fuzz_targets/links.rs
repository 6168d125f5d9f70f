//! Any query: read as a link only if it is spelled as links are, and then it says the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wamedia_wire::links::{AttachmentQuery, attachment_path_of};

fuzz_target!(|text: &str| {
    if let Ok(link) = AttachmentQuery::parse(text) {
        let again = link.to_string();
        assert_eq!(AttachmentQuery::parse(&again), Ok(link));
        let mut given: Vec<&str> = text.split('&').filter(|pair| !pair.starts_with("access_token=")).collect();
        let mut issued: Vec<&str> = again.split('&').collect();
        given.sort_unstable();
        issued.sort_unstable();
        assert_eq!(given, issued);
    }
    let _ = attachment_path_of(text);
});
