//! The service as its callers meet it: over real sockets, told as facts. The folders mirror the API.

mod accounts;
mod admin;
mod canaries;
mod corpus;
mod crash;
mod d360;
mod damage;
mod first_start;
mod graph;
mod isolation;
mod lifetimes;
mod links;
mod messages;
mod serving;
mod support;
mod throttles;
