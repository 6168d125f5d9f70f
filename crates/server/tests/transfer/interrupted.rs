//! Ctrl-C, a service manager's stop, and a reader that leaves.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::house::{Dialect, House, next};

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits until something is so; not for ever.
#[track_caller]
fn until(what: impl Fn() -> bool) {
    #[allow(clippy::disallowed_methods, reason = "bounds a wait, measures nothing")]
    let (began, now) = (Instant::now(), Instant::now);
    while !what() {
        assert!(now().duration_since(began) < Duration::from_secs(30), "it never came to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_download_that_is_interrupted_has_no_name_yet_and_goes_on_later() {
    let house = House::start(Dialect::Graph);
    let content = "half of it\n".repeat(100_000);
    let id = house.upload("long.txt", content.as_bytes());
    house.arm(next("download", 1, json!({"stall": 500_000, "stall_for": "60s"})));
    let mut command = house.command(&["download", &id, "-o", "out/"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let partly = || {
        let entries = std::fs::read_dir(house.dir().join("out")).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.metadata().is_ok_and(|meta| meta.len() >= 250_000))
    };
    until(partly);
    signal(&child, "-INT");
    let ran = house.without_secret(child.wait_with_output().unwrap().into()).exits(130);
    assert_eq!(ran.stdout, "");
    assert!(!house.dir().join(format!("out/{id}.txt")).exists());
    house.control("DELETE", "faults", json!(null));
    let went_on = house.run(&["download", &id, "-o", "out/", "--json"]).exits(0).objects().remove(0);
    assert!(went_on["resumed_from"].as_u64().unwrap() >= 250_000, "{went_on}");
    assert_eq!(house.names("out"), [format!("{id}.txt")]);
    assert!(std::fs::read(house.dir().join(format!("out/{id}.txt"))).unwrap() == content.as_bytes());
}

#[test]
fn a_batch_that_is_interrupted_says_how_far_it_came() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let house = House::start(Dialect::Graph);
        house.texts(20, 100);
        house.arm(json!({"action": "upload", "always": true, "delay": "300ms"}));
        let mut command = house.command(&["upload", "-j", "1", "-r", "."]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.ends_with("text-000.txt"), "told as soon as it is there: {first}");
        signal(&child, name);
        let ran = house.without_secret(child.wait_with_output().unwrap().into()).exits(code);
        assert!(ran.stderr.contains("stopped: interrupted; "), "{}", ran.stderr);
        assert!(ran.stderr.contains("not done"), "{}", ran.stderr);
    }
}

#[test]
fn standard_input_that_never_ends_is_left() {
    let house = House::start(Dialect::D360);
    let temporary = house.dir().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = house.command(&["upload", "-"]);
    command.env("TMPDIR", &temporary).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let held = child.stdin.take();
    until(|| !house.names("tmp").is_empty());
    signal(&child, "-INT");
    house.without_secret(child.wait_with_output().unwrap().into()).exits(130);
    drop(held);
    assert!(house.names("tmp").is_empty(), "what had come is removed");
}

#[test]
fn a_reader_that_leaves_stops_the_batch() {
    let house = House::start(Dialect::Graph);
    house.texts(40, 100);
    house.arm(json!({"action": "upload", "always": true, "delay": "20ms"}));
    let mut command = house.command(&["upload", "-j", "1", "-r", "."]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let ran = house.without_secret(child.wait_with_output().unwrap().into()).exits(1);
    assert!(ran.stderr.contains("nobody reads the output any more"), "{}", ran.stderr);
    assert!(house.media() < 40, "ids that nobody sees are not made");
}
