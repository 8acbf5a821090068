//! The stages of planning, in the order in which `Planner::plan` goes through them.

pub(crate) mod cost;
pub(crate) mod fit;
mod hint;
mod lack;
pub(crate) mod notes;
pub(crate) mod prompt;
pub(crate) mod seed;
pub(crate) mod select;
pub(crate) mod settings;
pub(crate) mod shape;
