//! Whole answers as they must be. The bodies and texts at their places are written out by hand, from the contract.

use super::raw::Answer;

/// What both dialects say of a declared type that is not in the list, before it is escaped.
pub const TYPES: &str = "(#100) Param file must be a file with one of the following types: audio/aac, audio/mp4, audio/mpeg, audio/amr, audio/ogg, audio/opus, application/vnd.ms-powerpoint, application/msword, application/vnd.openxmlformats-officedocument.wordprocessingml.document, application/vnd.openxmlformats-officedocument.presentationml.presentation, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application/pdf, text/plain, application/vnd.ms-excel, image/jpeg, image/png, image/webp, video/mp4, video/3gpp. Received file of type";

/// The same as it stands in JSON.
pub const TYPES_JSON: &str = r"(#100) Param file must be a file with one of the following types: audio\/aac, audio\/mp4, audio\/mpeg, audio\/amr, audio\/ogg, audio\/opus, application\/vnd.ms-powerpoint, application\/msword, application\/vnd.openxmlformats-officedocument.wordprocessingml.document, application\/vnd.openxmlformats-officedocument.presentationml.presentation, application\/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application\/pdf, text\/plain, application\/vnd.ms-excel, image\/jpeg, image\/png, image\/webp, video\/mp4, video\/3gpp. Received file of type";

/// An answer of Meta's dialect that is no success: `message` as the header repeats it, `more` headers.
pub fn graph_refusal(status: &str, message: &str, body: &str, more: &[&str]) -> String {
    let reason = if body.contains(r#""code":190,"#) { "invalid_token" } else { "invalid_request" };
    let authenticate = format!(r#"www-authenticate: OAuth "Facebook Platform" "{reason}" "{message}""#);
    let fixed = [
        "cache-control: no-store",
        "content-type: application/json; charset=UTF-8",
        "facebook-api-version: v23.0",
        &authenticate,
        "x-fb-request-id: {trace}",
    ];
    whole(status, &[&fixed, more].concat(), body)
}

/// An answer of 360dialog's dialect that is no success.
pub fn d360_refusal(status: &str, body: &str, more: &[&str]) -> String {
    let fixed = ["cache-control: no-store", "content-type: application/json; charset=UTF-8"];
    whole(status, &[&fixed, more].concat(), body)
}

/// Any answer, as [`Answer::shown`] shows it.
pub fn whole(status: &str, headers: &[&str], body: &str) -> String {
    let mut headers = headers.to_vec();
    headers.sort_unstable();
    format!("HTTP/1.1 {status}\n{}\n\n{body}", headers.join("\n"))
}

#[track_caller]
pub fn assert_same(answer: &Answer, expected: &str) {
    let shown = answer.shown();
    assert!(shown == expected, "answered:\n{shown}\n\nexpected:\n{expected}\n");
}
