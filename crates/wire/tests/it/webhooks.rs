//! Every webhook body, as the wire contract has it. The expected bytes are written out by hand.

use proptest::prelude::*;
use wamedia_media::{Kind, MediaId, PhoneNumberId};
use wamedia_wire::webhook::{
    Business, DeliveryState, Inbound, InboundContent, InboundKind, InboundMedia, Status,
};

const BEFORE: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"1399544271620","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15556393799","phone_number_id":"1025723653965602"},"#;
const AFTER: &str = r#"},"field":"messages"}]}]}"#;

const SHA256: [u8; 32] = [
    0x1c, 0x26, 0x87, 0x69, 0xb6, 0x7a, 0x81, 0x5a, 0xb8, 0x57, 0xf4, 0x8f, 0x98, 0xcc, 0xc1, 0x4d, 0x69,
    0x28, 0x11, 0x42, 0x3c, 0x36, 0x08, 0xdf, 0x56, 0xc8, 0x52, 0xbd, 0xe7, 0x96, 0x33, 0x77,
];

fn business() -> Business<'static> {
    Business {
        waba_id: "1399544271620",
        display_phone_number: "15556393799",
        phone_number_id: "1025723653965602".parse::<PhoneNumberId>().unwrap(),
    }
}

fn inbound(content: InboundContent<'_>) -> Inbound<'_> {
    Inbound {
        business: business(),
        contact_name: "Zoë/😀",
        wa_id: "51920155032",
        message_id: "wamid.HBgL+/=",
        timestamp: 1_778_766_865,
        content,
    }
}

fn media<'a>(kind: InboundKind<'a>, mime_type: &'a str) -> InboundContent<'a> {
    InboundContent::Media(InboundMedia {
        kind,
        mime_type,
        sha256: &SHA256,
        id: "27251809591111687".parse::<MediaId>().unwrap(),
        url: "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=27251809591111687&source=webhook&ext=1778767167&hash=AR",
    })
}

/// The message's members after `timestamp`, within all that is said around them.
#[track_caller]
fn says(content: InboundContent<'static>, message: &str) {
    let expected = format!(
        r#"{BEFORE}"contacts":[{{"profile":{{"name":"Zo\u00eb\/\ud83d\ude00"}},"wa_id":"51920155032"}}],"messages":[{{"from":"51920155032","id":"wamid.HBgL+\/=","timestamp":"1778766865",{message}}}]{AFTER}"#
    );
    assert_eq!(String::from_utf8(inbound(content).to_json()).unwrap(), expected);
}

/// What every media has, between what the sender wrote and what the platform found.
macro_rules! common {
    ($mime:literal) => {
        concat!(
            r#""mime_type":""#,
            $mime,
            r#"","sha256":"HCaHabZ6gVq4V\/SPmMzBTWkoEUI8NgjfVshSveeWM3c=","id":"27251809591111687","url":"https:\/\/lookaside.fbsbx.com\/whatsapp_business\/attachments\/?mid=27251809591111687&source=webhook&ext=1778767167&hash=AR""#
        )
    };
}

#[test]
fn an_image_is_announced_with_its_caption() {
    says(
        media(InboundKind::Image { caption: Some("Hola quiero un café") }, "image/jpeg"),
        concat!(
            r#""type":"image","image":{"caption":"Hola quiero un caf\u00e9","#,
            common!(r"image\/jpeg"),
            "}"
        ),
    );
    says(
        media(InboundKind::Image { caption: None }, "image/png"),
        concat!(r#""type":"image","image":{"#, common!(r"image\/png"), "}"),
    );
}

#[test]
fn audio_is_announced_with_its_codec_and_voice() {
    says(
        media(InboundKind::Audio { voice: true }, "audio/ogg; codecs=opus"),
        concat!(r#""type":"audio","audio":{"#, common!(r"audio\/ogg; codecs=opus"), r#","voice":true}"#),
    );
    says(
        media(InboundKind::Audio { voice: false }, "audio/mpeg"),
        concat!(r#""type":"audio","audio":{"#, common!(r"audio\/mpeg"), r#","voice":false}"#),
    );
}

#[test]
fn a_video_is_announced_as_an_image_is() {
    says(
        media(InboundKind::Video { caption: Some("x") }, "video/mp4"),
        concat!(r#""type":"video","video":{"caption":"x","#, common!(r"video\/mp4"), "}"),
    );
}

#[test]
fn a_document_is_announced_with_its_name() {
    says(
        media(
            InboundKind::Document { caption: Some("the bill"), filename: Some("bill.pdf") },
            "application/pdf",
        ),
        concat!(
            r#""type":"document","document":{"caption":"the bill","filename":"bill.pdf","#,
            common!(r"application\/pdf"),
            "}"
        ),
    );
    says(
        media(InboundKind::Document { caption: None, filename: None }, "text/plain"),
        concat!(r#""type":"document","document":{"#, common!(r"text\/plain"), "}"),
    );
}

#[test]
fn a_sticker_says_whether_it_moves() {
    says(
        media(InboundKind::Sticker { animated: false }, "image/webp"),
        concat!(r#""type":"sticker","sticker":{"#, common!(r"image\/webp"), r#","animated":false}"#),
    );
}

#[test]
fn what_is_too_large_is_announced_as_an_error() {
    says(
        InboundContent::TooLarge,
        r#""errors":[{"code":131052,"title":"Media file size too big. Max file size we currently support: 100MB. Please communicate with your customer to send a media file that is smaller than 100MB"}],"type":"unsupported""#,
    );
}

#[test]
fn what_is_unsupported_is_announced_as_an_error() {
    says(
        InboundContent::Unsupported,
        r#""errors":[{"code":131051,"title":"Message type unknown","message":"Message type unknown","error_data":{"details":"Message type is currently not supported."}}],"type":"unsupported""#,
    );
}

#[track_caller]
fn reports(state: DeliveryState<'_>, data: Option<&str>, status: &str) {
    let body = Status {
        business: business(),
        message_id: "wamid.A",
        recipient_id: "51920155032",
        timestamp: 1_778_766_866,
        state,
        biz_opaque_callback_data: data,
    };
    let expected = format!(r#"{BEFORE}"statuses":[{{"id":"wamid.A",{status}}}]{AFTER}"#);
    assert_eq!(String::from_utf8(body.to_json()).unwrap(), expected);
}

#[test]
fn a_status_says_where_the_message_got_to() {
    for (state, name) in [
        (DeliveryState::Sent, "sent"),
        (DeliveryState::Delivered, "delivered"),
        (DeliveryState::Read, "read"),
    ] {
        let status = format!(r#""status":"{name}","timestamp":"1778766866","recipient_id":"51920155032""#);
        reports(state, None, &status);
        reports(state, Some("a/b"), &format!(r#"{status},"biz_opaque_callback_data":"a\/b""#));
    }
}

#[test]
fn a_failed_status_says_why() {
    let details = "Unsupported Image mime type text/html. Please use one of image/png, image/jpeg.";
    reports(
        DeliveryState::Failed { details },
        None,
        r#""status":"failed","timestamp":"1778766866","recipient_id":"51920155032","errors":[{"code":131053,"title":"Media upload error","message":"Media upload error","error_data":{"details":"Unsupported Image mime type text\/html. Please use one of image\/png, image\/jpeg."}}]"#,
    );
}

proptest! {
    /// Names, captions and file names are strangers' text: whatever they say, the body is ASCII and says it back.
    #[test]
    fn any_text_comes_back(name: String, caption: Option<String>, filename: Option<String>) {
        let kind = InboundKind::Document { caption: caption.as_deref(), filename: filename.as_deref() };
        prop_assert_eq!(kind.kind(), Kind::Document);
        let body = Inbound { contact_name: &name, ..inbound(media(kind, "a/b")) }.to_json();
        prop_assert!(body.is_ascii());
        let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let value = &parsed["entry"][0]["changes"][0]["value"];
        prop_assert_eq!(value["contacts"][0]["profile"]["name"].as_str(), Some(name.as_str()));
        let document = &value["messages"][0]["document"];
        prop_assert_eq!(document.get("caption").map(|text| text.as_str().unwrap()), caption.as_deref());
        prop_assert_eq!(document.get("filename").map(|text| text.as_str().unwrap()), filename.as_deref());
    }
}
