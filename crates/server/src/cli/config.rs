//! `wamedia config …`: what is set, where it came from, and whether it holds.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, json};
use toml::Value;
use tracing_subscriber::EnvFilter;

use super::Global;
use super::output::{counted, print, print_json};
use crate::config::{Config, ConfigError, Loaded, Origin, Problem, REFERENCE};
use crate::http::tls::Tls;

/// Show and check the configuration
///
/// Order: the built-in reference, the file, WAMEDIA_… variables, flags; later ones win.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia config show
  wamedia config show --reference > wamedia.toml
  wamedia config check --config /etc/wamedia.toml")]
pub struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print every setting with its effective value, as a file that could be used
    #[command(after_help = "Examples:
  wamedia config show --origins
  wamedia config show --json | jq '.\"public.listen\"'
  WAMEDIA_LOG_LEVEL=debug wamedia config show --origins --set links.valid_for=60s")]
    Show {
        /// With where each value came from
        #[arg(long, conflicts_with_all = ["json", "reference"])]
        origins: bool,
        /// As one JSON object: key to value and origin
        #[arg(long, conflicts_with = "reference")]
        json: bool,
        /// The built-in reference: the defaults, with an explanation of every key
        #[arg(long)]
        reference: bool,
    },
    /// Report every problem of the configuration at once
    ///
    /// Exit code 0 when there is none, 1 when there is one.
    #[command(after_help = "Examples:
  wamedia config check
  wamedia config check --config /etc/wamedia.toml --json")]
    Check {
        /// Print JSON for programs
        #[arg(long)]
        json: bool,
    },
}

impl ConfigCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::Show { reference: true, .. } => print(REFERENCE)?,
            Verb::Show { json: true, .. } => {
                let loaded = global.load(Vec::new())?;
                let entries = loaded
                    .effective
                    .into_iter()
                    .map(|(key, value, origin)| (key, json!({ "value": value, "origin": name(origin) })));
                print_json(&entries.collect::<Map<_, _>>())?;
            }
            Verb::Show { origins, .. } => print(&as_toml(&global.load(Vec::new())?, origins))?,
            Verb::Check { json } => return check(global, json),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn name(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "default",
        Origin::File => "file",
        Origin::Variable => "variable",
        Origin::Flag => "flag",
    }
}

/// The effective values by section, in the order of the reference.
fn as_toml(loaded: &Loaded, with_origins: bool) -> String {
    let mut text = String::new();
    let mut section = "";
    let line = |key: &str, value: &Value| format!("{key} = {value}");
    let keys = || loaded.effective.iter().map(|(key, value, origin)| (key.rsplit_once('.'), value, origin));
    let width = keys().filter_map(|(key, value, _)| Some(line(key?.1, value).chars().count())).max();
    let width = width.unwrap_or_default();
    for (key, value, origin) in keys() {
        let Some((in_section, key)) = key else { continue };
        if in_section != section {
            section = in_section;
            text += &format!("{}[{section}]\n", if text.is_empty() { "" } else { "\n" });
        }
        let line = line(key, value);
        text += &if with_origins {
            format!("{line:<width$}  # {}\n", name(*origin))
        } else {
            format!("{line}\n")
        };
    }
    text
}

fn check(global: &Global, json: bool) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(Vec::new()) {
        Ok(loaded) => Ok(loaded),
        Err(error) => Err(error.downcast::<ConfigError>()?.problems),
    };
    let checked = loaded.and_then(|loaded| match outside(&loaded.config) {
        problems if problems.is_empty() => Ok(loaded),
        problems => Err(problems),
    });
    if json {
        let problems = checked.as_ref().err().map(Vec::as_slice).unwrap_or_default().iter();
        let problems: Vec<_> = problems.map(|it| json!({ "key": it.key, "problem": it.what })).collect();
        print_json(&json!({ "valid": checked.is_ok(), "problems": problems }))?;
        return Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let loaded = checked.map_err(|problems| ConfigError { problems })?;
    let own = loaded.effective.iter().filter(|(_, _, origin)| *origin != Origin::Default).count();
    print(&format!("The configuration is valid; {} of your own.\n", counted(own as u64, "setting")))?;
    Ok(ExitCode::SUCCESS)
}

/// What values refer to outside of the configuration: files that must be readable, filters that must parse.
fn outside(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut say = |key: &str, what: String| found.push(Problem { key: key.to_owned(), what });
    if let Err(error) = EnvFilter::try_new(&config.log.level) {
        say("log.level", format!("is no filter: {error}"));
    }
    if is_set(&config.admin.token_file) {
        match std::fs::read_to_string(&config.admin.token_file) {
            Err(error) => say("admin.token_file", format!("cannot be read: {error}")),
            Ok(text) if text.trim().is_empty() => say("admin.token_file", "names an empty file".to_owned()),
            Ok(_) => {}
        }
    }
    let tls = &config.public.tls;
    if is_set(&tls.certificate)
        && let Err(error) = Tls::load(&tls.certificate, &tls.key)
    {
        say("public.tls", error.to_string());
    }
    found
}

fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn what_is_shown_reads_back_as_the_same_configuration() {
        let flags = [("links.valid_for".to_owned(), "60s".to_owned())];
        let loaded = config::load(None, [], &flags).unwrap();
        for with_origins in [false, true] {
            let text = as_toml(&loaded, with_origins);
            let mut file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            let again = config::load(Some(file.path()), [], &[]).unwrap();
            assert_eq!(format!("{:?}", again.config), format!("{:?}", loaded.config), "{text}");
            assert_eq!(text.contains("# flag"), with_origins);
        }
    }

    #[test]
    fn files_that_are_named_must_be_there() {
        let flags = [("admin.token_file", "/nowhere/token"), ("log.level", "a=b=c")];
        let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config = config::load(None, [], &flags).unwrap().config;
        let keys: Vec<_> = outside(&config).into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["log.level", "admin.token_file"]);
    }
}
