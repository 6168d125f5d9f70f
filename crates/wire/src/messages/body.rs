//! The members that are read of a posted message, as they stand there; nothing is judged yet.
//!
//! [`Text`] and [`Part`] accept every JSON value: one of the wrong kind reads as absent. Unknown members and wrong
//! values go through the JSON library's own skipping, which keeps nothing and does not recurse.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use wamedia_media::Kind;

use super::MessageError;

/// The members of the whole body.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) messaging_product: Text,
    pub(super) recipient_type: Text,
    pub(super) to: Text,
    #[serde(rename = "type")]
    pub(super) type_name: Text,
    pub(super) status: Text,
    pub(super) message_id: Text,
    pub(super) biz_opaque_callback_data: Text,
    pub(super) text: Part<TextPart>,
    pub(super) template: Part<TemplatePart>,
    audio: Part<MediaPart>,
    document: Part<MediaPart>,
    image: Part<MediaPart>,
    sticker: Part<MediaPart>,
    video: Part<MediaPart>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct MediaPart {
    pub(super) id: Text,
    pub(super) link: Text,
    pub(super) caption: Text,
    pub(super) filename: Text,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct TextPart {
    pub(super) body: Text,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct TemplatePart {
    pub(super) name: Text,
    pub(super) language: Part<LanguagePart>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct LanguagePart {
    pub(super) code: Text,
}

impl Body {
    /// The members of a JSON object. `None` if it is none, or has a member twice, of which either could be meant.
    pub(super) fn read(posted: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Part<Self>>(posted).ok()?.0
    }

    /// Takes the part of one kind of media.
    pub(super) fn media(&mut self, kind: Kind) -> Option<MediaPart> {
        let part = match kind {
            Kind::Audio => &mut self.audio,
            Kind::Document => &mut self.document,
            Kind::Image => &mut self.image,
            Kind::Sticker => &mut self.sticker,
            Kind::Video => &mut self.video,
        };
        part.0.take()
    }
}

/// A string that is not empty, or a number as its digits.
#[derive(Default)]
pub(super) struct Text(pub(super) Option<String>);

impl Text {
    /// The text, or the error of its absence; `path` is how the vendor names the parameter.
    pub(super) fn required(self, path: &'static str) -> Result<String, MessageError> {
        self.0.ok_or(MessageError::Required(path))
    }

    /// Whether it is this word, without regard to case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.0.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text((!text.is_empty()).then(|| text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    /// Whole numbers come without a fraction: some languages know no others than these.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Text, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Text(None))
    }
}

/// An object, read into `T`.
pub(super) struct Part<T>(pub(super) Option<T>);

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor(PhantomData))
    }
}

struct PartVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PartVisitor<T> {
    type Value = Part<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|part| Part(Some(part)))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Part<T>, E> {
        Ok(Part(None))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Part<T>, E> {
        Ok(Part(None))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Part<T>, E> {
        Ok(Part(None))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Part<T>, E> {
        Ok(Part(None))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Part<T>, E> {
        Ok(Part(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Part<T>, E> {
        Ok(Part(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Part<T>, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Part(None))
    }
}
