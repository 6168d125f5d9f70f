//! The stand-in's controls as tests of other programs meet them: over real sockets, each held to what it says.

#[path = "stand_in/bodies.rs"]
mod bodies;
#[path = "stand_in/clock.rs"]
mod clock;
#[path = "stand_in/doors.rs"]
mod doors;
#[path = "stand_in/embedded.rs"]
mod embedded;
#[path = "stand_in/errors.rs"]
mod errors;
#[path = "stand_in/faults.rs"]
mod faults;
#[path = "stand_in/house.rs"]
mod house;
#[path = "stand_in/journal.rs"]
mod journal;
#[path = "stand_in/messages.rs"]
mod messages;
#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
#[path = "it/support/mod.rs"]
mod support;
#[path = "stand_in/transfer.rs"]
mod transfer;
#[path = "stand_in/worlds.rs"]
mod worlds;
