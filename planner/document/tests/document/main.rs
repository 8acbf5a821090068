//! Documents in, slots and documents out.

mod assembly;
mod forms;
mod large;
mod posts;
mod properties;
mod support;
