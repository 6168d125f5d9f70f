//! What admin requests bring: JSON bodies and queries, read strictly. A misspelt key is an error, not silence.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The longest body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A JSON body; none at all is an empty object.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let read = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await;
        let bytes = read.map_err(|error| {
            let too_long = std::error::Error::source(&error)
                .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
            if too_long {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("a body may have {MAX_BODY_BYTES} bytes at most"),
                )
            } else {
                Problem::bad_request("the body did not arrive whole")
            }
        })?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { String::new() } else { format!("{path}: ") };
        Problem::bad_request(format!("{at}{}", error.inner()))
    })?;
    deserializer.end().map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(value)
}

/// The query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|error| {
            Problem::bad_request(
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, Default, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Example {
        name: String,
        life: Option<crate::config::Span>,
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert_eq!(parse::<Example>(b"").unwrap(), Example::default());
    }

    #[test]
    fn errors_name_the_key() {
        let told = |body: &str| format!("{:?}", parse::<Example>(body.as_bytes()).unwrap_err());
        assert!(told(r#"{"nam":"x"}"#).contains("unknown field `nam`"), "{}", told(r#"{"nam":"x"}"#));
        assert!(told(r#"{"life":"long"}"#).contains("life: "));
        assert!(told(r#"{"name":"x"} {}"#).contains("trailing"));
        assert!(told("[1]").contains("400"));
    }
}
