//! `wamedia upload`, `url`, `download`, `delete`, `profile` and `doctor` as people and scripts meet them: the real binary
//! against a real server, in both dialects. No secret is ever in any output: the house looks.

#[path = "transfer/batches.rs"]
mod batches;
#[path = "transfer/doctor.rs"]
mod doctor;
#[path = "transfer/house.rs"]
mod house;
#[path = "transfer/interrupted.rs"]
mod interrupted;
#[path = "transfer/line.rs"]
mod line;
#[path = "transfer/media.rs"]
mod media;
#[path = "transfer/profiles.rs"]
mod profiles;
#[path = "transfer/refused.rs"]
mod refused;
#[path = "transfer/terminal.rs"]
mod terminal;
