//! Inspection from outside: samples, bombs, damage, properties, and the documents held to the code.

mod build;
mod documents;
mod guard;
mod guess;
mod hostile;
mod made;
mod samples;
mod support;
