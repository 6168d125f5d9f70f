//! The file of profiles: which services this person talks to, and where the secret of each is.
//!
//! The file is its owner's only (0600) and replaced as a whole, so that no reader meets half of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use wamedia_media::PhoneNumberId;
use zeroize::Zeroizing;

use super::secret::{self, SecretSource};
use crate::cli::output::Usage;

/// Bits of a file's mode that let others at it.
const OTHERS: u32 = 0o077;

/// Whose manner a service has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DialectName {
    /// Meta's Cloud API.
    Graph,
    /// 360dialog.
    D360,
}

impl DialectName {
    /// As flags, variables and the file spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::D360 => "d360",
        }
    }

    /// Where the vendor's own service is.
    pub fn vendors_base(self) -> &'static str {
        match self {
            Self::Graph => "https://graph.facebook.com",
            Self::D360 => "https://waba-v2.360dialog.io",
        }
    }

    /// What the vendor calls its secret.
    pub fn secret_name(self) -> &'static str {
        match self {
            Self::Graph => "Access token",
            Self::D360 => "360dialog API key",
        }
    }
}

impl FromStr for DialectName {
    type Err = Usage;

    fn from_str(text: &str) -> Result<Self, Usage> {
        let known = [Self::Graph, Self::D360].into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| Usage(format!("{text:?} is no dialect; write graph or d360")))
    }
}

/// A service, and who one is there.
#[derive(Clone, Debug)]
pub struct Profile {
    /// In whose manner it is spoken to.
    pub dialect: DialectName,
    /// Its address, without a slash at the end.
    pub base: String,
    /// Version in the path, on graph only; empty for none.
    pub version: String,
    /// The number that uploads are for; graph asks for it.
    pub phone_number_id: Option<PhoneNumberId>,
    /// Where the token or key is.
    pub secret: SecretSource,
    /// Authorities that are trusted beside the system's, for an address of one's own with TLS.
    pub ca_file: Option<PathBuf>,
}

/// All profiles, and where they are kept.
#[derive(Debug)]
pub struct Profiles {
    path: PathBuf,
    /// The one that is used when none is named.
    pub default: Option<String>,
    /// By name.
    pub all: BTreeMap<String, Profile>,
}

/// As the file spells it.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    profile: BTreeMap<String, WrittenProfile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProfile {
    dialect: DialectName,
    base: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
}

impl Profiles {
    /// Reads the file; where there is none, there are no profiles. Says on stderr when others may read it.
    ///
    /// # Errors
    /// It cannot be read, or says what makes no sense.
    pub fn load() -> anyhow::Result<Self> {
        Self::load_from(path()?)
    }

    fn load_from(path: PathBuf) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("the profiles in {} cannot be read", path.display()))?,
        };
        Self::parse(path, &Zeroizing::new(text))
    }

    /// Reads what stands in the file at `path`.
    ///
    /// # Errors
    /// It makes no sense.
    pub fn parse(path: PathBuf, text: &str) -> anyhow::Result<Self> {
        let shown = path.display();
        // The parser's own message quotes the line, and what it says of values quotes those: they may be a secret.
        let written: Written = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
            let what = error.message().lines().next().unwrap_or_default();
            let what =
                if what.starts_with("invalid") { "a value of another type than its key has" } else { what };
            anyhow::anyhow!("{shown}, line {line}: {what}")
        })?;
        let mut all = BTreeMap::new();
        for (name, profile) in written.profile {
            let read = profile.read().with_context(|| format!("{shown}: profile {name}"))?;
            all.insert(name, read);
        }
        Ok(Self { path, default: written.default, all })
    }

    /// Changes the file under a lock, so that two commands at once do not undo each other.
    ///
    /// # Errors
    /// As [`Profiles::load`], or it cannot be written; or the change is refused, and nothing is written.
    pub fn change<T>(change: impl FnOnce(&mut Self) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let path = path()?;
        // What is linked to stays where it is, as those like it who keep their settings elsewhere.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
        let cannot = || format!("the profiles in {} cannot be written", path.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).with_context(cannot)?;
        let lock = File::open(&dir).with_context(cannot)?;
        lock.lock().with_context(cannot)?;
        let mut profiles = Self::load_from(path.clone())?;
        let changed = change(&mut profiles)?;
        profiles.write(&dir).with_context(cannot)?;
        Ok(changed)
    }

    fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let profile = self.all.iter().map(|(name, profile)| (name.clone(), WrittenProfile::from(profile)));
        let written = Written { default: self.default.clone(), profile: profile.collect() };
        // Made 0600 by the library, and seen under its name only when whole.
        let mut file = tempfile::Builder::new().prefix(".profiles").tempfile_in(dir)?;
        file.write_all(toml::to_string(&written)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        File::open(dir)?.sync_all()?;
        Ok(())
    }

    /// Where they are kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who else may read or write the file, as its mode says; `None` when nobody.
    pub fn open_to_others(&self) -> Option<u32> {
        let mode = fs::metadata(&self.path).ok()?.permissions().mode() & 0o777;
        (mode & OTHERS != 0).then_some(mode)
    }

    /// Says on stderr that others may read the file, where they may.
    pub fn warn(&self) {
        if let Some(mode) = self.open_to_others() {
            let path = self.path.display();
            eprintln!("wamedia: warning: {path} is open to others (mode {mode:03o}); run: chmod 600 {path}");
        }
    }

    /// The one that is used when none is named: as chosen, else the only one.
    pub fn default_name(&self) -> Option<&str> {
        let only = || self.all.keys().next().filter(|_| self.all.len() == 1);
        self.default.as_ref().filter(|name| self.all.contains_key(*name)).or_else(only).map(String::as_str)
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// There is none; the message lists those that are.
    pub fn get(&self, name: &str) -> Result<&Profile, Usage> {
        self.all.get(name).ok_or_else(|| Usage(format!("there is no profile {name:?}; {}", self.listed())))
    }

    /// What there is, for errors.
    pub fn listed(&self) -> String {
        let names: Vec<&str> = self.all.keys().map(String::as_str).collect();
        if names.is_empty() {
            return "there is none yet: wamedia profile add NAME".to_owned();
        }
        format!("there {}: {}", if names.len() == 1 { "is" } else { "are" }, names.join(", "))
    }
}

impl WrittenProfile {
    fn read(self) -> anyhow::Result<Profile> {
        let secret = match (self.secret, self.secret_file, self.secret_env) {
            (Some(plain), None, None) => SecretSource::Stored(secret::parse(&plain, "its secret")?),
            (None, Some(path), None) => SecretSource::File(path),
            (None, None, Some(name)) => SecretSource::Variable(name),
            _ => anyhow::bail!("exactly one of secret, secret_file and secret_env must be there"),
        };
        let number = self.phone_number_id.as_deref().map(PhoneNumberId::from_str).transpose();
        Ok(Profile {
            dialect: self.dialect,
            base: base(&self.base)?,
            version: version(&self.version)?,
            phone_number_id: number.context("phone_number_id")?,
            secret,
            ca_file: self.ca_file,
        })
    }
}

impl From<&Profile> for WrittenProfile {
    fn from(profile: &Profile) -> Self {
        let (mut secret, mut secret_file, mut secret_env) = (None, None, None);
        match &profile.secret {
            SecretSource::Stored(plain) => secret = Some(plain.expose().to_owned()),
            SecretSource::File(path) => secret_file = Some(path.clone()),
            SecretSource::Variable(name) => secret_env = Some(name.clone()),
        }
        Self {
            dialect: profile.dialect,
            base: profile.base.clone(),
            version: profile.version.clone(),
            phone_number_id: profile.phone_number_id.map(|number| number.to_string()),
            secret,
            secret_file,
            secret_env,
            ca_file: profile.ca_file.clone(),
        }
    }
}

/// `WAMEDIA_PROFILES`, else in the folder that people keep settings in.
fn path() -> anyhow::Result<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = named("WAMEDIA_PROFILES") {
        return Ok(std::path::absolute(path)?);
    }
    // A relative XDG_CONFIG_HOME is to be ignored: specifications.freedesktop.org/basedir-spec.
    let settings = named("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let settings = settings.or_else(|| Some(named("HOME")?.join(".config")));
    let settings = settings.ok_or_else(|| {
        Usage("no folder for profiles: neither HOME nor XDG_CONFIG_HOME is set; name a file with WAMEDIA_PROFILES".into())
    })?;
    Ok(settings.join("wamedia/profiles.toml"))
}

/// A name that needs no quotes anywhere.
///
/// # Errors
/// It would.
pub fn name(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !text.starts_with(['-', '.']) && (1..=64).contains(&text.len()) && text.bytes().all(legal) {
        return Ok(text.to_owned());
    }
    Err("a name is 1 to 64 letters, digits, dots, _ and -".to_owned())
}

/// A service's address, without the slash at its end.
///
/// # Errors
/// It is none: the message shows what one looks like, and never what was given, which may hold a password.
pub fn base(text: &str) -> Result<String, Usage> {
    let wrong =
        |what: &str| Usage(format!("the base is no address: {what}; write it like https://host/prefix"));
    let uri: http::Uri = text.parse().map_err(|_| wrong("it cannot be read"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("it must begin with https:// (or http://)"));
    }
    let authority =
        uri.authority().filter(|it| !it.host().is_empty()).ok_or_else(|| wrong("it names no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it holds a name or password"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(wrong("it has a ? or #"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether whoever is on the way to an address can read what is sent there: no TLS, and not this machine.
pub fn is_open_to_readers(base: &str) -> bool {
    let Ok(uri) = base.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    uri.scheme_str() == Some("http") && !is_here
}

/// A version of the Graph API such as `v23.0`; empty for none.
///
/// # Errors
/// It is none.
pub fn version(text: &str) -> Result<String, Usage> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = text.strip_prefix('v').is_some_and(|rest| match rest.split_once('.') {
        Some((major, minor)) => digits(major) && digits(minor),
        None => digits(rest),
    });
    if text.is_empty() || fits {
        Ok(text.to_owned())
    } else {
        Err(Usage(format!("{text:?} is no version; write it like v23.0")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> anyhow::Result<Profiles> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profiles.toml");
        fs::write(&path, text).unwrap();
        Profiles::load_from(path)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profiles.toml");
        let profile = |secret| Profile {
            dialect: DialectName::Graph,
            base: "https://graph.facebook.com".to_owned(),
            version: "v23.0".to_owned(),
            phone_number_id: PhoneNumberId::new(1_025_723_653_965_602),
            secret,
            ca_file: None,
        };
        let sources = [
            SecretSource::Stored(secret::parse("wat_\"\\'x", "x").unwrap()),
            SecretSource::File("/run/secrets/a b".into()),
            SecretSource::Variable("SHOP_TOKEN".into()),
        ];
        let all: BTreeMap<_, _> =
            sources.into_iter().enumerate().map(|(at, it)| (format!("p{at}.x"), profile(it))).collect();
        let before = Profiles { path: path.clone(), default: Some("p1.x".into()), all };
        before.write(dir.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let after = Profiles::load_from(path).unwrap();
        // Debug shows sources and everything else, but no secret: that one is compared apart.
        assert_eq!(format!("{:?}", after.all), format!("{:?}", before.all));
        assert_eq!(after.all["p0.x"].secret.reveal().unwrap().expose(), "wat_\"\\'x");
        assert_eq!(after.default_name(), Some("p1.x"));
    }

    #[test]
    fn errors_name_the_line_and_never_quote_it() {
        let text = "[profile.a]\ndialect = \"graph\"\nbase = \"https://x\"\nsecret = \"canary";
        for text in [
            text,
            "[profile.a]\nsecret = \"canary\"\ndialekt = \"graph\"\n",
            "[profile.a]\nsecret = [\"canary\"]\n",
            "[profile]\na = \"canary\"",
        ] {
            let error = format!("{:#}", written(text).unwrap_err());
            assert!(error.contains("line ") && !error.contains("canary"), "{error}");
        }
        let two =
            "[profile.a]\ndialect = \"d360\"\nbase = \"https://x\"\nsecret = \"canary\"\nsecret_env = \"X\"";
        let error = format!("{:#}", written(two).unwrap_err());
        assert!(error.contains("profile a") && error.contains("exactly one"), "{error}");
    }

    #[test]
    fn the_only_one_is_the_default_and_a_lost_one_is_none() {
        let one = "[profile.a]\ndialect = \"d360\"\nbase = \"https://x/\"\nsecret_env = \"X\"\n";
        assert_eq!(written(one).unwrap().default_name(), Some("a"));
        assert_eq!(written(one).unwrap().all["a"].base, "https://x");
        let two = one.to_owned() + &one.replace("profile.a", "profile.b");
        assert_eq!(written(&two).unwrap().default_name(), None);
        assert_eq!(written(&("default = \"gone\"\n".to_owned() + &two)).unwrap().default_name(), None);
        assert_eq!(written("").unwrap().default_name(), None);
    }

    #[test]
    fn addresses_versions_and_names_are_held_to_their_form() {
        for (text, read) in [
            ("https://a.example/", "https://a.example"),
            ("http://127.0.0.1:8480/x/", "http://127.0.0.1:8480/x"),
        ] {
            assert_eq!(base(text).unwrap(), read);
        }
        for bad in [
            "",
            "a.example",
            "ftp://a",
            "https://",
            "https://u:canary@a",
            "https://a/?canary=1",
            "https://a/#x",
            "/x",
        ] {
            let error = base(bad).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
        assert!(["", "v23.0", "v9"].iter().all(|it| version(it).is_ok()));
        assert!(["23.0", "v", "v1.", "v1.x", "v1/../x"].iter().all(|it| version(it).is_err()));
        assert!(["a", "shop-2.eu"].iter().all(|it| name(it).is_ok()));
        assert!(["", "-a", ".a", "a b", "ä"].iter().all(|it| name(it).is_err()));
    }
}
