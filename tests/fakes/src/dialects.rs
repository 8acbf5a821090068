//! The APIs that there are fakes of: a file each, and a line in [`ALL`].

use std::fmt;

use crate::{
    desk::{Desk, Job, Reply},
    exchange::Request,
    hook::Hook,
};

mod automatic1111;
mod bfl;
mod comfyui;
mod google;
mod midjourney;
mod openai;
mod openai_compatible;
mod openrouter;
mod replicate;
mod stability;
mod vertex;

/// An API as its fake speaks it.
///
/// Errors, refusals and life cycles are those of the provider's documents. A fake charges work when the provider would:
/// when it was begun where nothing is known, when it was done where jobs have a life of their own.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// Name, as that of the adapter.
    fn name(&self) -> &'static str;

    /// Path of the address that the client is given.
    fn base_path(&self) -> &'static str {
        ""
    }

    /// The ways in which it refuses content.
    fn refusals(&self) -> &'static [&'static str];

    /// True where work has a life of its own.
    fn has_jobs(&self) -> bool {
        false
    }

    /// True where work can be stopped.
    fn can_cancel(&self) -> bool {
        false
    }

    /// The header that the key comes in, and whether it came.
    fn key(&self, request: &Request) -> (&'static str, bool);

    /// Lines of a configuration for it beside its address; with the key, where it takes one.
    fn configuration(&self) -> String {
        format!("api_key = {:?}\n", crate::Fake::KEY)
    }

    /// The news of a job that it would send to the address that the client named, as the job stands. Nothing: it named none.
    fn hook(&self, _job: &Job, _desk: &Desk) -> Option<Hook> {
        None
    }

    /// Answers a request.
    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply;
}

/// Every fake.
pub(crate) const ALL: &[&dyn Dialect] = &[
    &automatic1111::Automatic1111,
    &bfl::Bfl,
    &comfyui::ComfyUi,
    &google::Google,
    &midjourney::Midjourney,
    &openai::OpenAi,
    &openai_compatible::LOCAL_AI,
    &openai_compatible::PLAIN,
    &openai_compatible::SGLANG,
    &openai_compatible::STABLE_DIFFUSION_CPP,
    &openai_compatible::VLLM,
    &openrouter::OpenRouter,
    &replicate::Replicate,
    &stability::Stability,
    &vertex::Vertex,
];

/// The fake of that name.
pub(crate) fn find(name: &str) -> Option<&'static dyn Dialect> {
    ALL.iter().copied().find(|dialect| dialect.name() == name)
}

/// True when the request has this header with the key in it after a word such as `Bearer`.
pub(crate) fn has_key(request: &Request, header: &str, word: &str) -> bool {
    request.header(header) == format!("{word}{}", crate::Fake::KEY)
}
