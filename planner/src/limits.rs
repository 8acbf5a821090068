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
/// Most views of a view set.
pub(crate) const MAX_VIEWS: usize = 16;
/// Longest text about one view in characters.
pub(crate) const MAX_VIEW_CHARS: usize = 4_000;
/// Most keywords of a view set.
pub(crate) const MAX_KEYWORDS: usize = 16;
/// Longest keyword in bytes.
pub(crate) const MAX_KEYWORD_BYTES: usize = 128;
/// Longest category in bytes.
pub(crate) const MAX_CATEGORY_BYTES: usize = 64;
/// Most anchors of an image.
pub(crate) const MAX_ANCHORS: usize = 16;
/// Longest name of an anchor in bytes.
pub(crate) const MAX_ANCHOR_NAME_BYTES: usize = 64;
/// Longest description of an anchor in characters.
pub(crate) const MAX_ANCHOR_CHARS: usize = 2_000;
/// Longest hint of the picture before in characters.
pub(crate) const MAX_HINT_CHARS: usize = 4_000;
/// Most thumbnails of a step.
pub(crate) const MAX_THUMBNAILS: usize = 16;
/// Largest `max_duplicate_spend` in billionths of the currency: a million units, as the executor takes.
pub(crate) const MAX_DUPLICATE_SPEND_NANOS: i64 = 1_000_000 * 1_000_000_000;
/// Largest seed: 31 bits fit every provider.
pub(crate) const MAX_SEED: u32 = i32::MAX.unsigned_abs();
