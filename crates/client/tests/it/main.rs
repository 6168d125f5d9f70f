//! The client against scripted services: recorded answers byte for byte, and what no honest service would send.

#![allow(clippy::print_stdout, reason = "the child tells its parent, and figures are told with --nocapture")]

mod answers;
mod child;
mod hostile;
mod memory;
mod proxy;
mod redirects;
mod requests;
mod resume;
mod script;
