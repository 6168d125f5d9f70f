//! Joining the parts into a running service, and taking it down again without losing anything.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wamedia_store::{ServingLock, Store, StoreOptions};

use crate::admin;
use crate::app::App;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::listener::{self, Bounds, Phase};
use crate::http::tls::Tls;
use crate::jobs;
use crate::metrics::Metrics;
use crate::operations::accounts::{FirstStart, first_start};
use crate::stand_in::{self, StandIn, preload};
use crate::webhooks;

/// New connections that the system keeps until they are accepted, as many as Linux allows by itself. It drops one more, whose
/// client tries again after a second.
const BACKLOG: u32 = 4096;

/// A service that accepts connections.
pub struct Running {
    /// The parts.
    pub app: Arc<App>,
    /// Where both dialects are served.
    pub public: SocketAddr,
    /// Where the admin listener is.
    pub admin: SocketAddr,
    /// Whether `public` speaks TLS.
    pub tls: bool,
    /// What was made because there was nothing yet.
    pub first: Option<FirstStart>,
    phase: watch::Sender<Phase>,
    serving: Vec<JoinHandle<usize>>,
    sweeping: JoinHandle<()>,
    reloading: Option<JoinHandle<()>>,
    delivering: JoinHandle<()>,
    _lock: ServingLock,
}

/// Opens the data folder, binds both sockets and serves. Returns once connections are accepted.
///
/// # Errors
/// With the cause and the remedy: the folder cannot be opened or is in use, an address is taken, TLS does not load.
pub async fn start(config: Config, clock: Clock, chance: Chance) -> anyhow::Result<Running> {
    join(config, clock, chance, None).await
}

/// As [`start`], with the controls that tests turn.
///
/// # Errors
/// As [`start`]; also when a file to preload is refused.
pub async fn start_stand_in(
    config: Config,
    clock: Clock,
    chance: Chance,
    options: stand_in::Options,
) -> anyhow::Result<Running> {
    join(config, clock, chance, Some(options)).await
}

async fn join(
    config: Config,
    clock: Clock,
    chance: Chance,
    stand_in: Option<stand_in::Options>,
) -> anyhow::Result<Running> {
    let metrics = Metrics::new();
    let store = open_store(&config, &metrics)?;
    let lock = store.lock_for_serving()?;
    let first = first_start(&store, &chance, clock.now()).await?;
    let tls = load_tls(&config)?;
    webhooks::own_authorities(&config.webhooks.ca_file).context("webhooks.ca_file cannot be used")?;
    let public = bind_public(&config)?;
    let admin = bind("admin.listen", config.admin.listen)?;
    let (public_address, admin_address) = (public.local_addr()?, admin.local_addr()?);
    let bounds = Bounds::from(&config.limits);
    let stand_in = stand_in.map(|options| Box::new(StandIn::new(options)));
    let app = Arc::new(App { stand_in, ..App::new(config, store, clock, chance, metrics) });
    let (phase, phase_seen) = watch::channel(Phase::Running);

    app.deliveries.served_at(reachable_url(public_address, tls.is_some()));
    let delivering = tokio::spawn(webhooks::run(app.clone(), phase_seen.clone()));
    let sweeping = tokio::spawn(jobs::sweep(app.clone(), phase_seen.clone()));
    let reloading = tls.clone().map(|tls| tokio::spawn(tls.reload_on_change()));
    let router = admin::router(app.clone(), phase_seen.clone(), admin_address)?;
    let has_tls = tls.is_some();
    let answering = app.clone();
    let public = listener::serve(
        public,
        tls,
        bounds,
        app.metrics.connections().clone(),
        phase_seen.clone(),
        move |arrived| crate::http::answer(answering.clone(), arrived),
    );
    let admin = admin::serve(admin, router, bounds, phase_seen);
    let serving = vec![tokio::spawn(public), tokio::spawn(admin)];
    let (public, admin) = (public_address, admin_address);
    let running = Running {
        app,
        public,
        admin,
        tls: has_tls,
        first,
        phase,
        serving,
        sweeping,
        reloading,
        delivering,
        _lock: lock,
    };
    if let Some(stand_in) = &running.app.stand_in {
        stand_in.serves_at(running.base());
        if let Err(error) = preload::preload(&running.app).await {
            running.shutdown().await;
            return Err(error.into());
        }
    }
    Ok(running)
}

impl Running {
    /// The address that clients use, without a slash at the end: as configured, else where we listen.
    pub fn base(&self) -> String {
        let configured = &self.app.config.public.base_url;
        if !configured.is_empty() {
            return configured.clone();
        }
        reachable_url(self.public, self.tls)
    }

    /// Ends well: clients are sent away, what was begun is finished, writes are drained. Returns how many
    /// connections had to be cut.
    pub async fn shutdown(self) -> usize {
        if let Some(stand_in) = &self.app.stand_in {
            // Who stalls on purpose would hold up the end.
            stand_in.faults.clear(None, &[]);
        }
        listener::drain(&self.phase).await;
        let mut cut = 0;
        for serving in self.serving {
            cut += serving.await.unwrap_or(0);
        }
        // Calls of endpoints end within webhooks.timeout by themselves.
        let _ = self.delivering.await;
        // Not aborted: between a record and its file it would leave the file behind.
        self.app.store.stop_sweeping();
        let _ = self.sweeping.await;
        self.reloading.iter().for_each(JoinHandle::abort);
        self.app.store.clone().close().await;
        cut
    }
}

/// The store with the configuration's bounds, without serving it: the command line works on it too.
///
/// # Errors
/// The folder cannot be made or opened.
pub fn open_store(config: &Config, metrics: &Metrics) -> anyhow::Result<Store> {
    let mut options = StoreOptions::default();
    options.memory_staging_bytes = config.memory.staging_per_upload.as_usize();
    options.memory_staging_total_bytes = config.memory.staging_total.as_usize();
    options.packs = config.data.packs;
    options.remembered_records = config.memory.remembered_records;
    options.observer = Some(metrics.store_observer());
    let dir = &config.data.dir;
    Store::open(dir, options).with_context(|| format!("the data folder {} cannot be used", dir.display()))
}

/// Where a listener is reached from this machine: one that listens everywhere, by loopback.
pub(crate) fn reachable_url(address: SocketAddr, tls: bool) -> String {
    let reachable = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        reachable => reachable,
    };
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{reachable}")
}

fn load_tls(config: &Config) -> anyhow::Result<Option<Tls>> {
    let files = &config.public.tls;
    if files.certificate.as_os_str().is_empty() {
        return Ok(None);
    }
    Tls::load(&files.certificate, &files.key).context("public.tls cannot be used").map(Some)
}

/// The socket that a service manager hands over (LISTEN_FDS), else our own.
fn bind_public(config: &Config) -> anyhow::Result<TcpListener> {
    match listenfd::ListenFd::from_env().take_tcp_listener(0).context("LISTEN_FDS names no TCP socket")? {
        None => bind("public.listen", config.public.listen),
        Some(listener) => {
            listener.set_nonblocking(true)?;
            Ok(TcpListener::from_std(listener)?)
        }
    }
}

fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let remedy =
        || format!("{key} = \"{address}\" cannot be used; choose another address, or port 0 for a free port");
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().with_context(remedy)
}
