//! Which service a command talks to: a profile, or what variables say for one use; flags beat both.
//!
//! Variables and profiles are never mixed, so that no secret goes to an address that it was not meant for.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use wamedia_client::{Client, ClientBuilder, Dialect, Secret};
use wamedia_media::PhoneNumberId;

use super::fields::{self, DialectName};
use super::profiles::{Profile, Profiles};
use super::secret;
use crate::cli::output::Usage;
use crate::cli::phone::phone_number_id;

/// The version of the Graph API that is asked for when nobody says.
pub const DEFAULT_VERSION: &str = "v23.0";

/// Which service, and as whom
///
/// Without flags: the profile that `WAMEDIA_PROFILE` names, else what `WAMEDIA_TOKEN` or `WAMEDIA_D360_KEY` is for, else
/// the default profile.
#[derive(Args, Default)]
#[command(next_help_heading = "Options of the connection")]
pub struct Target {
    /// Profile to use [default: WAMEDIA_PROFILE, else the default one]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// graph (Meta) or d360 (360dialog), where no profile says it [default: WAMEDIA_DIALECT]
    #[arg(long, value_enum, value_name = "DIALECT")]
    pub dialect: Option<DialectName>,
    /// Another address than the profile's [default: WAMEDIA_BASE, else the vendor's]
    #[arg(long, value_name = "URL", value_parser = fields::base)]
    pub base: Option<String>,
    /// Another version of the Graph API, or '' for none [default: WAMEDIA_VERSION, else v23.0]
    #[arg(long, value_name = "vN.M", value_parser = fields::version)]
    pub version: Option<String>,
    /// Another phone number id, on graph [default: WAMEDIA_PHONE_NUMBER_ID]
    #[arg(long, value_name = "ID", value_parser = phone_number_id)]
    pub phone_number_id: Option<PhoneNumberId>,
    /// Trust the authorities in this PEM file, too [default: WAMEDIA_CA_FILE]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Everything that a client needs. Debug is blind to the secret.
#[derive(Debug)]
pub struct Connection {
    /// For people: `profile shop`, or the variables.
    pub from: String,
    /// The profile's name, where it came from one.
    pub profile: Option<String>,
    /// In whose manner.
    pub dialect: DialectName,
    /// The address.
    pub base: String,
    /// Version in the path, on graph; empty for none.
    pub version: String,
    /// The number that uploads are for, on graph.
    pub phone_number_id: Option<PhoneNumberId>,
    /// The token or key.
    pub secret: Secret,
    /// For people: where the secret came from.
    pub secret_from: String,
    /// Authorities beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl Target {
    /// What flags, variables and profiles come to.
    ///
    /// # Errors
    /// Something is missing, contradictory or unreadable; the message says what to do.
    pub fn resolve(&self) -> anyhow::Result<Connection> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        self.resolve_with(&variable, || {
            let profiles = Profiles::load()?;
            profiles.warn();
            Ok(profiles)
        })
    }

    fn resolve_with(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
        profiles: impl FnOnce() -> anyhow::Result<Profiles>,
    ) -> anyhow::Result<Connection> {
        if let Some(name) = &self.profile {
            return self.with_profile(name, profiles()?.get(name)?);
        }
        let credential = ["WAMEDIA_TOKEN", "WAMEDIA_D360_KEY"].into_iter().find(|it| variable(it).is_some());
        match (variable("WAMEDIA_PROFILE"), credential) {
            (Some(_), Some(other)) => Err(Usage(format!(
                "WAMEDIA_PROFILE and {other} are both set; unset one of them, or choose with --profile"
            ))
            .into()),
            (Some(name), None) => self.with_profile(&name, profiles()?.get(&name)?),
            (None, Some(_)) => self.with_variables(variable),
            (None, None) => self.with_default(variable, &profiles()?),
        }
    }

    fn with_default(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
        profiles: &Profiles,
    ) -> anyhow::Result<Connection> {
        // Whoever names an address and no secret must not send the default profile's there by accident.
        let flag = self.base.as_ref().map(|_| "--base is given");
        if let Some(half) = flag.or(variable("WAMEDIA_BASE").map(|_| "WAMEDIA_BASE is set")) {
            let whose =
                "say whose secret goes there: set WAMEDIA_TOKEN or WAMEDIA_D360_KEY, or name a --profile";
            return Err(Usage(format!("{half}; {whose}")).into());
        }
        let Some(name) = profiles.default_name() else {
            let how = if profiles.all.is_empty() {
                "no service to talk to; make a profile with `wamedia profile add NAME`, or set WAMEDIA_TOKEN \
                 (graph) or WAMEDIA_D360_KEY"
                    .to_owned()
            } else {
                format!(
                    "choose with --profile, or once with `wamedia profile default NAME`; {}",
                    profiles.listed()
                )
            };
            return Err(Usage(how).into());
        };
        self.with_profile(name, profiles.get(name)?)
    }

    fn with_profile(&self, name: &str, profile: &Profile) -> anyhow::Result<Connection> {
        let dialect = profile.dialect;
        if self.dialect.is_some_and(|asked| asked != dialect) {
            let is = dialect.as_str();
            return Err(Usage(format!("profile {name} is of {is}; its secret is no other dialect's")).into());
        }
        Ok(Connection {
            from: format!("profile {name}"),
            profile: Some(name.to_owned()),
            dialect,
            base: self.base.clone().unwrap_or_else(|| profile.base.clone()),
            version: self.version.clone().unwrap_or_else(|| profile.version.clone()),
            phone_number_id: self.phone_number_id.or(profile.phone_number_id),
            secret: profile.secret.reveal().with_context(|| format!("profile {name}"))?,
            secret_from: profile.secret.to_string(),
            ca_file: self.ca_file.clone().or_else(|| profile.ca_file.clone()),
        })
    }

    fn with_variables(&self, variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Connection> {
        let asked = variable("WAMEDIA_DIALECT").map(|text| text.parse()).transpose();
        let asked = self.dialect.or(asked.map_err(|Usage(what)| Usage(format!("WAMEDIA_DIALECT: {what}")))?);
        let has = |name: &str| variable(name).is_some();
        let dialect = match (asked, has("WAMEDIA_TOKEN"), has("WAMEDIA_D360_KEY")) {
            (Some(dialect), ..) => dialect,
            (None, true, true) => {
                let what = "WAMEDIA_TOKEN and WAMEDIA_D360_KEY are both set; choose with --dialect";
                return Err(Usage(what.to_owned()).into());
            }
            (None, true, false) => DialectName::Graph,
            (None, false, _) => DialectName::D360,
        };
        let name = match dialect {
            DialectName::Graph => "WAMEDIA_TOKEN",
            DialectName::D360 => "WAMEDIA_D360_KEY",
        };
        let text = variable(name)
            .ok_or_else(|| Usage(format!("{name} is not set, and {} needs it", dialect.as_str())))?;
        let of = |name: &'static str, parse: fn(&str) -> Result<String, Usage>| {
            let read = variable(name).map(|text| parse(&text)).transpose();
            read.map_err(|Usage(what)| Usage(format!("{name}: {what}")))
        };
        let number = variable("WAMEDIA_PHONE_NUMBER_ID").map(|text| phone_number_id(&text)).transpose();
        let number = number.map_err(|what| Usage(format!("WAMEDIA_PHONE_NUMBER_ID: {what}")))?;
        let (base, version) = (of("WAMEDIA_BASE", fields::base)?, of("WAMEDIA_VERSION", fields::version)?);
        Ok(Connection {
            from: "WAMEDIA_… variables".to_owned(),
            profile: None,
            dialect,
            base: self.base.clone().or(base).unwrap_or_else(|| dialect.vendors_base().to_owned()),
            version: self.version.clone().or(version).unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
            phone_number_id: self.phone_number_id.or(number),
            secret: secret::parse(&text, name)?,
            secret_from: format!("variable {name}"),
            ca_file: self.ca_file.clone().or_else(|| variable("WAMEDIA_CA_FILE").map(PathBuf::from)),
        })
    }
}

impl Connection {
    /// A client for it, with the settings that a command has of its own. Nothing is sent yet.
    ///
    /// # Errors
    /// What is missing or makes no sense.
    pub fn client(&self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> anyhow::Result<Client> {
        let mut builder = Client::builder(self.wire_dialect()?);
        builder = builder.user_agent(concat!("wamedia-cli/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &self.ca_file {
            builder = builder.root_certificates(read_authorities(path)?);
        }
        Ok(change(builder).build().map_err(|error| Usage(format!("{}: {error}", self.from)))?)
    }

    fn wire_dialect(&self) -> anyhow::Result<Dialect> {
        let (base, secret) = (self.base.clone(), self.secret.clone());
        match self.dialect {
            DialectName::D360 => Ok(Dialect::D360 { base, key: secret }),
            DialectName::Graph => {
                let number = self.phone_number_id.ok_or_else(|| Usage(NO_NUMBER.to_owned()))?;
                Ok(Dialect::Graph {
                    base,
                    version: self.version.clone(),
                    phone_number_id: number,
                    token: secret,
                })
            }
        }
    }
}

/// What is said where graph has no number.
pub const NO_NUMBER: &str =
    "graph needs the phone number's id; say it with --phone-number-id, or WAMEDIA_PHONE_NUMBER_ID";

/// The authorities of a PEM file.
///
/// # Errors
/// It cannot be read.
pub fn read_authorities(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("the authorities in {} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn resolve(target: &Target, variables: &[(&str, &str)], profiles: &str) -> anyhow::Result<Connection> {
        let set: HashMap<&str, &str> = variables.iter().copied().collect();
        target.resolve_with(&|name| set.get(name).map(ToString::to_string), || {
            Profiles::parse("x".into(), profiles)
        })
    }

    fn refusal(target: &Target, variables: &[(&str, &str)], profiles: &str) -> String {
        let error = resolve(target, variables, profiles).unwrap_err();
        assert!(error.is::<Usage>(), "{error:#}");
        error.to_string()
    }

    const TWO: &str = "default = \"shop\"
        [profile.shop]\ndialect = \"graph\"\nbase = \"https://shop.example\"\nphone_number_id = \"7\"\nsecret = \"wat_shop\"
        [profile.lab]\ndialect = \"d360\"\nbase = \"https://lab.example\"\nsecret = \"wak_lab\"\n";

    fn target() -> Target {
        Target::default()
    }

    #[test]
    fn flag_beats_variables_beat_the_default() {
        let lab = Target { profile: Some("lab".into()), ..target() };
        let token = ("WAMEDIA_TOKEN", "wat_variable");
        let chosen = |target: &Target, variables: &[(&str, &str)]| {
            let found = resolve(target, variables, TWO).unwrap();
            (found.secret.expose().to_owned(), found.base)
        };
        assert_eq!(chosen(&target(), &[]).0, "wat_shop");
        assert_eq!(chosen(&target(), &[("WAMEDIA_PROFILE", "lab")]).0, "wak_lab");
        let graph = "https://graph.facebook.com".to_owned();
        assert_eq!(chosen(&target(), &[token]), ("wat_variable".to_owned(), graph));
        let variables = [token, ("WAMEDIA_BASE", "https://elsewhere.example"), ("WAMEDIA_PROFILE", "shop")];
        assert_eq!(chosen(&lab, &variables), ("wak_lab".to_owned(), "https://lab.example".to_owned()));
    }

    #[test]
    fn no_secret_goes_where_nobody_said_it_should() {
        let other = Target { base: Some("https://other.example".into()), ..target() };
        assert!(refusal(&other, &[], TWO).contains("whose secret"));
        assert!(
            refusal(&target(), &[("WAMEDIA_BASE", "https://other.example")], TWO).contains("whose secret")
        );
        let both = [("WAMEDIA_PROFILE", "shop"), ("WAMEDIA_TOKEN", "wat_canary")];
        let said = refusal(&target(), &both, TWO);
        assert!(said.contains("WAMEDIA_TOKEN are both set") && !said.contains("canary"), "{said}");
        let named = Target { profile: Some("shop".into()), base: other.base, ..target() };
        assert_eq!(resolve(&named, &[], TWO).unwrap().base, "https://other.example", "named, it may");
        let graph = Target { profile: Some("lab".into()), dialect: Some(DialectName::Graph), ..target() };
        assert!(refusal(&graph, &[], TWO).contains("lab is of d360"));
    }

    #[test]
    fn variables_alone_are_enough_and_tell_the_dialect() {
        let key = ("WAMEDIA_D360_KEY", "wak_x");
        let found = resolve(&target(), &[key], "").unwrap();
        assert_eq!((found.dialect, &*found.base), (DialectName::D360, "https://waba-v2.360dialog.io"));
        let token = ("WAMEDIA_TOKEN", "wat_x");
        assert!(refusal(&target(), &[key, token], "").contains("--dialect"));
        let graph = [key, token, ("WAMEDIA_DIALECT", "graph"), ("WAMEDIA_PHONE_NUMBER_ID", "12")];
        let found = resolve(&target(), &graph, "").unwrap();
        assert_eq!((found.version.as_str(), found.phone_number_id), ("v23.0", PhoneNumberId::new(12)));
        let error = resolve(&target(), &[token], "").unwrap().client(|builder| builder).unwrap_err();
        assert!(error.is::<Usage>() && error.to_string().contains("WAMEDIA_PHONE_NUMBER_ID"));
        assert!(refusal(&target(), &[token, ("WAMEDIA_VERSION", "23")], "").starts_with("WAMEDIA_VERSION"));
    }

    #[test]
    fn without_anything_the_remedy_is_named() {
        assert!(refusal(&target(), &[], "").contains("wamedia profile add"));
        let several = TWO.replace("default = \"shop\"", "");
        assert!(refusal(&target(), &[], &several).contains("there are: lab, shop"));
        let gone = Target { profile: Some("gone".into()), ..target() };
        assert!(refusal(&gone, &[], TWO).contains("no profile \"gone\"; there are: lab, shop"));
    }
}
