//! What goes wrong is said with its cause and its remedy, by an exit code, and stops what would fail alike.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;

use crate::house::{BOTH, Dialect, House, next, sample, wamedia};

#[test]
fn what_would_be_refused_is_not_sent_unless_told_to() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let cmyk = sample("image/cmyk.jpg");
        let cmyk = cmyk.to_str().unwrap();
        let refused = house.run(&["upload", cmyk]).exits(1);
        assert!(
            refused.stderr.contains("[colour-model]") && refused.stderr.contains("$ ffmpeg"),
            "{}",
            refused.stderr
        );
        assert_eq!((refused.stdout.as_str(), house.journal("upload").len()), ("", 0), "nothing was sent");
        let refused = house.run(&["upload", cmyk, "--no-preflight"]).exits(1);
        assert!(refused.stderr.contains("Image is invalid"), "the service's own reason: {}", refused.stderr);
        assert_eq!(house.journal("upload").len(), 1, "and what it refused is not sent again");
    }
}

#[test]
fn a_mistyped_name_costs_nothing() {
    let house = House::start(Dialect::Graph);
    house.texts(2, 10);
    let wrong = house.run(&["upload", "text-000.txt", "nowhere.txt"]).exits(2);
    assert!(
        wrong.stderr.contains("nowhere.txt") && wrong.stderr.contains("nothing was uploaded"),
        "{}",
        wrong.stderr
    );
    let folder = house.run(&["upload", "text-000.txt", "."]).exits(2);
    assert!(folder.stderr.contains("--recursive"), "{}", folder.stderr);
    for wrong in [
        &["upload"][..],
        &["upload", "text-000.txt", "text-001.txt", "--name", "x"],
        &["upload", "text-000.txt", "--type", "text"],
        &["upload", "text-000.txt", "-j", "0"],
        &["delete", "1761991787669262", "../x"],
        &["download", "12"],
    ] {
        house.run(wrong).exits(2);
    }
    assert_eq!(house.journal("upload").len() + house.journal("delete").len(), 0);
    house.run(&["upload", "--recursive", "."]).exits(0);
    assert_eq!(house.media(), 2);
}

#[test]
fn without_a_service_the_remedy_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = wamedia(dir.path(), &["url", "1761991787669262"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("wamedia profile add NAME"));
}

#[test]
fn a_dead_credential_stops_a_batch_at_once() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let names = house.texts(50, 100);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut command = house.command(&[&["upload", "-j", "4"], &names[..]].concat());
        command.env(if dialect == Dialect::Graph { "WAMEDIA_TOKEN" } else { "WAMEDIA_D360_KEY" }, "wat_dead");
        let ran = house.finish(command).exits(3);
        assert!(ran.stderr.contains("stopped: the credential is not accepted"), "{}", ran.stderr);
        let failed = ran.stderr.lines().filter(|line| line.starts_with("wamedia: text-")).count();
        assert!((1..=4).contains(&failed), "only what was under way: {}", ran.stderr);
        assert!(!ran.stderr.contains("wat_dead"));
    }
}

#[test]
fn a_service_that_is_not_there_is_given_up_soon() {
    let house = House::start(Dialect::Graph);
    let names = house.texts(50, 100);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Bound and dropped: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{address}");
    let arguments = [&["upload", "--attempts", "1", "-j", "2", "--base", &base], &names[..]].concat();
    let ran = house.run(&arguments).exits(3);
    assert!(ran.stderr.contains("stopped: the service is not reached"), "{}", ran.stderr);
    let failed = ran.stderr.lines().filter(|line| line.starts_with("wamedia: text-")).count();
    assert!((3..=4).contains(&failed), "{}", ran.stderr);
    house.run(&["url", "--attempts", "1", "--base", &base, "1761991787669262"]).exits(3);
}

#[test]
fn a_wrong_number_stops_a_batch_too() {
    let house = House::start(Dialect::Graph);
    house.texts(3, 10);
    let ran = house.run(&["upload", "-j", "1", "-r", ".", "--phone-number-id", "1025723653965602"]).exits(3);
    assert!(ran.stderr.contains("the phone number is not there"), "{}", ran.stderr);
    assert_eq!(house.journal("upload").len(), 1);
}

#[test]
fn throttled_uploads_are_made_again_and_a_block_is_not_hammered() {
    for dialect in BOTH {
        let house = House::start(dialect);
        house.texts(6, 100);
        house.arm(next("upload", 2, json!({"error": "upload_rate"})));
        house.run(&["upload", "-r", "."]).exits(0);
        assert_eq!(house.media(), 6);
        house.arm(json!({"action": "retrieve_url", "always": true, "error": "blocked"}));
        let before = house.journal("retrieve_url").len();
        let ids: Vec<String> =
            (0..30).map(|number| (1_761_991_787_669_000_u64 + number).to_string()).collect();
        let ran = house.run_with(ids.join("\n").as_bytes(), &["url", "-j", "2", "-"]).exits(3);
        assert!(ran.stderr.contains("stopped: the service asks to wait"), "{}", ran.stderr);
        assert!(ran.stderr.contains("Try again in "), "{}", ran.stderr);
        assert!(house.journal("retrieve_url").len() - before <= 4, "{}", ran.stderr);
    }
}

#[test]
fn errors_stop_before_they_block_the_number() {
    let house = House::start(Dialect::D360);
    let id = house.upload("kept.txt", b"kept\n");
    let ids: Vec<String> = (0..40).map(|number| (1_761_991_787_669_000_u64 + number).to_string()).collect();
    let ran = house.run_with(ids.join("\n").as_bytes(), &["url", "-"]).exits(3);
    assert!(ran.stderr.contains("stopped: more errors would block the number"), "{}", ran.stderr);
    assert!(house.journal("retrieve_url").len() < 20, "{}", house.journal("retrieve_url").len());
    house.run(&["url", &id]).exits(0);
}

#[test]
fn damaged_downloads_leave_nothing_that_looks_whole() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let id = house.upload("a.txt", "damaged or not\n".repeat(1000).as_bytes());
        house.arm(json!({"action": "download", "always": true, "flip": 100}));
        let ran = house.run(&["download", "--attempts", "1", &id, "-o", "out"]).exits(1);
        assert!(ran.stderr.contains("damaged"), "{}", ran.stderr);
        assert!(!house.dir().join("out").exists());
        let ran = house.run(&["download", "--attempts", "1", &id, "-o", "-"]).exits(1);
        assert!(ran.stderr.contains("is not the file"), "{}", ran.stderr);
    }
}

#[test]
fn a_server_that_says_nothing_useful_is_still_explained() {
    let house = House::start(Dialect::Graph);
    house.texts(1, 10);
    house.arm(json!({"action": "upload", "always": true, "status": 502}));
    let ran = house.run(&["upload", "--attempts", "1", "text-000.txt"]).exits(1);
    assert!(ran.stderr.contains("502"), "{}", ran.stderr);
    // Silence is borne for a while only; the test does not wait for that, but an interruption must end it.
    house.arm(json!({"action": "retrieve_url", "always": true, "delay": "30s"}));
    let mut child = house.command(&["url", "1761991787669262"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    house.control("DELETE", "faults", json!(null));
}
