//! The disk floor: files written and made durable, and nothing else.
//!
//! `disk_floor DIR BYTES THREADS SECONDS [FOLDERS]` writes files of random bytes below `DIR` from that many threads for that
//! long: create, write, fsync the file, fsync its folder. `disk_floor DIR BYTES --staged FILES` writes that many one after
//! another as large uploads come: in pieces of 64 KiB to a temporary name, fsync, rename, fsync of the folder.
//! Prints one line of JSON: files, seconds, and the 50th and 99th percentile of a file's milliseconds.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One folder is fastest: files that are synced together share what the file system writes of it.
const FOLDERS: usize = 1;
/// How much of a large upload the product writes at once.
const PIECE: usize = 64 * 1024;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|it: &String| it.parse::<usize>().ok());
    let (Some(dir), Some(bytes)) = (arguments.first().map(PathBuf::from), number(1)) else {
        return Err(std::io::Error::other(
            "disk_floor DIR BYTES THREADS SECONDS [FOLDERS] | DIR BYTES --staged FILES",
        ));
    };
    let mut noise = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut noise).map_err(|_| std::io::Error::other("no randomness"))?;
    let began = Instant::now();
    let mut times = if arguments.get(2).is_some_and(|it| it == "--staged") {
        staged(&dir, &noise, number(3).unwrap_or(1))?
    } else {
        let until = began + Duration::from_secs_f64(number(3).unwrap_or(3) as f64);
        direct(&dir, &noise, number(2).unwrap_or(1), until, number(4).unwrap_or(FOLDERS))?
    };
    let seconds = began.elapsed().as_secs_f64();
    times.sort();
    let percentile =
        |share: usize| times.get(times.len() * share / 100).map_or(0.0, |it| it.as_secs_f64() * 1000.0);
    let (files, p50, p99) = (times.len(), percentile(50), percentile(99));
    println!("{{\"files\":{files},\"seconds\":{seconds:.6},\"p50_ms\":{p50:.3},\"p99_ms\":{p99:.3}}}");
    Ok(())
}

fn direct(
    dir: &Path,
    noise: &[u8],
    threads: usize,
    until: Instant,
    folders: usize,
) -> std::io::Result<Vec<Duration>> {
    for folder in 0..folders {
        fs::create_dir_all(dir.join(format!("{folder:02x}")))?;
    }
    File::open(dir)?.sync_all()?;
    std::thread::scope(|scope| {
        let write = |thread: usize| {
            move || -> std::io::Result<Vec<Duration>> {
                let mut times = Vec::new();
                // Folders come up in an order as scattered as the product's random names.
                let mut state = thread as u64 + 1;
                while Instant::now() < until {
                    let began = Instant::now();
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let folder = dir.join(format!("{:02x}", (state >> 33) as usize % folders));
                    let mut file = File::create_new(folder.join(format!("{thread}-{}", times.len())))?;
                    file.write_all(noise)?;
                    file.sync_all()?;
                    File::open(&folder)?.sync_all()?;
                    times.push(began.elapsed());
                }
                Ok(times)
            }
        };
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(write(thread))).collect();
        let mut all = Vec::new();
        for thread in running {
            all.extend(thread.join().map_err(|_| std::io::Error::other("a thread panicked"))??);
        }
        Ok(all)
    })
}

fn staged(dir: &Path, noise: &[u8], files: usize) -> std::io::Result<Vec<Duration>> {
    let (staging, kept) = (dir.join("staging"), dir.join("kept"));
    fs::create_dir_all(&staging)?;
    fs::create_dir_all(&kept)?;
    let mut times = Vec::new();
    for number in 0..files {
        let began = Instant::now();
        let (from, to) = (staging.join(number.to_string()), kept.join(number.to_string()));
        let mut file = File::create_new(&from)?;
        for piece in noise.chunks(PIECE) {
            file.write_all(piece)?;
        }
        file.sync_all()?;
        fs::rename(from, to)?;
        File::open(&kept)?.sync_all()?;
        times.push(began.elapsed());
    }
    Ok(times)
}
