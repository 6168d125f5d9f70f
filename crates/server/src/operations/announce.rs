//! Telling whoever subscribed: a webhook is written once, with everything in it, and put into the durable queue.
//!
//! A number that nobody subscribed to is no error: nothing is told then.

use bytes::Bytes;
use jiff::Timestamp;
use wamedia_media::{MediaId, PhoneNumberId};
use wamedia_store::{
    DeliveryId, NewDelivery, PhoneNumber, StoreError, Subscription, SubscriptionId, WebhookDialect,
};
use wamedia_wire::links::LinkSource;
use wamedia_wire::webhook::{Business, DeliveryState, Inbound, InboundContent, Status};

use crate::app::App;
use crate::links::LOOKASIDE;

/// What stands plain in the catalog about a webhook, and in lists.
const MESSAGE: &str = "message";
const STATUS: &str = "status";

/// A message that came in, whatever it carries.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The sender's number: digits.
    pub wa_id: &'a str,
    /// The name of the sender's profile.
    pub contact_name: &'a str,
    /// `wamid.…`
    pub message_id: &'a str,
    /// When it was sent.
    pub at: Timestamp,
}

/// What became of a message that the business sent.
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    /// As the sending was answered.
    pub message_id: &'a str,
    /// The receiver's number: digits.
    pub recipient_id: &'a str,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub state: DeliveryState<'a>,
    /// What the sender asked to be told back.
    pub biz_opaque_callback_data: Option<&'a str>,
}

/// Tells what became of sent messages, in this order; durable when this returns. Nobody subscribed: nothing happens.
///
/// # Errors
/// The catalog cannot be read or written; nobody is told then.
pub async fn status(
    app: &App,
    number: PhoneNumberId,
    progress: &[Progress<'_>],
) -> Result<Vec<DeliveryId>, StoreError> {
    let Some(audience) = audience(app, number)? else { return Ok(Vec::new()) };
    let deliveries = progress.iter().map(|progress| audience.status(app, progress)).collect();
    enqueue(app, deliveries).await
}

/// Tells of a message that came in without media of ours; durable when this returns. Nobody subscribed: nothing happens.
///
/// # Errors
/// The catalog cannot be read or written; nobody is told then.
pub async fn inbound(
    app: &App,
    number: PhoneNumberId,
    incoming: Incoming<'_>,
    content: InboundContent<'_>,
) -> Result<Vec<DeliveryId>, StoreError> {
    let Some(audience) = audience(app, number)? else { return Ok(Vec::new()) };
    enqueue(app, vec![audience.inbound(app, incoming, content)]).await
}

async fn enqueue(app: &App, deliveries: Vec<NewDelivery>) -> Result<Vec<DeliveryId>, StoreError> {
    let ids = app.store.catalog().enqueue(deliveries).await?;
    app.deliveries.wake();
    Ok(ids)
}

/// Who is told about a number, and how the number is named to them.
pub(super) struct Audience {
    number: PhoneNumber,
    subscription: Subscription,
    waba_id: String,
    display_phone_number: String,
}

/// The audience of a number; `None` where nobody subscribed, or there is no such number.
///
/// # Errors
/// The catalog cannot be read, or the subscription does not open.
pub(super) fn audience(app: &App, number: PhoneNumberId) -> Result<Option<Audience>, StoreError> {
    let catalog = app.store.catalog();
    let Some(number) = catalog.phone_number(number)? else { return Ok(None) };
    let Some(subscription) = catalog.subscription_for(number.id)? else { return Ok(None) };
    let digits: String = number.display.chars().filter(char::is_ascii_digit).collect();
    Ok(Some(Audience {
        // An account is what Meta calls a WhatsApp Business Account.
        waba_id: number.account.to_string(),
        // Where nobody said how the number is written, its id stands in.
        display_phone_number: if digits.is_empty() { number.id.to_string() } else { digits },
        number,
        subscription,
    }))
}

impl Audience {
    pub(super) fn subscription(&self) -> SubscriptionId {
        self.subscription.id
    }

    /// A link to received media, under the address that this dialect's links carry.
    pub(super) fn link(&self, app: &App, media: MediaId, now: Timestamp) -> String {
        let life = app.config.links.webhook_valid_for.signed();
        let expires_at = now.saturating_add(life).unwrap_or(Timestamp::MAX);
        let link = app.links.issue(self.number.account, media, LinkSource::Webhook, expires_at);
        link.url(&self.link_base(app))
    }

    fn link_base(&self, app: &App) -> String {
        let config = &app.config;
        let setting = match self.subscription.dialect {
            WebhookDialect::Graph => &config.graph.media_url_host,
            WebhookDialect::D360 => &config.d360.media_url_host,
        };
        match setting.as_str() {
            "lookaside" => LOOKASIDE.to_owned(),
            "self" if !config.public.base_url.is_empty() => config.public.base_url.clone(),
            "self" => app.deliveries.own_address(config),
            url => url.to_owned(),
        }
    }

    /// The webhook of a message that came in.
    pub(super) fn inbound(
        &self,
        app: &App,
        incoming: Incoming<'_>,
        content: InboundContent<'_>,
    ) -> NewDelivery {
        let body = Inbound {
            business: self.business(),
            contact_name: incoming.contact_name,
            wa_id: incoming.wa_id,
            message_id: incoming.message_id,
            timestamp: seconds(incoming.at),
            content,
        };
        self.delivery(app, MESSAGE, body.to_json())
    }

    fn status(&self, app: &App, progress: &Progress<'_>) -> NewDelivery {
        let body = Status {
            business: self.business(),
            message_id: progress.message_id,
            recipient_id: progress.recipient_id,
            timestamp: seconds(progress.at),
            state: progress.state,
            biz_opaque_callback_data: progress.biz_opaque_callback_data,
        };
        self.delivery(app, STATUS, body.to_json())
    }

    fn business(&self) -> Business<'_> {
        Business {
            waba_id: &self.waba_id,
            display_phone_number: &self.display_phone_number,
            phone_number_id: self.number.id,
        }
    }

    fn delivery(&self, app: &App, kind: &'static str, body: Vec<u8>) -> NewDelivery {
        let now = app.clock.now();
        let patience = app.config.webhooks.give_up_after.signed();
        NewDelivery {
            account: self.number.account,
            phone_number_id: self.number.id,
            subscription: self.subscription.id,
            kind,
            body: Bytes::from(body),
            created_at: now,
            give_up_at: now.saturating_add(patience).unwrap_or(Timestamp::MAX),
        }
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}
