//! A multipart form as it comes in: part after part, piece after piece, nothing kept.
//!
//! The parser is `wire::multipart`; here it is fed from a body. A body that breaks is an error, never a shorter file.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http_body::Body;
use wamedia_wire::multipart::{Event, Limits, MultipartError, Parser, PartHeaders, TextField, boundary_of};

use crate::error::MediaError;

/// Longest text field that is read: `messaging_product`, `type` and `ttl_minutes` are far shorter.
const MAX_FIELD_BYTES: usize = 1024;

/// Reads the form of `body`.
pub struct Form<'a, B> {
    body: &'a mut B,
    parser: Parser,
    /// Bytes that came and were not yet parsed.
    piece: Bytes,
    /// The part whose data comes next.
    open_part: Option<String>,
}

impl<'a, B> Form<'a, B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    /// A form whose boundary `content_type` tells.
    ///
    /// # Errors
    /// [`MediaError::UnreadableForm`] where it is no form.
    pub fn new(content_type: Option<&str>, body: &'a mut B) -> Result<Self, MediaError> {
        let boundary = boundary_of(content_type.unwrap_or_default()).map_err(unreadable)?;
        let parser = Parser::new(&boundary, Limits::default());
        Ok(Self { body, parser, piece: Bytes::new(), open_part: None })
    }

    /// The next part; what was left of the one before is skipped. `None` at the end of a whole form, with the
    /// body read to its own end.
    ///
    /// # Errors
    /// [`MediaError::UnreadableForm`], [`MediaError::BodyLost`].
    pub async fn next_part(&mut self) -> Result<Option<PartHeaders>, MediaError> {
        self.skip_part().await?;
        loop {
            match self.next_event().await? {
                Some(Event::PartStart(part)) => {
                    self.open_part = Some(part.name.clone());
                    return Ok(Some(part));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next bytes of the open part; `None` at its end.
    ///
    /// # Errors
    /// [`MediaError::UnreadableForm`], [`MediaError::BodyLost`].
    pub async fn next_data(&mut self) -> Result<Option<Bytes>, MediaError> {
        if self.open_part.is_none() {
            return Ok(None);
        }
        match self.next_event().await? {
            Some(Event::Data(bytes)) => Ok(Some(bytes)),
            _ => {
                self.open_part = None;
                Ok(None)
            }
        }
    }

    /// The open part as text.
    ///
    /// # Errors
    /// As [`Form::next_data`]; also when the text is too long or not UTF-8.
    pub async fn text(&mut self) -> Result<String, MediaError> {
        let mut field = TextField::new(self.open_part.clone().unwrap_or_default(), MAX_FIELD_BYTES);
        while let Some(bytes) = self.next_data().await? {
            field.push(&bytes).map_err(unreadable)?;
        }
        field.finish().map_err(unreadable)
    }

    /// The least that is still to come, as far as the client told: of this part, what follows it, and the boundaries.
    pub fn expected_bytes(&self) -> u64 {
        self.body.size_hint().lower().saturating_add(self.piece.len() as u64)
    }

    /// Reads over what is left of the open part.
    ///
    /// # Errors
    /// As [`Form::next_data`].
    pub async fn skip_part(&mut self) -> Result<(), MediaError> {
        while self.next_data().await?.is_some() {}
        Ok(())
    }

    async fn next_event(&mut self) -> Result<Option<Event>, MediaError> {
        loop {
            match self.parser.next(&mut self.piece).map_err(unreadable)? {
                Some(Event::End) => {}
                Some(event) => return Ok(Some(event)),
                None => match self.next_piece().await? {
                    Some(piece) => self.piece = piece,
                    None => {
                        self.parser.finish().map_err(unreadable)?;
                        return Ok(None);
                    }
                },
            }
        }
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, MediaError> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut *self.body).poll_frame(cx)).await;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| MediaError::BodyLost { reason: error.to_string() })?;
            // Trailers carry nothing that a form needs.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }
}

fn unreadable(error: MultipartError) -> MediaError {
    MediaError::UnreadableForm { reason: error.to_string() }
}
