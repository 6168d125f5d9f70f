//! The error texts that both dialects say. Clients match on them: they are facts of the wire, kept byte for byte.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A form without `messaging_product`, or one that cannot be read at all (recorded traffic).
pub(crate) const MESSAGING_PRODUCT_REQUIRED: &str = "(#100) The parameter messaging_product is required.";

/// A form without a file (recorded traffic).
pub(crate) const FILE_REQUIRED: &str = "(#100) The parameter file is required.";

/// Details of a file over its type's limit (recorded traffic).
pub(crate) const FILE_TOO_LARGE: &str = "File Too Large: The file you uploaded is too large.";

/// The list in the order in which the vendor's text gives it (recorded traffic).
///
/// It is a text, not the rule: `audio/opus` is on it and refused when sent, so the type table is not its source.
const TYPES_IN_TEXT: &str = "audio/aac, audio/mp4, audio/mpeg, audio/amr, audio/ogg, audio/opus, \
    application/vnd.ms-powerpoint, application/msword, \
    application/vnd.openxmlformats-officedocument.wordprocessingml.document, \
    application/vnd.openxmlformats-officedocument.presentationml.presentation, \
    application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application/pdf, text/plain, \
    application/vnd.ms-excel, image/jpeg, image/png, image/webp, video/mp4, video/3gpp";

/// Most bytes of a client's own text (an id, a type, a path) that an answer repeats.
///
/// Longer than any honest one, short enough that an answer stays small whatever was sent.
pub(crate) const MAX_ECHO_BYTES: usize = 256;

/// A declared type that is not in the list.
pub(crate) fn unsupported_type(received: &str) -> Cow<'static, str> {
    let mut text = String::with_capacity(768);
    let received = bounded(received);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "(#100) Param file must be a file with one of the following types: {TYPES_IN_TEXT}. \
         Received file of type '{received}'."
    );
    text.into()
}

/// The beginning of a client's text: at most [`MAX_ECHO_BYTES`], cut between characters.
pub(crate) fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_ECHO_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_sent_is_repeated_up_to_its_bound() {
        assert_eq!(bounded("short"), "short");
        assert_eq!(bounded(&"x".repeat(10_000)).len(), MAX_ECHO_BYTES);
        assert_eq!(bounded(&"€".repeat(10_000)), "€".repeat(85));
    }
}
