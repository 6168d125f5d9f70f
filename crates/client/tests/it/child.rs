//! A transfer in a process of its own: this test binary once more, asked for one test only. Memory and environment
//! belong to processes.

use std::process::Command;

use wamedia_client::{Client, Error, Retries, SaveOptions, Upload};

use crate::script::{ID, d360_at};

/// What the child says before its figures: KiB of growth, bytes.
const SAYS: &str = "grew by";

/// Runs a transfer at a service of 360dialog's dialect in a child; gives the growth of its memory in KiB.
pub fn transfer(base: &str, verb: &str, what: &str, environment: &[(&str, &str)]) -> Result<u64, String> {
    let test = std::env::current_exe().expect("this test");
    let mut child = Command::new(test);
    child.args(["--exact", "child::this_is_the_child", "--ignored", "--nocapture", "--test-threads", "1"]);
    child.env_remove("NO_PROXY").env_remove("no_proxy").envs(environment.iter().copied());
    child.env("CHILD_BASE", base).env("CHILD_VERB", verb).env("CHILD_WHAT", what);
    let output = child.output().expect("this test runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let growth = said.split_once(SAYS).and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    growth.filter(|_| output.status.success()).ok_or(said)
}

#[tokio::test]
#[ignore = "other tests run it as a process"]
async fn this_is_the_child() {
    let given = |name: &str| std::env::var(name).expect("the parent gives it");
    let client = d360_at(&given("CHILD_BASE")).retries(Retries::none()).build().unwrap();
    let before = peak_kib();
    let bytes = carry_out(&client, &given("CHILD_VERB"), &given("CHILD_WHAT")).await.unwrap();
    println!("{SAYS} {} KiB for {bytes} bytes", peak_kib() - before);
}

async fn carry_out(client: &Client, verb: &str, what: &str) -> Result<u64, Error> {
    match verb {
        "upload" => Ok(client.upload(Upload::path(what)).await?.bytes),
        "stream" => {
            let file = tokio::fs::File::open(what).await.unwrap();
            Ok(client.upload(Upload::stream(file, None).file_name("a.txt")).await?.bytes)
        }
        "download" => {
            let mut download = client.fetch(what.parse().unwrap()).await?;
            while download.chunk().await?.is_some() {}
            Ok(download.received())
        }
        "save" => Ok(client.fetch_to(ID.parse().unwrap(), what, &SaveOptions::new()).await?.bytes),
        verb => panic!("{verb}: no such verb"),
    }
}

/// The most this process ever held; nothing where the system does not tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
