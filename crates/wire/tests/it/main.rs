//! The crate from outside: bodies byte for byte, forms from real clients and from nobody's client.

mod bodies;
mod corpus;
mod forms;
mod hostile;
mod openapi;
mod oracle;
mod pieces;
mod webhooks;
