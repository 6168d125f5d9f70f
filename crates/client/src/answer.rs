//! What a service answered when it did not do what it was asked.

/// A service's answer that is not a success: both vendors' shapes, reduced to what they have in common.
///
/// Texts come from the network. They are bounded, and control characters are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What the service said: at most 1,000 characters. Empty if it said nothing.
    pub message: String,
    /// Meta's error code: 100, 190, 130429, 131053, …
    pub code: Option<i64>,
    /// Meta's subcode, 33 for an object that does not exist.
    pub subcode: Option<i64>,
    /// Meta's type: `OAuthException`.
    pub kind: Option<String>,
    /// Meta's `error_data.details`: the reason in words.
    pub details: Option<String>,
    /// What to name to the vendor's support: `fbtrace_id`, or a header with a request's id.
    pub request_id: Option<String>,
}
