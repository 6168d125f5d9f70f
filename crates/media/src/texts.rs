//! The vendor's send-time texts, facts of the wire: clients match on them byte for byte.
//!
//! Deliberately not here: the texts of the upload answers; the wire crate has them.

use crate::rule::Says;
use crate::{Kind, MediaType};

/// An image outside depth or colour model (documented by the vendor).
const IMAGE_PROPERTIES: &str = "Image is invalid. Please check the image properties; supported are JPG/JPEG, RGB/RGBA, \
     8 bit/channels and PNG, RGB/RGBA, up to 8 bit/channel.";

/// A file over its limit (recorded traffic).
const TOO_LARGE: &str = "File Too Large: The file you uploaded is too large.";

/// The `details` of a refusal. `found` is the type as processing sees it, `message` our own account of it.
pub(crate) fn details(
    says: Says,
    declared: &MediaType,
    declared_as: &str,
    found: &str,
    message: &str,
) -> String {
    let kind = declared.kind;
    match says {
        Says::OtherType => format!(
            "{kind} file uploaded with mimetype as {declared_as}, however on processing it is of type {found}. \
             Please choose a different file."
        ),
        Says::ImageProperties => IMAGE_PROPERTIES.to_owned(),
        Says::Unsupported => unsupported(kind, declared_as),
        Says::TooLarge => TOO_LARGE.to_owned(),
        Says::Own => format!(
            "{kind} file uploaded with mimetype as {declared_as}, however on processing {message}. \
             Please choose a different file."
        ),
    }
}

/// What a status says of media whose type messages of a kind do not take, such as a sticker sent as an image.
pub fn unsupported(kind: Kind, declared_as: &str) -> String {
    let list = match kind {
        Kind::Audio => "audio/ogg; codecs=opus, audio/mpeg, audio/amr, audio/mp4, audio/aac",
        Kind::Image => "image/png, image/jpeg",
        Kind::Video => "video/mp4, video/3gpp",
        Kind::Sticker => "image/webp",
        Kind::Document => {
            "text/plain, application/pdf, application/msword, application/vnd.ms-excel, application/vnd.ms-powerpoint"
        }
    };
    format!("Unsupported {kind} mime type {declared_as}. Please use one of {list}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::row;

    fn said(says: Says, mime: &str, declared_as: &str, found: &str) -> String {
        details(says, row(mime).unwrap(), declared_as, found, "")
    }

    #[test]
    fn the_vendors_texts_are_byte_for_byte() {
        assert_eq!(
            said(Says::Unsupported, "audio/opus", "audio/opus", ""),
            "Unsupported Audio mime type audio/opus. Please use one of audio/ogg; codecs=opus, audio/mpeg, audio/amr, audio/mp4, audio/aac."
        );
        assert_eq!(
            said(Says::Unsupported, "image/png", "text/html", ""),
            "Unsupported Image mime type text/html. Please use one of image/png, image/jpeg."
        );
        assert_eq!(
            said(Says::OtherType, "audio/ogg", "audio/ogg; codecs=opus", "application/octet-stream"),
            "Audio file uploaded with mimetype as audio/ogg; codecs=opus, however on processing it is of type application/octet-stream. Please choose a different file."
        );
        assert_eq!(
            said(Says::OtherType, "video/mp4", "video/mp4", "video/mp4, videoCodec=h264, audioCodec=unknown"),
            "Video file uploaded with mimetype as video/mp4, however on processing it is of type video/mp4, videoCodec=h264, audioCodec=unknown. Please choose a different file."
        );
        assert_eq!(
            said(Says::ImageProperties, "image/png", "image/png", ""),
            "Image is invalid. Please check the image properties; supported are JPG/JPEG, RGB/RGBA, 8 bit/channels and PNG, RGB/RGBA, up to 8 bit/channel."
        );
    }
}
