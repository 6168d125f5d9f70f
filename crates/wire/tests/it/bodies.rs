//! Every body of both dialects, as the wire contract has it. The expected bytes are written out by hand.

use wamedia_media::MediaId;
use wamedia_wire::answers::{DeleteAnswer, FileSize, MediaAnswer, deleted, uploaded};
use wamedia_wire::d360::{D360Error, ErrorStyle};
use wamedia_wire::graph::{GraphError, Verb};

const TRACE: &str = "AFPucA9l-YWJjZGVmZ2hpag";

const TYPES: &str = r"(#100) Param file must be a file with one of the following types: audio\/aac, audio\/mp4, audio\/mpeg, audio\/amr, audio\/ogg, audio\/opus, application\/vnd.ms-powerpoint, application\/msword, application\/vnd.openxmlformats-officedocument.wordprocessingml.document, application\/vnd.openxmlformats-officedocument.presentationml.presentation, application\/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application\/pdf, text\/plain, application\/vnd.ms-excel, image\/jpeg, image\/png, image\/webp, video\/mp4, video\/3gpp. Received file of type 'image\/gif'.";

fn id() -> MediaId {
    "1761991787669262".parse().unwrap()
}

#[track_caller]
fn same(body: &[u8], expected: &str) {
    assert_eq!(std::str::from_utf8(body).unwrap(), expected);
}

#[test]
fn an_upload_is_answered_with_the_id_alone() {
    same(&uploaded(id()), r#"{"id":"1761991787669262"}"#);
}

#[test]
fn a_media_is_answered_in_the_recorded_order() {
    let mut sha256 = [0xa0; 32];
    sha256[31] = 0x0f;
    let answer = MediaAnswer {
        url: "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1761991787669262&source=getMedia&ext=1778767167&hash=AQ",
        mime_type: "image/png",
        sha256: &sha256,
        bytes: 182_859,
        id: id(),
    };
    same(
        &answer.to_json(FileSize::Number),
        r#"{"url":"https:\/\/lookaside.fbsbx.com\/whatsapp_business\/attachments\/?mid=1761991787669262&source=getMedia&ext=1778767167&hash=AQ","mime_type":"image\/png","sha256":"a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a00f","file_size":182859,"id":"1761991787669262","messaging_product":"whatsapp"}"#,
    );
    same(
        &MediaAnswer { url: "", ..answer }.to_json(FileSize::Text),
        r#"{"url":"","mime_type":"image\/png","sha256":"a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a00f","file_size":"182859","id":"1761991787669262","messaging_product":"whatsapp"}"#,
    );
}

#[test]
fn a_deletion_is_confirmed_as_configured() {
    same(deleted(DeleteAnswer::Success), r#"{"success":true}"#);
    same(deleted(DeleteAnswer::Deleted), r#"{"deleted":true}"#);
    same(deleted(DeleteAnswer::Both), r#"{"success":true,"deleted":true}"#);
}

#[test]
fn every_graph_error_is_as_recorded() {
    let object = |verb: &str| {
        format!(
            r#"{{"error":{{"message":"Unsupported {verb} request. Object with ID '42' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https:\/\/developers.facebook.com\/docs\/graph-api","type":"GraphMethodException","code":100,"error_subcode":33,"fbtrace_id":"{TRACE}"}}}}"#
        )
    };
    let plain = |message: &str, code: u32| {
        format!(
            r#"{{"error":{{"message":"{message}","type":"OAuthException","code":{code},"fbtrace_id":"{TRACE}"}}}}"#
        )
    };
    let detailed = |message: &str, code: u32, details: &str| {
        format!(
            r#"{{"error":{{"message":"{message}","type":"OAuthException","code":{code},"error_data":{{"messaging_product":"whatsapp","details":"{details}"}},"fbtrace_id":"{TRACE}"}}}}"#
        )
    };
    let rows = [
        (GraphError::authentication(), 401, plain("Authentication Error", 190)),
        (
            GraphError::permission(),
            403,
            plain("(#10) Application does not have permission for this action", 10),
        ),
        (GraphError::no_such_object(Verb::Get, "42"), 400, object("get")),
        (GraphError::no_such_object(Verb::Delete, "42"), 400, object("delete")),
        (GraphError::no_such_object(Verb::Post, "42"), 400, object("post")),
        (
            GraphError::foreign_number(),
            400,
            plain("(#100) Param phone_number_id is not a valid whatsapp business phone number id ID", 100),
        ),
        (
            GraphError::messaging_product_required(),
            400,
            plain("(#100) The parameter messaging_product is required.", 100),
        ),
        (GraphError::file_required(), 400, plain("(#100) The parameter file is required.", 100)),
        (GraphError::unsupported_type("image/gif"), 400, plain(TYPES, 100)),
        (
            GraphError::too_large(),
            400,
            detailed("(#100) Invalid parameter", 100, "File Too Large: The file you uploaded is too large."),
        ),
        (
            GraphError::media_rejected("Unsupported Image mime type text/html."),
            400,
            detailed("(#131053) Media upload error", 131_053, r"Unsupported Image mime type text\/html."),
        ),
        (
            GraphError::upload_rate(),
            400,
            detailed("(#130429) Rate limit hit", 130_429, "Cloud API message throughput has been reached."),
        ),
        (GraphError::retrieval_blocked(), 400, plain("(#80007) Rate limit issues", 80_007)),
        (GraphError::internal(), 500, plain("(#131000) Something went wrong", 131_000)),
        (
            GraphError::overloaded(),
            503,
            format!(
                r#"{{"error":{{"message":"An unexpected error has occurred. Please retry your request later.","type":"OAuthException","is_transient":true,"code":2,"fbtrace_id":"{TRACE}"}}}}"#
            ),
        ),
        (GraphError::unknown_path("/v20.0/1/2"), 404, plain(r"Unknown path components: \/v20.0\/1\/2", 2500)),
        (
            GraphError::method_not_allowed("PUT"),
            405,
            format!(
                r#"{{"error":{{"message":"Unsupported request - method type: put","type":"GraphMethodException","code":100,"fbtrace_id":"{TRACE}"}}}}"#
            ),
        ),
        (
            GraphError::bad_request("two lengths"),
            400,
            detailed("(#100) Invalid parameter", 100, "two lengths"),
        ),
    ];
    for (error, status, body) in rows {
        assert_eq!(error.status, status, "{body}");
        same(&error.to_json(TRACE), &body);
    }
}

#[test]
fn every_d360_error_is_as_documented() {
    let rows = [
        (D360Error::authentication(), 401, "Invalid API key"),
        (D360Error::permission(), 403, "Forbidden - missing permissions"),
        (D360Error::media_not_found(), 400, "Media not found"),
        (D360Error::invalid_media_id(), 400, "invalid media ID format"),
        (D360Error::messaging_product_required(), 400, "(#100) The parameter messaging_product is required."),
        (D360Error::file_required(), 400, "(#100) The parameter file is required."),
        (D360Error::unsupported_type("image/gif"), 400, TYPES),
        (D360Error::too_large(), 400, "File Too Large: The file you uploaded is too large."),
        (D360Error::media_rejected("Image is invalid."), 400, "Image is invalid."),
        (D360Error::upload_rate(), 429, "You have exceeded the endpoint rate limit."),
        (D360Error::retrieval_blocked(), 429, "Too many requests - endpoint disabled"),
        (D360Error::internal(), 500, "Internal server error"),
        (D360Error::overloaded(), 503, "Service unavailable"),
        (D360Error::unknown_path(), 404, "Not found"),
        (D360Error::method_not_allowed(), 405, "Method not allowed"),
        (D360Error::bad_request("two lengths"), 400, "two lengths"),
        (D360Error::upload_rate().with_status(400), 400, "You have exceeded the endpoint rate limit."),
    ];
    for (error, status, text) in rows {
        assert_eq!(error.status, status, "{text}");
        same(&error.to_json(ErrorStyle::Plain), &format!(r#"{{"error":"{text}"}}"#));
        same(
            &error.to_json(ErrorStyle::Legacy),
            &format!(r#"{{"meta":{{"http_code":{status},"developer_message":"{text}","success":false}}}}"#),
        );
    }
}

#[test]
fn an_echoed_id_is_escaped_and_bounded() {
    let hostile = format!("\"/\\\r\n\u{1}é😀{}", "x".repeat(100_000));
    let error = GraphError::no_such_object(Verb::Get, &hostile);
    let body = String::from_utf8(error.to_json(TRACE)).unwrap();
    assert!(body.contains(r#"ID '\"\/\\\r\n\u0001\u00e9\ud83d\ude00xxx"#), "{body}");
    assert!(body.len() < 800, "{}", body.len());
    assert!(GraphError::unknown_path(&hostile).to_json(TRACE).len() < 600);
    assert!(GraphError::method_not_allowed(&hostile).to_json(TRACE).len() < 600);
    assert!(D360Error::unsupported_type(&hostile).to_json(ErrorStyle::Plain).len() < 1200);
}

#[test]
fn the_authenticate_header_says_the_message() {
    assert_eq!(
        GraphError::authentication().www_authenticate(),
        r#"OAuth "Facebook Platform" "invalid_token" "Authentication Error""#
    );
    assert_eq!(
        GraphError::file_required().www_authenticate(),
        r#"OAuth "Facebook Platform" "invalid_request" "(#100) The parameter file is required.""#
    );
}

#[test]
fn the_authenticate_header_is_always_legal() {
    let hostile = GraphError::unknown_path("/\"a\\b\r\nX-Evil: 1\0\té\u{7f}😀");
    assert_eq!(
        hostile.www_authenticate(),
        r#"OAuth "Facebook Platform" "invalid_request" "Unknown path components: /\"a\\b??X-Evil: 1?????""#
    );
}
