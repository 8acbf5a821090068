//! Every provider that is built in, against its fake, in every case that can happen to any of them.
//!
//! The suite walks [`KINDS`](limn_executor::providers::KINDS): a kind without a bench in [`bench::ALL`] fails, and so does a bench
//! whose record of a case is missing. What a provider is sent in a case, and what comes of it, is written down in
//! `fixtures/<kind>/<variant>.txt`; `LIMN_WRITE_FIXTURES=1` writes these files again, and the difference is for reading.

#![cfg(test)]

mod automatic1111;
mod bench;
mod bfl;
mod comfyui;
mod drive;
mod google;
mod midjourney;
mod openai;
mod openai_compatible;
mod openrouter;
mod record;
mod replicate;
mod rules;
mod stability;
mod standard;
mod vertex;
