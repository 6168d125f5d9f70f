//! `wamedia serve`: the service, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Global, banner, logging};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::stand_in::{self, memory::MemoryDir};
use crate::start::{Running, start, start_stand_in};

/// Serve both dialects
///
/// The first start makes a data folder, a master key, an account, a phone number, a token and a 360dialog key, and
/// prints what to paste. SIGTERM or Ctrl-C drains and stops; SIGHUP reads the key ring again.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia serve
  wamedia serve --listen 0.0.0.0:8480 --data /var/lib/wamedia
  wamedia serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 --data \"$(mktemp -d)\" --ready-json   for programs
  wamedia serve --stand-in --in-memory              a test double that leaves nothing behind")]
pub struct Serve {
    /// Where both dialects are served; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where health, metrics and accounts are served; keep it private
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
    /// Write one line of JSON to stdout once connections are accepted, and nothing else
    #[arg(long)]
    ready_json: bool,
    /// No banner, and only warnings and errors in the log
    #[arg(long, short)]
    quiet: bool,
    /// Log filter, for instance "debug" or "info,wamedia::access=off"
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    #[command(flatten)]
    stand_in: StandInFlags,
}

/// For tests of other programs
#[derive(Args)]
#[command(next_help_heading = "Options of a stand-in")]
struct StandInFlags {
    /// Be a test double: with a clock that can be turned, faults on demand, a journal and worlds (docs/testing.md)
    #[arg(long)]
    stand_in: bool,
    /// Draw the same ids in the same order every time; they can be guessed
    #[arg(long, value_name = "NUMBER", requires = "stand_in")]
    seed: Option<u64>,
    /// Upload every file of a folder for the first number at the start
    #[arg(long, value_name = "DIR", requires = "stand_in")]
    preload: Option<PathBuf>,
    /// Take any token or key that nobody knows for the first account's
    #[arg(long, requires = "stand_in")]
    accept_any_credential: bool,
    /// Keep everything in memory, and forget it at the end
    #[arg(long, requires = "stand_in")]
    in_memory: bool,
}

impl Serve {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let mut flags = Vec::new();
        flags.extend(self.listen.map(|address| ("public.listen", address.to_string())));
        flags.extend(self.admin.map(|address| ("admin.listen", address.to_string())));
        flags.extend(self.quiet.then(|| ("log.level", "warn".to_owned())));
        flags.extend(self.log.clone().map(|filter| ("log.level", filter)));
        // Made late and dropped last: whatever happens between, nothing of it stays.
        let memory = self.stand_in.in_memory.then(MemoryDir::make).transpose();
        let memory = memory.context("no folder for --in-memory can be made")?;
        flags.extend(memory.as_ref().map(|dir| ("data.dir", dir.path().join("data").display().to_string())));
        let config = global.load(flags)?.config;
        let _logging = logging::start(&config.log)?;
        raise_open_files();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if config.runtime.threads > 0 {
            runtime.worker_threads(config.runtime.threads);
        }
        runtime.max_blocking_threads(config.runtime.blocking_threads);
        let runtime = runtime.enable_all().build().context("the runtime cannot be started")?;
        runtime.block_on(self.serve(config))
    }

    async fn serve(self, config: Config) -> anyhow::Result<ExitCode> {
        // Listened for before anybody is told that we run: a stop may come the moment after.
        let signals = Signals::listen()?;
        let running = self.stand_in.start(config).await?;
        if self.ready_json {
            banner::print_ready(&running);
        } else if !self.quiet {
            banner::print_for_person(&running);
        }
        tracing::info!(public = %running.public, admin = %running.admin, tls = running.tls, "serving");
        signals.wait_for_end(&running).await;
        let cut = running.shutdown().await;
        if cut > 0 {
            tracing::warn!(cut, "connections were cut at the end of limits.drain_for");
        }
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

impl StandInFlags {
    async fn start(&self, config: Config) -> anyhow::Result<Running> {
        let chance = self.seed.map_or_else(Chance::system, Chance::seeded);
        if !self.stand_in {
            return start(config, Clock::running(), chance).await;
        }
        let options = stand_in::Options {
            accept_any_credential: self.accept_any_credential,
            preload: self.preload.clone(),
        };
        start_stand_in(config, Clock::running(), chance, options).await
    }
}

/// What the system and people say to a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened for");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn wait_for_end(mut self, running: &Running) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => match running.app.store.keys().reload() {
                    Ok(()) => tracing::info!("the key ring was read again"),
                    Err(error) => tracing::error!(%error, "the key ring cannot be read again; the old one stays"),
                },
            }
        }
        tracing::info!("draining");
    }
}

/// Ten thousand connections need as many files as the system lets us have.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
