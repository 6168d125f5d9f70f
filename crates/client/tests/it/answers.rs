//! Recorded answers, byte for byte as the wire contract keeps them, and what the client makes of each.

use wamedia_client::{Error, Upload};

use crate::script::{ID, Script, answer, json};

const NOT_THERE: &str = r#"{"error":{"message":"Unsupported get request. Object with ID '1761991787669262' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https:\/\/developers.facebook.com\/docs\/graph-api","type":"GraphMethodException","code":100,"error_subcode":33,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const AUTHENTICATION: &str = r#"{"error":{"message":"Authentication Error","type":"OAuthException","code":190,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const PERMISSION: &str = r#"{"error":{"message":"(#10) Application does not have permission for this action","type":"OAuthException","code":10,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const FOREIGN_NUMBER: &str = r#"{"error":{"message":"(#100) Param phone_number_id is not a valid whatsapp business phone number id ID","type":"OAuthException","code":100,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const BLOCKED: &str = r#"{"error":{"message":"(#80007) Rate limit issues","type":"OAuthException","code":80007,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const RATE: &str = r#"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,"error_data":{"messaging_product":"whatsapp","details":"Cloud API message throughput has been reached."},"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const UNLISTED: &str = r#"{"error":{"message":"(#100) Param file must be a file with one of the following types: audio\/aac, audio\/mp4, audio\/mpeg, audio\/amr, audio\/ogg, audio\/opus, application\/vnd.ms-powerpoint, application\/msword, application\/vnd.openxmlformats-officedocument.wordprocessingml.document, application\/vnd.openxmlformats-officedocument.presentationml.presentation, application\/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application\/pdf, text\/plain, application\/vnd.ms-excel, image\/jpeg, image\/png, image\/webp, video\/mp4, video\/3gpp. Received file of type 'image\/gif'.","type":"OAuthException","code":100,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const TOO_LARGE: &str = r#"{"error":{"message":"(#100) Invalid parameter","type":"OAuthException","code":100,"error_data":{"messaging_product":"whatsapp","details":"File Too Large: The file you uploaded is too large."},"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const BAD_FILE: &str = r#"{"error":{"message":"(#131053) Media upload error","type":"OAuthException","code":131053,"error_data":{"messaging_product":"whatsapp","details":"Image is invalid. Please check the image properties; supported are JPG\/JPEG, RGB\/RGBA, 8 bit\/channels and PNG, RGB\/RGBA, up to 8 bit\/channel."},"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const INTERNAL: &str = r#"{"error":{"message":"(#131000) Something went wrong","type":"OAuthException","code":131000,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;
const TRANSIENT: &str = r#"{"error":{"message":"An unexpected error has occurred. Please retry your request later.","type":"OAuthException","is_transient":true,"code":2,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#;

/// Status, body, what retrieve_url makes of it, and how many requests it takes to be sure.
const RETRIEVALS: &[(u16, &str, &str, usize)] = &[
    (401, AUTHENTICATION, "unauthorized", 1),
    (403, PERMISSION, "forbidden", 1),
    (400, NOT_THERE, "not-found", 1),
    (400, FOREIGN_NUMBER, "rejected", 1),
    (400, BLOCKED, "throttled", 1),
    (500, INTERNAL, "upstream", 4),
    (503, TRANSIENT, "upstream", 4),
    (401, r#"{"error":"Invalid API key"}"#, "unauthorized", 1),
    (403, r#"{"error":"Forbidden - missing permissions"}"#, "forbidden", 1),
    (400, r#"{"error":"Media not found"}"#, "not-found", 1),
    (404, r#"{"error":"Media not found"}"#, "not-found", 1),
    (400, r#"{"error":"invalid media ID format"}"#, "rejected", 1),
    (429, r#"{"error":"Too many requests - endpoint disabled"}"#, "throttled", 1),
    (500, r#"{"error":"Internal server error"}"#, "upstream", 4),
    (503, r#"{"error":"Service unavailable"}"#, "upstream", 4),
    (
        401,
        r#"{"meta":{"http_code":401,"developer_message":"Invalid API key","success":false}}"#,
        "unauthorized",
        1,
    ),
    (
        400,
        r#"{"meta":{"http_code":400,"developer_message":"Media not found","success":false}}"#,
        "not-found",
        1,
    ),
    (502, "<html><head><title>502 Bad Gateway</title></head></html>", "upstream", 4),
    (404, "<html><body>nginx</body></html>", "upstream", 1),
    (200, "<html><body>Welcome</body></html>", "upstream", 1),
    (200, r#"{"id":"1761991787669262"}"#, "upstream", 1),
    (200, "", "upstream", 1),
];

/// The same for uploads.
const UPLOADS: &[(u16, &str, &str, usize)] = &[
    (
        400,
        r#"{"error":{"message":"(#100) The parameter messaging_product is required.","type":"OAuthException","code":100,"fbtrace_id":"AbCdEfGhIjKlMnOpQrStUvW"}}"#,
        "rejected",
        1,
    ),
    (400, r#"{"error":"(#100) The parameter file is required."}"#, "rejected", 1),
    (400, UNLISTED, "rejected", 1),
    (400, TOO_LARGE, "rejected", 1),
    (400, BAD_FILE, "rejected", 1),
    (400, r#"{"error":"File Too Large: The file you uploaded is too large."}"#, "rejected", 1),
    (400, NOT_THERE, "not-found", 1),
    (400, RATE, "throttled", 4),
    (429, r#"{"error":"You have exceeded the endpoint rate limit."}"#, "throttled", 4),
    (400, r#"{"error":"You have exceeded the endpoint rate limit."}"#, "throttled", 4),
    (500, INTERNAL, "upstream", 4),
    (413, "<html>413 Request Entity Too Large</html>", "rejected", 1),
    (200, "{}", "upstream", 1),
    (200, r#"{"id":"abc"}"#, "upstream", 1),
];

fn told(error: &Error, status: u16, body: &str, word: &str) {
    assert_eq!(error.word(), word, "{status} {body}: {error}");
    assert!(!error.remedy().is_empty() && !error.to_string().is_empty());
    assert_eq!(error.is_retryable(), matches!(word, "throttled" | "upstream"), "{error}");
    let recorded = body.contains("fbtrace_id").then_some("AbCdEfGhIjKlMnOpQrStUvW");
    assert_eq!(error.request_id(), recorded, "{error}");
}

#[tokio::test]
async fn each_recorded_error_says_what_to_do_and_is_asked_for_as_often_as_it_helps() {
    for (status, body, word, requests) in RETRIEVALS {
        for is_graph in [true, false] {
            let script = Script::play((0..5).map(|_| json(*status, body)).collect());
            let client = if is_graph { script.graph() } else { script.d360() };
            let error = client.retrieve_url(ID.parse().unwrap()).await.unwrap_err();
            told(&error, *status, body, word);
            assert_eq!(script.asked().len(), *requests, "{status} {body}");
        }
    }
    for (status, body, word, requests) in UPLOADS {
        let script = Script::play((0..5).map(|_| json(*status, body)).collect());
        let error = script.graph().upload(Upload::bytes("hello")).await.unwrap_err();
        told(&error, *status, body, word);
        assert_eq!(script.asked().len(), *requests, "{status} {body}");
    }
}

#[tokio::test]
async fn details_are_told_with_the_message() {
    let script = Script::play(vec![json(400, BAD_FILE)]);
    let error = script.graph().upload(Upload::bytes("hello")).await.unwrap_err();
    assert!(error.to_string().contains("(#131053) Media upload error: Image is invalid."), "{error}");
    let answer = error.answer().unwrap();
    assert_eq!((answer.status, answer.code), (400, Some(131_053)));
}

#[tokio::test]
async fn recorded_successes_are_read_in_both_spellings() {
    let recorded = format!(
        r#"{{"url":"https:\/\/lookaside.fbsbx.com\/whatsapp_business\/attachments\/?mid={ID}&source=getMedia&ext=1778767167&hash=ARmo","mime_type":"image\/png","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","file_size":182859,"id":"{ID}","messaging_product":"whatsapp"}}"#
    );
    let typed = recorded.replace("182859", "\"182859\"").replace(&format!("\"{ID}\""), ID).replace(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "47DEQpj8HBSa+\\/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    );
    let script = Script::play(vec![json(200, &recorded), json(200, &typed)]);
    let client = script.d360();
    let media = client.retrieve_url(ID.parse().unwrap()).await.unwrap();
    assert_eq!(client.retrieve_url(ID.parse().unwrap()).await.unwrap(), media);
    assert_eq!(media.bytes, Some(182_859));
    assert!(
        media
            .link
            .unwrap()
            .as_str()
            .ends_with("/?mid=1761991787669262&source=getMedia&ext=1778767167&hash=ARmo")
    );
}

#[tokio::test]
async fn uploads_and_deletions_are_confirmed_in_every_spelling() {
    for body in [
        r#"{"id":"1761991787669262"}"#,
        r#"{"id":1761991787669262}"#,
        r#"{"media":[{"id":"1761991787669262"}]}"#,
    ] {
        let script = Script::play(vec![json(200, body)]);
        assert_eq!(script.d360().upload(Upload::bytes("hello")).await.unwrap().id.to_string(), ID);
    }
    for body in [
        r#"{"success":true}"#,
        r#"{"deleted":true}"#,
        r#"{"success":"true"}"#,
        r#"{"success":true,"deleted":true}"#,
    ] {
        let script = Script::play(vec![json(200, body)]);
        script.graph().delete(ID.parse().unwrap()).await.unwrap();
    }
    let script = Script::play(vec![answer(204, "", b"")]);
    script.graph().delete(ID.parse().unwrap()).await.unwrap();
    let script = Script::play(vec![json(200, r#"{"success":false}"#)]);
    assert!(matches!(script.graph().delete(ID.parse().unwrap()).await, Err(Error::Upstream(_))));
}

#[tokio::test]
async fn retry_after_too_long_to_wait_is_told() {
    let headers = "Retry-After: 1800\r\n";
    let script =
        Script::play(vec![answer(429, headers, br#"{"error":"Too many requests - endpoint disabled"}"#)]);
    let error = script.d360().retrieve_url(ID.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(1800));
    assert_eq!(script.asked().len(), 1);
}
