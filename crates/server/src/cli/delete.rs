//! `wamedia delete`: media gone at once, with their links.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;
use wamedia_client::{Client, MediaId};

use super::transfer::bars::Bars;
use super::transfer::batch::{Batch, Interruption, Success, Told};
use super::transfer::failure::Failure;
use super::transfer::ids::Ids;
use super::transfer::target::Target;
use super::transfer::{Telling, block_on};

/// Delete media at once and for good
///
/// Their links are dead, too. Prints a line for each id: the id, a tab, and the word deleted.
#[derive(Args)]
#[command(after_help = help!("Examples:
  wamedia delete 1761991787669262
  wamedia delete --profile lab - < uploaded.tsv       what `wamedia upload` printed
"))]
pub struct Delete {
    #[command(flatten)]
    ids: Ids,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    target: Target,
}

impl Delete {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(self.delete())
    }

    async fn delete(self) -> anyhow::Result<ExitCode> {
        let retries = self.telling.retries();
        let client = self.target.resolve()?.client(|builder| builder.retries(retries))?;
        let ids = self.ids.read()?;
        let mut interruption = Interruption::listen()?;
        let bars = Bars::new(ids.len(), None, self.telling.quiet);
        let batch = Batch { telling: self.telling, thing: "id", done: "deleted", resume: "" };
        batch.run(ids, &bars, &mut interruption, |id| delete(client.clone(), id)).await
    }
}

async fn delete(client: Client, id: MediaId) -> Told {
    let label = id.to_string();
    let json = Map::from_iter([("id".to_owned(), label.clone().into())]);
    let done = |()| Success {
        line: Some(format!("{id}\tdeleted")),
        bytes: 0,
        was_there: false,
        warnings: Vec::new(),
    };
    let result = client.delete(id).await.map(done).map_err(|error| Failure::of(&error, &label));
    Told { label, json, result }
}
