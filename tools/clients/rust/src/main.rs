//! One call of a Rust client library: `rust-clients LIBRARY upload PATH MIME | url ID | download ID | delete ID`.
//!
//! The answer goes to stdout as it is, an error to stderr. Address, number and token come by the environment.

use std::error::Error;
use std::io::Write as _;

mod business;
mod cloudapi;

type Told = Result<Vec<u8>, Box<dyn Error>>;

/// Where and as whom.
struct Here {
    base: String,
    phone_number_id: String,
    token: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let here = Here {
        base: std::env::var("BASE")?,
        phone_number_id: std::env::var("PHONE_NUMBER_ID")?,
        token: std::env::var("TOKEN")?,
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let call: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let told = match arguments.first().map(String::as_str) {
        Some("wacloudapi") => cloudapi::call(&here, &call).await,
        Some("whatsapp-business-rs") => business::call(&here, &call).await,
        _ => Err("no such library".into()),
    };
    std::io::stdout().write_all(&told?)?;
    Ok(())
}
