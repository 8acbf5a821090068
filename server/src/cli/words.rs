//! The words of enumerations, between the command line, the messages and the text for people.

use clap::ValueEnum;
use limn_proto::{plan, v1};

use super::report;

/// Defines the words of one flag and the message value each of them means.
macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident -> $target:ty { $($word:ident),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub(crate) enum $name { $($word),+ }

        impl From<$name> for $target {
            fn from(word: $name) -> Self {
                match word { $($name::$word => Self::$word),+ }
            }
        }
    };
}

words! {
    /// `--quality`.
    QualityWord -> plan::Quality { Draft, Standard, High }
}

words! {
    /// `--style`.
    StyleWord -> plan::Style { Photorealistic, Editorial, Cinematic, Illustration, Painterly, LineArt }
}

words! {
    /// `--type`.
    ImageTypeWord -> plan::ImageType { CharacterPortrait, Scene, Item, BattleMap, Product, Illustration }
}

words! {
    /// `--importance`.
    ImportanceWord -> plan::Importance { Primary, Secondary, Decorative }
}

words! {
    /// `--state`.
    StateWord -> v1::ExecutionState {
        Pending, Processing, Completed, Failed, Cancelled, Cancelling, NeedsDecision
    }
}

words! {
    /// `--period`.
    PeriodWord -> v1::BudgetPeriod { Day, Month, Never }
}

words! {
    /// `--verdict`.
    VerdictWord -> v1::ImageVerdict { Approved, Rejected, None }
}

/// `--language`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentWord {
    /// `CommonMark` with the extensions of GitHub.
    Markdown,
    /// HTML.
    Html,
}

/// `--link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinkWord {
    /// Copies beside the document, by their relative path.
    File,
    /// The key in the store.
    Key,
    /// The lasting public address; needs a public store.
    Public,
    /// A signed address that works for --link-ttl.
    Signed,
}

/// `--resolution`. Written out because the words begin with digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolutionWord {
    /// About 512 x 512 pixels.
    #[value(name = "512")]
    Half,
    /// About 1,024 x 1,024 pixels.
    #[value(name = "1k")]
    One,
    /// About 2,048 x 2,048 pixels.
    #[value(name = "2k")]
    Two,
    /// About 4,096 x 4,096 pixels.
    #[value(name = "4k")]
    Four,
}

impl From<ResolutionWord> for v1::Resolution {
    fn from(word: ResolutionWord) -> Self {
        match word {
            ResolutionWord::Half => Self::HalfK,
            ResolutionWord::One => Self::OneK,
            ResolutionWord::Two => Self::TwoK,
            ResolutionWord::Four => Self::FourK,
        }
    }
}

/// `--on-unknown`. Written out because the words are shorter than the names of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnknownPolicyWord {
    /// Hold the price and wait for evidence or a decision; nothing is spent again.
    Hold,
    /// Count the call as billed and draw once more, within --max-duplicate-spend.
    RetryOnce,
    /// Count the call as billed and fail the picture.
    Fail,
}

impl From<UnknownPolicyWord> for plan::UnknownPolicy {
    fn from(word: UnknownPolicyWord) -> Self {
        match word {
            UnknownPolicyWord::Hold => Self::Hold,
            UnknownPolicyWord::RetryOnce => Self::WriteOffAndRetryOnce,
            UnknownPolicyWord::Fail => Self::WriteOffAndFail,
        }
    }
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatWord {
    Png,
    Jpeg,
    Webp,
}

impl FormatWord {
    /// The media type of the format.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// Ending of a file of this media type, without the dot.
pub(crate) fn file_ending(media_type: &str) -> &'static str {
    match media_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        _ => "bin",
    }
}

/// The last part of an enumeration value in lowercase words: `EXECUTION_STATE_NEEDS_DECISION` becomes
/// `needs decision`.
pub(crate) fn spoken(full: &str, prefix: &str) -> String {
    full.strip_prefix(prefix)
        .unwrap_or(full)
        .to_lowercase()
        .replace('_', " ")
}

/// The state of an execution in words.
pub(crate) fn execution_state(state: v1::ExecutionState) -> String {
    spoken(state.as_str_name(), "EXECUTION_STATE_")
}

/// How far a session is, in words.
pub(crate) fn session_stage(stage: v1::SessionStage) -> String {
    spoken(stage.as_str_name(), "SESSION_STAGE_")
}

/// The verdict of a person in a word: `approved`, `rejected`, or `none`.
pub(crate) fn verdict_word(image: &v1::Image) -> &'static str {
    match image.review.as_ref().map(v1::ImageReview::verdict) {
        Some(v1::ImageVerdict::Approved) => "approved",
        Some(v1::ImageVerdict::Rejected) => "rejected",
        Some(v1::ImageVerdict::None | v1::ImageVerdict::Unspecified) | None => "none",
    }
}

/// What a person, or else the quality gate, said about an image.
pub(crate) fn verdict(image: &v1::Image) -> String {
    match &image.review {
        Some(review) if review.note.is_empty() => {
            format!("{} by {}", verdict_word(image), review.reviewer)
        }
        Some(review) => format!("{} by {}: {}", verdict_word(image), review.reviewer, review.note),
        None if image.rejected => "below the quality gate".to_owned(),
        None => "to review".to_owned(),
    }
}

/// The state of a step in words.
pub(crate) fn step_state(state: v1::StepState) -> String {
    spoken(state.as_str_name(), "STEP_STATE_")
}

/// What a step waits for.
pub(crate) fn wait(who: &str, wait: &v1::StepWait) -> String {
    let why = match wait.reason() {
        v1::WaitReason::Unspecified => "it cannot be called yet",
        v1::WaitReason::Concurrency => "as many calls are in progress as it is given at once",
        v1::WaitReason::Rate => "as many calls were begun in this minute as it is given",
        v1::WaitReason::Cooldown => "it asked for a pause",
        v1::WaitReason::Unavailable => "it did not work lately",
    };
    let until = match &wait.until_time {
        Some(time) => format!(", until {} at least", report::moment(Some(time))),
        None => String::new(),
    };
    format!(
        "{who} waits for {}: {why}{until}, place {}",
        wait.provider, wait.position
    )
}

/// A target that was passed over.
pub(crate) fn skipped_target(who: &str, skipped: &v1::SkippedTarget) -> String {
    format!("{who} passes over {}: {}", skipped.provider, skipped.reason)
}

/// The state of an attempt in words.
pub(crate) fn attempt_state(state: v1::AttemptState) -> String {
    spoken(state.as_str_name(), "ATTEMPT_STATE_")
}

/// True when nothing more happens by itself.
pub(crate) fn is_settled(state: v1::ExecutionState) -> bool {
    match state {
        v1::ExecutionState::Completed
        | v1::ExecutionState::Failed
        | v1::ExecutionState::Cancelled
        | v1::ExecutionState::NeedsDecision => true,
        v1::ExecutionState::Unspecified
        | v1::ExecutionState::Pending
        | v1::ExecutionState::Processing
        | v1::ExecutionState::Cancelling => false,
    }
}
