//! Memory is bounded by the configuration, not by what clients send: the peak of the real process under many uploads.

use std::path::PathBuf;

use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::binary::Binary;
use crate::support::{Connection, Upload};

const UPLOADS: usize = 200;
const BYTES: usize = 1024 * 1024;

/// As promised for 200 uploads of any size: a quarter of a mebibyte for each, and room for the allocator. To hold the bodies
/// would take 200 MiB.
const MOST_KIB: u64 = 64 * 1024;

/// `VmRSS`, what the process has in memory, or `VmHWM`, the most that it had.
fn memory_kib(process: u32, key: &str) -> u64 {
    let path = PathBuf::from(format!("/proc/{process}/status"));
    let status = std::fs::read_to_string(path).expect("readable");
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).expect("a number of kilobytes")
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "what a process has in memory is read from /proc")]
async fn two_hundred_uploads_at_once_stay_within_their_bound() {
    let dir = TempDir::new().expect("a temporary folder");
    let binary = Binary::serve(dir.path(), &["--quiet"]);
    let graph = binary.graph(&binary.text("token"), &binary.text("phone_number_id"));
    graph.keep(&Upload::text_of(BYTES)).await;
    let process = binary.child.id();
    let idle = memory_kib(process, "VmRSS");

    let request = graph.upload_request(&Upload::text_of(BYTES)).bytes();
    let mut connections = Vec::new();
    for _ in 0..UPLOADS {
        connections.push(Connection::open(binary.address()).await);
    }
    // In step: nobody runs ahead, so that all are under way at once.
    let (steps, last) = request.split_at(request.len() - 1000);
    for step in steps.chunks(64 * 1024) {
        for connection in &mut connections {
            connection.send(step).await;
        }
    }
    let mut answers = JoinSet::new();
    for mut connection in connections {
        let last = last.to_vec();
        answers.spawn(async move {
            connection.send(&last).await;
            connection.answer("POST").await.expect("an answer").status()
        });
    }
    assert_eq!(answers.join_all().await, [200; UPLOADS]);
    let over_idle = memory_kib(process, "VmHWM").saturating_sub(idle);
    assert!(over_idle < MOST_KIB, "{over_idle} KiB over {idle} KiB");
    assert!(binary.terminate().0.success());
}
