//! The engine on a real database and a real folder, with a provider that does what a test tells it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod big;
mod breaker;
mod calls;
mod crashes;
mod crowd;
mod deleting;
mod ended;
mod fallback;
mod looks;
mod lookups;
#[cfg(feature = "provenance")]
mod marks;
mod news;
mod outcomes;
mod pace;
mod policies;
mod processes;
mod references;
mod rerolls;
mod retention;
mod scripted;
mod stops;
mod studios;
mod support;
mod twins;
mod views;
mod watching;
mod zombies;
