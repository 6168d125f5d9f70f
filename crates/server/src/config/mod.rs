//! The configuration: what can be set, and where it came from.
//!
//! The embedded reference file is the defaults; see [`load`] for the order. Read only where the parts are
//! joined: everything else gets its values as arguments.

mod load;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use wamedia_wire::answers::{DeleteAnswer, FileSize};
use wamedia_wire::d360::ErrorStyle;

pub use load::{ConfigError, Loaded, Origin, Problem, REFERENCE, file_or_default, load};
pub use values::{Size, Span};

/// Everything that can be set. One field a section of `reference.toml`, where each key is explained.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "reference.toml documents every key, and is embedded here")]
pub struct Config {
    pub data: Data,
    pub log: Log,
    pub public: Public,
    pub admin: Admin,
    pub graph: Graph,
    pub d360: D360,
    pub links: Links,
    pub upload: Upload,
    pub download: Download,
    pub retention: Retention,
    pub webhooks: Webhooks,
    pub throttle: Throttle,
    pub limits: Limits,
    pub memory: Memory,
    pub runtime: Runtime,
}

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "reference.toml documents every key, and is embedded here")]
        pub struct $name { $(pub $field: $kind),+ }
    )+};
}

sections! {
    /// `[data]`
    Data { dir: PathBuf, packs: bool }
    /// `[log]`
    Log { level: String, format: LogFormat }
    /// `[public]`
    Public { listen: SocketAddr, base_url: String, path_prefix: String, trust_forwarded: bool, tls: Tls }
    /// `[public.tls]`
    Tls { certificate: PathBuf, key: PathBuf }
    /// `[admin]`
    Admin { listen: SocketAddr, token_file: PathBuf }
    /// `[graph]`
    Graph { default_version: String, media_url_host: String, file_size: FileSize, delete_answer: DeleteAnswer }
    /// `[d360]`
    D360 {
        media_url_host: String, file_size: FileSize, delete_answer: DeleteAnswer, error_style: ErrorStyle,
        rate_limit_status: u16, new_key_revokes_old: bool,
    }
    /// `[links]`
    Links { valid_for: Span, webhook_valid_for: Span, expired_link_status: u16 }
    /// `[upload]`
    Upload { type_from: TypeFrom, inspection: Inspection, strictness: wamedia_media::Strictness }
    /// `[download]`
    Download { require_user_agent: bool }
    /// `[retention]`
    Retention { uploaded: Span, received: Span, counts_from: CountsFrom, sweep_every: Span }
    /// `[webhooks]`
    Webhooks {
        allow_private: AllowPrivate, ca_file: PathBuf, parallel: usize, parallel_per_endpoint: usize, timeout: Span,
        answer_bytes: Size, give_up_after: Span, longest_gap: Span,
    }
    /// `[limits]`
    Limits {
        connections: usize, requests: usize, uploads: usize, waiting: usize, wait_for: Span,
        header_bytes: Size, headers: usize, header_deadline: Span, idle_deadline: Span, progress_window: Span, progress_bytes: Size,
        linger_bytes: Size, linger_for: Span, drain_for: Span,
    }
    /// `[memory]`
    Memory { staging_per_upload: Size, staging_total: Size, remembered_records: usize }
    /// `[runtime]`
    Runtime { threads: usize, blocking_threads: usize }
    /// `[throttle.upload-rate]`
    RateRule { enabled: bool, limit: u32, window: Span, counts: Vec<Action> }
    /// `[throttle.retrieval-errors]`, `[throttle.upload-failures]`
    BlockRule {
        enabled: bool, limit: u32, window: Span, counts: Vec<Action>, block_for: Span, blocks: Vec<Action>,
    }
}

/// `[throttle]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "reference.toml documents every key, and is embedded here")]
pub struct Throttle {
    pub binds: Vec<DialectName>,
    pub upload_rate: RateRule,
    pub retrieval_errors: BlockRule,
    pub upload_failures: BlockRule,
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident($style:literal) { $($variant:ident),+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
        #[serde(rename_all = $style)]
        #[allow(missing_docs, reason = "reference.toml says what each choice means")]
        pub enum $name { $($variant),+ }
    )+};
}

choices! {
    /// How log lines look.
    LogFormat("lowercase") { Auto, Pretty, Json }
    /// Where the declared type is read.
    TypeFrom("lowercase") { Part, Either }
    /// When a file is judged.
    Inspection("lowercase") { Upload, Send, Off }
    /// From when an uploaded media's life counts.
    CountsFrom("kebab-case") { LastUse, Upload }
    /// Which addresses inside a subscription may be allowed to name.
    AllowPrivate("lowercase") { None, Loopback, Any }
    /// The dialects by name.
    DialectName("lowercase") { Graph, D360 }
}

pub use crate::action::Action;

impl DialectName {
    /// As metrics and logs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::D360 => "d360",
        }
    }
}

impl Config {
    /// What single values cannot show: keys that only make sense together. Called by [`load`].
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut say = |key: &str, what: &str| found.push(Problem { key: key.into(), what: what.into() });
        let tls = &self.public.tls;
        if tls.certificate.as_os_str().is_empty() != tls.key.as_os_str().is_empty() {
            say("public.tls", "set both certificate and key, or neither");
        }
        if !self.admin.listen.ip().is_loopback() && self.admin.token_file.as_os_str().is_empty() {
            say(
                "admin.token_file",
                "must name a file with a token, because admin.listen is not a loopback address",
            );
        }
        let prefix = &self.public.path_prefix;
        if !prefix.is_empty() && (!prefix.starts_with('/') || prefix.ends_with('/') || prefix.contains("//"))
        {
            say("public.path_prefix", "must start with / and not end with it, for instance \"/whatsapp\"");
        }
        if !self.public.base_url.is_empty() && !is_base_url(&self.public.base_url) {
            say("public.base_url", "must be http:// or https://, a host, and no / at the end");
        }
        let hosts = [
            ("graph.media_url_host", &self.graph.media_url_host),
            ("d360.media_url_host", &self.d360.media_url_host),
        ];
        for (key, host) in hosts {
            if !matches!(host.as_str(), "self" | "lookaside") && !is_base_url(host) {
                say(key, "must be \"self\", \"lookaside\" or a URL without / at the end");
            }
        }
        if crate::http::ApiVersion::parse(&self.graph.default_version).is_none() {
            say("graph.default_version", "must look like \"v23.0\"");
        }
        if !matches!(self.d360.rate_limit_status, 429 | 400) {
            say("d360.rate_limit_status", "must be 429 or 400");
        }
        if !matches!(self.links.expired_link_status, 401 | 404) {
            say("links.expired_link_status", "must be 401 or 404");
        }
        for (key, value) in [
            ("limits.connections", self.limits.connections),
            ("limits.requests", self.limits.requests),
            ("limits.uploads", self.limits.uploads),
            ("webhooks.parallel", self.webhooks.parallel),
            ("webhooks.parallel_per_endpoint", self.webhooks.parallel_per_endpoint),
            ("runtime.blocking_threads", self.runtime.blocking_threads),
        ] {
            if value == 0 {
                say(key, "must be at least 1");
            }
        }
        if self.limits.header_bytes.0 < 8 << 10 {
            say("limits.header_bytes", "must be at least 8KiB: a percent-encoded media URL is long");
        }
        for (key, value) in [
            ("links.valid_for", self.links.valid_for),
            ("links.webhook_valid_for", self.links.webhook_valid_for),
            ("webhooks.timeout", self.webhooks.timeout),
            ("webhooks.give_up_after", self.webhooks.give_up_after),
            ("webhooks.longest_gap", self.webhooks.longest_gap),
            ("retention.uploaded", self.retention.uploaded),
            ("retention.received", self.retention.received),
            ("retention.sweep_every", self.retention.sweep_every),
            ("limits.header_deadline", self.limits.header_deadline),
            ("limits.idle_deadline", self.limits.idle_deadline),
            ("limits.progress_window", self.limits.progress_window),
        ] {
            if value.0.is_zero() {
                say(key, "must be longer than nothing");
            }
        }
        found
    }
}

fn is_base_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|host| !host.is_empty() && !host.ends_with('/') && !host.contains(['?', '#', ' ', '"']))
}
