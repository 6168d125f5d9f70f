//! What a file is taken for when nobody declared a type.

use wamedia_media::{guess, identify};

fn guessed(bytes: &[u8], name: Option<&str>) -> Option<&'static str> {
    let mut source = bytes;
    guess(&identify(&mut source).unwrap(), name).map(|row| row.mime)
}

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n";

#[test]
fn content_wins_over_the_name() {
    assert_eq!(guessed(PDF, Some("photo.jpg")), Some("application/pdf"));
    assert_eq!(guessed(PDF, None), Some("application/pdf"));
}

#[test]
fn text_named_like_another_type_is_judged_as_that_type() {
    let answer = br#"{"error":{"message":"Authentication Error"}}"#;
    assert_eq!(guessed(answer, Some("photo.jpg")), Some("image/jpeg"));
    assert_eq!(guessed(b"\xff\xd8", Some("photo.JPEG")), Some("image/jpeg"));
    assert_eq!(guessed(answer, Some("answer.txt")), Some("text/plain"));
    assert_eq!(guessed(answer, Some("answer.json")), Some("text/plain"));
    assert_eq!(guessed(answer, None), Some("text/plain"));
}

#[test]
fn a_name_helps_where_content_says_nothing() {
    let noise: Vec<u8> = (0..251u32).map(|n| (n * n * 7 + n) as u8).collect();
    assert_eq!(guessed(&noise, Some("clip.mp4")), Some("video/mp4"));
    assert_eq!(guessed(&noise, Some("clip.xyz")), None);
    assert_eq!(guessed(&noise, None), None);
}
