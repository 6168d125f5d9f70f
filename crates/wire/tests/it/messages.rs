//! Posted messages: as clients spell them, as none should, and every refusal in the words of both dialects.

use proptest::prelude::*;
use wamedia_media::Kind;
use wamedia_wire::d360::{D360Error, ErrorStyle};
use wamedia_wire::graph::GraphError;
use wamedia_wire::messages::{
    Content, MediaSource, Message, MessageAnswer, MessageError, OutgoingMedia, Posted, marked_as_read,
};

const TRACE: &str = "AFPucA9l-YWJjZGVmZ2hpag";

fn message(posted: &str) -> Message {
    match Posted::parse(posted.as_bytes()) {
        Ok(Posted::Message(message)) => message,
        other => panic!("{posted}: {other:?}"),
    }
}

/// The content of a message with these members beside the usual ones.
fn content(members: &str) -> Result<Content, MessageError> {
    let posted = format!(r#"{{"messaging_product":"whatsapp","to":"51920155032",{members}}}"#);
    match Posted::parse(posted.as_bytes())? {
        Posted::Message(message) => Ok(message.content),
        Posted::Read { .. } => panic!("{members}"),
    }
}

fn id() -> MediaSource {
    MediaSource::Id("1761991787669262".parse().unwrap())
}

fn media(kind: Kind, source: MediaSource) -> OutgoingMedia {
    OutgoingMedia { kind, source, caption: None, filename: None }
}

#[test]
fn a_message_is_read_as_the_contract_has_it() {
    let posted = r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+51 (920) 155-032","type":"image","image":{"id":"1761991787669262","caption":"caf\u00e9 😀"},"biz_opaque_callback_data":"run-7","context":{"message_id":"wamid.X"}}"#;
    let expected = Message {
        to: "+51 (920) 155-032".into(),
        wa_id: "51920155032".into(),
        recipient_type: Some("individual".into()),
        content: Content::Media(OutgoingMedia {
            caption: Some("café 😀".into()),
            ..media(Kind::Image, id())
        }),
        biz_opaque_callback_data: Some("run-7".into()),
    };
    assert_eq!(message(posted), expected);
}

#[test]
fn every_kind_is_sent_by_id_or_by_link() {
    for kind in Kind::ALL {
        let name = kind.as_str();
        for (spelled, source) in [
            (r#""id":"1761991787669262""#, id()),
            (r#""id":1761991787669262,"link":null"#, id()),
            (
                r#""link":"HTTPS://example.com/é?a=b","id":"""#,
                MediaSource::Link("HTTPS://example.com/é?a=b".into()),
            ),
        ] {
            let read =
                content(&format!(r#""type":"{name}","{name}":{{{spelled},"voice":true,"caption":null}}"#));
            assert_eq!(read, Ok(Content::Media(media(kind, source))), "{name} {spelled}");
        }
    }
}

#[test]
fn a_document_has_a_caption_and_a_name() {
    let read =
        content(r#""type":"DOCUMENT","document":{"filename":"a.pdf","caption":"x","id":"1761991787669262"}"#);
    let expected = OutgoingMedia {
        caption: Some("x".into()),
        filename: Some("a.pdf".into()),
        ..media(Kind::Document, id())
    };
    assert_eq!(read, Ok(Content::Media(expected)));
}

#[test]
fn what_is_not_media_is_taken() {
    let text = Content::Text { body: "hi".into() };
    assert_eq!(content(r#""type":"text","text":{"preview_url":false,"body":"hi"}"#), Ok(text.clone()));
    assert_eq!(content(r#""text":{"body":"hi"}"#), Ok(text));
    assert_eq!(
        content(
            r#""type":"template","template":{"name":"hello_world","language":{"code":"en_US"},"components":[{"type":"body"}]}"#
        ),
        Ok(Content::Template { name: "hello_world".into(), language: "en_US".into() })
    );
    assert_eq!(
        content(r#""type":"interactive","interactive":{"type":"button"}"#),
        Ok(Content::Other { type_name: "interactive" })
    );
}

#[test]
fn a_receiver_may_be_a_number_or_a_group() {
    let to = |to: &str| {
        message(&format!(r#"{{"messaging_product":"WhatsApp","to":{to},"text":{{"body":"x"}}}}"#)).wa_id
    };
    for spelled in ["51920155032", "51920155032.0", "\"51920155032\"", "\"+51.920.155.032\""] {
        assert_eq!(to(spelled), "51920155032", "{spelled}");
    }
    assert_eq!(to(r#""Y2Fw:x","recipient_type":"group""#), "Y2Fw:x");
}

#[test]
fn a_received_message_is_marked_as_read() {
    let posted = br#"{"messaging_product":"whatsapp","status":"read","message_id":"wamid.X","typing_indicator":{"type":"text"}}"#;
    assert_eq!(Posted::parse(posted), Ok(Posted::Read { message_id: "wamid.X".into() }));
    assert_eq!(marked_as_read(), br#"{"success":true}"#);
    let without = br#"{"messaging_product":"whatsapp","status":"read"}"#;
    assert_eq!(Posted::parse(without), Err(MessageError::Required("message_id")));
}

#[test]
fn what_cannot_be_read_has_no_product() {
    for posted in [
        "",
        "{",
        "null",
        "\"whatsapp\"",
        r#"["whatsapp","individual","51920155032"]"#,
        r#"{"to":"51920155032","text":{"body":"x"}}"#,
        r#"{"messaging_product":"telegram","to":"51920155032","text":{"body":"x"}}"#,
        r#"{"messaging_product":["whatsapp"],"to":"51920155032","text":{"body":"x"}}"#,
        r#"{"messaging_product":"whatsapp","to":"1","to":"2","text":{"body":"x"}}"#,
        r#"{"messaging_product":"whatsapp","to":"1","text":{"body":"x"}} x"#,
        "messaging_product=whatsapp&to=51920155032",
    ] {
        assert_eq!(Posted::parse(posted.as_bytes()), Err(MessageError::MessagingProductRequired), "{posted}");
    }
}

#[test]
fn what_is_missing_is_named_by_its_path() {
    for (members, path) in [
        (r#""type":"image""#, "image"),
        (r#""type":"image","image":"1761991787669262""#, "image"),
        (r#""type":"sticker","image":{"id":"1761991787669262"}"#, "sticker"),
        (r#""type":"text""#, "text"),
        (r#""text":{"body":""}"#, "text['body']"),
        (r#""text":{"body":{"body":[[]]}}"#, "text['body']"),
        (r#""type":"template","template":[]"#, "template"),
        (r#""type":"template","template":{}"#, "template['name']"),
        (r#""type":"template","template":{"name":"x"}"#, "template['language']"),
        (r#""type":"template","template":{"name":"x","language":{}}"#, "template['language']['code']"),
    ] {
        assert_eq!(content(members), Err(MessageError::Required(path)), "{members}");
    }
    let nobody = br#"{"messaging_product":"whatsapp","to":null,"text":{"body":"x"}}"#;
    assert_eq!(Posted::parse(nobody), Err(MessageError::Required("to")));
}

#[test]
fn wrong_media_is_refused_with_its_reason() {
    use MessageError::*;
    let long =
        format!(r#""image":{{"id":"1761991787669262","caption":"{}"}},"type":"image""#, "é".repeat(1025));
    for (members, error) in [
        (r#""type":"image","image":{}"#, OneSource),
        (r#""type":"image","image":{"id":"","link":null}"#, OneSource),
        (r#""type":"image","image":{"id":"1761991787669262","link":"https://a/"}"#, OneSource),
        (r#""type":"video","video":{"id":"abc"}"#, MediaId(Kind::Video)),
        (r#""type":"video","video":{"id":-1}"#, MediaId(Kind::Video)),
        (r#""type":"audio","audio":{"link":"ftp://a/"}"#, Link(Kind::Audio)),
        (r#""type":"audio","audio":{"link":"https://"}"#, Link(Kind::Audio)),
        (&long, CaptionTooLong(Kind::Image)),
        (
            r#""type":"audio","audio":{"id":"1761991787669262","caption":"x"}"#,
            UnexpectedKey { key: "caption", kind: Kind::Audio },
        ),
        (
            r#""type":"sticker","sticker":{"id":"1761991787669262","caption":"x"}"#,
            UnexpectedKey { key: "caption", kind: Kind::Sticker },
        ),
        (
            r#""type":"image","image":{"id":"1761991787669262","filename":"x"}"#,
            UnexpectedKey { key: "filename", kind: Kind::Image },
        ),
        (r#""type":"jpeg""#, UnknownType("jpeg".into())),
    ] {
        assert_eq!(content(members), Err(error), "{members}");
    }
}

#[test]
fn bounds_count_characters() {
    let caption = |chars: usize| {
        content(&format!(
            r#""type":"video","video":{{"id":"1761991787669262","caption":"{}"}}"#,
            "😀".repeat(chars)
        ))
    };
    assert!(caption(1024).is_ok());
    assert_eq!(caption(1025), Err(MessageError::CaptionTooLong(Kind::Video)));
    let text = |chars: usize| content(&format!(r#""text":{{"body":"{}"}}"#, "é".repeat(chars)));
    assert!(text(4096).is_ok());
    assert_eq!(text(4097), Err(MessageError::TextTooLong));
}

#[test]
fn no_number_is_no_receiver() {
    for to in ["abc", "+", "5192 x", "٥١٩٢", "123456789012345678901", "-"] {
        let posted = format!(r#"{{"messaging_product":"whatsapp","to":"{to}","text":{{"body":"x"}}}}"#);
        assert_eq!(Posted::parse(posted.as_bytes()), Err(MessageError::Recipient), "{to}");
    }
}

#[test]
fn every_refusal_is_said_in_both_dialects() {
    use MessageError::*;
    const SUBCODE: &str = r#","error_subcode":2494009"#;
    let rows = [
        (MessagingProductRequired, "(#100) The parameter messaging_product is required.", ""),
        (Required("text['body']"), "(#100) The parameter text['body'] is required.", ""),
        (
            UnknownType("jpeg".into()),
            r#"(#100) Param type must be one of {AUDIO, CONTACTS, DOCUMENT, GIF, IMAGE, INTERACTIVE, LINK_PREVIEW, LOCATION, PIN, REACTION, STICKER, TEMPLATE, TEXT, VIDEO} - got \"jpeg\"."#,
            "",
        ),
        (OneSource, "(#100) Either one of media ID or link must be present", SUBCODE),
        (
            MediaId(Kind::Image),
            "(#100) Param image['id'] is not a valid whatsapp business account media attachment ID",
            "",
        ),
        (Link(Kind::Document), "(#100) Param document['link'] is not a valid URI.", ""),
        (
            CaptionTooLong(Kind::Video),
            "(#100) Param video['caption'] must be at most 1024 characters long.",
            "",
        ),
        (TextTooLong, "(#100) Param text['body'] must be at most 4096 characters long.", ""),
        (
            UnexpectedKey { key: "caption", kind: Kind::Audio },
            r#"(#100) Unexpected key \"caption\" on param \"audio\"."#,
            "",
        ),
    ];
    for (error, text, subcode) in rows {
        let graph = GraphError::message_refused(&error);
        let expected = format!(
            r#"{{"error":{{"message":"{text}","type":"OAuthException","code":100{subcode},"fbtrace_id":"{TRACE}"}}}}"#
        );
        assert_eq!((graph.status, String::from_utf8(graph.to_json(TRACE)).unwrap()), (400, expected));
        let d360 = D360Error::message_refused(&error);
        let expected = format!(r#"{{"error":"{text}"}}"#);
        assert_eq!(
            (d360.status, String::from_utf8(d360.to_json(ErrorStyle::Plain)).unwrap()),
            (400, expected)
        );
    }
    let graph = GraphError::message_refused(&Recipient).to_json(TRACE);
    let expected = format!(
        r#"{{"error":{{"message":"(#131009) Parameter value is not valid","type":"OAuthException","code":131009,"error_data":{{"messaging_product":"whatsapp","details":"Recipient is not a valid phone number."}},"fbtrace_id":"{TRACE}"}}}}"#
    );
    assert_eq!(String::from_utf8(graph).unwrap(), expected);
}

#[test]
fn a_message_is_answered_as_recorded() {
    let answer = MessageAnswer { input: "+51 920/155", wa_id: "51920155032", message_id: "wamid.HBgL+/=" };
    assert_eq!(
        String::from_utf8(answer.to_json()).unwrap(),
        r#"{"messaging_product":"whatsapp","contacts":[{"input":"+51 920\/155","wa_id":"51920155032"}],"messages":[{"id":"wamid.HBgL+\/="}]}"#
    );
    let long = "9".repeat(100_000);
    assert!(MessageAnswer { input: &long, wa_id: &long, message_id: "" }.to_json().len() < 700);
}

#[test]
fn an_echoed_type_is_bounded() {
    let error = MessageError::UnknownType("x".repeat(100_000));
    assert!(GraphError::message_refused(&error).to_json(TRACE).len() < 700);
}

/// The parser skips what it does not know without recursing: half a million brackets end neither stack nor answer.
#[test]
fn deep_nesting_is_skipped() {
    let deep = format!("{}{}", "[".repeat(250_000), "]".repeat(250_000));
    for place in ["\"x\":DEEP", "\"image\":DEEP", "\"image\":{\"caption\":DEEP}", "\"context\":{\"x\":DEEP}"]
    {
        let members = place.replace("DEEP", &deep);
        let read = content(&format!(r#""type":"text","text":{{"body":"x"}},{members}"#));
        assert_eq!(read, Ok(Content::Text { body: "x".into() }), "{place}");
    }
}

/// Words that mean something somewhere in a message.
#[rustfmt::skip]
const WORDS: &[&str] =
    &["whatsapp", "text", "image", "audio", "template", "read", "51920155032", "1761991787669262", "https://a/b", "", "group"];

/// Keys that are read somewhere in a message, and one that is not.
#[rustfmt::skip]
const KEYS: &[&str] = &[
    "messaging_product", "to", "type", "recipient_type", "status", "message_id", "text", "body", "image", "audio",
    "document", "id", "link", "caption", "filename", "template", "name", "language", "code", "x",
];

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        prop::sample::select(WORDS).prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 64, 20, |inner| {
        let members = prop::collection::hash_map(prop::sample::select(KEYS), inner.clone(), 0..20);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Into::into),
            members.prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(posted: Vec<u8>) {
        let _ = Posted::parse(&posted);
    }

    /// Whatever JSON stands there is a message within its bounds, or a refusal that both dialects can say.
    #[test]
    fn any_json_is_judged(body in json(), product: bool) {
        let mut body = body;
        if let (true, Some(members)) = (product, body.as_object_mut()) {
            members.insert("messaging_product".into(), "whatsapp".into());
        }
        match Posted::parse(&serde_json::to_vec(&body).unwrap()) {
            Ok(Posted::Message(message)) => prop_assert!(!message.wa_id.is_empty() && !message.to.is_empty()),
            Ok(Posted::Read { message_id }) => prop_assert!(!message_id.is_empty()),
            Err(error) => {
                prop_assert!(GraphError::message_refused(&error).to_json(TRACE).is_ascii());
                prop_assert!(D360Error::message_refused(&error).to_json(ErrorStyle::Legacy).is_ascii());
            }
        }
    }

    /// A good message with any one member put in beside the rest stays good: unknown members are nobody's business.
    #[test]
    fn unknown_members_are_ignored(key in "[a-z_]{1,12}", value in json()) {
        let known = ["to", "type", "text", "status", "message_id", "recipient_type", "messaging_product"];
        prop_assume!(!known.contains(&key.as_str()));
        let read = content(&format!(r#""text":{{"body":"x","{key}x":{value}}},"{key}":{value}"#));
        prop_assert_eq!(read, Ok(Content::Text { body: "x".into() }));
    }
}
