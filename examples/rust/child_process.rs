//! The stand-in as a child process, for tests that are not to have wamedia among their dependencies.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A process. It is killed when dropped, and what it kept in memory is removed by the next one.
struct StandIn {
    child: Child,
    admin: String,
    client: Client,
}

impl StandIn {
    fn start() -> anyhow::Result<Self> {
        // In your own tests: "wamedia", wherever it is installed.
        let mut command = Command::new(env!("CARGO_BIN_EXE_wamedia"));
        command.args(["serve", "--stand-in", "--in-memory", "--ready-json", "--quiet"]);
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or_else(|| anyhow::anyhow!("stdout is piped"))?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line)?;
        let admin = ready["admin"].as_str().unwrap_or_default().to_owned();
        Ok(Self { child, admin, client: Client::new() })
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> anyhow::Result<(StatusCode, Value)> {
        let request = self.client.request(method, format!("{}{path}", self.admin)).json(&body);
        let answer = request.send().await?;
        let status = answer.status();
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_client_that_is_not_known_is_told_so_and_the_journal_knows() -> anyhow::Result<()> {
    let stand_in = StandIn::start()?;
    let (status, world) =
        stand_in.ask(Method::POST, "/v1/stand-in/worlds", json!({"name": "orders"})).await?;
    assert_eq!(status, StatusCode::CREATED);
    let key = world["d360_key"].as_str().unwrap_or_default();
    let base = world["d360"].as_str().unwrap_or_default();

    // Every error of the contract has an id that always gives it; this is the one of a blocked endpoint.
    let url = format!("{base}/900000000080007");
    let answer = stand_in.client.get(&url).header("D360-API-KEY", key).send().await?;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.text().await?, r#"{"error":"Too many requests - endpoint disabled"}"#);

    let expected = json!({"world": "orders", "action": "retrieve_url", "outcome": "blocked", "count": 1});
    let (status, _) = stand_in.ask(Method::POST, "/v1/stand-in/journal/expect", expected).await?;
    assert_eq!(status, StatusCode::OK);
    let expected = json!({"world": "orders", "action": "upload", "count": 1});
    let (status, told) = stand_in.ask(Method::POST, "/v1/stand-in/journal/expect", expected).await?;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(told["error"], "expected exactly 1 such requests, found 0");
    Ok(())
}
