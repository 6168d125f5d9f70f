//! The http floor: bare hyper answering every request with the same 300 bytes of JSON.
//!
//! Runtime and connection settings are the product's, so that what differs is what the product does with a request.
//! Writes its port to standard output and serves until it is killed.

use std::convert::Infallible;
use std::io::Write;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// As long as an answer of retrieve_url is.
const BODY: &[u8; 300] = &{
    let mut body = [b'x'; 300];
    let (head, tail) = (*b"{\"url\":\"", *b"\"}");
    let mut at = 0;
    while at < head.len() {
        body[at] = head[at];
        at += 1;
    }
    body[298] = tail[0];
    body[299] = tail[1];
    body
};

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve())
}

async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?.port())?;
    out.flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.half_close(true).max_buf_size(32 * 1024);
        // A connection that breaks is its client's affair.
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // A body is read to its end, as any server must before the next request.
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    let mut response = Response::new(Full::new(Bytes::from_static(BODY)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    Ok(response)
}
