//! The front desk of the public listener: every request comes by here, and every answer leaves from here.
//!
//! Places, route, credential, rules, action, and afterwards: count, measure, log, and see to what is left of the
//! body. What an action does is in the file of its name.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{CONNECTION, EXPECT, LOCATION, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use wamedia_media::PhoneNumberId;
use wamedia_store::View;
use wamedia_wire::fbtrace::TraceId;

use super::body::Body;
use super::dialect::Dialect;
use super::framing::Refusal;
use super::listener::Arrived;
use super::request_body::RequestBody;
use super::route::{Route, Target, route};
use super::signals::Signals;
use super::stand_in::{Became, Met};
use super::{delete, download, messages, request, retrieve_url, upload};
use crate::action::Action;
use crate::app::App;
use crate::error::MediaError;
use crate::gates::Places;
use crate::operations::{Caller, Presented, authenticate};

/// A body that nobody asked for is read up to here so that the connection can be kept.
const IDLE_BODY_BYTES: u64 = 64 * 1024;

/// One request under way.
pub struct Exchange<'a> {
    /// The service.
    pub app: &'a Arc<App>,
    /// Request line and headers.
    pub head: &'a Parts,
    /// The path, taken apart.
    pub route: &'a Route,
    /// How to answer.
    pub dialect: Dialect,
    /// `http` or `https`, as it reached this listener.
    pub scheme: &'static str,
    /// Our own address, as the client's connection reached it.
    pub local: SocketAddr,
    /// When it arrived.
    pub now: Timestamp,
    /// What the stand-in's controls make of it, where there are any.
    pub met: Option<Met<'a>>,
    /// The credential, not yet checked.
    pub presented: Option<Presented>,
    trace: TraceId,
    signals: Arc<Signals>,
    /// Its place among the requests, once it has one.
    place: Option<Place>,
}

/// A place among the requests, held by whatever of the request still goes on.
pub type Place = Arc<OwnedSemaphorePermit>;

/// What became of a request, for metrics and the log.
struct Outcome {
    action: Option<Action>,
    number: Option<PhoneNumberId>,
    word: &'static str,
}

/// Answers one request.
pub async fn answer(app: Arc<App>, arrived: Arrived) -> Response<Body> {
    let started = Instant::now();
    let Arrived { request, scheme, local, refused, signals } = arrived;
    let (head, incoming) = request.into_parts();
    let mut body = RequestBody::new(incoming);
    let route = route(head.uri.path(), &app.config.public.path_prefix);
    let presented = request::presented(&head);
    let mut exchange = Exchange {
        dialect: request::dialect(presented.as_ref(), &route, &app.config),
        now: app.clock.now(),
        trace: TraceId::from_random(app.chance.bytes()),
        app: &app,
        head: &head,
        route: &route,
        scheme,
        local,
        met: Met::new(app.stand_in.as_deref()),
        presented,
        signals,
        place: None,
    };
    let (mut response, outcome) = match refused {
        Some(refusal) => exchange.refuse(refusal),
        None => exchange.answer(&mut body).await,
    };
    exchange.report(&response, &outcome, body.received(), started);
    if let Some(met) = &exchange.met {
        let Outcome { action, word, .. } = outcome;
        let became = Became { action, outcome: word, received: body.received(), started };
        exchange.leave(met, &became, &mut response);
    }
    see_off(&app, &head, body, &mut response);
    response
}

impl<'a> Exchange<'a> {
    async fn answer(&mut self, body: &mut RequestBody) -> (Response<Body>, Outcome) {
        let mut outcome = Outcome { action: None, number: None, word: "ok" };
        if self.route.target == Target::Unknown {
            outcome.word = "unknown_path";
            let path = self.head.uri.path();
            return (self.dialect.unknown_path(path, &self.app.config, self.trace), outcome);
        }
        let method = &self.head.method;
        let Some(action) = self.route.target.action(method) else {
            outcome.word = "wrong_method";
            let refusal = self.dialect.wrong_method(method, &self.route.target, &self.app.config, self.trace);
            return (refusal, outcome);
        };
        outcome.action = Some(action);
        if self.route.target == Target::AttachmentUnslashed {
            outcome.word = "redirected";
            return (self.add_slash(), outcome);
        }
        match self.perform(action, body, &mut outcome.number).await {
            Ok(response) => (response, outcome),
            Err(error) => {
                outcome.word = error.outcome();
                self.log_error(&error);
                (self.dialect.error(&error, action, &self.app.config, self.trace), outcome)
            }
        }
    }

    /// One thing at a time: a place, a caller, the rules, the action; and what the rules make of its error.
    async fn perform(
        &mut self,
        action: Action,
        body: &mut RequestBody,
        throttled: &mut Option<PhoneNumberId>,
    ) -> Result<Response<Body>, MediaError> {
        let places = match self.app.gates.try_enter(action) {
            Some(places) => places,
            None => Box::pin(self.wait(action)).await?,
        };
        let Places { request, upload: _upload } = places;
        self.place = Some(Arc::new(request));
        // One look at the catalog: the request is answered by what was true when it came.
        let view = self.app.store.catalog().view();
        let (caller, number) = self.caller(&view)?;
        *throttled = number;
        let bound = number.filter(|_| self.app.throttle.binds(self.dialect.name()));
        if let Some(number) = bound {
            Box::pin(self.app.throttle.admit(&view, number, action, self.now)).await?;
        }
        let instead = match &self.met {
            Some(met) => Box::pin(self.instead(met, action, &caller, number)).await,
            None => None,
        };
        let result = match instead {
            Some(instead) => instead,
            // Who was held up on purpose asks again.
            None if self.met.is_some() => {
                self.act(action, &caller, number, self.app.store.catalog().view(), body).await
            }
            None => self.act(action, &caller, number, view, body).await,
        };
        if let (Some(number), Err(error)) = (bound, &result)
            && error.counts_against_client()
        {
            Box::pin(self.count(number, action)).await?;
        }
        result
    }

    /// Waits in line for a place, nothing of the body read; strangers may not. Who has waited is looked up again.
    async fn wait(&self, action: Action) -> Result<Places<'a>, MediaError> {
        self.caller(&self.app.store.catalog().view())?;
        let _in_line = self.signals.in_line();
        self.app.gates.wait(action, || self.signals.has_left()).await.map_err(|turned_away| {
            self.app.metrics.turned_away(turned_away.as_str());
            MediaError::Overloaded
        })
    }

    /// Who asks, and for which of their numbers.
    fn caller(&self, view: &View<'_>) -> Result<(Caller, Option<PhoneNumberId>), MediaError> {
        let caller = authenticate(self.app, view, self.presented.as_ref(), self.now)?;
        let number = match &self.route.target {
            Target::Uploads { phone_number_id } => {
                Some(self.number_in_path(&caller, view, phone_number_id.as_deref(), "media")?)
            }
            Target::Messages { phone_number_id } => {
                Some(self.number_in_path(&caller, view, phone_number_id.as_deref(), "messages")?)
            }
            _ => self.counted_number(&caller, view)?,
        };
        Ok((caller, number))
    }

    async fn act(
        &self,
        action: Action,
        caller: &Caller,
        number: Option<PhoneNumberId>,
        view: View<'_>,
        body: &mut RequestBody,
    ) -> Result<Response<Body>, MediaError> {
        match (&self.route.target, number) {
            // Boxed: what is seldom and large would otherwise be room that every request has, and every connection.
            (Target::Uploads { .. }, Some(number)) => {
                Box::pin(upload::upload(self, caller, number, body)).await
            }
            (Target::Messages { .. }, Some(number)) => {
                Box::pin(messages::messages(self, caller, number, body)).await
            }
            (Target::Media { id }, _) if action == Action::Delete => {
                Box::pin(delete::delete(self, caller, id)).await
            }
            (Target::Media { id }, _) => retrieve_url::retrieve_url(self, caller, &view, id),
            (Target::Attachment { query_in_path }, _) => {
                let query = query_in_path.as_deref().or(self.head.uri.query()).unwrap_or_default();
                download::download(self, caller, &view, query).await
            }
            (Target::Uploads { .. } | Target::Messages { .. }, None)
            | (Target::AttachmentUnslashed | Target::Unknown, _) => {
                Err(MediaError::Internal("a target that is answered earlier".to_owned()))
            }
        }
    }

    /// The number that an upload or a message is for: the path names it (graph), or the key has only one (d360).
    fn number_in_path(
        &self,
        caller: &Caller,
        view: &View<'_>,
        in_path: Option<&str>,
        object: &str,
    ) -> Result<PhoneNumberId, MediaError> {
        // `POST /media` and `POST /messages` are 360dialog's; in graph they name an object of that name.
        let text = in_path.unwrap_or(object);
        let unknown = || MediaError::NoSuchPhoneNumber { id: text.to_owned() };
        let number = match in_path {
            Some(text) => text.parse().map_err(|_| unknown())?,
            None => caller.only_number().filter(|_| !self.is_graph()).ok_or_else(unknown)?,
        };
        if caller.owns(view, number)? { Ok(number) } else { Err(unknown()) }
    }

    /// The number that a request without one in its path is counted for: the credential's only one, else the one it
    /// asks for, if it is the caller's own. Nobody can be made to answer for another's errors.
    fn counted_number(&self, caller: &Caller, view: &View<'_>) -> Result<Option<PhoneNumberId>, MediaError> {
        let asked = || self.asked_number().and_then(|text| text.parse().ok());
        match caller.only_number().or_else(asked) {
            Some(number) if caller.owns(view, number)? => Ok(Some(number)),
            _ => Ok(None),
        }
    }

    async fn count(&self, number: PhoneNumberId, action: Action) -> Result<(), MediaError> {
        let tripped = self.app.throttle.count_error(number, action, self.now).await?;
        for rule in tripped {
            tracing::warn!(rule, %number, "a throttle blocks the number");
            self.app.metrics.throttle_tripped(rule);
        }
        Ok(())
    }

    /// What the front refused, answered in its turn. Its dialect cannot be known any more.
    fn refuse(&self, refusal: Refusal) -> (Response<Body>, Outcome) {
        let mut response = self.bad_request(refusal.text);
        *response.status_mut() = refusal.status;
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        (response, Outcome { action: None, number: None, word: "malformed" })
    }

    /// `?phone_number_id=`, which only graph knows.
    pub fn asked_number(&self) -> Option<Cow<'_, str>> {
        if self.is_graph() { request::parameter(self.head, "phone_number_id") } else { None }
    }

    /// Whether the caller speaks graph.
    pub fn is_graph(&self) -> bool {
        matches!(self.dialect, Dialect::Graph(_))
    }

    /// A 400 with our own words.
    pub fn bad_request(&self, text: &'static str) -> Response<Body> {
        self.dialect.bad_request(text, &self.app.config, self.trace)
    }

    /// The request's place, for a body that outlives it.
    pub fn place(&self) -> Option<Place> {
        self.place.clone()
    }

    /// 308 to the slashed path, the query untouched (documented by the vendor).
    fn add_slash(&self) -> Response<Body> {
        let query = self.head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        // Two slashes in front would name a host, and lead the client and its credential there.
        let location = format!("/{}/{query}", self.head.uri.path().trim_start_matches('/'));
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        let location = HeaderValue::from_str(&location).unwrap_or(HeaderValue::from_static("/"));
        response.headers_mut().insert(LOCATION, location);
        response
    }

    fn log_error(&self, error: &MediaError) {
        match error {
            MediaError::Internal(cause) => tracing::error!(trace = %self.trace, cause, "internal error"),
            error => tracing::debug!(trace = %self.trace, %error, "refused"),
        }
    }

    /// One line and one count a request. The path is left out: a link's query, or an id, is nobody else's.
    fn report(&self, response: &Response<Body>, outcome: &Outcome, received: u64, started: Instant) {
        let action = outcome.action.map_or("none", Action::as_str);
        let dialect = self.dialect.as_str();
        let took = started.elapsed();
        self.app.metrics.answered(outcome.action, self.dialect.name(), outcome.word, outcome.number, took);
        self.app.metrics.received(received);
        tracing::info!(
            target: "wamedia::access",
            action,
            dialect,
            status = response.status().as_u16(),
            outcome = outcome.word,
            number = outcome.number.map(PhoneNumberId::get),
            received,
            trace = %self.trace,
            ms = took.as_micros() as f64 / 1000.0,
        );
    }
}

/// The rest of a body that the answer did not wait for is read beside it, within bounds; a client that waits for
/// `100 Continue` sends none.
fn see_off(app: &App, head: &Parts, body: RequestBody, response: &mut Response<Body>) {
    if body.is_done() {
        return;
    }
    let awaits_continue = head.headers.contains_key(EXPECT) && body.is_untouched();
    let chunked = head.headers.contains_key(TRANSFER_ENCODING);
    let small = !chunked && body.remaining().is_some_and(|remaining| remaining <= IDLE_BODY_BYTES);
    if !small || awaits_continue {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if !awaits_continue {
        let limits = &app.config.limits;
        body.linger(limits.linger_bytes.0, limits.linger_for.duration());
    }
}
