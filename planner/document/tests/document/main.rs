//! Documents in, slots and documents out.

mod assembly;
mod forms;
mod large;
mod properties;
mod support;
