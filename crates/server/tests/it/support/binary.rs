//! The real binary, for what only a process can show: its output, its files, its sudden end.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::client::{Client, Credential};

/// A process. It is killed when dropped.
pub struct Binary {
    pub child: Child,
    /// What `--ready-json` wrote.
    pub ready: serde_json::Value,
    rest_of_stdout: Option<std::thread::JoinHandle<String>>,
}

/// The binary with a clean environment, in `dir`.
pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wamedia"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAMEDIA_")) {
        command.env_remove(name);
    }
    command.current_dir(dir).stdin(Stdio::null());
    command
}

impl Binary {
    /// `serve` on free ports over `dir/data`, its log in `dir/log`.
    pub fn serve(dir: &Path, more: &[&str]) -> Self {
        let log = File::options().create(true).append(true).open(dir.join("log")).expect("a log");
        let mut command = command(dir);
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--ready-json",
            "--data",
        ]);
        command.arg(dir.join("data")).args(more).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tell, told) = mpsc::channel();
        let rest = std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = tell.send(line);
            let mut rest = String::new();
            let _ = stdout.read_to_string(&mut rest);
            rest
        });
        let line = told.recv_timeout(Duration::from_secs(30)).expect("ready in time");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| {
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            panic!("{error}: {line:?}\n{log}")
        });
        Self { child, ready, rest_of_stdout: Some(rest) }
    }

    pub fn text(&self, key: &str) -> String {
        self.ready[key].as_str().unwrap_or_else(|| panic!("{key} in {}", self.ready)).to_owned()
    }

    pub fn address(&self) -> SocketAddr {
        self.text("public").trim_start_matches("http://").parse().expect("an address")
    }

    pub fn admin(&self) -> SocketAddr {
        self.text("admin").trim_start_matches("http://").parse().expect("an address")
    }

    /// The caller of a first start's token.
    pub fn graph(&self, token: &str, number: &str) -> Client {
        Client {
            address: self.address(),
            credential: Credential::Token(token.to_owned()),
            base: "/v23.0".to_owned(),
            upload_path: format!("/v23.0/{number}/media"),
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// SIGTERM, and what was written to stdout after the ready line.
    pub fn terminate(mut self) -> (ExitStatus, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signalled");
        let status = self.child.wait().expect("ended");
        (status, self.rest_of_stdout.take().expect("once").join().expect("read"))
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
