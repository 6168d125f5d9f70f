//! The command line as people and scripts meet it: the real binary on a temporary folder, also beside a server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A command in a folder of its own, with nothing of the surrounding configuration.
fn wamedia(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wamedia"));
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("WAMEDIA_")) {
        command.env_remove(name);
    }
    command.current_dir(dir).args(arguments);
    command
}

/// Runs it to its end.
fn run(dir: &Path, arguments: &[&str]) -> Output {
    wamedia(dir, arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// What a command that must succeed printed for machines.
fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = run(dir, &[arguments, &["--json"]].concat());
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A server on free ports over `wamedia-data` in a folder of its own; killed when dropped.
struct Server {
    child: Child,
    ready: Value,
    dir: TempDir,
}

impl Server {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    fn start_in(dir: TempDir) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ready-json"];
        let mut command = wamedia(dir.path(), &arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { child, ready, dir }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn first(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap()
    }

    /// The status that a credential gets for a media that does not exist: 400 when it is let in, 401 when not.
    fn status_with(&self, header: &str) -> u16 {
        request(self.first("public"), &format!("GET /v23.0/1234567890123456 HTTP/1.1\r\n{header}\r\n")).0
    }

    fn status_of_token(&self, token: &str) -> u16 {
        self.status_with(&format!("Authorization: Bearer {token}"))
    }

    fn status_of_key(&self, key: &str) -> u16 {
        self.status_with(&format!("D360-API-KEY: {key}"))
    }

    /// Uploads a text file; gives its id.
    fn upload(&self) -> String {
        let part = |head: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
        };
        let product = part("name=\"messaging_product\"", "whatsapp");
        let file = part("name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "hello");
        let (body, key) = (format!("{product}{file}--b--\r\n"), self.first("d360_key"));
        let head = format!(
            "POST /media HTTP/1.1\r\nD360-API-KEY: {key}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        );
        let (status, answer) = exchange(self.first("public"), &head, &body);
        assert_eq!(status, 200, "{answer}");
        answer.chars().filter(char::is_ascii_digit).collect()
    }

    /// Ends it as a service manager does, and gives back its folder.
    fn stop(mut self) -> TempDir {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request by hand: `head` without Host and the empty line; status and body.
fn request(base: &str, head: &str) -> (u16, String) {
    exchange(base, head, "")
}

/// As [`request`], with a body.
fn exchange(base: &str, head: &str, body: &str) -> (u16, String) {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(stream, "{head}Host: {address}\r\n{length}Connection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn commands_make_no_data_folder() {
    let dir = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 8] = [
        &["account", "list"],
        &["phone", "add"],
        &["token", "add"],
        &["key", "list"],
        &["sweep"],
        &["verify"],
        &["master-key", "rotate"],
        &["throttle", "reset"],
    ];
    for command in commands {
        let output = run(dir.path(), command);
        assert_eq!(code(&output), 1, "{command:?}");
        assert!(stderr(&output).contains("no data folder at wamedia-data"), "{}", stderr(&output));
        assert!(stderr(&output).contains("wamedia serve"), "the remedy is named");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_running_server_sees_credentials_come_and_go() {
    let server = Server::start();
    assert_eq!(server.status_of_token(server.first("token")), 400);
    let made = json(server.dir(), &["token", "add", "--label", "next", "--expires-in", "60d"]);
    let secret = text(&made["secret"]);
    assert_eq!(server.status_of_token(&secret), 400, "both live at once");
    let tokens = json(server.dir(), &["token", "list"]);
    let first = tokens.as_array().unwrap().iter().find(|it| it["label"] == "first token").unwrap();
    let revoked = run(server.dir(), &["token", "revoke", &first["id"].to_string()]);
    assert_eq!(code(&revoked), 0, "{}", stderr(&revoked));
    assert_eq!(server.status_of_token(server.first("token")), 401, "refused at the next request");
    assert_eq!(server.status_of_token(&secret), 400);

    let later = json(server.dir(), &["token", "revoke", &made["id"].to_string(), "--in", "1h"]);
    assert_eq!(later["status"], "live");
    assert_eq!(server.status_of_token(&secret), 400, "an overlap is an overlap");

    let key = json(server.dir(), &["key", "add", "--revoke-others"]);
    assert_eq!(server.status_of_key(server.first("d360_key")), 401);
    assert_eq!(server.status_of_key(&text(&key["secret"])), 400);
    let number = server.first("phone_number_id");
    assert_eq!(code(&run(server.dir(), &["phone", "remove", number, "--yes"])), 0);
    assert_eq!(server.status_of_key(&text(&key["secret"])), 401, "a key goes with its number");
}

#[test]
fn secrets_are_printed_once_and_never_listed() {
    let server = Server::start();
    let made = run(server.dir(), &["token", "add"]);
    let line = stdout(&made).lines().find(|line| line.trim().starts_with("wat_")).unwrap().trim();
    assert!(stdout(&made).contains("not shown again"), "{}", stdout(&made));
    assert_eq!(server.status_of_token(line), 400);
    for list in [&["token", "list", "--all"][..], &["token", "list", "--all", "--json"], &["key", "list"]] {
        let listed = run(server.dir(), list);
        assert!(!stdout(&listed).contains("wat_") && !stdout(&listed).contains("wak_"), "{list:?}");
    }
}

#[test]
fn one_is_the_default_and_several_are_listed() {
    let dir = Server::start().stop();
    let add = |arguments: &[&str]| json(dir.path(), arguments);
    let shop = add(&["account", "add", "shop"]);
    assert_eq!((text(&shop["id"]).as_str(), &shop["name"]), ("2", &Value::from("shop")));
    let ambiguous = run(dir.path(), &["token", "add"]);
    assert_eq!(code(&ambiguous), 2);
    assert!(
        stderr(&ambiguous).contains("1 (default), 2 (shop); choose with --account"),
        "{}",
        stderr(&ambiguous)
    );
    let number = add(&["phone", "add", "1025723653965602", "--account", "shop", "--display", "+1 555 0101"]);
    assert_eq!(number["account"], 2);
    let ambiguous = run(dir.path(), &["key", "add"]);
    assert_eq!(code(&ambiguous), 2);
    assert!(stderr(&ambiguous).contains("1025723653965602") && stderr(&ambiguous).contains("--phone"));
    let token = add(&["token", "add", "--phone", "1025723653965602"]);
    assert_eq!((&token["account"], &token["all_numbers"]), (&Value::from(2), &Value::from(false)));
    let foreign = run(dir.path(), &["token", "add", "--account", "1", "--phone", "1025723653965602"]);
    assert_eq!(code(&foreign), 1, "a token reaches no other account's number");
}

#[test]
fn accounts_are_renamed_kept_and_removed_only_on_purpose() {
    let dir = Server::start().stop();
    let run = |arguments: &[&str]| run(dir.path(), arguments);
    assert_eq!(code(&run(&["account", "rename", "1", "main"])), 0);
    let set = json(dir.path(), &["account", "retention", "main", "--uploaded", "7d"]);
    assert_eq!((&set["retention_uploaded"], &set["retention_received"]), (&"7d".into(), &"default".into()));
    let set = json(dir.path(), &["account", "retention", "main", "--received", "1h"]);
    assert_eq!(set["retention_uploaded"], "7d", "what is not named stays");
    assert_eq!(code(&run(&["account", "retention", "main"])), 2);
    assert_eq!(code(&run(&["account", "retention", "main", "--uploaded", "soon"])), 2);
    let asked = run(&["account", "remove", "main"]);
    assert_eq!(code(&asked), 2);
    assert!(stderr(&asked).contains("1 phone number, 1 token, 1 key"), "{}", stderr(&asked));
    assert_eq!(code(&run(&["account", "remove", "main", "--yes"])), 0);
    assert_eq!(json(dir.path(), &["account", "list"]), Value::Array(vec![]));
    assert_eq!(code(&run(&["account", "show", "main"])), 1);
}

#[test]
fn verify_exits_with_one_when_something_is_found() {
    let dir = Server::start().stop();
    let clean = run(dir.path(), &["verify", "--deep"]);
    assert_eq!((code(&clean), stdout(&clean)), (0, "0 records, 0 blobs, 0 B: everything is as it must be\n"));
    assert_eq!(stderr(&clean), "", "no bar where there is no terminal");
    std::fs::create_dir_all(dir.path().join("wamedia-data/blobs/zz")).unwrap();
    let found = run(dir.path(), &["verify", "--json"]);
    assert_eq!(code(&found), 1);
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&report["clean"], &report["findings_total"]), (&Value::from(false), &Value::from(1)));
}

#[test]
fn a_running_server_follows_a_rotation() {
    let server = Server::start();
    let before = server.upload();
    let rotated = json(server.dir(), &["master-key", "rotate"]);
    assert_eq!((&rotated["version"], &rotated["rewrapped"]), (&2.into(), &1.into()));
    let key = format!("D360-API-KEY: {}", server.first("d360_key"));
    let retrieve = |id: &str| request(server.first("public"), &format!("GET /{id} HTTP/1.1\r\n{key}\r\n")).0;
    assert_eq!(retrieve(&before), 200, "what was wrapped anew opens");
    assert_eq!(retrieve(&server.upload()), 200, "and so does what comes now");
    assert_eq!(json(server.dir(), &["master-key", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(json(server.dir(), &["master-key", "rewrap"])["unreadable"], 0);
    assert_eq!(code(&run(server.dir(), &["verify", "--deep"])), 0);
}

#[test]
fn throttles_and_sweep_speak_json() {
    let server = Server::start();
    for _ in 0..2 {
        server.status_of_key(server.first("d360_key"));
    }
    let throttles = json(server.dir(), &["throttle", "list"]);
    assert_eq!((&throttles[0]["rule"], &throttles[0]["counted"]), (&"retrieval-errors".into(), &2.into()));
    assert_eq!(json(server.dir(), &["throttle", "reset"])["reset"], Value::Null);
    assert_eq!(json(server.dir(), &["throttle", "list"]), Value::Array(vec![]));
    assert_eq!(code(&run(server.dir(), &["throttle", "reset", "5"])), 1);
    assert_eq!(json(server.dir(), &["sweep"])["expired"], 0);
}

#[test]
fn config_check_reports_all_problems_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file =
        "[links]\nvalid_fr = \"1s\"\n[limits]\nuploads = \"many\"\n[retention]\nuploaded = \"a month\"\n";
    std::fs::write(dir.path().join("wamedia.toml"), file).unwrap();
    let checked = run(dir.path(), &["config", "check"]);
    assert_eq!(code(&checked), 1);
    for key in ["links.valid_fr", "limits.uploads", "retention.uploaded"] {
        assert!(stderr(&checked).contains(key), "{key} is missing in {}", stderr(&checked));
    }
    let checked = run(dir.path(), &["config", "check", "--json"]);
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((code(&checked), report["problems"].as_array().unwrap().len()), (1, 3));
    std::fs::write(dir.path().join("wamedia.toml"), "[links]\nvalid_for = \"60s\"\n").unwrap();
    assert_eq!(code(&run(dir.path(), &["config", "check"])), 0);
    let shown = json(dir.path(), &["config", "show"]);
    let expected = serde_json::json!({"value": "60s", "origin": "file"});
    assert_eq!(shown["links.valid_for"], expected);
    assert_eq!(code(&run(dir.path(), &["config", "show", "--set", "links.valid_for"])), 2);
}

#[test]
fn completions_and_manual_pages_render() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(dir.path(), &["completions", shell]);
        assert_eq!(code(&output), 0);
        for word in ["master-key", "upload", "download", "doctor", "resume", "phone-number-id"] {
            assert!(stdout(&output).contains(word), "{shell}: {word}");
        }
    }
    assert!(stdout(&run(dir.path(), &["man"])).starts_with(".ie"));
    assert_eq!(code(&run(dir.path(), &["man", "pages"])), 0);
    for (page, word) in [
        ("wamedia.1", "wamedia"),
        ("wamedia-serve.1", "SIGTERM"),
        ("wamedia-token-add.1", "wamedia token add"),
        ("wamedia-upload.1", "batch.jsonl"),
        ("wamedia-url.1", "Exit codes"),
        ("wamedia-download.1", "Exit codes"),
        ("wamedia-delete.1", "Exit codes"),
        ("wamedia-doctor.1", "Exit codes"),
        ("wamedia-profile-add.1", "secret"),
    ] {
        let text = std::fs::read_to_string(dir.path().join("pages").join(page)).unwrap();
        assert!(text.replace(r"\-", "-").contains(word), "{page}");
    }
}

#[test]
fn the_first_banner_works_as_pasted() {
    for shell in ["sh", "bash"] {
        let dir = tempfile::tempdir().unwrap();
        let mut server = wamedia(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        let mut child = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let banner: Vec<String> = lines.take_while(|line| !line.contains("wamedia key add")).collect();
        let pasted: Vec<_> =
            banner.iter().filter(|it| it.contains('=') || it.contains("curl")).cloned().collect();
        assert_eq!(pasted.iter().filter(|line| line.contains("curl ")).count(), 4, "{banner:#?}");
        assert!(banner.iter().all(|line| line.chars().count() <= 100), "{banner:#?}");
        let ran = Command::new(shell).arg("-c").arg(pasted.join("\n")).output();
        child.kill().unwrap();
        child.wait().unwrap();
        let ran = ran.unwrap();
        let answers: Vec<_> = stdout(&ran).lines().collect();
        assert!(answers[0].starts_with("http://127.0.0.1:"), "{shell}: {answers:?} {}", stderr(&ran));
        assert_eq!(answers[1..], ["hello", r#"{"success":true}"#], "{shell}");
    }
}

#[test]
fn later_starts_show_no_secret_and_ready_is_one_line() {
    let dir = Server::start().stop();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let mut child =
        wamedia(dir.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let banner = lines.take_while(|line| !line.contains("wamedia key add")).collect::<Vec<_>>().join("\n");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(banner.contains("wamedia token add") && !banner.contains("wat_"), "{banner}");

    let mut server = Server::start_in(dir);
    let keys: Vec<_> = server.ready.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["admin", "public"]);
    server.child.kill().unwrap();
    let mut rest = String::new();
    server.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing after the line");
}

#[test]
fn the_admin_listener_does_the_same_over_http() {
    let server = Server::start();
    let admin = server.first("admin");
    let (status, index) = request(admin, "GET / HTTP/1.1\r\n");
    assert_eq!(status, 200);
    assert!(index.contains("/v1/tokens") && index.contains("/metrics"), "{index}");
    let (status, made) = request(admin, "POST /v1/tokens HTTP/1.1\r\nContent-Length: 0\r\n");
    assert_eq!(status, 201);
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(server.status_of_token(&text(&made["secret"])), 400);
    assert_eq!(
        request(server.first("public"), "GET /v1/tokens HTTP/1.1\r\n").0,
        401,
        "not on the public one"
    );
    assert_eq!(request(admin, "GET /admin-openapi.yaml HTTP/1.1\r\n").0, 200);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = wamedia(dir.path(), &["config", "show", "--reference"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}
