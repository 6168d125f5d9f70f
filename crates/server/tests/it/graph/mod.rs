//! Meta's dialect.

mod delete;
mod download;
mod errors;
mod retrieve_url;
mod upload;
