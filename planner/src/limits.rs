//! Limits of the contract, in one place: the door keeps them for requests, the canonical form for plans.

/// Most steps of a plan.
pub const MAX_STEPS: usize = 500;
/// Largest document in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 5 * 1024 * 1024;
/// Longest session id in bytes.
pub(crate) const MAX_SESSION_BYTES: usize = 128;
/// Most labels of a plan, a step or a target.
pub(crate) const MAX_LABELS: usize = 64;
/// Longest key of a label in bytes.
pub(crate) const MAX_LABEL_KEY_BYTES: usize = 63;
/// Longest value of a label in bytes.
pub(crate) const MAX_LABEL_VALUE_BYTES: usize = 256;
/// Longest prompt, negative prompt and original prompt of a request in characters.
pub(crate) const MAX_TEXT_CHARS: usize = 32_000;
/// Longest text of a target in bytes: a prompt with all that is merged into it, at four bytes a character.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 20;
/// Longest alternative text in bytes.
pub(crate) const MAX_ALT_TEXT_BYTES: usize = 1_000;
/// Longest caption in bytes.
pub(crate) const MAX_CAPTION_BYTES: usize = 2_000;
/// Longest id or title of the caller in bytes.
pub(crate) const MAX_KEY_TEXT_BYTES: usize = 256;
/// Longest name of a provider or a model, and longest word of a provider, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 128;
/// Most fallbacks of a step.
pub(crate) const MAX_FALLBACKS: usize = 16;
/// Most pictures that a drawing refers to.
pub(crate) const MAX_REFERENCES: usize = 16;
/// Most thumbnails of a step.
pub(crate) const MAX_THUMBNAILS: usize = 16;
/// Largest `max_duplicate_spend` in billionths of the currency: a million units, as the executor takes.
pub(crate) const MAX_DUPLICATE_SPEND_NANOS: i64 = 1_000_000 * 1_000_000_000;
/// Largest seed: 31 bits fit every provider.
pub(crate) const MAX_SEED: u32 = i32::MAX.unsigned_abs();
