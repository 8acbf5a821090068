//! The inside of a marker: a prompt, then attributes behind bars.

use crate::slot::{Attributes, Importance};

/// What a marker says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) prompt: String,
    pub(crate) id: String,
    pub(crate) alt: String,
    pub(crate) caption: String,
    pub(crate) attributes: Attributes,
    /// What is wrong with it.
    pub(crate) problems: Vec<String>,
}

/// Names of attributes, for messages.
const NAMES: &str = "size, style, quality, importance, type, negative, seed, alt, caption, id";

impl Marker {
    /// Reads `a red fox | size=16:9 | alt=…`. Whitespace of any length is one space.
    pub(crate) fn parse(text: &str) -> Self {
        let mut marker = Self::default();
        for part in text.split('|') {
            match attribute(part) {
                Some((name, value)) => marker.set(&name.to_ascii_lowercase(), value),
                // A bar without a name behind it belongs to the prompt.
                None if marker.prompt.is_empty() => marker.prompt = collapse(part),
                None => {
                    let part = collapse(part);
                    if !part.is_empty() {
                        marker.prompt.push_str(" | ");
                        marker.prompt.push_str(&part);
                    }
                }
            }
        }
        marker
    }

    /// Sets an attribute, or notes what is wrong with it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let attributes = &mut self.attributes;
        let field = match name {
            "size" => &mut attributes.size,
            "style" => &mut attributes.style,
            "quality" => &mut attributes.quality,
            "importance" => &mut attributes.importance,
            "type" => &mut attributes.image_type,
            "negative" => &mut attributes.negative,
            "seed" => &mut attributes.seed,
            "alt" => &mut self.alt,
            "caption" => &mut self.caption,
            "id" => &mut self.id,
            _ => {
                let problem = format!("\"{name}\" is no attribute of a marker; there are {NAMES}");
                self.problems.push(problem);
                return;
            }
        };
        if field.is_empty() {
            *field = collapse(unquoted(value.trim()));
        } else {
            self.problems
                .push(format!("the attribute {name} is given twice; keep one"));
        }
    }

    /// The importance that it asks for.
    pub(crate) fn importance(&self) -> Result<Option<Importance>, String> {
        match self.attributes.importance.to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "primary" => Ok(Some(Importance::Primary)),
            "secondary" => Ok(Some(Importance::Secondary)),
            "decorative" => Ok(Some(Importance::Decorative)),
            _ => {
                let word = &self.attributes.importance;
                Err(format!(
                    "importance is \"{word}\"; must be primary, secondary or decorative"
                ))
            }
        }
    }
}

/// The text behind the word and its colon, when it begins with them: `image: a red fox`.
pub(crate) fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let text = text.trim_start();
    let head = text.get(..word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    text.get(word.len()..)?.trim_start().strip_prefix(':')
}

/// Text with single spaces between words and none around them.
pub(crate) fn collapse(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut line = String::with_capacity(text.len());
    if let Some(first) = words.next() {
        line.push_str(first);
    }
    for word in words {
        line.push(' ');
        line.push_str(word);
    }
    line
}

/// Name and value of `name=value`; a name is one word of letters.
fn attribute(part: &str) -> Option<(&str, &str)> {
    let (name, value) = part.split_once('=')?;
    let name = name.trim();
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    is_name.then_some((name, value))
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\'', '“'] {
        let end = if quote == '“' { '”' } else { quote };
        let inner = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(end));
        if let Some(inner) = inner {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_prompt_and_attributes() {
        let marker =
            Marker::parse(" a red  fox,\n 8k | size = 16:9 | STYLE=cinematic|alt=\"A = fox\" | id=fox");
        assert_eq!(marker.prompt, "a red fox, 8k");
        assert_eq!(marker.attributes.size, "16:9");
        assert_eq!(marker.attributes.style, "cinematic");
        assert_eq!((marker.alt.as_str(), marker.id.as_str()), ("A = fox", "fox"));
        assert_eq!(marker.problems, Vec::<String>::new());
    }

    #[test]
    fn a_bar_without_a_name_belongs_to_the_prompt() {
        assert_eq!(Marker::parse("a | b || 1+1=2 |").prompt, "a | b | 1+1=2");
    }

    #[test]
    fn unknown_and_repeated_attributes_are_told() {
        let marker = Marker::parse("a | sice=16:9 | size=1:1 | size=4:3");
        assert_eq!(marker.attributes.size, "1:1");
        assert_eq!(marker.problems.len(), 2);
    }

    #[test]
    fn the_word_may_have_any_case_and_space_before_its_colon() {
        assert_eq!(behind("  IMAGE : x", "image"), Some(" x"));
        assert_eq!(behind("images: x", "image"), None);
        assert_eq!(behind("ímage: x", "image"), None);
    }
}
