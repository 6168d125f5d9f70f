//! The store from outside: one file for each promise or part.

mod accounts;
mod bench;
mod crash;
mod damage;
mod dedup;
mod deliveries;
mod format;
mod keys;
mod lifetimes;
mod model;
mod roundtrip;
mod sweep;
mod throttles;
mod verify;
mod writer;
