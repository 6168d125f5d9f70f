//! The check that the graph dialect makes when an endpoint subscribes: a GET whose challenge must come back.
//!
//! The d360 dialect makes none. Deliberately not here: the request itself, and where the challenge's chance is from.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The one mode there is (documented by the vendor).
const SUBSCRIBE: &str = "subscribe";

/// What stands unescaped in a query value: the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One subscription check.
#[derive(Clone, PartialEq, Eq)]
pub struct SubscriptionCheck {
    /// What the endpoint must answer, in decimal.
    pub challenge: u32,
    /// By which the endpoint knows who asks; chosen by its owner.
    pub verify_token: String,
}

/// A query that is no subscription check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// `hub.mode` is missing or is not `subscribe`.
    #[error("`hub.mode` must be `subscribe`")]
    Mode,
    /// `hub.challenge` is missing or no number below 2^32.
    #[error("`hub.challenge` must be a number")]
    Challenge,
    /// `hub.verify_token` is missing.
    #[error("`hub.verify_token` must be there")]
    VerifyToken,
}

impl SubscriptionCheck {
    /// A check whose challenge is made of 32 random bits.
    ///
    /// One bit is dropped: receivers read the challenge as a signed 32-bit integer (documented by the vendor as `int`).
    pub fn from_random(bits: u32, verify_token: impl Into<String>) -> Self {
        Self { challenge: bits >> 1, verify_token: verify_token.into() }
    }

    /// The endpoint's address with the check in its query, after whatever query it has.
    ///
    /// `endpoint` is an absolute URL without fragment; the order of the parameters is the vendor's.
    pub fn url(&self, endpoint: &str) -> String {
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        let (challenge, token) = (self.challenge, utf8_percent_encode(&self.verify_token, ESCAPED));
        format!("{endpoint}{joint}hub.mode={SUBSCRIBE}&hub.challenge={challenge}&hub.verify_token={token}")
    }

    /// Whether this body is the challenge. White space around it is forgiven (ours): frameworks add a line feed.
    pub fn is_answered_by(&self, body: &[u8]) -> bool {
        body.trim_ascii() == self.challenge.to_string().as_bytes()
    }

    /// Reads a query string, without its `?`, as a receiver would: any order, other parameters ignored, the last of
    /// several wins.
    ///
    /// # Errors
    /// What it lacks to be a check.
    pub fn parse(query: &str) -> Result<Self, CheckError> {
        let (mut mode, mut challenge, mut verify_token) = (None, None, None);
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match decoded(name).as_str() {
                "hub.mode" => mode = Some(decoded(value)),
                "hub.challenge" => challenge = decoded(value).parse().ok(),
                "hub.verify_token" => verify_token = Some(decoded(value)),
                _ => {}
            }
        }
        if mode.as_deref() != Some(SUBSCRIBE) {
            return Err(CheckError::Mode);
        }
        let challenge = challenge.ok_or(CheckError::Challenge)?;
        Ok(Self { challenge, verify_token: verify_token.ok_or(CheckError::VerifyToken)? })
    }
}

/// Blind to the token, which lets anyone subscribe an endpoint that trusts it.
impl std::fmt::Debug for SubscriptionCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriptionCheck").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}

/// A name or value of a query, where a plus is a space as in forms.
fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check() -> SubscriptionCheck {
        SubscriptionCheck { challenge: 1_158_201_444, verify_token: "meaty&öl +".into() }
    }

    const QUERY: &str = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meaty%26%C3%B6l%20%2B";

    #[test]
    fn the_query_is_as_documented() {
        assert_eq!(check().url("https://example.com/hook"), format!("https://example.com/hook?{QUERY}"));
        assert_eq!(check().url("https://example.com/?a=b"), format!("https://example.com/?a=b&{QUERY}"));
        assert_eq!(SubscriptionCheck::parse(QUERY), Ok(check()));
        assert!(!format!("{:?}", check()).contains("meaty"));
    }

    #[test]
    fn only_the_challenge_answers() {
        for good in ["1158201444", "1158201444\n", " 1158201444\r\n"] {
            assert!(check().is_answered_by(good.as_bytes()), "{good}");
        }
        for bad in ["", "1158201445", "\"1158201444\"", "01158201444", "1158201444 ok", "{}"] {
            assert!(!check().is_answered_by(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let cases = [
            ("", CheckError::Mode),
            ("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t", CheckError::Mode),
            ("hub.mode=subscribe&hub.verify_token=t", CheckError::Challenge),
            ("hub.mode=subscribe&hub.challenge=x&hub.verify_token=t", CheckError::Challenge),
            ("hub.mode=subscribe&hub.challenge=1", CheckError::VerifyToken),
        ];
        for (query, error) in cases {
            assert_eq!(SubscriptionCheck::parse(query), Err(error), "{query}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(bits: u32, token: String) {
            let check = SubscriptionCheck::from_random(bits, token);
            prop_assert!(check.challenge <= i32::MAX as u32);
            let url = check.url("http://127.0.0.1:1/");
            prop_assert!(url.is_ascii());
            prop_assert_eq!(SubscriptionCheck::parse(url.split_once('?').unwrap().1), Ok(check));
        }

        #[test]
        fn no_query_panics(query: String) {
            let _ = SubscriptionCheck::parse(&query);
        }
    }
}
