//! A stand-in inside the process of a test: no child, no ports to choose, nothing left behind.
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! use wamedia::stand_in::embedded::Embedded;
//!
//! let stand_in = Embedded::start().await?;
//! let world = stand_in.world("orders").await?;
//! // Point the client under test at stand_in.base() with world.token.secret or world.key.secret.
//! stand_in.arm(r#"{"action":"download","next":1,"cut":1000}"#)?;
//! stand_in.clock().advance(jiff::SignedDuration::from_hours(30 * 24));
//! stand_in.shutdown().await;
//! # Ok(())
//! # }
//! ```

use std::net::SocketAddr;

use anyhow::{Context as _, anyhow};

use super::expect::{Bounds, expect};
use super::fault::FaultRequest;
use super::journal::{Entry, Filter};
use super::memory::MemoryDir;
use super::worlds::{self, World};
use super::{Options, StandIn};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::load;
use crate::start::{Running, start_stand_in};

/// A running stand-in in memory, on free ports of the loopback address.
pub struct Embedded {
    running: Running,
    _dir: MemoryDir,
}

impl Embedded {
    /// With the defaults.
    ///
    /// # Errors
    /// No folder can be made, or no port is free.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(&[], Chance::system(), Options::default()).await
    }

    /// With settings by their dotted keys (`("upload.inspection", "send")`), seeded names, and options.
    ///
    /// # Errors
    /// As [`Embedded::start`]; a setting that does not hold; a file to preload that is refused.
    pub async fn with(settings: &[(&str, &str)], chance: Chance, options: Options) -> anyhow::Result<Self> {
        let dir = MemoryDir::make().context("no folder in memory can be made")?;
        let data = dir.path().join("data").display().to_string();
        let own = [("data.dir", data.as_str()), ("public.listen", FREE_PORT), ("admin.listen", FREE_PORT)];
        let all: Vec<_> =
            own.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let config = load(None, [], &all)?.config;
        let running = start_stand_in(config, Clock::running(), chance, options).await?;
        Ok(Self { running, _dir: dir })
    }

    /// Where both dialects are served: `http://127.0.0.1:40001`.
    pub fn base(&self) -> String {
        self.running.base()
    }

    /// Where the same controls are for who speaks HTTP.
    pub fn admin(&self) -> SocketAddr {
        self.running.admin
    }

    /// Everything else.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The date, to be turned.
    pub fn clock(&self) -> &Clock {
        &self.running.app.clock
    }

    /// A new account with a number, a token and a key.
    ///
    /// # Errors
    /// The name is taken.
    pub async fn world(&self, name: &str) -> anyhow::Result<World> {
        Ok(worlds::make(&self.running.app, Some(name), None, "").await?)
    }

    /// Throws a world away.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub async fn discard(&self, world: &World) -> anyhow::Result<()> {
        Ok(worlds::discard(&self.running.app, self.controls()?, world.account.id).await?)
    }

    /// Arms a fault, told as in `POST /v1/stand-in/faults`; gives its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn arm(&self, fault: &str) -> anyhow::Result<u64> {
        let asked: FaultRequest = serde_json::from_str(fault)?;
        let world =
            asked.world.clone().map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned));
        let world =
            world.map(|name| crate::operations::accounts::find_account(&self.running.app.store, &name));
        let fault =
            asked.read(world.transpose()?.map(|account| account.id)).map_err(|error| anyhow!(error))?;
        let armed = self.controls()?.faults.add(asked, fault, self.clock().now());
        Ok(armed.map_err(|error| anyhow!(error))?.id)
    }

    /// What was asked so far.
    ///
    /// # Errors
    /// What was there instead of what is expected.
    pub async fn expect(&self, filter: &Filter, bounds: Bounds) -> anyhow::Result<Vec<Entry>> {
        let met = expect(&self.controls()?.journal, filter, bounds).await;
        met.map_err(|unmet| anyhow!("{}; there was {:#?}", unmet.sentence, unmet.saw))
    }

    /// Ends it, and waits until what was begun is done.
    pub async fn shutdown(self) {
        self.running.shutdown().await;
    }

    fn controls(&self) -> anyhow::Result<&StandIn> {
        self.running.app.stand_in.as_deref().context("a stand-in has controls")
    }
}

const FREE_PORT: &str = "127.0.0.1:0";
