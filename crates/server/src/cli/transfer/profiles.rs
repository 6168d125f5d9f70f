//! The file of profiles: which services this person talks to, and where the secret of each is.
//!
//! The file is its owner's only (0600) and replaced as a whole, so that no reader meets half of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use wamedia_media::PhoneNumberId;
use zeroize::Zeroizing;

use super::fields::{DialectName, base, version};
use super::secret::{self, SecretSource};
use crate::cli::output::Usage;

/// Bits of a file's mode that let others at it.
const OTHERS: u32 = 0o077;

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
        // Some network file systems lock no folders: there, who changes profiles twice at once may lose one.
        let _ = lock.lock();
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
    fn what_the_page_for_operators_shows_is_read() {
        let page = include_str!("../../../../../docs/command-line.md");
        let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let read = written(shown).unwrap();
        assert_eq!(read.default_name(), Some("shop"));
        assert!(matches!(&read.all["shop"].secret, SecretSource::File(path) if path.is_absolute()));
    }
}
