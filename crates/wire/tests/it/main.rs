//! The crate from outside: bodies byte for byte, forms and messages from real clients and from nobody's client.

mod bodies;
mod corpus;
mod forms;
mod hostile;
mod messages;
mod openapi;
mod oracle;
mod pieces;
mod webhooks;
