//! What a started service tells: a person what to paste, a program where it is.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::output::bold;
use crate::operations::accounts::FirstStart;
use crate::start::Running;

/// Where the data is when nobody says: commands find it there by themselves.
const DEFAULT_DIR: &str = "wamedia-data";

/// Where we are when nobody says.
const DEFAULT_BASE: &str = "http://127.0.0.1:8480";

/// One line of JSON for programs.
pub fn print_ready(running: &Running) {
    let mut line = json!({ "public": running.base(), "admin": format!("http://{}", running.admin) });
    if let Some(first) = &running.first {
        line["phone_number_id"] = first.phone_number.id.to_string().into();
        line["token"] = first.token.secret.as_str().into();
        line["d360_key"] = first.key.secret.as_str().into();
    }
    if let Some(stand_in) = &running.app.stand_in {
        let preloaded = stand_in.preloaded().into_iter().map(|it| (it.file, it.media_id.into())).collect();
        let preloaded = serde_json::Value::Object(preloaded);
        line["stand_in"] = json!({ "armed": stand_in.armed(&running.app.clock), "preloaded": preloaded });
    }
    print(&format!("{line}\n"));
}

/// Addresses; on a first start also the credentials, once, and lines that work as pasted.
pub fn print_for_person(running: &Running) {
    let base = running.base();
    let mut text = format!("\n  {}\n\n", bold("wamedia is serving"));
    text += &format!("  graph (Meta's Cloud API)   {base}/v23.0\n");
    text += &format!("  d360 (360dialog)           {base}\n");
    text += &format!("  admin, keep it private     http://{}\n\n", running.admin);
    text += &stand_in_lines(running);
    let dir = running.app.store.dir();
    let data = data_flag(dir);
    match &running.first {
        Some(first) => {
            text += &format!("  First start on {}. Keep these, they are not shown again:\n\n", dir.display());
            text += &assignments(&base, first);
            text += "\n  Paste them into a shell, then upload, retrieve the URL, download and delete:\n\n";
            text += &curl_lines(running.tls);
            text += "\n  A profile for `wamedia upload` and its like, and other credentials, whenever you need them:\n\n";
        }
        None => {
            text +=
                "  Credentials were shown when they were made. To make a profile, or other credentials:\n\n"
        }
    }
    let profile = format!("  wamedia profile add local --local{data}{}\n", base_flag(&base));
    text += &format!("{profile}  wamedia token add{data}\n  wamedia key add{data}\n\n");
    print(&text);
}

/// What a stand-in is, and what is armed; nothing in any other service.
fn stand_in_lines(running: &Running) -> String {
    let Some(stand_in) = &running.app.stand_in else { return String::new() };
    let mut text =
        format!("  {}, with controls at  http://{}/v1/stand-in\n", bold("stand-in"), running.admin);
    text.extend(stand_in.armed(&running.app.clock).iter().map(|armed| format!("  armed: {armed}\n")));
    let files = stand_in.preloaded();
    text.extend(files.iter().map(|it| format!("  {}  {} ({})\n", it.media_id, it.file, it.mime_type)));
    text + "\n"
}

fn assignments(base: &str, first: &FirstStart) -> String {
    let (number, token, key) = (first.phone_number.id, &first.token.secret, &first.key.secret);
    format!("  BASE={base}\n  NUMBER={number}\n  TOKEN={token}\n  KEY={key}\n")
}

/// Four lines for sh and bash, and what they share: upload, retrieve URL and download in Meta's dialect, delete in
/// 360dialog's. Each works as it stands after the assignments.
fn curl_lines(tls: bool) -> String {
    // Whoever tries TLS at home has a certificate that nobody else trusts.
    let flags = if tls { "-sk" } else { "-s" };
    let lines = [
        "GRAPH=$BASE/v23.0".to_owned(),
        "AUTH=\"Authorization: Bearer $TOKEN\"".to_owned(),
        "FILE='file=hello;filename=hello.txt;type=text/plain'".to_owned(),
        format!(
            "ID=$(curl {flags}F messaging_product=whatsapp -F \"$FILE\" -H \"$AUTH\" $GRAPH/$NUMBER/media | tr -dc 0-9)"
        ),
        format!(
            "URL=$(curl {flags}H \"$AUTH\" $GRAPH/$ID | sed 's/.*\"url\":\"\\([^\"]*\\)\".*/\\1/; s/\\\\//g'); echo \"$URL\""
        ),
        format!("curl {flags}H \"$AUTH\" \"$URL\"; echo"),
        format!("curl {flags}H \"D360-API-KEY: $KEY\" -X DELETE $BASE/$ID; echo"),
    ];
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// ` --base URL`, where a profile would not get it right by itself.
fn base_flag(base: &str) -> String {
    if base == DEFAULT_BASE { String::new() } else { format!(" --base {base}") }
}

/// ` --data DIR`, quoted for a shell, where commands would not find the folder by themselves.
fn data_flag(dir: &Path) -> String {
    let dir = dir.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if dir == DEFAULT_DIR {
        String::new()
    } else if dir.chars().all(plain) {
        format!(" --data {dir}")
    } else {
        format!(" --data '{}'", dir.replace('\'', r"'\''"))
    }
}

/// A closed stdout is no reason not to serve.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal() {
        for line in curl_lines(true).lines() {
            assert!(line.chars().count() <= 101, "{} columns: {line}", line.chars().count());
        }
    }

    #[test]
    fn folders_are_quoted_for_the_shell() {
        assert_eq!(data_flag(Path::new("wamedia-data")), "");
        assert_eq!(data_flag(Path::new("/var/lib/wamedia")), " --data /var/lib/wamedia");
        assert_eq!(data_flag(Path::new("it's here")), r" --data 'it'\''s here'");
    }
}
