//! `wamedia profile …`: the services that uploads and downloads go to, by name.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use wamedia_client::Secret;
use wamedia_media::PhoneNumberId;

use super::Global;
use super::OpenedData;
use super::output::{Table, Usage, explain, print, print_json};
use super::phone::phone_number_id;
use super::transfer::fields::{self, DialectName};
use super::transfer::profiles::{Profile, Profiles};
use super::transfer::secret::SecretSource;
use super::transfer::target::{DEFAULT_VERSION, NO_NUMBER, read_authorities};
use crate::operations::accounts::{self, TokenRequest};
use crate::start::reachable_url;

/// Name the services that upload, url, download, delete and doctor talk to
///
/// A profile is an address, a dialect, a phone number and where the secret is: in a file of its own, in a variable, or in
/// the file of profiles, which is readable by its owner only: wamedia/profiles.toml in XDG_CONFIG_HOME or ~/.config, or
/// the file that WAMEDIA_PROFILES names. Without any profile, WAMEDIA_TOKEN or WAMEDIA_D360_KEY and WAMEDIA_BASE,
/// WAMEDIA_PHONE_NUMBER_ID, WAMEDIA_VERSION and WAMEDIA_DIALECT do for one use.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia profile add shop --dialect graph --phone-number-id 1025723653965602       asks for the token
  wamedia profile add lab --dialect d360 --secret @/run/secrets/d360-key
  wamedia profile add ci --dialect graph --phone-number-id 1025723653965602 --secret-env META_TOKEN
  wamedia profile add local --local                 the service on this machine, with a token of its own
  wamedia profile default shop
  wamedia profile list")]
pub struct ProfileCommand {
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Add(Box<Add>),
    /// List profiles, and where their secrets come from, never the secrets
    #[command(
        after_help = "Examples:\n  wamedia profile list\n  wamedia profile list --json | jq -r '.[].name'"
    )]
    List,
    /// Show one profile, without its secret
    #[command(after_help = "Examples:\n  wamedia profile show\n  wamedia profile show shop --json")]
    Show {
        /// Its name [default: the default one]
        name: Option<String>,
    },
    /// Forget a profile; its token or key lives on
    #[command(after_help = "Example:\n  wamedia profile remove lab")]
    Remove {
        /// Its name
        name: String,
    },
    /// Choose the profile that is used when none is named
    #[command(after_help = "Example:\n  wamedia profile default shop")]
    Default {
        /// Its name
        name: String,
    },
}

/// Add a profile; the first one becomes the default
///
/// Without --secret and --secret-env, the secret is asked for, and kept in the file of profiles.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia profile add shop --dialect graph --phone-number-id 1025723653965602
  wamedia profile add lab --dialect d360 --base https://waba-v2.360dialog.io --secret @/run/secrets/d360-key
  pass show whatsapp/token | wamedia profile add shop --dialect graph --phone-number-id 1025723653965602 --secret -
  wamedia profile add local --local --data /var/lib/wamedia")]
struct Add {
    /// What it is called
    #[arg(value_parser = fields::name)]
    name: String,
    /// graph (Meta) or d360 (360dialog)
    #[arg(long, value_enum, value_name = "DIALECT", required_unless_present = "local")]
    dialect: Option<DialectName>,
    /// The service's address, with a path if need be [default: the vendor's]
    #[arg(long, value_name = "URL", value_parser = fields::base)]
    base: Option<String>,
    /// Version of the Graph API, or '' for none [default: v23.0]
    #[arg(long, value_name = "vN.M", value_parser = fields::version)]
    version: Option<String>,
    /// The phone number's id, on graph
    #[arg(long, value_name = "ID", value_parser = phone_number_id)]
    phone_number_id: Option<PhoneNumberId>,
    /// @FILE that holds the secret and is read at each use, or - to take it from standard input
    #[arg(long, value_name = "@FILE|-", conflicts_with_all = ["secret_env", "local"], allow_hyphen_values = true)]
    secret: Option<String>,
    /// The variable that holds the secret at each use
    #[arg(long, value_name = "NAME", conflicts_with = "local")]
    secret_env: Option<String>,
    /// Trust the authorities in this PEM file, too
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Of the service on this machine: makes a token or key in its data folder (--data)
    #[arg(long)]
    local: bool,
    /// In place of the profile of this name
    #[arg(long)]
    force: bool,
}

/// A profile as told to programs.
#[derive(Serialize)]
struct View<'p> {
    name: &'p str,
    default: bool,
    dialect: DialectName,
    base: &'p str,
    version: &'p str,
    phone_number_id: Option<String>,
    secret_from: String,
    ca_file: Option<&'p PathBuf>,
}

impl<'p> View<'p> {
    fn new(profiles: &'p Profiles, name: &'p str, profile: &'p Profile) -> Self {
        Self {
            name,
            default: profiles.default_name() == Some(name),
            dialect: profile.dialect,
            base: &profile.base,
            version: &profile.version,
            phone_number_id: profile.phone_number_id.map(|number| number.to_string()),
            secret_from: profile.secret.to_string(),
            ca_file: profile.ca_file.as_ref(),
        }
    }
}

impl ProfileCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let json = self.json;
        match self.verb {
            Verb::Add(add) => add.run(global, json)?,
            Verb::List => list(json)?,
            Verb::Show { name } => show(name.as_deref(), json)?,
            Verb::Remove { name } => {
                let left = Profiles::change(|profiles| {
                    profiles.get(&name)?;
                    profiles.all.remove(&name);
                    profiles.default = profiles.default.take().filter(|default| *default != name);
                    Ok(profiles.default_name().map(str::to_owned))
                })?;
                let now =
                    left.map_or("There is no default now.".to_owned(), |it| format!("The default is {it}."));
                tell(json, &format!("Forgot profile {name}. {now}\n"))?;
            }
            Verb::Default { name } => {
                Profiles::change(|profiles| {
                    profiles.get(&name)?;
                    profiles.default = Some(name.clone());
                    Ok(())
                })?;
                tell(json, &format!("Profile {name} is used when none is named.\n"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// After a change: people read a sentence, programs all profiles as they are now.
fn tell(json: bool, sentence: &str) -> anyhow::Result<()> {
    if json { list(true) } else { print(sentence) }
}

fn list(json: bool) -> anyhow::Result<()> {
    let profiles = Profiles::load()?;
    profiles.warn();
    let views = profiles.all.iter().map(|(name, profile)| View::new(&profiles, name, profile));
    if json {
        return print_json(&views.collect::<Vec<_>>());
    }
    let mut table = Table::new(["NAME", "DIALECT", "BASE", "NUMBER", "SECRET", ""]);
    for view in views {
        table.row([
            view.name.to_owned(),
            view.dialect.as_str().to_owned(),
            view.base.to_owned(),
            view.phone_number_id.unwrap_or_default(),
            view.secret_from,
            if view.default { "default" } else { " " }.to_owned(),
        ]);
    }
    table.print("No profiles yet. Make one: wamedia profile add NAME")
}

fn show(name: Option<&str>, json: bool) -> anyhow::Result<()> {
    let profiles = Profiles::load()?;
    profiles.warn();
    let none = || Usage(format!("which profile? {}", profiles.listed()));
    let name = name.or(profiles.default_name()).ok_or_else(none)?;
    let view = View::new(&profiles, name, profiles.get(name)?);
    if json {
        return print_json(&view);
    }
    let rows = [
        ("name", view.name.to_owned()),
        ("default", if view.default { "yes" } else { "no" }.to_owned()),
        ("dialect", view.dialect.as_str().to_owned()),
        ("base", view.base.to_owned()),
        ("version", view.version.to_owned()),
        ("phone number id", view.phone_number_id.unwrap_or_default()),
        ("secret", view.secret_from),
        ("authorities", view.ca_file.map(|path| path.display().to_string()).unwrap_or_default()),
        ("kept in", profiles.path().display().to_string()),
    ];
    let lines = rows.into_iter().filter(|(_, value)| !value.is_empty());
    print(&lines.map(|(label, value)| format!("{label:<16} {value}\n")).collect::<String>())
}

impl Add {
    fn run(self, global: &Global, json: bool) -> anyhow::Result<()> {
        // Asked before anybody types a secret; and again when it is written.
        self.refuse_taken(&Profiles::load()?)?;
        let profile = if self.local { self.made_here(global)? } else { self.given()? };
        if let Some(path) = &profile.ca_file {
            read_authorities(path)?;
        }
        let (path, is_default) = Profiles::change(|profiles| {
            self.refuse_taken(profiles)?;
            profiles.all.insert(self.name.clone(), profile.clone());
            if profiles.default_name().is_none() || profiles.all.len() == 1 {
                profiles.default = Some(self.name.clone());
            }
            Ok((profiles.path().to_owned(), profiles.default_name() == Some(&self.name)))
        })?;
        if fields::is_open_to_readers(&profile.base) {
            let base = &profile.base;
            eprintln!("wamedia: warning: {base} has no TLS: everybody on the way to it can read the secret");
        }
        let number = profile.phone_number_id.map_or_else(String::new, |it| format!(", number {it}"));
        let (name, dialect, base) = (&self.name, profile.dialect.as_str(), &profile.base);
        let default = if is_default { " It is the default." } else { "" };
        tell(
            json,
            &format!(
                "Added profile {name} to {}: {dialect} at {base}{number}, secret: {}.{default}\n\
                 Try it:  wamedia doctor --profile {name}\n",
                path.display(),
                profile.secret,
            ),
        )
    }

    fn refuse_taken(&self, profiles: &Profiles) -> Result<(), Usage> {
        if profiles.all.contains_key(&self.name) && !self.force {
            return Err(Usage(format!("there is a profile {} already; replace it with --force", self.name)));
        }
        Ok(())
    }

    /// What the flags say, and whoever is asked for the secret.
    fn given(&self) -> anyhow::Result<Profile> {
        let dialect = self.dialect.unwrap_or(DialectName::Graph);
        if dialect == DialectName::Graph && self.phone_number_id.is_none() {
            return Err(
                Usage("graph needs the phone number's id; say it with --phone-number-id".into()).into()
            );
        }
        let whose = dialect.secret_name();
        let secret = SecretSource::from_flags(self.secret.as_deref(), self.secret_env.clone(), whose)?;
        self.profile(dialect, dialect.vendors_base().to_owned(), self.phone_number_id, secret)
    }

    /// A token or key of its own, made in the data folder of the service on this machine.
    fn made_here(&self, global: &Global) -> anyhow::Result<Profile> {
        let mut made = None;
        global.on_data(async |data| {
            made = Some(self.mint(data).await?);
            Ok(ExitCode::SUCCESS)
        })?;
        made.ok_or_else(|| anyhow::anyhow!("{NO_NUMBER}"))
    }

    async fn mint(&self, data: &OpenedData) -> anyhow::Result<Profile> {
        let (store, config) = (data.store(), &data.app.config);
        let number = accounts::phone_number_or_only(store, self.phone_number_id).map_err(explain)?.id;
        let dialect = self.dialect.unwrap_or(DialectName::Graph);
        let label = format!("profile {}", self.name);
        let minted = match dialect {
            DialectName::Graph => {
                let account = accounts::account_for(store, None, &[number]).map_err(explain)?;
                let permissions = accounts::DEFAULT_PERMISSIONS;
                let phone_number_ids = vec![number];
                let request =
                    TokenRequest { account, phone_number_ids, permissions, expires_at: None, label };
                accounts::add_token(store, request, data.now()).await
            }
            DialectName::D360 => {
                let revoke_others = config.d360.new_key_revokes_old;
                accounts::add_key(store, number, None, label, revoke_others, data.now()).await
            }
        };
        let secret = SecretSource::Stored(Secret::from(minted.map_err(explain)?.secret.as_str()));
        let public = &config.public;
        let base = if public.base_url.is_empty() {
            reachable_url(public.listen, !public.tls.certificate.as_os_str().is_empty())
        } else {
            public.base_url.clone()
        };
        self.profile(dialect, base, (dialect == DialectName::Graph).then_some(number), secret)
    }

    fn profile(
        &self,
        dialect: DialectName,
        base: String,
        phone_number_id: Option<PhoneNumberId>,
        secret: SecretSource,
    ) -> anyhow::Result<Profile> {
        let version = match dialect {
            DialectName::Graph => self.version.clone().unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
            DialectName::D360 => String::new(),
        };
        let ca_file = self.ca_file.as_ref().map(std::path::absolute).transpose()?;
        let base = self.base.clone().unwrap_or(base);
        Ok(Profile { dialect, base, version, phone_number_id, secret, ca_file })
    }
}
