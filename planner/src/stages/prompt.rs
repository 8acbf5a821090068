//! The text that is sent: the prompt and what is merged into it.

use alloc::{format, string::String};

use limn_proto::plan::Style;

use super::fit::Fitting;
use crate::{
    catalog::{Catalog, Model, NegativePrompt, Styles},
    request::Field,
    text::{char_count, normalize},
};

/// Text as it is sent.
#[derive(Debug)]
pub(crate) struct Text {
    pub prompt: String,
    /// For a field of its own; empty: none is sent.
    pub negative_prompt: String,
}

/// Merges the style phrase and the negative prompt into the prompt, where the model has no field for them.
pub(crate) fn compose(catalog: &Catalog, model: &Model, fitting: &mut Fitting<'_>) -> Text {
    let wish = fitting.wish;
    let mut prompt = wish.prompt.clone();
    if let Some(phrase) = style_phrase(catalog, model, wish.style) {
        prompt = format!("{prompt}\n\n{phrase}");
        fitting.mapped(Field::Style, format!("appended to the prompt: \"{phrase}\""));
    }
    let mut negative_prompt = String::new();
    if !wish.negative_prompt.is_empty() {
        match model.negative_prompt {
            NegativePrompt::Native => {
                negative_prompt = wish.negative_prompt.clone();
                fitting.honoured(Field::NegativePrompt, "sent in a field of its own");
            }
            NegativePrompt::Merged => {
                prompt = format!("{prompt}\n\n{}", avoid_sentence(&wish.negative_prompt));
                fitting.mapped(Field::NegativePrompt, "appended to the prompt as \"Avoid: ...\"");
            }
            NegativePrompt::Unsupported => {
                fitting.cannot(
                    Field::NegativePrompt,
                    "the model takes no negative prompt",
                    "it is not sent",
                );
            }
        }
    }
    // The pieces are normal already; a phrase of the catalog need not be.
    let prompt = normalize(&prompt);
    refuse_long(model, &prompt, char_count(&wish.prompt), fitting);
    Text {
        prompt,
        negative_prompt,
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

fn refuse_long(model: &Model, prompt: &str, own_chars: usize, fitting: &mut Fitting<'_>) {
    let chars = char_count(prompt);
    if u32::try_from(chars).is_ok_and(|chars| chars <= model.max_prompt_chars) {
        return;
    }
    let most = model.max_prompt_chars;
    let appended = chars.saturating_sub(own_chars);
    let why = match appended {
        0 => format!("has {chars} characters; {} takes at most {most}", model.id),
        _ => format!(
            "has {chars} characters with {appended} that are appended; {} takes at most {most}",
            model.id
        ),
    };
    fitting.refuse("prompt", &why);
}
