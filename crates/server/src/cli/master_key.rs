//! `wamedia master-key …`: the ring under which everything in the data folder is sealed.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use wamedia_store::{KEY_FILE, KeyRing, RewrapReport};

use super::output::{counted, print, print_json};
use super::{Global, OpenedData};

/// List and rotate the master keys
///
/// Everything is sealed under the newest version of the ring, in the file master.key of the data folder. Copy that file to
/// a safe place apart from the data, and again after each rotation: without it nothing can be read.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia master-key list
  wamedia master-key rotate       a running server picks the new version up by itself, or at SIGHUP
  wamedia master-key rewrap       finish a rotation that was interrupted")]
pub struct MasterKeyCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List the versions of the ring, never the keys
    #[command(after_help = "Example:\n  wamedia master-key list")]
    List,
    /// Add a fresh version, and wrap every record under it; blobs and credentials stay as they are
    #[command(after_help = "Example:\n  wamedia master-key rotate && cp DATA/master.key /safe/place/")]
    Rotate,
    /// Wrap every record under the newest version; may be interrupted and repeated
    #[command(after_help = "Example:\n  wamedia master-key rewrap --json")]
    Rewrap,
}

impl MasterKeyCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self { json, verb } = self;
        global.on_data(async |data| match verb {
            Verb::List => list(data, json),
            Verb::Rotate => {
                let version = KeyRing::rotate(data.store().dir())?;
                if !json {
                    let file = data.store().dir().join(KEY_FILE);
                    print(&format!("Added v{version} to the ring. Keep a copy of {}.\n", file.display()))?;
                }
                rewrap(data, json).await
            }
            Verb::Rewrap => rewrap(data, json).await,
        })
    }
}

fn list(data: &OpenedData, json: bool) -> anyhow::Result<ExitCode> {
    let keys = data.store().keys();
    let newest = keys.newest();
    if json {
        let versions: Vec<_> = keys
            .version_numbers()
            .into_iter()
            .map(|version| json!({ "version": version, "newest": version == newest }))
            .collect();
        print_json(&versions)?;
    } else {
        for version in keys.version_numbers() {
            let use_ =
                if version == newest { "new things are wrapped under it" } else { "opens older things" };
            print(&format!("v{version}  {use_}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn rewrap(data: &OpenedData, json: bool) -> anyhow::Result<ExitCode> {
    let RewrapReport { version, rewrapped, unreadable } = data.store().rewrap().await?;
    if json {
        print_json(&json!({ "version": version, "rewrapped": rewrapped, "unreadable": unreadable }))?;
    } else {
        print(&format!("Wrapped {} anew; all are under v{version}.\n", counted(rewrapped, "record")))?;
    }
    if unreadable > 0 {
        eprintln!("wamedia: {} did not open and stayed; run `wamedia verify`", counted(unreadable, "record"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
