//! The engine on a real database and a real folder, with a provider that does what a test tells it.

mod crashes;
mod outcomes;
mod support;
