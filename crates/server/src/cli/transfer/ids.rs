//! Media ids as they are named: as arguments, or by standard input.

use std::io::{self, BufRead as _};

use clap::Args;
use wamedia_client::MediaId;

use crate::cli::output::{Usage, plain};

/// Which media
#[derive(Args)]
pub struct Ids {
    /// Media ids, and - for the first word of each line of standard input
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

impl Ids {
    /// All of them, each once, in the order they were named in.
    ///
    /// # Errors
    /// Something is no id; nothing is done then.
    pub fn read(&self) -> anyhow::Result<Vec<MediaId>> {
        let mut found = Vec::new();
        for id in &self.ids {
            if id != "-" {
                found.push(parse(id)?);
                continue;
            }
            for line in io::stdin().lock().lines() {
                if let Some(word) = line?.split_whitespace().next() {
                    found.push(parse(word)?);
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        found.retain(|id| seen.insert(*id));
        Ok(found)
    }
}

fn parse(text: &str) -> Result<MediaId, Usage> {
    text.parse().map_err(|_| {
        let shown: String = plain(text).chars().take(40).collect();
        Usage(format!("{shown:?} is no media id: one has 15 to 17 digits; nothing was done"))
    })
}
