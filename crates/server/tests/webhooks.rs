//! Webhooks as a business's endpoint meets them: over real sockets, signatures checked over the bytes as they came.

#[path = "webhooks/canaries.rs"]
mod canaries;
#[path = "webhooks/commands.rs"]
mod commands;
#[path = "webhooks/crash.rs"]
mod crash;
#[path = "webhooks/deliveries.rs"]
mod deliveries;
#[path = "webhooks/house.rs"]
mod house;
#[path = "webhooks/received.rs"]
mod received;
#[path = "webhooks/receiver.rs"]
mod receiver;
#[path = "webhooks/subscriptions.rs"]
mod subscriptions;
#[allow(dead_code, unused_imports, reason = "shared with the tests of the public listener")]
#[path = "it/support/mod.rs"]
mod support;
#[path = "webhooks/tls.rs"]
mod tls;
