//! Message ids, `wamid.HBgL…`: base64 of the peer's number and a serial, in the shape of recorded traffic.
//!
//! The bytes are a record of some binary format that nobody documents; what is known of it is what every recorded id
//! has in common. Clients must treat ids as opaque, and so do we: they are made here and never read.
//!
//! Deliberately not here: chance, which the caller gives.

use std::fmt::Write as _;

use crate::base64;

/// Most bytes of a number that an id repeats; longer than any number there is (15 digits).
const MAX_WA_ID_BYTES: usize = 32;

/// Before the length of the number: with a length of 11 they are the `HBgL` that ids are known by.
const HEAD: [u8; 2] = [0x1c, 0x18];

/// The id of a message that a business sends to `wa_id`, of 9 random bytes, which are 18 hex digits in it.
pub fn outgoing(wa_id: &str, random: [u8; 9]) -> String {
    wamid(wa_id, 0x11, &random)
}

/// The id of a message that `wa_id` sends to a business, of 15 random bytes.
///
/// The 32 hex digits begin with `AC`, as those of one kind of phone do.
pub fn incoming(wa_id: &str, random: [u8; 15]) -> String {
    let mut serial = [0xac; 16];
    serial[1..].copy_from_slice(&random);
    wamid(wa_id, 0x12, &serial)
}

fn wamid(wa_id: &str, direction: u8, serial: &[u8]) -> String {
    let wa_id = &wa_id[..wa_id.floor_char_boundary(MAX_WA_ID_BYTES)];
    let mut hex = String::with_capacity(2 * serial.len());
    for byte in serial {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02X}");
    }
    // Both lengths are small: the number is cut above, the serial is one of the two here.
    let record = [
        &HEAD[..],
        &[wa_id.len() as u8],
        wa_id.as_bytes(),
        &[0x15, 0x02, 0x00, direction, 0x18, hex.len() as u8],
        hex.as_bytes(),
        &[0x00],
    ];
    format!("wamid.{}", base64::standard(&record.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A business's message in recorded traffic: `wamid.HBgNNDkx…`, serial 678CDD38E66377FA82 in it.
    #[test]
    fn an_outgoing_id_is_as_recorded() {
        let random = [0x67, 0x8c, 0xdd, 0x38, 0xe6, 0x63, 0x77, 0xfa, 0x82];
        assert_eq!(
            outgoing("4917635163191", random),
            "wamid.HBgNNDkxNzYzNTE2MzE5MRUCABEYEjY3OENERDM4RTY2Mzc3RkE4MgA="
        );
    }

    /// The very message of the wire contract's webhook.
    #[test]
    fn an_incoming_id_is_as_recorded() {
        let random =
            [0xf9, 0x5b, 0xab, 0xfc, 0xfb, 0xc3, 0xcb, 0x27, 0xb4, 0x98, 0x04, 0x0f, 0x8e, 0xfb, 0xf6];
        assert_eq!(
            incoming("51920155032", random),
            "wamid.HBgLNTE5MjAxNTUwMzIVAgASGCBBQ0Y5NUJBQkZDRkJDM0NCMjdCNDk4MDQwRjhFRkJGNgA="
        );
    }

    #[test]
    fn no_number_is_too_long() {
        assert_eq!(outgoing(&"9".repeat(1000), [0; 9]), outgoing(&"9".repeat(32), [0; 9]));
        assert!(outgoing(&"€".repeat(1000), [0; 9]).len() < 100);
        assert_eq!(outgoing("", [0; 9]), "wamid.HBgAFQIAERgSMDAwMDAwMDAwMDAwMDAwMDAwAA==");
    }
}
