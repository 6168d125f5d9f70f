//! Where a profile's secret comes from: a file, a variable, a prompt without echo, or the file of profiles itself.
//!
//! A secret is never a plain flag: flags are seen by everybody on the machine, and kept by the shell.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use wamedia_client::Secret;
use zeroize::Zeroizing;

use crate::cli::output::{Interrupted, Usage};

/// More than any credential: what is longer is some other file.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// Takes what a file, a variable or a person gave; white space around it is not part of it.
///
/// # Errors
/// It is empty, or nothing that fits into one header. The message names `whence`, never the text.
pub fn parse(text: &str, whence: &str) -> Result<Secret, Usage> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Usage(format!("{whence} holds no secret: it is empty")));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let what = "a token or key is one word of printable ASCII";
        return Err(Usage(format!("{whence} holds no secret: {what}")));
    }
    Ok(Secret::from(text))
}

/// Where a secret is, when it is needed.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// In the file of profiles.
    Stored(Secret),
    /// In a file of its own, read at each use: it may be rotated.
    File(PathBuf),
    /// In a variable of the environment.
    Variable(String),
}

impl SecretSource {
    /// What flags say; without any of them, whoever sits at the terminal is asked.
    ///
    /// # Errors
    /// The flag holds the secret itself, nobody can be asked, or what is named does not hold one.
    pub fn from_flags(flag: Option<&str>, variable: Option<String>, whose: &str) -> anyhow::Result<Self> {
        match (flag, variable) {
            (_, Some(name)) => variable_name(name).map(Self::Variable),
            (Some("-"), None) => Ok(Self::Stored(read(io::stdin().lock(), "standard input")?)),
            (Some(flag), None) => {
                let path = flag.strip_prefix('@').ok_or_else(|| Usage(VISIBLE.to_owned()))?;
                let path = std::path::absolute(path).with_context(|| format!("--secret {flag}"))?;
                let source = Self::File(path);
                source.reveal()?;
                Ok(source)
            }
            (None, None) => Ok(Self::Stored(prompt(whose)?)),
        }
    }

    /// The secret itself.
    ///
    /// # Errors
    /// The file or variable is not there, or holds no secret.
    pub fn reveal(&self) -> anyhow::Result<Secret> {
        match self {
            Self::Stored(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let shown = path.display().to_string();
                read(open(path).with_context(|| format!("the secret's file {shown} cannot be read"))?, &shown)
            }
            Self::Variable(name) => {
                let found = std::env::var(name);
                let text = found.map_err(|_| {
                    Usage(format!("the secret is in the variable {name}, which is not set; set it"))
                })?;
                Ok(parse(&Zeroizing::new(text), &format!("the variable {name}"))?)
            }
        }
    }
}

/// For people: whence, never what.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(_) => f.write_str("stored"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
        }
    }
}

const VISIBLE: &str = "a secret as a flag is seen by everybody on this machine; write --secret @FILE, \
                       --secret - for standard input, --secret-env NAME, or leave it out and be asked";

fn variable_name(name: String) -> anyhow::Result<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if begins && name.bytes().all(legal) {
        return Ok(name);
    }
    // What was given may be the secret: it is not said again.
    Err(Usage("--secret-env takes the name of a variable: letters, digits and _".to_owned()).into())
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

fn read(from: impl Read, whence: &str) -> anyhow::Result<Secret> {
    let mut text = Zeroizing::new(String::new());
    let read = from.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text);
    read.with_context(|| format!("{whence} cannot be read"))?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(Usage(format!("{whence} holds no secret: it is longer than any")).into());
    }
    Ok(parse(&text, whence)?)
}

/// Asks at the terminal, without showing what is typed.
fn prompt(whose: &str) -> anyhow::Result<Secret> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let how =
            "say where the secret is: --secret @FILE, --secret - for standard input, or --secret-env NAME";
        return Err(Usage(how.to_owned()).into());
    }
    let silence = Silence::begin()?;
    eprint!("{whose} (not shown): ");
    io::stderr().flush()?;
    let typed = typed(stdin.lock().bytes());
    drop(silence);
    eprintln!();
    Ok(parse(&typed?, "what was typed")?)
}

/// The line that is typed, with the keys that people correct themselves with.
fn typed(keys: impl Iterator<Item = io::Result<u8>>) -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(Vec::with_capacity(1024));
    for key in keys {
        match key.context("the terminal cannot be read")? {
            b'\r' | b'\n' | 0x04 => break,
            0x03 => return Err(Interrupted.into()),
            0x08 | 0x7f => drop(line.pop()),
            0x15 => line.clear(),
            key => line.push(key),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| Usage("what was typed is no text".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A terminal that does not show what is typed; as it was before, when dropped. Ctrl-C comes as a key, so that nobody
/// is left with a silent terminal.
struct Silence(Termios);

impl Silence {
    fn begin() -> anyhow::Result<Self> {
        let before = tcgetattr(io::stdin()).context("the terminal cannot be silenced")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent).context("the terminal cannot be silenced")?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(keys: &[u8]) -> anyhow::Result<String> {
        typed(keys.iter().map(|key| Ok(*key))).map(|line| line.to_string())
    }

    #[test]
    fn typing_is_corrected_ended_and_given_up() {
        assert_eq!(type_in(b"wak_1\x7f2\nmore").unwrap(), "wak_2");
        assert_eq!(type_in(b"wrong\x15right\r").unwrap(), "right");
        assert_eq!(type_in(b"cut").unwrap(), "cut");
        assert!(type_in(b"half\x03").unwrap_err().is::<Interrupted>());
    }

    #[test]
    fn a_secret_is_a_word_and_no_error_repeats_it() {
        assert_eq!(parse(" wat_abc\r\n", "x").unwrap().expose(), "wat_abc");
        for bad in ["", "  \n", "two words", "new\nline", "süß"] {
            let error = parse(bad, "the file").unwrap_err().to_string();
            assert!(error.starts_with("the file holds no secret"), "{error}");
            assert!(bad.trim().is_empty() || !error.contains(bad.trim()), "{error}");
        }
        let long = "x".repeat(MAX_SECRET_BYTES as usize + 1);
        assert!(read(long.as_bytes(), "it").unwrap_err().is::<Usage>());
    }

    #[test]
    fn a_flag_that_is_the_secret_is_refused_without_saying_it() {
        for (flag, variable) in [(Some("wat_canary"), None), (None, Some("wat-canary".to_owned()))] {
            let error = SecretSource::from_flags(flag, variable, "Token").unwrap_err();
            assert!(error.is::<Usage>() && !format!("{error:#}").contains("canary"), "{error:#}");
        }
    }

    #[test]
    fn debug_is_blind() {
        let stored = SecretSource::Stored(parse("wat_canary", "x").unwrap());
        assert!(!format!("{stored:?} {stored}").contains("canary"));
    }
}
