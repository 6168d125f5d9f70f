//! `wamedia healthcheck`: asks a running service whether it is ready. For containers and service managers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Global;

/// How long a service may take to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ask a running service whether it is ready
///
/// Exit code 0 when it is, 1 when it is not or does not answer.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia healthcheck
  wamedia healthcheck --admin 127.0.0.1:8481")]
pub struct Healthcheck {
    /// The admin address of the service [default: admin.listen]
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
}

impl Healthcheck {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load(Vec::new())?.config;
        let address = self.admin.unwrap_or(config.admin.listen);
        let token = std::fs::read_to_string(&config.admin.token_file).unwrap_or_default();
        match ask(address, token.trim()) {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(ExitCode::SUCCESS),
            Ok(answer) => anyhow::bail!("not ready: {}", answer.lines().last().unwrap_or_default()),
            Err(error) => anyhow::bail!("{address} does not answer: {error}"),
        }
    }
}

/// One request by hand: a health check must not need a runtime.
fn ask(address: SocketAddr, token: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let authorization =
        if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    write!(stream, "GET /ready HTTP/1.1\r\nHost: {address}\r\n{authorization}Connection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}
