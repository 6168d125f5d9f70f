//! The master key ring: one text file, from which every other key is derived.
//!
//! Each version of the ring derives, by HKDF-Expand with SHA-512, keys for wrapping, webhooks and deduplication per
//! account, a key for links and (version 1 only) a key for credential hashes. `docs/formats.md` lists the infos.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA512, Prk};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use crate::blobs::lock_dir;
use crate::error::KeyError;
use crate::ids::AccountId;
use crate::secret::Secret;

/// The ring's file in the data folder.
pub const KEY_FILE: &str = "master.key";

/// Written above the keys, for the person who finds the file.
const PREAMBLE: &str = "\
# The master keys of this wamedia data folder: without them nothing in it can be read.
# Keep a copy apart from the data. New things use the last line; older lines open older things;
# v1 also hashes the credentials, so it stays.
";

/// The keys of a data folder. Cheap to clone; all clones see a [`reload`](Self::reload).
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    versions: RwLock<Arc<Versions>>,
}

/// Never empty, and 1 is always there.
type Versions = BTreeMap<u16, Arc<Version>>;

/// One line of the ring, with what is derived from it without an account.
struct Version {
    master: Prk,
    links: hmac::Key,
    credentials: hmac::Key,
    /// Wrapping keys of accounts, as far as they were needed: to derive one takes longer than to use it.
    wrapping: Mutex<HashMap<AccountId, Arc<LessSafeKey>>>,
}

/// Accounts whose wrapping keys are kept.
const MAX_WRAPPING: usize = 1024;

impl Version {
    fn new(master: &Secret<32>) -> Self {
        let master = Prk::new_less_safe(HKDF_SHA512, master.as_ref());
        let links = mac_key(&master, &[b"wamedia/v1/links"]);
        let credentials = mac_key(&master, &[b"wamedia/v1/credentials"]);
        Self { master, links, credentials, wrapping: Mutex::default() }
    }

    fn wrapping_key(&self, account: AccountId) -> Option<Arc<LessSafeKey>> {
        let mut kept = self.wrapping.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept.get(&account) {
            return Some(key.clone());
        }
        let key = derive(&self.master, &[b"wamedia/v1/wrap", &account.0.to_be_bytes()]);
        let key = Arc::new(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).ok()?));
        if kept.len() >= MAX_WRAPPING {
            kept.clear();
        }
        kept.insert(account, key.clone());
        Some(key)
    }
}

/// 32 bytes for one purpose.
fn derive(master: &Prk, info: &[&[u8]]) -> Secret<32> {
    struct Length;
    impl aws_lc_rs::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = Secret::empty();
    master
        .expand(info, Length)
        .and_then(|derived| derived.fill(key.as_mut()))
        .expect("32 bytes are far below what one expansion can give");
    key
}

fn mac_key(master: &Prk, info: &[&[u8]]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, derive(master, info).as_ref())
}

fn mac(key: &hmac::Key, message: &[u8]) -> [u8; 32] {
    hmac::sign(key, message).as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
}

impl KeyRing {
    /// Reads the ring of a data folder; makes one with a single version if there is none.
    pub(crate) fn open(dir: &Path) -> Result<Self, KeyError> {
        let path = dir.join(KEY_FILE);
        let versions = match read(&path) {
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create_first(dir)?;
                read(&path)?
            }
            other => other?,
        };
        Ok(Self { shared: Arc::new(Shared { path, versions: RwLock::new(Arc::new(versions)) }) })
    }

    /// The keyed hash under which a credential is kept: HMAC-SHA256 under a key derived from version 1, so that
    /// rotation logs nobody out.
    pub fn credential_hash(&self, secret: &[u8]) -> [u8; 32] {
        let versions = self.versions();
        let first = versions.values().next().expect("a ring is never empty");
        mac(&first.credentials, secret)
    }

    /// The HMAC-SHA256 of a link under one version of the ring; `None` when the ring has no such version.
    pub fn link_mac(&self, version: u16, message: &[u8]) -> Option<[u8; 32]> {
        Some(mac(&self.version(version)?.links, message))
    }

    /// The version that new links are made under: the newest.
    pub fn link_version(&self) -> u16 {
        self.newest()
    }

    /// The version that new things are wrapped under.
    pub fn newest(&self) -> u16 {
        self.versions().keys().next_back().copied().unwrap_or(1)
    }

    /// All versions, rising.
    pub fn version_numbers(&self) -> Vec<u16> {
        self.versions().keys().copied().collect()
    }

    /// Adds a fresh version to the ring of a data folder and returns its number. Durable before it returns.
    ///
    /// A running server picks it up when it meets the new version or when it is told to [`reload`](Self::reload).
    ///
    /// # Errors
    /// The file cannot be read, is malformed or cannot be replaced.
    pub fn rotate(dir: &Path) -> Result<u16, KeyError> {
        let path = dir.join(KEY_FILE);
        let _lock = lock_dir(dir).map_err(at(dir))?;
        let last = read(&path)?.keys().next_back().copied().unwrap_or(1);
        let next = last.checked_add(1).ok_or_else(|| KeyError::Full { path: path.clone() })?;
        let old = fs::read_to_string(&path).map_err(at(&path))?;
        let mut text = Zeroizing::new(String::with_capacity(old.len() + 128));
        text.push_str(old.trim_end());
        drop(Zeroizing::new(old));
        text.push('\n');
        push_line(&mut text, next).map_err(at(&path))?;
        replace(dir, &path, &text)?;
        Ok(next)
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// The file cannot be read or is malformed; the ring stays as it was.
    pub fn reload(&self) -> Result<(), KeyError> {
        let versions = read(&self.shared.path)?;
        *self.shared.versions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(versions);
        Ok(())
    }

    /// The key that wraps an account's records.
    pub(crate) fn wrapping_key(&self, version: u16, account: AccountId) -> Option<Arc<LessSafeKey>> {
        self.version(version)?.wrapping_key(account)
    }

    /// The key that seals what an account's webhooks are made of: endpoints with their secrets, and bodies.
    pub(crate) fn webhook_key(&self, version: u16, account: AccountId) -> Option<LessSafeKey> {
        let version = self.version(version)?;
        let key = derive(&version.master, &[b"wamedia/v1/webhooks", &account.0.to_be_bytes()]);
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).ok()?))
    }

    /// Recognises the same bytes within one account, and means nothing to anyone without the ring.
    pub(crate) fn dedup_tag(&self, version: u16, account: AccountId, sha256: &[u8; 32]) -> Option<[u8; 16]> {
        let version = self.version(version)?;
        let key = mac_key(&version.master, &[b"wamedia/v1/dedup", &account.0.to_be_bytes()]);
        mac(&key, sha256).first_chunk().copied()
    }

    /// Tells in the catalog which key a version is, without telling the key.
    pub(crate) fn fingerprint(&self, version: u16) -> Option<[u8; 16]> {
        let version = self.version(version)?;
        derive(&version.master, &[b"wamedia/v1/fingerprint"]).as_ref().first_chunk().copied()
    }

    fn version(&self, version: u16) -> Option<Arc<Version>> {
        self.versions().get(&version).cloned()
    }

    fn versions(&self) -> Arc<Versions> {
        self.shared.versions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("versions", &self.version_numbers()).finish_non_exhaustive()
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io { path, source }
}

/// Reads and checks the file.
fn read(path: &Path) -> Result<Versions, KeyError> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(at(path))?);
    let mut versions = Versions::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let malformed = || KeyError::Malformed { path: path.to_owned(), line: index + 1 };
        let (number, key) = parse_line(line).ok_or_else(malformed)?;
        let follows = versions.keys().next_back().map_or(number == 1, |last| number > *last);
        if !follows {
            return Err(KeyError::Order { path: path.to_owned() });
        }
        versions.insert(number, Arc::new(Version::new(&key)));
    }
    if versions.is_empty() { Err(KeyError::Order { path: path.to_owned() }) } else { Ok(versions) }
}

fn parse_line(line: &str) -> Option<(u16, Secret<32>)> {
    let (version, key) = line.split_once(char::is_whitespace)?;
    let number = version.strip_prefix('v')?.parse().ok()?;
    let key = Zeroizing::new(BASE64.decode(key.trim()).ok()?);
    Some((number, Secret::copy_from(&key)?))
}

fn push_line(text: &mut String, version: u16) -> io::Result<()> {
    let key = Secret::<32>::random()?;
    let encoded = Zeroizing::new(BASE64.encode(key.as_ref()));
    writeln!(text, "v{version} {}", *encoded).map_err(io::Error::other)
}

/// Makes the first ring, unless another process was quicker.
fn create_first(dir: &Path) -> Result<(), KeyError> {
    let path = dir.join(KEY_FILE);
    let _lock = lock_dir(dir).map_err(at(dir))?;
    if path.exists() {
        return Ok(());
    }
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str(PREAMBLE);
    push_line(&mut text, 1).map_err(at(&path))?;
    replace(dir, &path, &text)
}

/// Whole or not at all: a temporary file, synced, renamed, and the folder synced.
fn replace(dir: &Path, path: &Path, text: &str) -> Result<(), KeyError> {
    let temporary = dir.join("master.key.new");
    let write = || -> io::Result<()> {
        let mut file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(at(path))
}
