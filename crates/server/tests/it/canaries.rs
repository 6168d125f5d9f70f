//! Secrets with recognisable names go through everything; none of them is found in a log, a metric or a file.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::binary::Binary;
use crate::support::{Client, Connection, Credential, Request, Upload, samples};

const FILE_NAME: &str = "canary-name-7f3a.txt";
const CONTENT: &str = "canary-content-91bd: nothing of this may be found anywhere at rest";
const WRONG_TOKEN: &str = "canary-wrong-token-52c8";

/// Every way in which bytes could have been written down.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex = samples::hex(secret);
    let percent: String = secret.iter().map(|byte| format!("%{byte:02x}")).collect();
    let mut all = vec![
        secret.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        percent.to_uppercase().into(),
        percent.into(),
    ];
    // Base64 of bytes that stand at any place of a longer text: what does not depend on the neighbours.
    for skip in 0..3 {
        let whole = &secret[skip..];
        let encoded = base64(&whole[..whole.len() - whole.len() % 3]);
        all.push(encoded.replace('+', "-").replace('/', "_").into_bytes());
        all.push(encoded.into_bytes());
    }
    // As an array of numbers, which is how a byte string is shown by a careless `{:?}`.
    all.push(format!("{secret:?}").trim_matches(['[', ']']).as_bytes().to_vec());
    all
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks_exact(3) {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    text
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// Every action, well and badly, in both dialects. Returns the hashes of the links that were made.
async fn do_everything(graph: &Client, d360: &Client) -> Vec<String> {
    let upload = Upload::text(CONTENT).named(FILE_NAME);
    let large = Upload::text(CONTENT.repeat(5_000)).named(FILE_NAME);
    let mut hashes = Vec::new();
    for client in [graph, d360] {
        let wrong = match client.credential {
            Credential::Token(_) => Credential::Token(WRONG_TOKEN.to_owned()),
            _ => Credential::Key(WRONG_TOKEN.to_owned()),
        };
        let nobody = Client { credential: wrong, ..client.clone() };
        let id = client.keep(&upload).await;
        client.keep(&large).await;
        let link = client.link(&id).await;
        hashes.push(link.split_once("&hash=").unwrap().1.to_owned());
        assert_eq!(client.download(&link).await.body, CONTENT.as_bytes());
        let forged = link.replace("&ext=", "&ext=1");
        assert_eq!(client.download(&forged).await.status(), 401);
        assert_eq!(nobody.download(&link).await.status(), 401);
        assert_eq!(nobody.upload(&upload).await.status(), 401);
        assert_eq!(nobody.retrieve(&id).await.status(), 401);
        assert_eq!(client.upload(&upload.clone().declared("image/png")).await.status(), 400);
        assert_eq!(client.upload(&upload.clone().declared("canary/type")).await.status(), 400);
        assert_eq!(client.upload(&upload.clone().unclosed()).await.status(), 400);
        assert_eq!(client.upload(&upload.clone().file_headers("Content-Type: x/y\r\n")).await.status(), 400);
        // Broken off in the middle, and refused by the strict front.
        let mut connection = Connection::open(client.address).await;
        connection.send(&client.upload_request(&large).bytes()[..200_000]).await;
        drop(connection);
        let mut connection = Connection::open(client.address).await;
        let twice = client.request("GET", &link).header("Host", "again");
        connection.send(&twice.bytes()).await;
        let _ = connection.answer("GET").await;
        let unslashed = link.replace("attachments/?", "attachments?");
        assert_eq!(client.download(&unslashed).await.status(), 308);
        assert_eq!(client.delete(&id).await.status(), 200);
        assert_eq!(client.download(&link).await.status(), 401);
    }
    if let Credential::Token(token) = &graph.credential {
        let in_query = Request::get(&format!("/v23.0/1761991787669262?access_token={token}"));
        assert_eq!(graph.send(&in_query).await.status(), 400);
        let encoded = percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC);
        let in_path = graph.request("GET", &format!("/v23.0/a/b/c?access_token={encoded}"));
        assert_eq!(graph.send(&in_path).await.status(), 404);
    }
    hashes
}

#[tokio::test]
async fn no_secret_is_found_in_the_log_the_metrics_or_any_file() {
    let dir = TempDir::new().unwrap();
    let binary = Binary::serve(dir.path(), &["--log", "trace"]);
    let (token, key) = (binary.text("token"), binary.text("d360_key"));
    let graph = binary.graph(&token, &binary.text("phone_number_id"));
    let d360 = Client {
        credential: Credential::Key(key.clone()),
        base: String::new(),
        upload_path: "/media".to_owned(),
        ..graph.clone()
    };
    let hashes = do_everything(&graph, &d360).await;
    let metrics = Request::get("/metrics").without("host").header("Host", "localhost").bytes();
    let metrics = {
        let mut connection = Connection::open(binary.admin()).await;
        connection.send(&metrics).await;
        connection.answer("GET").await.unwrap()
    };
    assert!(metrics.text().contains("wamedia_requests_total"), "{}", metrics.text());
    // The files of a running service, its write-ahead log among them.
    let mut places: Vec<(String, Vec<u8>)> = vec![("metrics".to_owned(), metrics.body.clone())];
    let collect = |places: &mut Vec<(String, Vec<u8>)>| {
        for path in files_below(dir.path()) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            places.push((path.display().to_string(), bytes));
        }
    };
    collect(&mut places);
    assert!(binary.terminate().0.success());
    collect(&mut places);
    let log = std::fs::read(dir.path().join("log")).unwrap();
    assert!(contains(&log, b"wamedia::access"), "the log was written");

    let mut secrets: Vec<(&str, Vec<u8>)> = vec![
        ("token", token.clone().into()),
        ("token without its prefix", token[4..].to_owned().into()),
        ("key", key.clone().into()),
        ("key without its prefix", key[4..].to_owned().into()),
        ("wrong token", WRONG_TOKEN.into()),
        ("file name", FILE_NAME.into()),
        ("content", CONTENT[..40].into()),
        ("content's end", CONTENT[CONTENT.len() - 30..].into()),
        ("content's hash", samples::sha256(CONTENT.as_bytes())),
    ];
    for hash in &hashes {
        secrets.push(("link", hash.clone().into()));
    }
    let mut found = Vec::new();
    for (name, secret) in &secrets {
        for spelling in spellings(secret) {
            for (place, bytes) in &places {
                if contains(bytes, &spelling) {
                    found.push(format!("{name} in {place} as {}", String::from_utf8_lossy(&spelling)));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{found:#?}");
    // The search itself finds what is there.
    assert!(spellings(b"abcdef").iter().any(|spelling| contains(b"x YWJjZGVm x", spelling)));
    assert!(spellings(b"abcdef").iter().any(|spelling| contains(b"x [97, 98, 99, 100, 101, 102]", spelling)));
}
