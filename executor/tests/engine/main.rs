//! The engine on a real database and a real folder, with a provider that does what a test tells it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crashes;
mod outcomes;
mod processes;
mod retention;
mod support;
mod watching;
