//! `wamedia doctor` names the step that fails, why, and what would help; and leaves nothing behind.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::house::{BOTH, Dialect, House, Ran, next};

/// Names and states of all steps.
fn states(ran: &Ran) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    report["steps"].as_array().unwrap().iter().map(|it| (text(it, "name"), text(it, "state"))).collect()
}

fn state_of(ran: &Ran, name: &str) -> String {
    states(ran).into_iter().find(|(step, _)| step == name).unwrap().1
}

/// What would help with the step that failed.
fn remedy(ran: &Ran) -> String {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let failed = report["steps"].as_array().unwrap().iter().find(|step| step["state"] == "failed").unwrap();
    failed["remedy"].as_str().unwrap_or_default().to_owned()
}

/// Where every request gets this answer.
fn scripted(answer: &str) -> String {
    let (listener, answer) = (TcpListener::bind("127.0.0.1:0").unwrap(), answer.to_owned());
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    base
}

#[test]
fn all_is_well_and_nothing_stays_behind() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let ran = house.run(&["doctor"]).exits(0);
        assert!(ran.stdout.ends_with("All is well.\n"), "{}", ran.stdout);
        let steps = [
            "profile",
            "name",
            "connect",
            "tls",
            "clock",
            "credential",
            "number",
            "upload",
            "url",
            "download",
            "bytes",
            "delete",
        ];
        let lines: Vec<&str> =
            ran.stdout.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(lines[..12], steps, "{}", ran.stdout);
        assert_eq!(house.media(), 0, "what was uploaded is gone");
        let ran = house.run(&["doctor", "--json"]).exits(0);
        assert!(
            states(&ran).iter().all(|(name, state)| state == "ok" || (name == "tls" && state == "skipped"))
        );
    }
}

#[test]
fn each_failure_is_found_at_its_step() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let mut command = house.command(&["doctor", "--json"]);
        command.env(if dialect == Dialect::Graph { "WAMEDIA_TOKEN" } else { "WAMEDIA_D360_KEY" }, "wat_dead");
        let ran = house.finish(command).exits(3);
        assert_eq!(
            (state_of(&ran, "credential"), state_of(&ran, "upload")),
            ("failed".into(), "skipped".into())
        );
        assert!(!remedy(&ran).is_empty());
        for (action, step, fault) in [
            ("upload", "upload", json!({"error": "internal"})),
            ("download", "download", json!({"flip": 5})),
            ("delete", "delete", json!({"status": 502})),
        ] {
            house.arm(next(action, 9, fault));
            let ran = house.run(&["doctor", "--json"]).exits(1);
            assert_eq!(state_of(&ran, step), "failed", "{}", ran.stdout);
            house.control("DELETE", "faults", json!(null));
        }
        assert_eq!(house.media(), 1, "what could not be deleted is named, everything else is gone");
    }
    let house = House::start(Dialect::Graph);
    let ran = house.run(&["doctor", "--json", "--phone-number-id", "1025723653965602"]).exits(3);
    assert_eq!((state_of(&ran, "credential"), state_of(&ran, "number")), ("ok".into(), "failed".into()));
}

#[test]
fn the_way_is_walked_step_by_step() {
    let house = House::start(Dialect::Graph);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = |base: &str| house.run(&["doctor", "--json", "--base", base]).exits(3);
    let nobody = at(&format!("http://{address}"));
    assert_eq!((state_of(&nobody, "name"), state_of(&nobody, "connect")), ("ok".into(), "failed".into()));
    assert!(remedy(&nobody).contains("Nobody listens there"));
    // Too long for any name, so that no name server is asked.
    let unknown = at(&format!("http://{}.invalid", "x".repeat(70)));
    assert_eq!(state_of(&unknown, "name"), "failed");
    let plain = at(&scripted("HTTP/1.1 400 No\r\n\r\n").replace("http://", "https://"));
    assert!(remedy(&plain).contains("does not speak TLS"), "{}", plain.stdout);
    assert_eq!((state_of(&plain, "connect"), state_of(&plain, "tls")), ("ok".into(), "failed".into()));
    assert_eq!(state_of(&plain, "credential"), "skipped");
}

#[test]
fn clocks_that_differ_are_a_warning() {
    let house = House::start(Dialect::Graph);
    let date = "Date: Thu, 14 May 2020 13:54:25 GMT";
    let base =
        scripted(&format!("HTTP/1.1 401 No\r\n{date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    let ran = house.run(&["doctor", "--json", "--base", &base]).exits(3);
    assert_eq!((state_of(&ran, "clock"), state_of(&ran, "credential")), ("warning".into(), "failed".into()));
    assert!(ran.stdout.contains("ahead of the service's") && ran.stdout.contains("NTP"), "{}", ran.stdout);
}

#[test]
fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(at.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(at.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let tls = ["--set", "public.tls.certificate=cert.pem", "--set", "public.tls.key=key.pem"];
    let house = House::start_in(dir, Dialect::Graph, &tls);
    let base = format!("https://localhost:{}", house.base().rsplit(':').next().unwrap());
    let ran = house.run(&["doctor", "--json", "--base", &base]).exits(3);
    assert_eq!((state_of(&ran, "connect"), state_of(&ran, "tls")), ("ok".into(), "failed".into()));
    assert!(remedy(&ran).contains("--ca-file"), "{}", ran.stdout);
    let ran = house.run(&["doctor", "--json", "--base", &base, "--ca-file", "cert.pem"]).exits(0);
    assert_eq!((state_of(&ran, "tls"), state_of(&ran, "bytes")), ("ok".into(), "ok".into()));
}
