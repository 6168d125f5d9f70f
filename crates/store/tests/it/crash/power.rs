//! Power loss: a file system of its own whose memory is thrown away under a store at work. What was answered is there
//! afterwards, as after kill -9, though here nothing survives that was not synced.
//!
//! It takes root, a loop device and Python; where one of them is missing the test says so.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Ledger, victim};

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: the file system ends at once, and writes nothing more.
const CUT: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";

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

    fn cut_power(&self) {
        run("python3", &["-c".as_ref(), CUT.as_ref(), &self.path()]).unwrap();
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
        let mut stdout = child.stdout.take().unwrap();
        let reading = std::thread::spawn(move || {
            let mut said = String::new();
            stdout.read_to_string(&mut said).unwrap();
            said
        });
        tokio::time::sleep(Duration::from_millis(60 + (round * 7919) % 400)).await;
        disk.cut_power();
        // It may have ended by itself: its disk fails.
        let _ = child.kill();
        child.wait().unwrap();
        ledger.read(&reading.join().unwrap());
        disk.unmount().unwrap();
        disk.mount().unwrap();
        ledger.check(&data, &format!("power cut {round}")).await;
    }
    let answers = ledger.promises.len();
    assert!(answers > 20, "the victims answered only {answers} times: the test tests nothing");
}
