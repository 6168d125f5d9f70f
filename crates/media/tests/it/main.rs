//! Inspection from outside: samples, bombs, damage, properties, and the documents held to the code.

mod samples;
mod support;
