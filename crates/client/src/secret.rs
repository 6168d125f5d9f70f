//! Tokens and keys: blind in `Debug`, erased when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// A token or a key. Its `Debug` shows nothing of it, there is no `Display`, and its memory is erased when it is
/// dropped.
///
/// White space around it is dropped: secrets come from files and variables that end in a line feed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The text itself. Keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let secret = Secret::new(" wat_abc\n");
        assert_eq!(format!("{secret:?} {:#?}", Some(secret.clone())), "Secret(…) Some(\n    Secret(…),\n)");
        assert_eq!(secret.expose(), "wat_abc");
    }
}
