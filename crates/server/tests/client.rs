//! The typed client against this service, end to end, in both dialects: real sockets, its clock and its faults.

#[path = "client/downloads.rs"]
mod downloads;
#[path = "client/errors.rs"]
mod errors;
#[path = "client/examples.rs"]
mod examples;
#[path = "client/house.rs"]
mod house;
#[path = "client/limits.rs"]
mod limits;
#[path = "client/paths.rs"]
mod paths;
#[path = "client/tls.rs"]
mod tls;
#[path = "client/uploads.rs"]
mod uploads;
