//! A stand-in of the service as a process, and the command line beside it, with nothing of the surrounding settings.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// In whose manner the command line speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    Graph,
    D360,
}

pub const BOTH: [Dialect; 2] = [Dialect::Graph, Dialect::D360];

/// A stand-in that keeps everything in memory, and a folder to work in. Ended when dropped.
pub struct House {
    server: Child,
    ready: Value,
    dir: TempDir,
    dialect: Dialect,
}

/// What a command did.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The binary, in this folder, which is also its home.
pub fn wamedia(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wamedia"));
    let ours = |name: &str| name.starts_with("WAMEDIA_") || name.to_ascii_lowercase().ends_with("_proxy");
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.env("HOME", dir).env_remove("XDG_CONFIG_HOME").env_remove("NO_COLOR");
    command.current_dir(dir).args(arguments).stdin(Stdio::null());
    command
}

/// A sample of the repository.
pub fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/samples").join(path).canonicalize().unwrap()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    /// The objects that `--json` printed.
    pub fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The first words of the lines: ids.
    pub fn ids(&self) -> Vec<String> {
        self.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }

    /// Holds it to an exit code, and shows what was said if it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

impl House {
    pub fn start(dialect: Dialect) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), dialect, &[])
    }

    /// In this folder, with more flags.
    pub fn start_in(dir: TempDir, dialect: Dialect, flags: &[&str]) -> Self {
        let addresses = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let stand_in = ["serve", "--stand-in", "--in-memory", "--ready-json", "--quiet"];
        let mut command = wamedia(dir.path(), &[&stand_in[..], &addresses, flags].concat());
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { server, ready: serde_json::from_str(&line).unwrap(), dir, dialect }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn base(&self) -> &str {
        self.ready["public"].as_str().unwrap()
    }

    pub fn secret(&self) -> &str {
        let key = if self.dialect == Dialect::Graph { "token" } else { "d360_key" };
        self.ready[key].as_str().unwrap()
    }

    pub fn number(&self) -> &str {
        self.ready["phone_number_id"].as_str().unwrap()
    }

    /// A command with the service's variables set.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = wamedia(self.dir(), arguments);
        command.env("WAMEDIA_BASE", self.base());
        match self.dialect {
            Dialect::Graph => {
                command.env("WAMEDIA_TOKEN", self.secret()).env("WAMEDIA_PHONE_NUMBER_ID", self.number())
            }
            Dialect::D360 => command.env("WAMEDIA_D360_KEY", self.secret()),
        };
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments))
    }

    /// Runs a command with something on its standard input.
    #[track_caller]
    pub fn run_with(&self, input: &[u8], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // One that does not read to the end is no failure of the test's.
        let fed = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        fed.join().unwrap();
        self.without_secret(output.into())
    }

    #[track_caller]
    pub fn finish(&self, mut command: Command) -> Ran {
        self.without_secret(command.output().unwrap().into())
    }

    /// No secret was said, whatever was done.
    #[track_caller]
    pub fn without_secret(&self, ran: Ran) -> Ran {
        for key in ["token", "d360_key"] {
            let secret = self.ready[key].as_str().unwrap();
            assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "a secret was printed");
        }
        ran
    }

    /// Arms a fault.
    pub fn arm(&self, fault: Value) {
        self.control("POST", "faults", fault);
    }

    /// A request to the stand-in's controls.
    pub fn control(&self, method: &str, path: &str, body: Value) -> Value {
        self.admin(method, &format!("/v1/stand-in/{path}"), body)
    }

    /// A request to the admin listener.
    pub fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let address = self.ready["admin"].as_str().unwrap().strip_prefix("http://").unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        let kind = "Content-Type: application/json\r\n";
        write!(stream, "{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {head} {body}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// The requests of an action that were answered so far.
    pub fn journal(&self, action: &str) -> Vec<Value> {
        let journal = self.control("GET", &format!("journal?action={action}"), Value::Null);
        journal.as_array().or(journal["entries"].as_array()).unwrap().clone()
    }

    /// How many media the service has.
    pub fn media(&self) -> usize {
        let worlds = self.control("GET", "worlds", Value::Null);
        let first = worlds[0]["world"].as_str().unwrap().to_owned();
        let world = self.control("GET", &format!("worlds/{first}"), Value::Null);
        world["media"].as_array().unwrap().len()
    }

    /// Texts of these sizes in the folder, each of its own bytes; their names.
    pub fn texts(&self, count: usize, bytes: usize) -> Vec<String> {
        let names: Vec<String> = (0..count).map(|number| format!("text-{number:03}.txt")).collect();
        for name in &names {
            let mut text = format!("{name}\n").repeat(bytes / (name.len() + 1) + 1);
            text.truncate(bytes);
            fs::write(self.dir().join(name), text).unwrap();
        }
        names
    }

    /// Uploads a text of so many bytes; its id.
    pub fn upload(&self, name: &str, content: &[u8]) -> String {
        fs::write(self.dir().join(name), content).unwrap();
        let ran = self.run(&["upload", name]).exits(0);
        ran.ids()[0].clone()
    }

    /// The names in the folder, but for those that a home has.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.dir().join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for House {
    /// Asked first, so that it takes its memory with it.
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.server), Signal::TERM);
        for _ in 0..200 {
            if self.server.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A fault of the stand-in for the next so many requests of an action.
pub fn next(action: &str, count: u32, what: Value) -> Value {
    let mut fault = json!({ "action": action, "next": count });
    for (key, value) in what.as_object().unwrap() {
        fault[key] = value.clone();
    }
    fault
}
