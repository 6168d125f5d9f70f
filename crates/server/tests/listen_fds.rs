//! A socket handed over by a service manager: it outlives the service, so a restart refuses nobody.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

/// Starts the binary the way systemd does: the socket is file 3, and two variables say so.
fn serve(listener: &TcpListener, data: &std::path::Path) -> Child {
    let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
    let socket: OwnedFd = listener.try_clone().unwrap().into();
    let mut child = Command::new("sh")
        .args([
            "-c",
            script,
            env!("CARGO_BIN_EXE_wamedia"),
            "serve",
            "--admin",
            "127.0.0.1:0",
            "--ready-json",
            "--quiet",
        ])
        .arg("--data")
        .arg(data)
        .stdin(socket)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let port = listener.local_addr().unwrap().port();
    assert!(line.contains(&format!("\"public\":\"http://127.0.0.1:{port}\"")), "{line}");
    child
}

fn stop(mut child: Child) {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_restart_on_a_handed_over_socket_refuses_nobody() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();

    stop(serve(&listener, data.path()));
    // Nobody serves now; the request waits in the socket's queue for the next start.
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"GET /1761991787669262 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let second = serve(&listener, data.path());
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    stop(second);
}
