//! What a started service tells: a person what to paste, a program where it is.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

use serde_json::json;

use crate::start::Running;

/// One line of JSON for programs.
pub fn print_ready(running: &Running) {
    let mut line = json!({ "public": base(running), "admin": format!("http://{}", running.admin) });
    if let Some(first) = &running.first {
        line["phone_number_id"] = first.phone_number.id.to_string().into();
        line["token"] = first.token.secret.as_str().into();
        line["d360_key"] = first.key.secret.as_str().into();
    }
    print(&format!("{line}\n"));
}

/// Addresses; on a first start also the credentials, once, and lines that work as pasted.
pub fn print_for_person(running: &Running) {
    let base = base(running);
    let mut text = format!("\n  {}  {base}/v23.0   graph (Meta's Cloud API)\n", bold("wamedia"));
    text += &format!("           {base}         d360 (360dialog)\n");
    text += &format!("           http://{}         admin: /health /ready /metrics\n\n", running.admin);
    match &running.first {
        Some(first) => text += &first_start(&base, first, running),
        None => {
            text += "  Credentials were shown when they were made. Make others with:\n";
            text += "    wamedia token add\n    wamedia key add\n\n";
        }
    }
    print(&text);
}

fn first_start(base: &str, first: &crate::operations::accounts::FirstStart, running: &Running) -> String {
    let (number, token, key) = (first.phone_number.id, &first.token.secret, &first.key.secret);
    let dir = running.app.store.dir().display();
    let insecure = if running.tls { " -k" } else { "" };
    let curl = format!("curl -s{insecure}");
    let rule = "─".repeat(74);
    format!(
        "  This was the first start on {dir}. Keep these; they are not shown again:

    phone number id   {number}
    token             {token}
    D360-API-KEY      {key}

  Paste, one after the other:
  {rule}
  printf 'hello' > hello.txt
  ID=$({curl} {base}/v23.0/{number}/media -H 'Authorization: Bearer {token}' -F messaging_product=whatsapp -F 'file=@hello.txt;type=text/plain' | sed 's/[^0-9]//g'); echo \"id $ID\"
  URL=$({curl} {base}/v23.0/$ID -H 'Authorization: Bearer {token}' | sed 's/.*\"url\":\"\\([^\"]*\\)\".*/\\1/; s/\\\\//g'); echo \"$URL\"
  {curl} \"$URL\" -H 'Authorization: Bearer {token}'; echo
  {curl} -X DELETE {base}/$ID -H 'D360-API-KEY: {key}'; echo
  {rule}
"
    )
}

fn base(running: &Running) -> String {
    let configured = &running.app.config.public.base_url;
    if !configured.is_empty() {
        return configured.clone();
    }
    let scheme = if running.tls { "https" } else { "http" };
    format!("{scheme}://{}", reachable(running.public))
}

/// An address that listens everywhere is reached by loopback from here.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, v6.port()).into(),
        reachable => reachable,
    }
}

fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// A closed stdout is no reason not to serve.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
