//! Where requests meet the stand-in's controls, in a service that has them: faults on the way in, broken bodies and the
//! journal on the way out.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use http_body::Body as _;
use tokio::time::Instant;
use wamedia_media::{Kind, MediaId, PhoneNumberId};
use wamedia_wire::messages::{Content, MediaSource, MessageError, OutgoingMedia, Posted};

use super::body::Body;
use super::request::parameter_of;
use super::route::Target;
use super::service::Exchange;
use crate::action::Action;
use crate::error::MediaError;
use crate::operations::{Caller, owner};
use crate::stand_in::encounter::{Encounter, Instead};
use crate::stand_in::journal::Entry;
use crate::stand_in::{StandIn, tamper};

/// What became of a request, as the journal keeps it.
pub struct Became {
    /// Its verb, if it had one.
    pub action: Option<Action>,
    /// `ok`, or the name of the error.
    pub outcome: &'static str,
    /// Bytes of its body.
    pub received: u64,
    /// When it came.
    pub started: Instant,
}

/// A request between the controls and what they will remember of it.
pub struct Met<'a> {
    stand_in: &'a StandIn,
    /// What is known of the request.
    pub encounter: Encounter,
}

impl<'a> Met<'a> {
    /// `None` in every service that is no stand-in.
    pub fn new(stand_in: Option<&'a StandIn>) -> Option<Self> {
        stand_in.map(|stand_in| Self { stand_in, encounter: Encounter::default() })
    }
}

impl Exchange<'_> {
    /// What comes instead of the action, if a fault or a reserved id says so.
    pub(super) async fn instead(
        &self,
        met: &Met<'_>,
        action: Action,
        caller: &Caller,
        number: Option<PhoneNumberId>,
    ) -> Option<Result<Response<Body>, MediaError>> {
        if action == Action::Send {
            // Its media is known only when its body is: see below.
            return None;
        }
        let media = self.media_in_target();
        let account = caller.account();
        met.encounter.meet(met.stand_in, action.as_str(), account, number, media.as_deref(), self.now);
        Some(self.say(met.encounter.hold_up().await?))
    }

    /// As [`Exchange::instead`], of a message that was read.
    pub(super) async fn instead_of_message(
        &self,
        caller: &Caller,
        number: PhoneNumberId,
        posted: &[u8],
    ) -> Option<Result<Response<Body>, MediaError>> {
        let met = self.met.as_ref()?;
        let sent = media_in_message(posted);
        let media = sent.map(|(_, id)| id.to_string());
        let (action, account) = (Action::Send.as_str(), caller.account());
        met.encounter.meet(met.stand_in, action, account, Some(number), media.as_deref(), self.now);
        let instead = met.encounter.hold_up().await?;
        Some(match (instead, sent) {
            // A message has its own words for media that is not there.
            (Instead::Error(MediaError::NoSuchMedia { .. }), Some((kind, _))) => {
                Err(MediaError::Message(MessageError::MediaId(kind)))
            }
            (instead, _) => self.say(instead),
        })
    }

    fn say(&self, instead: Instead) -> Result<Response<Body>, MediaError> {
        match instead {
            Instead::Error(error) => Err(error),
            Instead::Status(status) => Ok(bare(status)),
            Instead::Redirect => Ok(self.redirect_here()),
        }
    }

    /// Breaks the answer where faults say so, and writes the journal.
    pub(super) fn leave(&self, met: &Met<'_>, became: &Became, response: &mut Response<Body>) {
        let facts = met.encounter.facts();
        for acting in &facts.acting {
            tamper::tamper(response, acting);
        }
        let known = || owner(self.app, self.presented.as_ref()?);
        let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let sent = length.and_then(|text| text.parse().ok()).or(response.body().size_hint().exact());
        let outcome = if facts.has_bare_answer() { "faulted" } else { became.outcome };
        met.stand_in.journal.write(Entry {
            seq: 0,
            at: self.now,
            action: became.action.map(Action::as_str),
            dialect: self.dialect.as_str(),
            world: facts.account.or_else(known).map(|account| account.0),
            phone_number_id: facts.number.map(|number| number.to_string()),
            media_id: facts.media.or_else(|| self.media_in_target().map(Cow::into_owned)),
            declared: facts.declared,
            found: facts.found.map(str::to_owned),
            outcome,
            status: response.status().as_u16(),
            ms: became.started.elapsed().as_secs_f64() * 1000.0,
            received: became.received,
            sent,
            faults: facts.acting.iter().map(|acting| acting.id).collect(),
        });
    }

    /// The media that path or link name.
    fn media_in_target(&self) -> Option<Cow<'_, str>> {
        match &self.route.target {
            Target::Media { id } => Some(Cow::Borrowed(id)),
            Target::Attachment { query_in_path } => {
                parameter_of(query_in_path.as_deref().or(self.head.uri.query())?, "mid")
            }
            _ => None,
        }
    }

    /// 308 to where the client already is, for clients that must follow.
    fn redirect_here(&self) -> Response<Body> {
        let mut response = bare(StatusCode::PERMANENT_REDIRECT);
        let query = self.head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        // Two slashes in front would name a host.
        let location = format!("/{}{query}", self.head.uri.path().trim_start_matches('/'));
        let location = HeaderValue::from_str(&location).unwrap_or(HeaderValue::from_static("/"));
        response.headers_mut().insert(LOCATION, location);
        response
    }
}

/// The media that a message is sent with, if it is one by id.
fn media_in_message(posted: &[u8]) -> Option<(Kind, MediaId)> {
    let Ok(Posted::Message(message)) = Posted::parse(posted) else { return None };
    let Content::Media(OutgoingMedia { kind, source: MediaSource::Id(id), .. }) = message.content else {
        return None;
    };
    Some((kind, id))
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}
