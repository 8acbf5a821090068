//! Documents in, slots and documents out.

#![cfg(test)]

mod assembly;
mod forms;
mod large;
mod posts;
mod properties;
mod support;
