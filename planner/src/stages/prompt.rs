//! The text that is sent: the prompt and what is merged into it.
//!
//! The parts stand in this order, a blank line between them: the anchors, the prompt, the hint of the picture
//! before, the phrase of the style, what to avoid. Anchors stand first because models give most weight to the
//! beginning, and because the prompt speaks of them by name. When the text is too long the hint gives way, and
//! nothing else: a model without room for the rest does not draw the image.

use alloc::{format, string::String, vec::Vec};

use limn_proto::plan::Style;

use super::{fit::Fitting, hint};
use crate::{
    catalog::{Catalog, Model, NegativePrompt, Styles},
    request::Field,
    text::{char_count, normalize},
};

/// Between the parts of a prompt.
const SEPARATOR: &str = "\n\n";

/// Text as it is sent.
#[derive(Debug)]
pub(crate) struct Text {
    pub prompt: String,
    /// For a field of its own; empty: none is sent.
    pub negative_prompt: String,
}

/// Merges anchors, hint, style phrase and negative prompt into the prompt, where the model has no field for them.
pub(crate) fn compose(catalog: &Catalog, model: &Model, fitting: &mut Fitting<'_>) -> Text {
    let wish = fitting.wish;
    if !wish.enrichment.is_empty() {
        fitting.mapped(Field::Enrich, wish.enrichment.clone());
    }
    let anchors = anchors(fitting);
    let mut after = Vec::new();
    if let Some(phrase) = style_phrase(catalog, model, wish.style) {
        fitting.mapped(Field::Style, format!("appended to the prompt: \"{phrase}\""));
        after.push(String::from(phrase));
    }
    let (negative_prompt, avoid) = negative(model, fitting);
    after.extend(avoid);

    let head: Vec<String> = anchors.iter().cloned().chain([wish.prompt.clone()]).collect();
    // The pieces are normal already; a phrase of the catalog need not be.
    let bare = normalize(&joined(&head, "", &after));
    let room = usize::try_from(model.max_prompt_chars)
        .unwrap_or(usize::MAX)
        .saturating_sub(char_count(&bare) + SEPARATOR.len());
    let hint = hint::fit(catalog, room, fitting);
    let prompt = if hint.is_empty() {
        bare
    } else {
        normalize(&joined(&head, &hint, &after))
    };
    refuse_long(model, &prompt, anchors.as_deref(), fitting);
    Text {
        prompt,
        negative_prompt,
    }
}

fn joined(head: &[String], hint: &str, after: &[String]) -> String {
    let mut parts: Vec<&str> = head.iter().map(String::as_str).collect();
    if !hint.is_empty() {
        parts.push(hint);
    }
    parts.extend(after.iter().map(String::as_str));
    parts.join(SEPARATOR)
}

/// All anchors, each on a line of its own.
fn anchors(fitting: &mut Fitting<'_>) -> Option<String> {
    let anchors = &fitting.wish.continuity.anchors;
    if anchors.is_empty() {
        return None;
    }
    let names: Vec<&str> = anchors.iter().map(|anchor| anchor.name.as_str()).collect();
    let texts: Vec<&str> = anchors.iter().map(|anchor| anchor.text.as_str()).collect();
    fitting.mapped(
        Field::Anchors,
        format!("stand whole before the prompt: {}", names.join(", ")),
    );
    Some(texts.join("\n"))
}

/// The text for a field of its own, and the sentence for the prompt.
fn negative(model: &Model, fitting: &mut Fitting<'_>) -> (String, Option<String>) {
    let wish = fitting.wish;
    let parts = [wish.negative_prompt.as_str(), wish.added_negative.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return (String::new(), None);
    }
    let text = parts.join(", ");
    match model.negative_prompt {
        NegativePrompt::Native => {
            fitting.honoured(Field::NegativePrompt, "sent in a field of its own");
            (text, None)
        }
        NegativePrompt::Merged => {
            fitting.mapped(Field::NegativePrompt, "appended to the prompt as \"Avoid: ...\"");
            (String::new(), Some(avoid_sentence(&text)))
        }
        NegativePrompt::Unsupported => {
            let why = "the model takes no negative prompt";
            if wish.negative_prompt.is_empty() {
                fitting.left_out(
                    Field::NegativePrompt,
                    format!("{why}; that of the template is not sent"),
                );
            } else {
                fitting.cannot(Field::NegativePrompt, why, "it is not sent");
            }
            (String::new(), None)
        }
    }
}

fn style_phrase<'c>(catalog: &'c Catalog, model: &Model, style: Style) -> Option<&'c str> {
    if model.styles == Styles::Phrase {
        catalog.style_phrase(style)
    } else {
        None
    }
}

fn avoid_sentence(negative_prompt: &str) -> String {
    let text = negative_prompt.trim();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("Avoid: {text}{stop}")
}

fn refuse_long(model: &Model, prompt: &str, anchors: Option<&str>, fitting: &mut Fitting<'_>) {
    let chars = char_count(prompt);
    let most = usize::try_from(model.max_prompt_chars).unwrap_or(usize::MAX);
    if chars <= most {
        return;
    }
    let of_anchors = anchors.map_or(0, |text| char_count(text) + SEPARATOR.len());
    let without = chars.saturating_sub(of_anchors);
    if of_anchors > 0 && without <= most {
        let why = format!(
            "need {of_anchors} characters, and the prompt without them has {without}; {} takes at most {most}, and \
             anchors are never cut",
            model.id
        );
        fitting.refuse(Field::Anchors.name(), &why);
        return;
    }
    let appended = chars.saturating_sub(fitting.wish.written_chars);
    let why = match appended {
        0 => format!("has {chars} characters; {} takes at most {most}", model.id),
        _ => format!(
            "has {chars} characters with {appended} that are appended; {} takes at most {most}",
            model.id
        ),
    };
    fitting.refuse("prompt", &why);
}
