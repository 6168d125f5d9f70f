//! Many files over a line that breaks: nothing twice, nothing lost, and the same command goes on.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::house::{BOTH, Dialect, House, next};
use crate::line::Line;

#[test]
fn fifty_files_at_once_all_arrive_and_each_comes_back() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let names = house.texts(50, 20_000);
        let ran = house.run(&["upload", "-j", "8", "-r", "."]).exits(0);
        assert_eq!(ran.ids().iter().collect::<HashSet<_>>().len(), 50);
        assert!(ran.stderr.contains("50 files: 50 uploaded; 976.56 KiB"), "{}", ran.stderr);
        assert_eq!(house.media(), 50);
        let back =
            house.run_with(ran.stdout.as_bytes(), &["download", "-j", "8", "-", "-o", "back/"]).exits(0);
        assert_eq!(back.ids().len(), 50);
        for line in ran.stdout.lines() {
            let (id, path) = line.split_once('\t').unwrap();
            let [sent, came] =
                [path.to_owned(), format!("back/{id}.txt")].map(|it| fs::read(house.dir().join(it)).unwrap());
            assert!(sent == came, "{path}");
        }
        assert_eq!((house.names("back").len(), names.len()), (50, 50));
    }
}

#[test]
fn a_batch_is_taken_up_again_without_uploading_twice() {
    for dialect in BOTH {
        let house = House::start(dialect);
        house.texts(20, 1000);
        let names: Vec<String> = (0..20).map(|number| format!("text-{number:03}.txt")).collect();
        let upload = ["upload", "--attempts", "1", "--resume", "batch.jsonl"];
        let again: Vec<&str> = upload.into_iter().chain(names.iter().map(String::as_str)).collect();
        house.arm(json!({"action": "upload", "every": 7, "status": 502}));
        let first = house.run(&again).exits(1);
        assert_eq!(first.ids().len(), 18, "{}", first.stderr);
        assert!(first.stderr.contains("20 files: 18 uploaded, 2 failed"), "{}", first.stderr);
        house.control("DELETE", "faults", json!(null));
        let second = house.run(&again).exits(0);
        assert!(second.stderr.contains("20 files: 2 uploaded, 18 already there"), "{}", second.stderr);
        assert_eq!((house.media(), second.ids().len()), (20, 20), "all ids are told, the old ones too");
        let requests = house.journal("upload").len();
        let third = house.run(&again).exits(0);
        assert_eq!(house.journal("upload").len(), requests, "nothing is sent when nothing is missing");
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&third.stdout), sorted(&second.stdout));
    }
}

#[test]
fn a_batch_that_was_killed_loses_only_what_was_under_way() {
    let house = House::start(Dialect::Graph);
    let names = house.texts(30, 1000);
    let upload = ["upload", "-j", "2", "--resume", "batch.jsonl"];
    let again: Vec<&str> = upload.into_iter().chain(names.iter().map(String::as_str)).collect();
    house.arm(json!({"action": "upload", "always": true, "delay": "100ms"}));
    let mut child = house.command(&again).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let record = house.dir().join("batch.jsonl");
    let lines = || fs::read_to_string(&record).map_or(0, |text| text.lines().count());
    while lines() < 6 {
        assert!(child.try_wait().unwrap().is_none(), "it is not done yet");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let recorded = lines() - 1;
    // As if the power had gone in the middle of a line.
    File::options().append(true).open(&record).unwrap().write_all(b"{\"file\":\"/half").unwrap();
    house.control("DELETE", "faults", json!(null));
    let ran = house.run(&again).exits(0);
    assert!(ran.stderr.contains(&format!("{recorded} already there")), "{}", ran.stderr);
    assert_eq!(ran.ids().iter().collect::<HashSet<_>>().len(), 30);
    let answered = house.media();
    assert!((30..=32).contains(&answered), "at most what was under way is there twice: {answered}");
}

#[test]
fn the_record_follows_the_files_and_belongs_to_one_service() {
    let house = House::start(Dialect::Graph);
    house.texts(3, 100);
    let again = ["upload", "--resume", "batch.jsonl", "text-000.txt", "text-001.txt", "text-002.txt"];
    house.run(&again).exits(0);
    let at = |name: &str| house.dir().join(name);
    fs::write(at("text-001.txt"), "changed\n").unwrap();
    let same = fs::read(at("text-002.txt")).unwrap();
    fs::remove_file(at("text-002.txt")).unwrap();
    fs::write(at("text-002.txt"), same).unwrap();
    let ran = house.run(&again).exits(0);
    assert!(ran.stderr.contains("1 uploaded, 2 already there"), "new date, same bytes: {}", ran.stderr);

    let elsewhere = house.run(&[&again[..], &["--base", "http://127.0.0.1:9"]].concat()).exits(2);
    assert!(elsewhere.stderr.contains("name another file"), "{}", elsewhere.stderr);
    fs::write(at("letter.txt"), "Dear all,\n").unwrap();
    let no_record = house.run(&["upload", "--resume", "letter.txt", "text-000.txt"]).exits(2);
    assert!(no_record.stderr.contains("is no record of uploads"), "{}", no_record.stderr);
    assert_eq!(fs::read_to_string(at("letter.txt")).unwrap(), "Dear all,\n", "and is left as it was");
    let held = File::open(at("batch.jsonl")).unwrap();
    held.lock().unwrap();
    assert!(house.run(&again).exits(2).stderr.contains("in use by another upload"));
    let text = fs::read_to_string(at("batch.jsonl")).unwrap();
    assert!(!text.contains(house.secret()));
    drop(held);
    fs::remove_file(at("letter.txt")).unwrap();
    let walked = house.run(&["upload", "--resume", "batch.jsonl", "-r", "."]).exits(0);
    assert!(
        walked.stderr.contains("3 files: 0 uploaded, 3 already there"),
        "not the record: {}",
        walked.stderr
    );
    fs::create_dir(at("empty")).unwrap();
    let nothing = house.run(&["upload", "-r", "empty"]).exits(0);
    assert_eq!(nothing.stderr, "wamedia: 0 files: 0 uploaded\n");
}

#[test]
fn a_download_goes_on_where_the_line_broke() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let content = "line by line, until it breaks\n".repeat(40_000);
        let id = house.upload("long.txt", content.as_bytes());
        house.arm(next("download", 3, json!({"cut": 300_000})));
        house.run(&["download", "--attempts", "1", &id, "-o", "out"]).exits(0);
        assert!(fs::read(house.dir().join("out")).unwrap() == content.as_bytes());
        assert_eq!(
            house.journal("download").len(),
            4,
            "each break costs one more request, and only the rest"
        );
        assert_eq!(house.names(".").iter().filter(|name| name.contains("out")).count(), 1);
    }
}

#[test]
fn a_line_that_breaks_in_the_middle_of_files_costs_time_and_nothing_else() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let line = Line::to(house.base());
        house.texts(40, 50_000);
        line.breaks_every(2);
        let arguments = ["--base", &line.base, "-j", "4", "--attempts", "9"];
        let ran = house.run(&[&["upload", "-r", "."], &arguments[..]].concat()).exits(0);
        assert_eq!(ran.ids().iter().collect::<HashSet<_>>().len(), 40);
        assert!(line.broken() > 0, "it did break");
        assert_eq!(house.media(), 40, "what broke off was not taken, and so nothing is there twice");
        let back = ["download", "-", "-o", "back/"];
        house.run_with(ran.stdout.as_bytes(), &[&back[..], &arguments].concat()).exits(0);
        for sent in ran.stdout.lines() {
            let (id, path) = sent.split_once('\t').unwrap();
            let read = |path: String| fs::read(house.dir().join(path)).unwrap();
            assert!(read(path.to_owned()) == read(format!("back/{id}.txt")), "{path}");
        }
    }
}

#[test]
fn a_line_that_goes_dark_stops_the_batch_and_the_same_command_goes_on() {
    let house = House::start(Dialect::Graph);
    let line = Line::to(house.base());
    let names = house.texts(60, 1000);
    let upload = ["upload", "--base", &line.base, "-j", "2", "--attempts", "1", "--resume", "batch.jsonl"];
    let again: Vec<&str> = upload.into_iter().chain(names.iter().map(String::as_str)).collect();
    house.arm(json!({"action": "upload", "always": true, "delay": "20ms"}));
    let child = house.command(&again).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while house.journal("upload").len() < 10 {
        std::thread::sleep(Duration::from_millis(5));
    }
    line.goes_dark(true);
    let first = house.without_secret(child.wait_with_output().unwrap().into()).exits(3);
    assert!(first.stderr.contains("stopped: the service is not reached"), "{}", first.stderr);
    assert!(first.stderr.contains("Run it again to go on"), "{}", first.stderr);
    let done = first.ids().len();
    assert!((8..60).contains(&done), "{done}");
    house.run(&again).exits(3);
    line.goes_dark(false);
    let second = house.run(&again).exits(0);
    assert!(second.stderr.contains(&format!("{done} already there")), "{}", second.stderr);
    assert_eq!(second.ids().len(), 60);
    assert!((60..=62).contains(&house.media()), "at most what was under way is there twice");
}
