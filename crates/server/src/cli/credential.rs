//! What `wamedia token` and `wamedia key` share: showing a secret once, listing, revoking.

use std::time::Duration;

use clap::Args;
use wamedia_store::{Credential, CredentialId, CredentialKind};

use super::OpenedData;
use super::output::{Table, bold, explain, print, print_json, time, time_or_dash};
use crate::admin::view::{CredentialView, status};
use crate::config::Span;
use crate::operations::accounts::{self, Minted};

/// What both kinds are made with.
#[derive(Args)]
pub struct Making {
    /// End by itself after this long, for instance 60d [default: never]
    #[arg(long, value_name = "LENGTH")]
    pub expires_in: Option<Span>,
    /// What people call it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub label: String,
}

/// Which of a kind are listed.
#[derive(Args)]
pub struct Listing {
    /// Of this account only: its id or name
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Also those that are expired or revoked
    #[arg(long)]
    all: bool,
}

/// Which one is ended, and when.
#[derive(Args)]
pub struct Revoking {
    /// Its id, as the list shows it
    id: CredentialId,
    /// Let it live this long still, so that another can take its place [default: end now]
    #[arg(long = "in", value_name = "LENGTH")]
    after: Option<Span>,
}

fn name(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Token => "token",
        CredentialKind::D360Key => "key",
    }
}

/// When something made now ends.
pub fn expires_at(data: &OpenedData, life: Option<Span>) -> anyhow::Result<Option<jiff::Timestamp>> {
    let life = life.map(|life| accounts::expires_after(data.now(), life.duration()));
    life.transpose().map_err(explain)
}

/// Shows a secret, this once, with what it is for.
pub fn show_minted(data: &OpenedData, minted: &Minted, header: &str, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(&CredentialView::minted(minted, data.now()));
    }
    let Minted { credential, secret } = minted;
    let ends = credential.expires_at.map_or_else(String::new, |at| format!(", until {}", time(at)));
    print(&format!(
        "Made {} {} of account {}, for {}{ends}. Keep it now, it is not shown again:\n\n  {}\n\nSend it as  {header}\n",
        name(credential.kind),
        credential.id,
        credential.account,
        numbers(credential, "all its phone numbers"),
        bold(secret),
    ))
}

fn numbers(credential: &Credential, all: &str) -> String {
    if credential.all_numbers {
        return all.to_owned();
    }
    let ids: Vec<_> = credential.phone_number_ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

impl Listing {
    /// Lists what was asked for.
    pub fn show(self, data: &OpenedData, kind: CredentialKind, json: bool) -> anyhow::Result<()> {
        let (store, now) = (data.store(), data.now());
        let account = self.account.map(|asked| accounts::find_account(store, &asked));
        let account = account.transpose().map_err(explain)?.map(|account| account.id);
        let found = accounts::credentials(store, kind, account, self.all, now)?;
        if json {
            let views: Vec<_> = found.iter().map(|it| CredentialView::new(it, now)).collect();
            return print_json(&views);
        }
        let mut table =
            Table::new(["ID", "ACCOUNT", "PHONE NUMBERS", "MAY", "LABEL", "CREATED", "ENDS", "STATUS"]);
        for credential in &found {
            let ends = [credential.expires_at, credential.revoked_at].into_iter().flatten().min();
            let may: Vec<_> = credential
                .permissions
                .names()
                .map(|it| it.trim_start_matches("whatsapp_business_"))
                .collect();
            table.row([
                credential.id.to_string(),
                credential.account.to_string(),
                numbers(credential, "all"),
                may.join(", "),
                credential.label.clone(),
                time(credential.created_at),
                time_or_dash(ends),
                status(credential, now).to_owned(),
            ]);
        }
        let name = name(kind);
        table.print(&format!("No live {name}s. Make one: wamedia {name} add"))
    }
}

impl Revoking {
    /// Ends it.
    pub async fn run(self, data: &OpenedData, kind: CredentialKind, json: bool) -> anyhow::Result<()> {
        let after = self.after.map_or(Duration::ZERO, Span::duration);
        let now = data.now();
        let revoked = accounts::revoke(data.store(), kind, self.id, after, now).await.map_err(explain)?;
        if json {
            return print_json(&CredentialView::new(&revoked, now));
        }
        let (name, id) = (name(kind), revoked.id);
        let ends = revoked.revoked_at.filter(|at| *at > now);
        print(&match ends {
            None => format!("Revoked {name} {id}.\n"),
            Some(at) => format!("Revoked {name} {id} from {} on.\n", time(at)),
        })
    }
}
