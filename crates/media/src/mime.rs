//! MIME types as clients spell them, reduced to what is compared.
//!
//! Deliberately not here: which types are accepted; that is [`crate::MEDIA_TYPES`].

use std::fmt;

/// A declared type: the essence in lower case, and the `codecs` parameter if there was one.
///
/// Upper case, parameters and stray quotes are spelling and disappear; `video/3gp` reads as `video/3gpp`, the wire's
/// name of the type the vendors' prose calls `video/3gp`. Two types are equal when their essences are.
#[derive(Debug, Clone, Eq)]
pub struct MimeType {
    essence: String,
    codecs: Option<String>,
}

/// Text that is not `type/subtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a media type looks like image/jpeg: two names of letters, digits and .+-_ with a slash between them"
)]
pub struct InvalidMimeType;

/// Longest name on either side of the slash (RFC 6838, section 4.2).
const MAX_NAME_BYTES: usize = 127;

impl MimeType {
    /// Reads a declared type.
    ///
    /// # Errors
    /// [`InvalidMimeType`] for anything that is not two tokens with a slash between them.
    pub fn parse(text: &str) -> Result<Self, InvalidMimeType> {
        let text = unquote(text.trim());
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let essence = unquote(essence.trim()).trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or(InvalidMimeType)?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(InvalidMimeType);
        }
        let essence = if essence == "video/3gp" { "video/3gpp".to_owned() } else { essence };
        Ok(Self { essence, codecs: codecs_of(parameters) })
    }

    /// The essence, `type/subtype` in lower case.
    pub fn as_str(&self) -> &str {
        &self.essence
    }

    /// The `codecs` parameter in lower case, without quotes.
    pub fn codecs(&self) -> Option<&str> {
        self.codecs.as_deref()
    }
}

impl PartialEq for MimeType {
    fn eq(&self, other: &Self) -> bool {
        self.essence == other.essence
    }
}

impl std::hash::Hash for MimeType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.essence.hash(state);
    }
}

impl fmt::Display for MimeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)
    }
}

impl std::str::FromStr for MimeType {
    type Err = InvalidMimeType;

    fn from_str(text: &str) -> Result<Self, InvalidMimeType> {
        Self::parse(text)
    }
}

/// The accepted type somebody meant who wrote a common wrong name, such as `image/jpeg` for `image/jpg`.
pub fn suggest(declared: &MimeType) -> Option<&'static str> {
    MISNOMERS.iter().find(|(wrong, _)| *wrong == declared.as_str()).map(|(_, right)| *right)
}

/// Names outside the vendors' list that real files and clients carry, and the name in the list.
const MISNOMERS: &[(&str, &str)] = &[
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/x-png", "image/png"),
    ("image/*", "image/jpeg"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/x-mp3", "audio/mpeg"),
    ("audio/mpeg3", "audio/mpeg"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/aacp", "audio/aac"),
    ("audio/x-aac", "audio/aac"),
    ("audio/x-hx-aac-adts", "audio/aac"),
    ("audio/amr-nb", "audio/amr"),
    ("audio/*", "audio/mpeg"),
    ("application/ogg", "audio/ogg"),
    ("audio/x-ogg", "audio/ogg"),
    ("video/x-m4v", "video/mp4"),
    ("video/m4v", "video/mp4"),
    ("application/mp4", "video/mp4"),
    ("video/*", "video/mp4"),
    ("application/x-pdf", "application/pdf"),
    ("application/doc", "application/msword"),
    ("application/excel", "application/vnd.ms-excel"),
    ("application/x-excel", "application/vnd.ms-excel"),
    ("application/powerpoint", "application/vnd.ms-powerpoint"),
    ("application/mspowerpoint", "application/vnd.ms-powerpoint"),
    ("text/csv", "text/plain"),
    ("text/html", "text/plain"),
    ("text/markdown", "text/plain"),
    ("text/*", "text/plain"),
    ("text/xml", "text/plain"),
    ("application/xml", "text/plain"),
    ("application/json", "text/plain"),
    ("audio/3gpp", "audio/mp4"),
    ("video/quicktime", "video/mp4"),
];

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn is_token(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(token)
}

fn codecs_of(parameters: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = unquote(value.trim()).trim();
        (name.trim().eq_ignore_ascii_case("codecs") && !value.is_empty()).then(|| value.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_disappears() {
        let spellings = [
            ("image/png", "image/png"),
            ("Image/PNG", "image/png"),
            (" image/png ; charset=binary", "image/png"),
            ("\"image/png\"", "image/png"),
            ("\"image/png; q=1\"", "image/png"),
            ("video/3gp", "video/3gpp"),
            ("VIDEO/3GP;codecs=avc1", "video/3gpp"),
            ("audio/ogg; codecs=opus", "audio/ogg"),
        ];
        for (spelled, essence) in spellings {
            assert_eq!(MimeType::parse(spelled).unwrap().as_str(), essence, "{spelled}");
        }
    }

    #[test]
    fn codecs_are_kept_beside_the_essence() {
        for spelled in
            ["audio/ogg; codecs=opus", "audio/ogg;CODECS=\"Opus\"", "audio/ogg; x=1; codecs = opus"]
        {
            assert_eq!(MimeType::parse(spelled).unwrap().codecs(), Some("opus"), "{spelled}");
        }
        assert_eq!(MimeType::parse("audio/ogg; codecs=").unwrap().codecs(), None);
        assert_eq!(MimeType::parse("audio/ogg; codecs=opus"), MimeType::parse("audio/ogg"));
    }

    #[test]
    fn what_is_not_two_tokens_is_refused() {
        let long = format!("image/{}", "x".repeat(MAX_NAME_BYTES + 1));
        for text in ["", "/", "jpeg", "image/", "/png", "image/p ng", "image/png/x", "imäge/png", "\"", &long]
        {
            assert_eq!(MimeType::parse(text), Err(InvalidMimeType), "{text}");
        }
    }

    #[test]
    fn suggestions_are_in_the_list_and_misnomers_are_not() {
        for (wrong, right) in MISNOMERS {
            assert!(crate::find(&MimeType::parse(wrong).unwrap()).is_none(), "{wrong}");
            assert!(crate::find(&MimeType::parse(right).unwrap()).is_some(), "{right}");
        }
    }
}
