//! The text of webhook signatures, and the header that each dialect puts it in.
//!
//! Deliberately not here: the HMAC-SHA256 itself, over the exact bytes of the body; the server has the secrets.

use std::fmt::Write as _;

/// Where the graph dialect's signature stands.
pub const HUB_SIGNATURE_256: &str = "X-Hub-Signature-256";

/// Where the d360 dialect's signature stands, when a secret is set.
pub const D360_SIGNATURE: &str = "x-360dialog-signature";

/// The value of [`HUB_SIGNATURE_256`]: `sha256=` and 64 lower-case hex digits (documented by the vendor).
pub fn hub_signature_256(mac: &[u8; 32]) -> String {
    hex_after("sha256=", mac)
}

/// The value of [`D360_SIGNATURE`]: the 64 lower-case hex digits alone.
pub fn d360_signature(mac: &[u8; 32]) -> String {
    hex_after("", mac)
}

fn hex_after(prefix: &str, mac: &[u8; 32]) -> String {
    let mut text = String::with_capacity(prefix.len() + 2 * mac.len());
    text.push_str(prefix);
    for byte in mac {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialects_differ_by_a_prefix() {
        let mut mac = [0xa0; 32];
        mac[31] = 0x0f;
        let hex = "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a00f";
        assert_eq!(hub_signature_256(&mac), format!("sha256={hex}"));
        assert_eq!(d360_signature(&mac), hex);
    }
}
