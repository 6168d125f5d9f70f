//! A form with one file, parsed in pieces as large as the connection's buffer.

use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use wamedia_micro::noise;
use wamedia_wire::multipart::{Boundary, Limits, Parser};

const PIECE: usize = 32 * 1024;
const LIMITS: Limits =
    Limits { max_parts: 16, max_header_bytes: 8192, max_preamble_bytes: 1024, max_epilogue_bytes: 1024 };

fn main() {
    divan::main();
}

/// Ordinary bytes: almost none of them looks like the beginning of a boundary.
#[divan::bench(args = [16 << 10, 100 << 10, 16 << 20])]
fn random(bencher: Bencher<'_, '_>, length: usize) {
    parse(bencher, noise(length));
}

/// What a search likes least: lines that are the boundary but for one letter.
#[divan::bench(args = [100 << 10, 16 << 20])]
fn almost(bencher: Bencher<'_, '_>, length: usize) {
    let line = b"\r\n------------------------------boundaRy";
    parse(bencher, line.iter().copied().cycle().take(length).collect());
}

fn parse(bencher: Bencher<'_, '_>, file: Vec<u8>) {
    let boundary = Boundary::new("----------------------------boundary").expect("a boundary");
    let line = format!("--{}", boundary.as_str());
    let head = format!(
        "{line}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         {line}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\
         Content-Type: image/jpeg\r\n\r\n"
    );
    let form = Bytes::from([head.as_bytes(), &file, format!("\r\n{line}--\r\n").as_bytes()].concat());
    bencher.counter(BytesCount::new(form.len())).bench(|| {
        let mut parser = Parser::new(&boundary, LIMITS);
        let mut rest = form.clone();
        while !rest.is_empty() {
            let mut piece = rest.split_to(PIECE.min(rest.len()));
            while let Some(event) = parser.next(&mut piece).expect("a sound form") {
                black_box(event);
            }
        }
        parser.finish().expect("a whole form");
    });
}
