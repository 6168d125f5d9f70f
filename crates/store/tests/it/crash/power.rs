//! Power loss: a file system of its own whose memory is thrown away under a store at work. What was answered is there
//! afterwards, as after kill -9, though here nothing survives that was not synced.
//!
//! It takes root, a loop device and Python; where one of them is missing the test says so.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Ledger, Promise, victim};

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: the file system ends at once, and writes nothing more.
const CUT: &str = "import fcntl, os, struct, sys
disk = os.open(sys.argv[1], os.O_RDONLY)
sys.stdin.read()
fcntl.ioctl(disk, 0x8004587D, struct.pack('I', 2))";

/// An ext4 in a file, mounted as long as it lives.
struct Disk {
    dir: tempfile::TempDir,
}

impl Disk {
    /// What is missing, if it cannot be made here.
    fn make() -> Result<Self, String> {
        let disk = Self { dir: tempfile::tempdir().unwrap() };
        let image = disk.image();
        std::fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
        std::fs::create_dir(disk.path()).unwrap();
        run("python3", &["--version".as_ref()])?;
        run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), &image])?;
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    /// Where it is mounted.
    fn path(&self) -> PathBuf {
        self.dir.path().join("mounted")
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &["-o".as_ref(), "loop".as_ref(), &self.image(), &self.path()])
    }

    fn unmount(&self) -> Result<(), String> {
        run("umount", &[&self.path()])
    }

    /// Cuts the power as soon as its stdin is closed.
    fn switch(&self) -> Child {
        let mut command = Command::new("python3");
        command.args(["-c", CUT]).arg(self.path()).stdin(Stdio::piped());
        command.spawn().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

fn run(program: &str, arguments: &[&Path]) -> Result<(), String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// Hears what a victim says, line by line.
fn listen(stdout: ChildStdout, said: Arc<Mutex<String>>) -> impl FnOnce() {
    move || {
        for line in BufReader::new(stdout).lines() {
            let mut said = said.lock().unwrap();
            said.push_str(&line.unwrap());
            said.push('\n');
        }
    }
}

#[tokio::test]
async fn power_cuts_at_random_moments_lose_nothing_answered() {
    let disk = match Disk::make() {
        Ok(disk) => disk,
        Err(missing) => {
            let mut stderr = std::io::stderr().lock();
            writeln!(stderr, "\n*** POWER CUTS WERE NOT TESTED: {missing} ***").unwrap();
            return;
        }
    };
    let data = disk.path().join("data");
    let mut ledger = Ledger::default();
    for round in 0..8_u64 {
        let command = victim("victim_under_load", &data, 1 + round * 1_000_000);
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let reading = std::thread::spawn(listen(child.stdout.take().unwrap(), said.clone()));
        let mut switch = disk.switch();
        tokio::time::sleep(Duration::from_millis(60 + (round * 7919) % 400)).await;
        // Real power would take the process with it. Here it goes on for a moment, and a sync that was under way may then
        // return without an error, so that only what was answered before counts.
        let before = said.lock().unwrap().clone();
        drop(switch.stdin.take());
        assert!(switch.wait().unwrap().success());
        // It may have ended by itself: its disk fails.
        let _ = child.kill();
        child.wait().unwrap();
        reading.join().unwrap();
        let certain = before.rfind('\n').map_or(0, |end| end + 1);
        ledger.read(&before[..certain]);
        ledger.read_doubtful(&said.lock().unwrap()[certain..]);
        disk.unmount().unwrap();
        disk.mount().unwrap();
        ledger.check(&data, &format!("power cut {round}")).await;
    }
    let answers = ledger.promises.values().filter(|promise| **promise != Promise::Either).count();
    assert!(answers > 20, "the victims answered only {answers} times: the test tests nothing");
}
