//! Requests in one reading, whatever pieces they come in; whatever has two is refused.

use proptest::prelude::*;

use super::*;

fn framing() -> Framing {
    Framing::new(HeadLimits { max_bytes: 1024, max_headers: 8 })
}

/// Feeds pieces the way a connection does; how many requests were whole, or why not.
fn requests(pieces: &[&[u8]]) -> Result<usize, Refusal> {
    let (mut framing, mut held, mut whole) = (framing(), Vec::new(), 0);
    for piece in pieces {
        held.extend_from_slice(piece);
        while !held.is_empty() {
            match framing.step(&held)? {
                Step::HeadBegins => break,
                Step::Pass(count) => {
                    held.drain(..count);
                    whole += usize::from(framing.in_head());
                }
            }
        }
    }
    Ok(whole)
}

const GET: &str = "GET /1761991787669262 HTTP/1.1\r\nHost: x\r\n\r\n";
const POST: &str = "POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &str = "POST /media HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n";

#[test]
fn requests_follow_each_other() {
    let all = format!("{GET}{POST}\r\n{CHUNKED}{GET}");
    assert_eq!(requests(&[all.as_bytes()]), Ok(4));
}

#[test]
fn whatever_reads_two_ways_is_refused() {
    let heads = [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked",
        "POST / HTTP/1.1\r\nHost: x\r\n Transfer-Encoding: chunked",
        "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked",
        "GET / HTTP/1.1\r\nHost: x\nX: y",
        "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y",
        "GET / HTTP/1.1",
        "GET /<1> HTTP/1.1\r\nHost: x",
        "GET /#x HTTP/1.1\r\nHost: x",
        "GET  / HTTP/1.1\r\nHost: x",
        "GET / HTTP/2.0\r\nHost: x",
        "GET /",
    ];
    for head in heads {
        let refused = requests(&[format!("{head}\r\n\r\n").as_bytes()]);
        assert_eq!(refused.map_err(|refusal| refusal.status), Err(StatusCode::BAD_REQUEST), "{head}");
    }
    for chunks in [
        "5\nhello\r\n0\r\n\r\n",
        "\r\n\r\n",
        "5\r\nhelloX\n0\r\n\r\n",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "0x5\r\n",
    ] {
        let body = format!("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        assert!(requests(&[body.as_bytes()]).is_err(), "{chunks:?}");
    }
}

#[test]
fn heads_are_bounded() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(2_000));
    assert_eq!(requests(&[long.as_bytes()]), Err(TOO_LARGE));
    assert_eq!(requests(&[&long.as_bytes()[..1_500]]), Err(TOO_LARGE));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(8));
    assert_eq!(requests(&[many.as_bytes()]), Err(TOO_LARGE));
}

proptest! {
    /// What is let pass without a closer look is what the library takes.
    #[test]
    fn a_plain_target_is_one_to_the_library(target in "/[-0-9A-Za-z._~!$&'()*+,;=:@/%?]{0,40}") {
        prop_assert!(http::Uri::try_from(target.as_bytes()).is_ok());
    }

    #[test]
    fn the_cut_into_pieces_means_nothing(cuts in prop::collection::vec(0usize..400, 0..12)) {
        let all = format!("{POST}{CHUNKED}{GET}{CHUNKED}");
        let bytes = all.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(requests(&pieces), Ok(4));
    }

    #[test]
    fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = requests(&[&bytes]);
    }
}
