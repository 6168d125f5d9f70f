//! The first minute with the real binary: what it prints, what it makes, how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::binary::{Binary, command};
use crate::support::{Client, Credential, Request, Upload, samples};

#[tokio::test]
async fn the_ready_line_has_all_that_a_program_needs_and_stdout_nothing_else() {
    let dir = TempDir::new().unwrap();
    let binary = Binary::serve(dir.path(), &[]);
    let keys: Vec<&String> = binary.ready.as_object().unwrap().keys().collect();
    for key in ["public", "admin", "phone_number_id", "token", "d360_key"] {
        assert!(keys.iter().any(|other| *other == key), "{key} in {}", binary.ready);
    }
    assert_eq!(keys.len(), 5, "{}", binary.ready);
    let (token, number) = (binary.text("token"), binary.text("phone_number_id"));
    let graph = binary.graph(&token, &number);
    let id = graph.keep(&Upload::png()).await;
    let d360 = Client {
        credential: Credential::Key(binary.text("d360_key")),
        base: String::new(),
        upload_path: "/media".to_owned(),
        ..graph.clone()
    };
    assert_eq!(d360.fetch(&id).await, samples::png());
    assert_eq!(d360.keep(&Upload::jpeg()).await.len(), 16);
    let ready = d360.send(&Request::get("/ready")).await;
    assert_ne!(ready.status(), 200, "no admin route exists on the public listener");
    let admin = Client { address: binary.admin(), ..d360 };
    let ready = Request::get("/ready").without("host").header("Host", "localhost");
    assert_eq!(admin.send(&ready).await.text(), r#"{"status":"ready"}"#);

    let (status, rest) = binary.terminate();
    assert!(status.success(), "{status}");
    assert_eq!(rest, "", "nothing else on stdout");
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "the log is JSON: {line}");
    }

    // A later start shows no credential, and the old ones go on.
    let again = Binary::serve(dir.path(), &[]);
    assert_eq!(again.ready.as_object().unwrap().len(), 2, "{}", again.ready);
    assert_eq!(again.graph(&token, &number).fetch(&id).await, samples::png());
    assert!(again.terminate().0.success());
}

#[test]
fn everything_it_makes_is_for_its_owner_only() {
    let dir = TempDir::new().unwrap();
    let binary = Binary::serve(dir.path(), &[]);
    let data = dir.path().join("data");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("master.key")), 0o600);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{} has {:o}", path.display(), mode(&path));
    }
    assert!(binary.terminate().0.success());
}

/// The service as a person starts it, with what it printed.
struct ForPerson {
    child: Child,
    text: String,
}

impl ForPerson {
    fn start(dir: &Path) -> Self {
        let mut command = command(dir);
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut text = String::new();
        // How to make other credentials is the last of it.
        while !text.contains("wamedia key add") {
            match told.recv_timeout(Duration::from_secs(20)) {
                Ok(line) => text += &format!("{line}\n"),
                Err(_) => break,
            }
        }
        Self { child, text }
    }

    /// The lines to paste: assignments in capitals, and those with `curl`.
    fn pasted(&self) -> String {
        let is_assignment = |line: &str| {
            line.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase()))
        };
        let lines = self.text.lines().map(str::trim);
        lines.filter(|line| is_assignment(line) || line.starts_with("curl ")).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for ForPerson {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_printed_lines_work_as_pasted() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("NOT TESTED: there is no curl on this machine, so the pasted lines were not run");
        return;
    }
    let dir = TempDir::new().unwrap();
    let service = ForPerson::start(dir.path());
    let pasted = service.pasted();
    assert_eq!(pasted.matches("curl ").count(), 4, "{}", service.text);
    let mut sh = Command::new("sh");
    sh.env("NO_PROXY", "127.0.0.1").env_remove("http_proxy").env_remove("HTTP_PROXY");
    let output = sh.arg("-c").arg(&pasted).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let mut lines = said.lines();
    assert!(lines.next().is_some_and(|line| line.contains("/whatsapp_business/attachments/?mid=")), "{said}");
    assert_eq!(lines.next(), Some("hello"), "{said}");
    assert_eq!(lines.next(), Some(r#"{"success":true}"#), "{said}");
    // The first start made its folder where it was started.
    assert!(dir.path().join("wamedia-data/master.key").exists());
}

#[test]
fn a_taken_address_a_used_folder_and_a_bad_setting_are_explained() {
    let dir = TempDir::new().unwrap();
    let binary = Binary::serve(dir.path(), &[]);
    let taken = binary.address().to_string();
    let other = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let cases: [(&Path, Vec<&str>, &str); 3] = [
        (other.path(), vec!["--listen", &taken, "--admin", "127.0.0.1:0"], "choose another address"),
        (
            dir.path(),
            vec!["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", data.to_str().unwrap()],
            "another server is using this data folder",
        ),
        (other.path(), vec!["--set", "links.valid_fr=1s"], "did you mean links.valid_for?"),
    ];
    for (folder, arguments, expected) in cases {
        let mut command = command(folder);
        let mut child = command
            .arg("serve")
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(output.stdout.is_empty());
    }
    assert!(binary.terminate().0.success());
}
