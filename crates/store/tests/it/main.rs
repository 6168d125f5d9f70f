//! The store from outside: one file for each promise or part.

mod bench;
mod roundtrip;
