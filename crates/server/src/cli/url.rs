//! `wamedia url`: the links from which media are downloaded, and what is known of them.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};
use wamedia_client::{Client, Link, Media, MediaId};

use super::output::plain;
use super::transfer::bars::Bars;
use super::transfer::batch::{Batch, Interruption, Success, Told};
use super::transfer::failure::Failure;
use super::transfer::ids::Ids;
use super::transfer::target::Target;
use super::transfer::{Telling, block_on};

/// Print the links of media, which work for a few minutes
///
/// Prints a line for each id: the id, a tab, the link, which opens with the credential only. At 360dialog the link leads to the service's own address already.
#[derive(Args)]
#[command(after_help = help!("Examples:
  wamedia url 1761991787669262
  wamedia url --json 1761991787669262 | jq .type
  cut -f1 uploaded.tsv | wamedia url -
"))]
pub struct Url {
    #[command(flatten)]
    ids: Ids,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    target: Target,
}

impl Url {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(self.resolve())
    }

    async fn resolve(self) -> anyhow::Result<ExitCode> {
        let retries = self.telling.retries();
        let client = self.target.resolve()?.client(|builder| builder.retries(retries))?;
        let ids = self.ids.read()?;
        let mut interruption = Interruption::listen()?;
        let bars = Bars::new(ids.len(), None, self.telling.quiet);
        let batch = Batch { telling: self.telling, thing: "id", done: "resolved", resume: "" };
        batch.run(ids, &bars, &mut interruption, |id| resolve(client.clone(), id)).await
    }
}

async fn resolve(client: Client, id: MediaId) -> Told {
    let label = id.to_string();
    match client.retrieve_url(id).await {
        Err(error) => Told { json: object(id, None, None), result: Err(Failure::of(&error, &label)), label },
        Ok(media) => {
            // A link to a foreign host is shown as it is; only with the credential nobody goes there.
            let address = |link: &Link| client.address(link).unwrap_or_else(|_| link.clone());
            let url = media.link.as_ref().map(|link| address(link).as_str().to_owned());
            let line = format!("{id}\t{}", plain(url.as_deref().unwrap_or_default()));
            let success = Success { line: Some(line), bytes: 0, was_there: false, warnings: Vec::new() };
            Told { json: object(id, Some(&media), url), result: Ok(success), label }
        }
    }
}

fn object(id: MediaId, media: Option<&Media>, url: Option<String>) -> Map<String, Value> {
    let known = json!({
        "id": id.to_string(),
        "url": url,
        "type": media.and_then(|media| media.media_type.clone()),
        "sha256": media.and_then(|media| media.sha256).map(|hash| hash.to_string()),
        "bytes": media.and_then(|media| media.bytes),
    });
    match known {
        Value::Object(known) => known,
        _ => Map::new(),
    }
}
