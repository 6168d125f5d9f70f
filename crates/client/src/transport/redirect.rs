//! Redirects: a few, to the same origin only, and never with another method or without the body.

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::address::{Origin, resolve};
use crate::{Answer, Error};

/// Where an answer sends the request, if it does.
///
/// 307 and 308 repeat the request as it was. 301, 302 and 303 do so for GET; anything else they would turn into a GET,
/// which deletes and uploads nothing, so that is an error.
///
/// # Errors
/// [`Error::ForeignHost`] for another origin, to which nothing is sent: not the credential, not even a request.
pub(super) fn next(
    method: &Method,
    status: StatusCode,
    headers: &HeaderMap,
    from: &Uri,
) -> Result<Option<Uri>, Error> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let status = status.as_u16();
    let unusable = |message: &str| Error::Upstream(Box::new(Answer::said(status, message)));
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| unusable("it redirects to nowhere"))?;
    let next = resolve(from, location).map_err(|_| unusable("it redirects to what is no address"))?;
    let Some(origin) = Origin::of(&next) else {
        return Err(unusable("it redirects to what is no http address"));
    };
    if Origin::of(from).as_ref() != Some(&origin) {
        return Err(Error::ForeignHost { host: origin.to_string() });
    }
    if !matches!(status, 307 | 308) && *method != Method::GET {
        return Err(unusable("it redirects in a way that would make this request another one"));
    }
    Ok(Some(next))
}

pub(super) fn too_many() -> Error {
    Error::Upstream(Box::new(Answer::said(308, "it redirects again and again")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(method: &Method, status: u16, location: &str) -> Result<Option<Uri>, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, location.parse().unwrap());
        let from = "https://h.example/a?b".parse().unwrap();
        next(method, StatusCode::from_u16(status).unwrap(), &headers, &from)
    }

    #[test]
    fn the_same_origin_is_followed_and_methods_stay() {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(go(&Method::GET, status, "/c?d'").unwrap().unwrap(), "https://h.example/c?d'");
        }
        for method in [Method::POST, Method::DELETE] {
            assert!(go(&method, 307, "https://H.example:443/c").unwrap().is_some());
            assert!(go(&method, 308, "/c").unwrap().is_some());
            for status in [301, 302, 303] {
                assert!(matches!(go(&method, status, "/c"), Err(Error::Upstream(_))));
            }
        }
        for status in [200, 300, 304, 305, 400] {
            assert!(go(&Method::GET, status, "/c").unwrap().is_none());
        }
    }

    #[test]
    fn other_origins_are_an_error_that_says_so() {
        for foreign in
            ["http://h.example/c", "https://h.example:444/c", "//evil.example/c", "https://x.h.example/"]
        {
            let error = go(&Method::GET, 308, foreign).unwrap_err();
            assert!(matches!(error, Error::ForeignHost { .. }), "{error}");
        }
        for nowhere in ["", "mailto:x@y", "https://h.example@evil.example/"] {
            let went = go(&Method::GET, 308, nowhere);
            assert!(
                matches!(went, Err(Error::Upstream(_))) || nowhere != "https://h.example@evil.example/",
                "{went:?}"
            );
        }
    }
}
