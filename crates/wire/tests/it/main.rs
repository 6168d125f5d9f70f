//! The crate from outside: bodies byte for byte, forms from real clients, forms from nobody's client.

mod bodies;
mod corpus;
mod forms;
mod hostile;
mod openapi;
mod oracle;
mod pieces;
