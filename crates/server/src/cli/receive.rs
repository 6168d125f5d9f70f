//! `wamedia receive`: be the customer, and send a file to a number of a running service.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use wamedia_media::PhoneNumberId;

use super::Global;
use super::output::{print, print_json};
use super::phone::phone_number_id;

/// How long a service may be silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than any answer.
const ANSWER_BYTES: u64 = 64 * 1024;

/// Send a file to a number, as a customer would
///
/// A running service keeps it for seven days and tells whoever subscribed. What WhatsApp would not hand on becomes the
/// error webhook instead.
#[derive(Args)]
#[command(after_help = "Examples:
  wamedia receive photo.jpg --from 51920155032 --caption \"our cat\"
  wamedia receive note.ogg --from 51920155032 --to 1025723653965602 --voice
  wamedia receive photo.jpg --from 51920155032 --type document")]
pub struct Receive {
    /// What is sent
    file: PathBuf,
    /// The sender's phone number
    #[arg(long, value_name = "NUMBER")]
    from: String,
    /// The phone number id that receives it; the only one where there is one
    #[arg(long, value_name = "NUMBER", value_parser = phone_number_id)]
    to: Option<PhoneNumberId>,
    /// The name of the sender's profile
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    name: String,
    /// What stands beneath it
    #[arg(long, value_name = "TEXT")]
    caption: Option<String>,
    /// The file's name, where it is another
    #[arg(long, value_name = "TEXT")]
    filename: Option<String>,
    /// What it is sent as: audio, document, image, sticker, video, or a type such as image/jpeg [default: told from the bytes]
    #[arg(long = "type", value_name = "KIND")]
    kind: Option<String>,
    /// It was recorded in the chat
    #[arg(long)]
    voice: bool,
    /// The admin address of the service [default: admin.listen]
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

impl Receive {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load(Vec::new())?.config;
        let address = self.admin.unwrap_or(config.admin.listen);
        let token = std::fs::read_to_string(&config.admin.token_file).unwrap_or_default();
        let shown = self.file.display();
        let file = File::open(&self.file).with_context(|| format!("{shown} cannot be read"))?;
        let is_file = file.metadata().is_ok_and(|found| found.is_file());
        anyhow::ensure!(is_file, "{shown} is no file");
        let answer = self.send(file, address, token.trim());
        let answer = answer.with_context(|| {
            format!(
                "{address} does not answer; start `wamedia serve`, or name its admin address with --admin"
            )
        })?;
        let (status, body) =
            parse(&answer).with_context(|| format!("{address} does not answer as wamedia does"))?;
        let told = body["error"].as_str().unwrap_or_default();
        anyhow::ensure!(status == 201, "{address} says {status}: {told}");
        if self.json {
            print_json(&body)?
        } else {
            print(&sentence(&body))?
        }
        Ok(ExitCode::SUCCESS)
    }

    /// One request by hand: streamed from the file, whatever its size.
    fn send(&self, file: File, address: SocketAddr, token: &str) -> anyhow::Result<Vec<u8>> {
        let length = file.metadata()?.len();
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let authorization =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let head = format!(
            "POST /v1/receive?{} HTTP/1.1\r\nHost: {address}\r\n{authorization}Connection: close\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n",
            self.query()
        );
        stream.write_all(head.as_bytes())?;
        // A service that refuses early closes early; its answer says why.
        let sent = io::copy(&mut file.take(length), &mut stream);
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES).read_to_end(&mut answer)?;
        if answer.is_empty() {
            sent?;
        }
        Ok(answer)
    }

    fn query(&self) -> String {
        let filename = self.filename.clone().or_else(|| Some(self.file.file_name()?.to_str()?.to_owned()));
        let pairs = [
            ("from", Some(self.from.clone())),
            ("name", Some(self.name.clone())),
            ("phone_number_id", self.to.map(|number| number.to_string())),
            ("caption", self.caption.clone()),
            ("filename", filename),
            ("type", self.kind.clone()),
            ("voice", Some(self.voice.to_string())),
        ];
        let escaped = |(name, value): (&str, Option<String>)| {
            Some(format!("{name}={}", utf8_percent_encode(&value?, NON_ALPHANUMERIC)))
        };
        pairs.into_iter().filter_map(escaped).collect::<Vec<_>>().join("&")
    }
}

/// Status and JSON of an answer.
fn parse(answer: &[u8]) -> Option<(u16, Value)> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, serde_json::from_slice(&answer[end + 4..]).ok()?))
}

fn sentence(body: &Value) -> String {
    let told = match body["delivery_ids"].as_array().map_or(0, Vec::len) {
        0 => "Nobody subscribed, so nobody is told.",
        _ => "The webhook is on its way.",
    };
    match (body["media_id"].as_str(), body["error"].as_u64()) {
        (Some(id), _) => format!("Received media {id}. {told}\n"),
        (None, Some(131_052)) => format!("Over 100 MiB: announced as error 131052, and not kept. {told}\n"),
        (None, _) => {
            format!("Not a file that WhatsApp hands on: announced as error 131051, and not kept. {told}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole() {
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 13\r\n\r\n{\"error\":\"x\"}";
        assert_eq!(parse(answer).unwrap().0, 400);
        assert!(parse(b"").is_none() && parse(b"SSH-2.0\r\n\r\n{}").is_none());
    }
}
