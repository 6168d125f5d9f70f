//! Broken bodies, byte for byte.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{House, World};
use crate::support::{Connection, Upload};

/// Larger than any buffer between here and there.
const BYTES: usize = 300_000;

async fn kept(house: &House) -> (World, Vec<u8>, String) {
    let world = house.first();
    let upload = Upload::text_of(BYTES);
    let id = world.graph.keep(&upload).await;
    let link = world.graph.link(&id).await;
    (world, upload.content().to_vec(), link)
}

fn download(fault: Value) -> Value {
    let mut whole = json!({"action": "download"});
    whole.as_object_mut().expect("an object").extend(fault.as_object().expect("an object").clone());
    whole
}

#[tokio::test]
async fn a_cut_ends_after_exactly_so_many_bytes() {
    let house = House::start().await;
    let (world, bytes, link) = kept(&house).await;
    for after in [0, 1, 1000, 65_536, 65_537, 200_000, BYTES - 1] {
        house.arm(download(json!({"cut": after}))).await;
        let answer = world.graph.download(&link).await;
        assert_eq!((answer.status(), answer.whole), (200, false), "{after}");
        assert_eq!(answer.header("content-length"), Some("300000"));
        assert!(answer.body == bytes[..after], "{after}: {} bytes came", answer.body.len());
    }
    house.arm(download(json!({"cut": BYTES}))).await;
    let answer = world.graph.download(&link).await;
    assert!(answer.whole && answer.body == bytes, "a cut behind the end is none");
    house.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_cut_was_done_all_the_same() {
    let house = House::start().await;
    let world = house.first();
    house.arm(json!({"action": "upload", "cut": 5})).await;
    let answer = world.graph.upload(&Upload::png()).await;
    assert_eq!((answer.text(), answer.whole), (r#"{"id""#, false));
    let shown = house.get("/v1/stand-in/worlds/default").await;
    assert_eq!(shown["media"].as_array().map(Vec::len), Some(1));
    house.finish().await;
}

#[tokio::test]
async fn a_flip_inverts_exactly_one_byte() {
    let house = House::start().await;
    let (world, bytes, link) = kept(&house).await;
    for at in [0, 65_535, 65_536, 200_001, BYTES - 1] {
        house.arm(download(json!({"flip": at}))).await;
        let answer = world.graph.download(&link).await;
        let mut expected = bytes.clone();
        expected[at] = !expected[at];
        assert!(answer.whole && answer.body == expected, "{at}");
    }
    house.finish().await;
}

#[tokio::test]
async fn a_stall_stops_there_and_goes_on_when_its_fault_is_removed() {
    let house = House::start().await;
    let (world, bytes, link) = kept(&house).await;
    house.arm(download(json!({"stall": 100_000, "stall_for": "100ms"}))).await;
    let answer = world.graph.download(&link).await;
    assert!(answer.whole && answer.body == bytes);

    house.arm(download(json!({"stall": 0}))).await;
    let request = world.graph.request("GET", &link);
    let mut connection = Connection::open(house.public()).await;
    connection.send(&request.bytes()).await;
    let mut waiting = Box::pin(connection.answer("GET"));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err(), "nothing comes");
    house.delete("/v1/stand-in/faults").await;
    let answer = waiting.await.expect("an answer");
    assert!(answer.whole && answer.body == bytes);
    house.finish().await;
}

#[tokio::test]
async fn a_slow_answer_takes_its_time_and_is_whole() {
    let house = House::start().await;
    let world = house.first();
    let upload = Upload::png();
    let id = world.graph.keep(&upload).await;
    let link = world.graph.link(&id).await;
    house.arm(download(json!({"rate": 5000}))).await;
    let started = tokio::time::Instant::now();
    let answer = world.graph.download(&link).await;
    assert!(answer.whole && answer.body == upload.content());
    // 2065 bytes in steps of 500, each after a tenth of a second.
    assert!(started.elapsed() >= Duration::from_millis(500), "{:?}", started.elapsed());
    house.finish().await;
}

#[tokio::test]
async fn gzip_is_what_gunzip_reads() {
    let house = House::start().await;
    let (world, bytes, link) = kept(&house).await;
    house.arm(download(json!({"gzip": true}))).await;
    let answer = world.graph.download(&link).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.header("content-length"), None);
    assert!(answer.whole && answer.body != bytes);
    let mut gunzip = Command::new("gzip");
    let mut child =
        gunzip.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip is there");
    let mut stdin = child.stdin.take().expect("piped");
    let writing = std::thread::spawn(move || stdin.write_all(&answer.body));
    let mut plain = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut plain).expect("read");
    writing.join().expect("joined").expect("written");
    assert!(child.wait().expect("ended").success(), "its sum and its length are right");
    assert!(plain == bytes);
    house.finish().await;
}

#[tokio::test]
async fn an_answer_without_a_body_is_left_alone() {
    let house = House::start().await;
    let (world, _, link) = kept(&house).await;
    house.arm(download(json!({"cut": 10, "always": true}))).await;
    house.arm(download(json!({"gzip": true, "always": true}))).await;
    let answer = world.graph.send(&world.graph.request("HEAD", &link)).await;
    assert_eq!((answer.status(), answer.header("content-length")), (200, Some("300000")));
    assert_eq!(answer.header("content-encoding"), None);
    house.finish().await;
}
