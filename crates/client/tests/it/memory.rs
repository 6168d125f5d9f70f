//! How much memory a transfer takes, seen from outside the process that does it.
//!
//! The bound is far above what was measured (see the crate's documentation), and far below the file.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use sha2::Digest as _;

use crate::child::transfer;
use crate::script::ID;

const BYTES: usize = 64 << 20;
const BLOCK: usize = 64 << 10;
/// A quarter of the file would already be a client that does not stream.
const MAX_GROWTH_KIB: u64 = 8 << 10;

/// A service that has one media of so many zeros, and takes any upload.
fn service() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut hash = sha2::Sha256::new();
    (0..BYTES / BLOCK).for_each(|_| hash.update([b'a'; BLOCK]));
    let sum: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                head.extend_from_slice(&byte);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let mut say = |length: usize, body: &str| {
                let said =
                    format!("HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(said.as_bytes());
            };
            if head.starts_with(&format!("get /{ID}")) {
                let body = format!(
                    r#"{{"id":"{ID}","url":"https://lookaside.fbsbx.com/x","sha256":"{sum}","file_size":{BYTES}}}"#
                );
                say(body.len(), &body);
            } else if head.starts_with("get /x") {
                say(BYTES, "");
                for _ in 0..BYTES / BLOCK {
                    let _ = stream.write_all(&[b'a'; BLOCK]);
                }
            } else {
                let length = head.split_once("content-length: ");
                let length = length.and_then(|(_, rest)| rest.lines().next()?.parse().ok());
                take_all(&mut stream, length);
                let body = format!(r#"{{"id":"{ID}"}}"#);
                let said = format!(
                    "HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(said.as_bytes());
            }
        }
    });
    address
}

/// Reads a body away: so many bytes, or up to the last chunk.
fn take_all(stream: &mut std::net::TcpStream, length: Option<usize>) {
    let mut block = vec![0; BLOCK];
    let mut tail = Vec::new();
    let mut taken = 0;
    while length.is_none_or(|length| taken < length) && !(length.is_none() && tail.ends_with(b"0\r\n\r\n")) {
        let Some(count) = stream.read(&mut block).ok().filter(|count| *count > 0) else { return };
        taken += count;
        tail.extend_from_slice(&block[count.saturating_sub(5)..count]);
        tail.drain(..tail.len().saturating_sub(5));
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "memory is read from /proc")]
fn a_transfer_takes_a_bounded_part_of_the_file() {
    let base = format!("http://{}", service());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    let mut writer = std::fs::File::create(&file).unwrap();
    (0..BYTES / BLOCK).for_each(|_| writer.write_all(&[b'a'; BLOCK]).unwrap());
    let saved = folder.path().join("b.txt");
    for (verb, what) in [
        ("upload", file.to_str().unwrap()),
        ("stream", file.to_str().unwrap()),
        ("download", ID),
        ("save", saved.to_str().unwrap()),
    ] {
        let growth = transfer(&base, verb, what, &[]).unwrap();
        println!("{verb}: {growth} KiB");
        assert!(growth < MAX_GROWTH_KIB, "{verb}: {growth} KiB");
    }
    assert_eq!(std::fs::metadata(saved).unwrap().len(), BYTES as u64);
}
