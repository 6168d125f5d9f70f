//! `wamedia doctor`: does a service do what its profile says, and if not, at which step, why, and what would help?

mod line;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;
use wamedia_client::{Client, Error, Media, MediaId, Missing, Retries, Upload};

use super::output::{colours, duration, plain, print, print_json};
use super::transfer::batch::Interruption;
use super::transfer::failure::Failure;
use super::transfer::fields::DialectName;
use super::transfer::target::{Connection, Target};
use super::transfer::{block_on, fields};
use crate::clock::Clock;

/// Try a service step by step, and say what is wrong and what would help
///
/// Finds its name, connects, speaks TLS, compares clocks; then asks whether credential and phone number are good, uploads
/// a text of some bytes, resolves its link, downloads it, compares the bytes, and deletes it. Nothing stays behind.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia doctor
  wamedia doctor --profile lab
  WAMEDIA_D360_KEY=… wamedia doctor --base https://waba-v2.360dialog.io
  wamedia doctor --json | jq -r '.steps[] | select(.state == \"failed\").remedy'

Exit codes: 0 all is well, 1 a step with media failed, 2 wrongly called, 3 the service cannot be reached or does not
accept the credential, 130 interrupted.")]
pub struct Doctor {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// How a step went.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failed,
    Skipped,
}

/// One step, and what became of it.
#[derive(Serialize)]
struct Step {
    name: &'static str,
    state: State,
    milliseconds: Option<u64>,
    /// What was found.
    detail: String,
    /// What would help.
    remedy: Option<String>,
}

/// Everything, for programs.
#[derive(Serialize)]
struct Report<'e> {
    ok: bool,
    profile: Option<&'e str>,
    dialect: DialectName,
    base: &'e str,
    steps: &'e [Step],
}

/// What a step says: how it went, what was found, what would help.
struct Finding {
    state: State,
    detail: String,
    remedy: Option<String>,
}

impl Finding {
    fn ok(detail: impl Into<String>) -> Self {
        Self { state: State::Ok, detail: detail.into(), remedy: None }
    }

    fn skipped(why: impl Into<String>) -> Self {
        Self { state: State::Skipped, detail: why.into(), remedy: None }
    }

    fn warning(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Warning, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn failed(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Failed, ..Self::warning(detail, remedy) }
    }

    fn of(error: &Error) -> Self {
        let failure = Failure::of(error, "wamedia-doctor.txt");
        Self { state: State::Failed, detail: failure.message, remedy: failure.remedy }
    }
}

/// The examination: steps so far, told as they are done.
struct Examination {
    json: bool,
    steps: Vec<Step>,
}

/// The steps before media are touched: when one of them fails, the service is not reached or does not let us in.
const WAY_IN: &[&str] = &["name", "connect", "tls", "clock", "credential", "number"];

/// The steps with media, for when there is no way in.
const MEDIA: &[&str] = &["upload", "url", "download", "bytes", "delete"];

impl Doctor {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(self.examine())
    }

    async fn examine(self) -> anyhow::Result<ExitCode> {
        let connection = self.target.resolve()?;
        // A second time, and no more: who examines wants to see what is broken.
        let client = connection.client(|builder| builder.retries(Retries::default().with_attempts(2)))?;
        let mut interruption = Interruption::listen()?;
        let mut examination = Examination { json: self.json, steps: Vec::new() };
        let mut left = None;
        tokio::select! {
            done = examination.all(&connection, &client, &mut left) => done?,
            code = interruption.wait() => {
                if let Some(id) = left {
                    // Nothing stays behind, even now.
                    let _ = client.delete(id).await;
                }
                return Ok(ExitCode::from(code));
            }
        }
        examination.conclude(&connection)
    }
}

impl Examination {
    /// Every step in turn. `left` holds the id of what is to be cleaned up, as long as there is something.
    async fn all(
        &mut self,
        connection: &Connection,
        client: &Client,
        left: &mut Option<MediaId>,
    ) -> anyhow::Result<()> {
        self.tell("profile", None, described(connection))?;
        if !self.way(connection).await? {
            let rest = ["credential", "number"].iter().chain(MEDIA);
            return rest.into_iter().try_for_each(|name| self.tell(name, None, no_way_in()));
        }
        let (began, checked) = (Instant::now(), client.check().await);
        let (credential, number) = judged(connection, checked);
        let is_let_in = credential.state != State::Failed && number.state != State::Failed;
        self.tell("credential", Some(began), credential)?;
        self.tell("number", None, number)?;
        if is_let_in {
            return self.media(client, left).await;
        }
        MEDIA.iter().try_for_each(|name| self.tell(name, None, no_way_in()))
    }

    /// Name, connection, TLS and clock, each by hand, so that each has its own error; false where it ends.
    async fn way(&mut self, connection: &Connection) -> anyhow::Result<bool> {
        let mut way = match line::Way::to(connection) {
            Ok(way) => way,
            Err(why) => return self.tell("connect", None, Finding::skipped(why)).map(|()| true),
        };
        for (name, step) in line::STEPS {
            let began = Instant::now();
            let finding = way.step(*step).await;
            let goes_on = finding.state != State::Failed;
            self.tell(name, Some(began), finding)?;
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn media(&mut self, client: &Client, left: &mut Option<MediaId>) -> anyhow::Result<()> {
        let text = format!("wamedia doctor, {}\n", Clock::running().now());
        let upload = Upload::bytes(text.clone()).declared("text/plain").file_name("wamedia-doctor.txt");
        let (began, uploaded) = (Instant::now(), client.upload(upload).await);
        let id = match uploaded {
            Ok(uploaded) => uploaded.id,
            Err(error) => {
                self.tell("upload", Some(began), Finding::of(&error))?;
                return MEDIA[1..]
                    .iter()
                    .try_for_each(|name| self.tell(name, None, Finding::skipped("nothing was uploaded")));
            }
        };
        *left = Some(id);
        self.tell(
            "upload",
            Some(began),
            Finding::ok(format!("{} bytes of text are media {id}", text.len())),
        )?;
        self.back(client, id, &text).await?;
        let (began, deleted) = (Instant::now(), client.delete(id).await);
        let finding = match deleted {
            Ok(()) => Finding::ok("it is gone"),
            Err(error) => {
                let finding = Finding::of(&error);
                let remedy = format!("Media {id} is left; delete it with: wamedia delete {id}");
                Finding { remedy: Some(remedy), ..finding }
            }
        };
        *left = None;
        self.tell("delete", Some(began), finding)
    }

    /// From id to bytes.
    async fn back(&mut self, client: &Client, id: MediaId, text: &str) -> anyhow::Result<()> {
        let skip = |it: &mut Self, names: &[&'static str], why: &str| {
            names.iter().try_for_each(|name| it.tell(name, None, Finding::skipped(why)))
        };
        let (began, resolved) = (Instant::now(), client.retrieve_url(id).await);
        let media = match resolved {
            Ok(media) => media,
            Err(error) => {
                self.tell("url", Some(began), Finding::of(&error))?;
                return skip(self, &["download", "bytes"], "there is no link");
            }
        };
        self.tell("url", Some(began), Finding::ok(link(&media)))?;
        let began = Instant::now();
        let fetched = async { client.download(&media).await?.bytes(64 * 1024).await };
        let bytes = match fetched.await {
            Ok(bytes) => bytes,
            Err(error) => {
                self.tell("download", Some(began), Finding::of(&error))?;
                return skip(self, &["bytes"], "nothing was downloaded");
            }
        };
        self.tell("download", Some(began), Finding::ok(format!("{} bytes", bytes.len())))?;
        let finding = if bytes == text.as_bytes() {
            Finding::ok("what came back is what was sent, and its SHA-256 is the announced one")
        } else {
            let what = format!("{} bytes were sent, {} came back, and they differ", text.len(), bytes.len());
            Finding::failed(
                what,
                "Something on the way changes bodies: look for proxies that rewrite or compress.",
            )
        };
        self.tell("bytes", None, finding)
    }

    fn tell(&mut self, name: &'static str, began: Option<Instant>, finding: Finding) -> anyhow::Result<()> {
        let Finding { state, detail, remedy } = finding;
        let spent = began.filter(|_| state != State::Skipped).map(|began| began.elapsed());
        let milliseconds = spent.map(|spent| u64::try_from(spent.as_millis()).unwrap_or(u64::MAX));
        let step = Step { name, state, milliseconds, detail, remedy };
        if !self.json {
            print(&step.lines(spent))?;
        }
        self.steps.push(step);
        Ok(())
    }

    fn conclude(self, connection: &Connection) -> anyhow::Result<ExitCode> {
        let failed: Vec<&str> =
            self.steps.iter().filter(|step| step.state == State::Failed).map(|step| step.name).collect();
        let code = match failed.first() {
            None => 0,
            Some(name) if WAY_IN.contains(name) => 3,
            Some(_) => 1,
        };
        if self.json {
            print_json(&Report {
                ok: failed.is_empty(),
                profile: connection.profile.as_deref(),
                dialect: connection.dialect,
                base: &connection.base,
                steps: &self.steps,
            })?;
        } else if failed.is_empty() {
            print("All is well.\n")?;
        } else {
            print(&format!("Not well: {}.\n", failed.join(", ")))?;
        }
        Ok(ExitCode::from(code))
    }
}

impl Step {
    fn lines(&self, spent: Option<Duration>) -> String {
        let (word, colour) = match self.state {
            State::Ok => ("ok", "32"),
            State::Warning => ("warning", "33"),
            State::Failed => ("failed", "31"),
            State::Skipped => ("skipped", "2"),
        };
        let painted = |word: &str| {
            if colours(&std::io::stdout()) { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() }
        };
        let padding = " ".repeat("warning".len() - word.len());
        let spent = spent.map_or_else(String::new, |spent| format!(" ({})", told(spent)));
        let mut text =
            format!("{}{padding}  {:<10}  {}{spent}\n", painted(word), self.name, plain(&self.detail));
        if let Some(remedy) = self.remedy.as_ref().filter(|remedy| !remedy.is_empty()) {
            text += &format!("{:21}{}\n", "", plain(remedy));
        }
        text
    }
}

/// Milliseconds matter here.
fn told(spent: Duration) -> String {
    match spent.as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        ms => duration(u64::try_from(ms).unwrap_or(u64::MAX)),
    }
}

fn described(connection: &Connection) -> Finding {
    let Connection { from, base, version, secret_from, .. } = connection;
    let version = Some(version).filter(|it| !it.is_empty() && connection.dialect == DialectName::Graph);
    let version = version.map_or_else(String::new, |version| format!("/{version}"));
    let number = connection.phone_number_id.map_or_else(String::new, |number| format!(", number {number}"));
    let dialect = connection.dialect.as_str();
    let what = format!("{from}: {dialect} at {base}{version}{number}, secret: {secret_from}");
    if fields::is_open_to_readers(base) {
        return Finding::warning(
            what,
            "There is no TLS: everybody on the way can read the secret; use https://.",
        );
    }
    Finding::ok(what)
}

/// What one cheap request says of credential and number.
fn judged(connection: &Connection, checked: Result<(), Error>) -> (Finding, Finding) {
    let number = connection.phone_number_id.map(|number| number.to_string());
    match checked {
        Ok(()) => {
            let number = match number.filter(|_| connection.dialect == DialectName::Graph) {
                Some(number) => Finding::ok(format!("{number} is this credential's")),
                None => Finding::ok("the key's own"),
            };
            (Finding::ok("accepted"), number)
        }
        Err(error @ Error::NotFound { what: Missing::PhoneNumber(_), .. }) => {
            (Finding::ok("accepted"), Finding::of(&error))
        }
        // It answered, and said nothing of the credential: the next steps tell more.
        Err(error @ (Error::Upstream(_) | Error::Rejected(_))) => {
            let finding = Finding::of(&error);
            let detail = format!("not found out: {}", finding.detail);
            (Finding { state: State::Warning, detail, ..finding }, Finding::skipped("not found out"))
        }
        Err(error) => (Finding::of(&error), no_way_in()),
    }
}

fn no_way_in() -> Finding {
    Finding::skipped("there is no way in")
}

fn link(media: &Media) -> String {
    let of = media.media_type.as_deref().unwrap_or("no type");
    match &media.link {
        Some(link) => format!("{of}, {link}"),
        None => format!("{of}, without a link"),
    }
}
