//! The store from outside: one file for each promise or part.

mod accounts;
mod bench;
mod crash;
mod damage;
mod dedup;
mod deliveries;
mod delivery_boxes;
mod delivery_crash;
mod delivery_model;
mod format;
mod keys;
mod lifetimes;
mod memory;
mod migration;
mod model;
mod packs;
mod roundtrip;
mod subscriptions;
mod sweep;
mod throttles;
mod verify;
mod writer;
