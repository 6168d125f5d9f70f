//! Joining the sources of the configuration: reference, file, variables, flags; and naming every problem at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Config;

/// The defaults, and the documentation of every key.
pub const REFERENCE: &str = include_str!("reference.toml");

/// Which service the commands that upload and download talk to: no keys of the configuration, but an environment may
/// well have both.
pub const CLIENT_VARIABLES: &[&str] = &[
    "WAMEDIA_PROFILE",
    "WAMEDIA_PROFILES",
    "WAMEDIA_DIALECT",
    "WAMEDIA_BASE",
    "WAMEDIA_TOKEN",
    "WAMEDIA_D360_KEY",
    "WAMEDIA_PHONE_NUMBER_ID",
    "WAMEDIA_VERSION",
    "WAMEDIA_CA_FILE",
];

/// Where a value came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The embedded reference.
    Default,
    /// The configuration file.
    File,
    /// A `WAMEDIA_…` variable.
    Variable,
    /// A flag of the command line.
    Flag,
}

/// One thing wrong with the configuration, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The key, for instance `links.valid_for`.
    pub key: String,
    /// What is wrong and what would be right.
    pub what: String,
}

/// Everything that is wrong, at once.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} problem(s):", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {}: {}", problem.key, problem.what))
    }
}

/// A valid configuration and the origin of each key that is not the default.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// Every key with its effective value and origin, in the order of the reference.
    pub effective: Vec<(String, Value, Origin)>,
}

/// Reads the reference, then `file`, then the `WAMEDIA_…` variables among `variables`, then `flags` (dotted keys).
///
/// # Errors
/// Every problem of every source at once.
pub fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<Loaded, ConfigError> {
    let reference: Table = REFERENCE.parse().expect("the embedded reference is TOML");
    let mut problems = Vec::new();
    let mut given: BTreeMap<String, (Value, Origin)> = BTreeMap::new();
    let known: BTreeMap<String, &Value> = leaves(&reference).into_iter().collect();

    for (key, value) in file.map(|path| read_file(path, &mut problems)).unwrap_or_default() {
        accept(&key, value, Origin::File, &known, &mut given, &mut problems);
    }
    for (name, text) in variables {
        let Some(key) = key_of_variable(&name, &known) else { continue };
        match key {
            Ok(key) => given_as_text(key, &text, Origin::Variable, &known, &mut given),
            Err(what) => problems.push(Problem { key: name, what }),
        }
    }
    for (key, text) in flags {
        if known.contains_key(key) {
            given_as_text(key, text, Origin::Flag, &known, &mut given);
        } else {
            problems.push(Problem { key: key.clone(), what: unknown_key(key, &known) });
        }
    }
    // Each value is tried alone on the valid reference, so that one bad value cannot hide another.
    for (key, (value, _)) in &given {
        let mut alone = reference.clone();
        set(&mut alone, key, value.clone());
        if let Err(error) = parse(&alone) {
            problems.push(Problem { key: key.clone(), what: error });
        }
    }
    let mut merged = reference.clone();
    given.iter().for_each(|(key, (value, _))| set(&mut merged, key, value.clone()));
    let config = match parse(&merged) {
        Ok(config) => config,
        Err(_) if !problems.is_empty() => return Err(ConfigError { problems }),
        Err(what) => {
            return Err(ConfigError { problems: vec![Problem { key: "configuration".into(), what }] });
        }
    };
    problems.extend(config.problems());
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    let origin = |key: &str| given.get(key).map_or(Origin::Default, |(_, origin)| *origin);
    let effective =
        leaves(&merged).into_iter().map(|(key, value)| (key.clone(), value.clone(), origin(&key))).collect();
    Ok(Loaded { config, effective })
}

fn read_file(path: &Path, problems: &mut Vec<Problem>) -> Vec<(String, Value)> {
    let mut say = |what: String| problems.push(Problem { key: path.display().to_string(), what });
    match std::fs::read_to_string(path) {
        Err(error) => say(format!("cannot be read: {error}")),
        Ok(text) => match text.parse::<Table>() {
            Err(error) => say(format!("is not TOML: {}", error.to_string().trim_end())),
            Ok(table) => {
                return leaves(&table).into_iter().map(|(key, value)| (key, value.clone())).collect();
            }
        },
    }
    Vec::new()
}

fn accept(
    key: &str,
    value: Value,
    origin: Origin,
    known: &BTreeMap<String, &Value>,
    given: &mut BTreeMap<String, (Value, Origin)>,
    problems: &mut Vec<Problem>,
) {
    if known.contains_key(key) {
        given.insert(key.to_owned(), (value, origin));
    } else {
        problems.push(Problem { key: key.to_owned(), what: unknown_key(key, known) });
    }
}

/// Text takes the type that the reference has at its key; a list is written with commas.
fn given_as_text(
    key: &str,
    text: &str,
    origin: Origin,
    known: &BTreeMap<String, &Value>,
    given: &mut BTreeMap<String, (Value, Origin)>,
) {
    let value = match known[key] {
        Value::Boolean(_) => text.parse().map(Value::Boolean).unwrap_or_else(|_| Value::String(text.into())),
        Value::Integer(_) => text.parse().map(Value::Integer).unwrap_or_else(|_| Value::String(text.into())),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.into())).collect())
        }
        _ => Value::String(text.into()),
    };
    given.insert(key.to_owned(), (value, origin));
}

/// `None`: not ours. `Err`: ours by its prefix, but no key has this name.
fn key_of_variable<'k>(name: &str, known: &'k BTreeMap<String, &Value>) -> Option<Result<&'k str, String>> {
    let rest = name.strip_prefix("WAMEDIA_")?;
    // Read by the command line itself, not by the configuration.
    if matches!(rest, "CONFIG" | "DATA" | "ADMIN_URL") || CLIENT_VARIABLES.contains(&name) {
        return None;
    }
    let found = known.keys().find(|key| key.to_uppercase().replace(['.', '-'], "_") == rest);
    Some(
        found
            .map(String::as_str)
            .ok_or_else(|| "is no key of the configuration; `wamedia config show` lists them".to_owned()),
    )
}

fn unknown_key(key: &str, known: &BTreeMap<String, &Value>) -> String {
    let near =
        known.keys().min_by_key(|candidate| distance(key, candidate)).filter(|near| distance(key, near) <= 4);
    match near {
        Some(near) => format!("is not a key; did you mean {near}?"),
        None => "is not a key; `wamedia config show` lists them".to_owned(),
    }
}

/// Levenshtein's distance, for suggestions.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Every value that is not a table, with its dotted key, in the order of the file.
fn leaves(table: &Table) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(leaves(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => found.push((key.clone(), value)),
        }
    }
    found
}

fn set(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((section, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(section) {
                set(inner, rest, value);
            }
        }
    }
}

fn parse(table: &Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(table.clone())).map_err(|error| error.message().trim_end().to_owned())
}

/// The file to read: the flag or variable, else `wamedia.toml` in this folder where there is one.
pub fn file_or_default(given: Option<PathBuf>) -> Option<PathBuf> {
    given.or_else(|| Some(PathBuf::from("wamedia.toml")).filter(|path| path.exists()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn keys(error: &ConfigError) -> Vec<&str> {
        error.problems.iter().map(|problem| problem.key.as_str()).collect()
    }

    #[test]
    fn the_reference_alone_is_valid() {
        let loaded = load(None, [], &[]).unwrap();
        assert_eq!(loaded.config.links.valid_for.duration().as_secs(), 300);
        assert!(loaded.effective.iter().all(|(_, _, origin)| *origin == Origin::Default));
    }

    #[test]
    fn flags_win_over_variables_over_the_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(
            file,
            "[public]\nlisten = \"127.0.0.1:1\"\n[links]\nvalid_for = \"10s\"\n[log]\nlevel = \"warn\""
        )
        .unwrap();
        let variables =
            [("WAMEDIA_PUBLIC_LISTEN", "127.0.0.1:2"), ("WAMEDIA_LINKS_VALID_FOR", "20s"), ("HOME", "/")];
        let variables = variables.map(|(k, v)| (k.to_owned(), v.to_owned()));
        let flags = [("public.listen".to_owned(), "127.0.0.1:3".to_owned())];
        let config = load(Some(file.path()), variables, &flags).unwrap().config;
        assert_eq!(config.public.listen.port(), 3);
        assert_eq!(config.links.valid_for.duration().as_secs(), 20);
        assert_eq!(config.log.level, "warn");
    }

    #[test]
    fn variables_of_the_client_are_no_keys_and_clash_with_none() {
        let variables = CLIENT_VARIABLES.iter().map(|name| ((*name).to_owned(), "anything".to_owned()));
        let loaded = load(None, variables, &[]).unwrap();
        assert!(loaded.effective.iter().all(|(_, _, origin)| *origin == Origin::Default));
        let spelled = |key: &str| format!("WAMEDIA_{}", key.to_uppercase().replace(['.', '-'], "_"));
        assert!(loaded.effective.iter().all(|(key, ..)| !CLIENT_VARIABLES.contains(&&*spelled(key))));
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let text = "[links]\nvalid_fr = \"1s\"\nexpired_link_status = 500\n[limits]\nuploads = \"many\"\n[upload]\ninspection = \"never\"";
        file.write_all(text.as_bytes()).unwrap();
        let variables = [
            ("WAMEDIA_RETENTION_UPLOADED".to_owned(), "a month".to_owned()),
            ("WAMEDIA_NOPE".to_owned(), "1".to_owned()),
        ];
        let error = load(Some(file.path()), variables, &[]).unwrap_err();
        let mut keys = keys(&error);
        keys.sort_unstable();
        assert_eq!(
            keys,
            ["WAMEDIA_NOPE", "limits.uploads", "links.valid_fr", "retention.uploaded", "upload.inspection"]
        );
        assert!(error.to_string().contains("did you mean links.valid_for?"), "{error}");
    }

    #[test]
    fn an_admin_listener_for_everybody_needs_a_token() {
        let flags = [("admin.listen".to_owned(), "0.0.0.0:8481".to_owned())];
        assert_eq!(keys(&load(None, [], &flags).unwrap_err()), ["admin.token_file"]);
    }
}
