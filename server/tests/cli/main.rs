//! Stories of the command line: the real binary, a data folder of its own, nothing from the environment.

mod accounts;
mod configuration;
mod continuity;
mod deciding;
mod documents;
mod fallback;
mod limn;
mod paying;
mod planning;
mod postgres;
mod provenance;
mod refusals;
mod rendering;
mod serving;
mod sessions;
mod storing;
mod trial;
mod views;
