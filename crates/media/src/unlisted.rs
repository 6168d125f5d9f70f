//! Refusals outside the type table: of content that no message carries, and of declared types that are not on the list.
//!
//! The server refuses such uploads by their declared type alone; who asks about a file wants to know what to do with it.

use crate::inspect::Examined;
use crate::{Found, Kind, MimeType, Refusal, Rule, hints, suggest, texts};

impl Examined {
    /// Refuses content that no message carries, or none of a kind.
    pub fn refuse_content(&self, kind: Option<Kind>) -> Refusal {
        let (found, facts) = (self.found(), self.facts());
        let carrier = kind.map_or_else(|| "message".to_owned(), |kind| format!("{} message", kind.as_str()));
        let kind = kind.unwrap_or_else(|| Kind::of(found.mime));
        let (rule, message, remedy) = if facts.bytes == 0 {
            (Rule::Empty, "it has 0 bytes".to_owned(), Rule::Empty.remedy())
        } else if found == Found::UNKNOWN {
            let message = "its bytes are of no known type".to_owned();
            (Rule::Unrecognised, message, Rule::Unrecognised.remedy())
        } else {
            let message =
                format!("its bytes are {} ({}), which no {carrier} carries", found.mime, found.name);
            (Rule::UnsupportedType, message, remedy(kind))
        };
        let details = texts::unsupported(kind, found.mime);
        let hint = hints::hint_for_kind(kind, found.mime, &facts);
        Refusal { rule, message, details, remedy, hint }
    }

    /// Refuses a declared type that is not on the upload list, whatever the content.
    pub fn refuse_declared(&self, declared: &MimeType) -> Refusal {
        let found = self.found();
        let right = suggest(declared).map(|right| format!("; the right name is {right}")).unwrap_or_default();
        Refusal {
            rule: Rule::UnsupportedType,
            message: format!("{declared} is not on the upload list{right}; its bytes are {}", found.mime),
            details: texts::unsupported(Kind::of(declared.as_str()), declared.as_str()),
            remedy: "Declare a type of the list that the file has.",
            hint: None,
        }
    }
}

/// What to do with content that no message of a kind carries.
fn remedy(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "Convert the sound to M4A, MP3, AAC, AMR or Opus in Ogg.",
        Kind::Document => {
            "Choose a document: PDF, plain text, Word, Excel or PowerPoint; or send the file as what it is."
        }
        Kind::Image => "Convert the image to JPEG or PNG; if it moves, to an MP4 video.",
        Kind::Sticker => "Convert the image to WebP of 512 × 512 pixels.",
        Kind::Video => "Convert the video to MP4 with H.264 and AAC.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examine(mut bytes: &[u8]) -> Examined {
        Examined::read(&mut bytes).unwrap()
    }

    #[test]
    fn unlisted_content_is_named_and_told_what_to_become() {
        let refusal = examine(b"GIF89a\x01\0\x01\0\x80").refuse_content(None);
        assert_eq!(refusal.rule, Rule::UnsupportedType);
        assert_eq!(refusal.message, "its bytes are image/gif (GIF image), which no message carries");
        assert_eq!(
            refusal.details,
            "Unsupported Image mime type image/gif. Please use one of image/png, image/jpeg."
        );
        assert!(refusal.hint.unwrap().command("a.gif").ends_with("a-whatsapp.png"));
    }

    #[test]
    fn listed_content_may_be_of_another_kind() {
        let refusal = examine(b"%PDF-1.4\n%%EOF\n").refuse_content(Some(Kind::Image));
        assert_eq!(
            refusal.message,
            "its bytes are application/pdf (PDF document), which no image message carries"
        );
        assert_eq!(refusal.hint, None);
    }

    #[test]
    fn what_is_nothing_is_said_to_be() {
        assert_eq!(examine(b"").refuse_content(None).rule, Rule::Empty);
        assert_eq!(examine(&[0, 1, 0xfe, 3]).refuse_content(None).rule, Rule::Unrecognised);
    }

    #[test]
    fn misnomers_are_put_right() {
        let declared = MimeType::parse("image/jpg").unwrap();
        let refusal = examine(b"GIF89a\x01\0\x01\0\x80").refuse_declared(&declared);
        assert_eq!(
            refusal.message,
            "image/jpg is not on the upload list; the right name is image/jpeg; its bytes are image/gif"
        );
    }
}
