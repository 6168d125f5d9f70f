//! The load that generators have not: large uploads, one after another on one connection, straight from memory.
//!
//! `send ADDRESS PATH TOKEN BYTES COUNT` sends `COUNT` PDF files of `BYTES` and prints one line of JSON: the seconds of each
//! upload, from its first byte to the end of its answer.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::time::Instant;

const BOUNDARY: &str = "----------------------------boundary";
/// How much is given to the system at once.
const PIECE: usize = 256 * 1024;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, token, bytes, count] = &arguments[..] else {
        return Err(Error::other("send ADDRESS PATH TOKEN BYTES COUNT"));
    };
    let number = |text: &str| text.parse::<usize>().map_err(Error::other);
    let (bytes, count) = (number(bytes)?, number(count)?);
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    let mut times = Vec::new();
    for each in 0..count {
        let body = form(bytes, each);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let began = Instant::now();
        connection.write_all(head.as_bytes())?;
        for piece in body.chunks(PIECE) {
            connection.write_all(piece)?;
        }
        answered(&mut connection)?;
        times.push(format!("{:.6}", began.elapsed().as_secs_f64()));
    }
    println!("[{}]", times.join(","));
    Ok(())
}

/// A form with a PDF of `bytes` whose bytes nobody has sent before: what is shared is not written.
fn form(bytes: usize, each: usize) -> Vec<u8> {
    let clock = std::time::UNIX_EPOCH.elapsed().map_or(0, |it| it.as_nanos());
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n"
    )
    .into_bytes();
    let begins = body.len();
    body.extend_from_slice(format!("%PDF-1.4\n%{each} {clock}\n").as_bytes());
    let tail = b"\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n";
    let mut state = clock as u64 | 1;
    while body.len() - begins < bytes - tail.len() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let room = bytes - tail.len() - (body.len() - begins);
        body.extend_from_slice(&state.to_le_bytes()[..room.min(8)]);
    }
    body.extend_from_slice(tail);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Reads one answer to its end; anything but 200 is an error.
fn answered(connection: &mut TcpStream) -> Result<()> {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = connection.read(&mut piece)?;
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.ends_with('}'));
        if whole && text.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        if whole || read == 0 {
            return Err(Error::other(format!("the upload was answered: {text}")));
        }
    }
}
