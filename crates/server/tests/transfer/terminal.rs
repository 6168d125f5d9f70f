//! On a terminal: bars while something is transferred, and a prompt that shows nothing. On a pipe: nothing of that.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use serde_json::json;

use crate::house::{BOTH, Dialect, House, next, wamedia};

/// A terminal of 100 columns, and whoever looks at it.
struct Terminal {
    keyboard: File,
    inside: OwnedFd,
    screen: JoinHandle<String>,
}

impl Terminal {
    fn open() -> Self {
        let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&outside).unwrap();
        unlockpt(&outside).unwrap();
        let name = ptsname(&outside, Vec::new()).unwrap();
        let inside = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&inside, Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let keyboard = File::from(outside);
        let mut looking = keyboard.try_clone().unwrap();
        let screen = std::thread::spawn(move || {
            let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
            // Ends in an error when everybody inside has gone.
            while let Ok(read @ 1..) = looking.read(&mut piece) {
                seen.extend_from_slice(&piece[..read]);
            }
            String::from_utf8_lossy(&seen).into_owned()
        });
        Self { keyboard, inside, screen }
    }

    fn stdio(&self) -> Stdio {
        self.inside.try_clone().unwrap().into()
    }

    fn types(&self, keys: &[u8]) {
        (&self.keyboard).write_all(keys).unwrap();
    }

    fn is_silent(&self) -> bool {
        !tcgetattr(&self.inside).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Everything that was to be seen.
    fn seen(self) -> String {
        drop(self.inside);
        self.screen.join().unwrap()
    }
}

#[test]
fn bars_are_shown_on_a_terminal_and_results_alone_go_to_the_pipe() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let id = house.upload("long.txt", "slowly, slowly\n".repeat(40_000).as_bytes());
        house.arm(next("download", 1, json!({"rate": 600_000})));
        let terminal = Terminal::open();
        let mut command = house.command(&["download", &id, "-o", "out"]);
        command.env("TERM", "xterm-256color").stdout(Stdio::piped()).stderr(terminal.stdio());
        let child = command.spawn().unwrap();
        drop(command);
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{id}\tout\n"));
        let seen = terminal.seen();
        assert!(seen.contains(&format!("{id}.txt")), "its name: {seen:?}");
        assert!(
            seen.contains('█') && seen.contains("/s") && seen.contains("left"),
            "bar, speed, time left: {seen:?}"
        );
        assert!(!seen.contains(house.secret()));
    }
}

#[test]
fn many_files_have_a_bar_for_all_of_them() {
    let house = House::start(Dialect::Graph);
    house.texts(8, 50_000);
    house.arm(json!({"action": "upload", "always": true, "delay": "80ms"}));
    let terminal = Terminal::open();
    let mut command = house.command(&["upload", "-j", "2", "-r", "."]);
    command.env("TERM", "xterm-256color").stdout(Stdio::piped()).stderr(terminal.stdio());
    let child = command.spawn().unwrap();
    drop(command);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 8);
    let seen = terminal.seen();
    assert!(seen.contains("/8 ") && seen.contains(" of 390.62 KiB"), "{seen:?}");
    assert!(seen.contains("text-00"), "{seen:?}");
    assert!(
        seen.trim_end().ends_with("/s)") && seen.contains("8 files: 8 uploaded"),
        "the summary stays: {seen:?}"
    );
}

#[test]
fn nothing_moves_where_nobody_looks() {
    for arguments in [&["-r", "."][..], &["--json", "-r", "."], &["-q", "-r", "."]] {
        let house = House::start(Dialect::D360);
        house.texts(3, 100_000);
        let ran = house.run(&[&["upload"], arguments].concat()).exits(0);
        assert!(
            !ran.stderr.contains(['\x1b', '\r', '█']) && !ran.stdout.contains('\x1b'),
            "{:?}",
            ran.stderr
        );
        assert_eq!(ran.stdout.lines().count(), 3);
    }
    let house = House::start(Dialect::D360);
    house.texts(3, 100_000);
    for (variable, quiet) in [("dumb", &[][..]), ("xterm", &["-q"])] {
        let terminal = Terminal::open();
        let mut command = house.command(&[&["upload", "-r", "."], quiet].concat());
        command.env("TERM", variable).stdout(Stdio::piped()).stderr(terminal.stdio());
        let child = command.spawn().unwrap();
        drop(command);
        child.wait_with_output().unwrap();
        assert!(!terminal.seen().contains('█'));
    }
}

#[test]
fn a_secret_that_is_typed_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let terminal = Terminal::open();
    let arguments = ["profile", "add", "lab", "--dialect", "d360"];
    let mut command = wamedia(dir.path(), &arguments);
    command.stdin(terminal.stdio()).stdout(terminal.stdio()).stderr(terminal.stdio());
    let mut child = command.spawn().unwrap();
    drop(command);
    while !terminal.is_silent() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    terminal.types(b"wrong\x15wak_canaryy\x7f\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!terminal.is_silent(), "as it was before");
    let seen = terminal.seen();
    assert!(seen.contains("360dialog API key (not shown): ") && !seen.contains("canary"), "{seen:?}");
    let kept = std::fs::read_to_string(dir.path().join(".config/wamedia/profiles.toml")).unwrap();
    assert!(kept.contains("\"wak_canary\""));
}

#[test]
fn a_prompt_that_is_given_up_leaves_the_terminal_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let terminal = Terminal::open();
    let mut command = wamedia(dir.path(), &["profile", "add", "lab", "--dialect", "d360"]);
    command.stdin(terminal.stdio()).stdout(terminal.stdio()).stderr(terminal.stdio());
    let mut child = command.spawn().unwrap();
    drop(command);
    while !terminal.is_silent() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    terminal.types(b"half\x03");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!terminal.is_silent());
    assert!(!dir.path().join(".config").exists(), "nothing was written");
    drop(terminal);
}
