//! How subscriptions and deliveries are told to machines: admin bodies, and `--json` on the command line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wamedia_store::{Delivery, DeliveryState, Subscription, WebhookDialect};

/// A dialect by name.
#[derive(Clone, Copy, Default, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DialectName {
    /// Meta's: subscription check, X-Hub-Signature-256
    #[default]
    Graph,
    /// 360dialog's: no check, x-360dialog-signature
    D360,
}

impl From<DialectName> for WebhookDialect {
    fn from(name: DialectName) -> Self {
        match name {
            DialectName::Graph => Self::Graph,
            DialectName::D360 => Self::D360,
        }
    }
}

impl From<WebhookDialect> for DialectName {
    fn from(dialect: WebhookDialect) -> Self {
        match dialect {
            WebhookDialect::Graph => Self::Graph,
            WebhookDialect::D360 => Self::D360,
        }
    }
}

impl DialectName {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::D360 => "d360",
        }
    }
}

/// How far a delivery has come, by name.
#[derive(Clone, Copy, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum StateName {
    /// Still to be delivered
    Waiting,
    /// Taken by the endpoint
    Delivered,
    /// Not taken in time
    GivenUp,
    /// Taken out by an operator
    Dropped,
}

impl From<StateName> for DeliveryState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Waiting => Self::Waiting,
            StateName::Delivered => Self::Delivered,
            StateName::GivenUp => Self::GivenUp,
            StateName::Dropped => Self::Dropped,
        }
    }
}

impl From<DeliveryState> for StateName {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Waiting => Self::Waiting,
            DeliveryState::Delivered => Self::Delivered,
            DeliveryState::GivenUp => Self::GivenUp,
            DeliveryState::Dropped => Self::Dropped,
        }
    }
}

impl StateName {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
            Self::Dropped => "dropped",
        }
    }
}

/// A subscription, without its secrets.
#[derive(Serialize)]
pub struct SubscriptionView {
    id: i64,
    account: i64,
    phone_number_id: Option<String>,
    dialect: DialectName,
    url: String,
    signed: bool,
    has_verify_token: bool,
    headers: Vec<String>,
    allow_private: bool,
    created_at: Timestamp,
}

impl From<&Subscription> for SubscriptionView {
    fn from(subscription: &Subscription) -> Self {
        let endpoint = &subscription.endpoint;
        Self {
            id: subscription.id.0,
            account: subscription.account.0,
            phone_number_id: subscription.phone_number_id.map(|number| number.to_string()),
            dialect: subscription.dialect.into(),
            url: endpoint.url.clone(),
            signed: endpoint.app_secret.is_some(),
            has_verify_token: endpoint.verify_token.is_some(),
            headers: endpoint.headers.iter().map(|(name, _)| name.clone()).collect(),
            allow_private: subscription.allow_private,
            created_at: subscription.created_at,
        }
    }
}

/// A delivery, without its body.
#[derive(Serialize)]
pub struct DeliveryView {
    id: i64,
    account: i64,
    phone_number_id: String,
    subscription: i64,
    kind: String,
    state: StateName,
    created_at: Timestamp,
    give_up_at: Timestamp,
    next_at: Option<Timestamp>,
    attempts: u32,
    last_at: Option<Timestamp>,
    last_status: Option<u16>,
    last_error: Option<String>,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.0,
            account: delivery.account.0,
            phone_number_id: delivery.phone_number_id.to_string(),
            subscription: delivery.subscription.0,
            kind: delivery.kind.clone(),
            state: delivery.state.into(),
            created_at: delivery.created_at,
            give_up_at: delivery.give_up_at,
            next_at: delivery.next_at,
            attempts: delivery.attempts,
            last_at: delivery.last_at,
            last_status: delivery.last_status,
            last_error: delivery.last_error.clone(),
        }
    }
}

/// A delivery with its body.
#[derive(Serialize)]
pub struct ShownDelivery {
    #[serde(flatten)]
    delivery: DeliveryView,
    body: Value,
}

impl ShownDelivery {
    /// With the body as JSON; as text where it should ever be none.
    pub fn new(delivery: &Delivery, body: &[u8]) -> Self {
        let text = || Value::String(String::from_utf8_lossy(body).into_owned());
        Self { delivery: delivery.into(), body: serde_json::from_slice(body).unwrap_or_else(|_| text()) }
    }
}
