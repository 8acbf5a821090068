//! How a render is written down where every model of a provider takes inputs of its own: data of the catalog.
//!
//! An entry is the name of an input and what it is given: a constant, or one field of the render in braces.
//!
//! | field | what is sent |
//! | --- | --- |
//! | `{prompt}`, `{negative_prompt}` | the text |
//! | `{width}`, `{height}` | pixels |
//! | `{size}`, `{quality}`, `{style}` | the provider's own word, as the catalog has it for what was asked for |
//! | `{seed}` | the seed |
//! | `{guidance}` | the guidance scale |
//! | `{format}`, `{extension}` | `png`, `jpeg` or `webp`; the same with `jpg` for `jpeg` |
//! | `{options.NAME}` | the option of that name |
//! | `{references}`, `{reference.N}` | all pictures that the drawing refers to, or the N-th one, from 1 |
//!
//! Options and qualities are text in a plan: what reads as a whole number, a decimal number, `true` or `false` is sent as
//! such. A field that the render leaves empty is not sent. What the render sets and no entry takes is refused, so that
//! nothing of a plan is lost on its way.

use std::collections::BTreeMap;

use limn_proto::plan::SeedMode;
use serde_json::{Map, Number, Value};

use crate::plan::{ImageFormat, Render};

/// Most pictures that a drawing may refer to.
const MAX_REFERENCES: usize = 32;

/// The inputs of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(BTreeMap<String, Source>);

/// What an input is given.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Constant(Value),
    Field(Field),
    Option(String),
    Reference(usize),
}

/// A field of a render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Prompt,
    NegativePrompt,
    Width,
    Height,
    Size,
    Quality,
    Style,
    Seed,
    Guidance,
    Format,
    Extension,
    References,
}

/// Names of fields.
const FIELDS: &[(&str, Field)] = &[
    ("prompt", Field::Prompt),
    ("negative_prompt", Field::NegativePrompt),
    ("width", Field::Width),
    ("height", Field::Height),
    ("size", Field::Size),
    ("quality", Field::Quality),
    ("style", Field::Style),
    ("seed", Field::Seed),
    ("guidance", Field::Guidance),
    ("format", Field::Format),
    ("extension", Field::Extension),
    ("references", Field::References),
];

impl Inputs {
    /// Reads a table of inputs.
    ///
    /// # Errors
    /// The first entry that is wrong: its name, and why.
    pub fn read(table: Map<String, Value>) -> Result<Self, (String, String)> {
        let mut sources = BTreeMap::new();
        for (name, value) in table {
            let source = match &value {
                Value::String(text) => source(text).map_err(|message| (name.clone(), message))?,
                Value::Bool(_) | Value::Number(_) => Source::Constant(value),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    let message = "must be text, a number, true or false";
                    return Err((name, message.to_owned()));
                }
            };
            sources.insert(name, source);
        }
        let has_prompt = sources
            .values()
            .any(|source| *source == Source::Field(Field::Prompt));
        if !has_prompt {
            return Err(("prompt".to_owned(), "no input takes {prompt}".to_owned()));
        }
        Ok(Self(sources))
    }

    /// Those of the fields, such as `{seed}` or `{options.steps}`, that no input takes.
    pub fn missing<'f>(&self, fields: &[&'f str]) -> Vec<&'f str> {
        let is_missing = |field: &&&str| {
            let taken = source(field).ok();
            !self.0.values().any(|source| Some(source) == taken.as_ref())
        };
        fields.iter().filter(is_missing).copied().collect()
    }

    /// Writes a render down. `references` are the pictures, as the provider takes them in text.
    ///
    /// # Errors
    /// What the render sets and no input takes, in a sentence.
    pub(super) fn write(&self, render: &Render, references: &[String]) -> Result<Map<String, Value>, String> {
        self.check(render, references)?;
        let mut written = Map::new();
        for (name, source) in &self.0 {
            if let Some(value) = value(source, render, references) {
                written.insert(name.clone(), value);
            }
        }
        Ok(written)
    }

    fn takes(&self, field: Field) -> bool {
        self.0.values().any(|source| *source == Source::Field(field))
    }

    /// Nothing that the render sets may be left out.
    fn check(&self, render: &Render, references: &[String]) -> Result<(), String> {
        let refused = |what: &str| Err(format!("the plan sets {what}, which no input of the model takes"));
        let in_pixels = self.takes(Field::Width) && self.takes(Field::Height);
        let in_words = self.takes(Field::Size) && !render.size_token.is_empty();
        if !in_pixels && !in_words {
            return refused("a size");
        }
        let set = [
            (
                Field::NegativePrompt,
                "a negative prompt",
                !render.negative_prompt.is_empty(),
            ),
            (Field::Quality, "a quality", !render.quality_token.is_empty()),
            (Field::Style, "a style", !render.style_token.is_empty()),
            (Field::Seed, "a seed", render.seed_mode != SeedMode::Unsupported),
            (
                Field::Guidance,
                "a guidance scale",
                render.guidance_milli.is_some(),
            ),
        ];
        for (field, what, is_set) in set {
            if is_set && !self.takes(field) {
                return refused(what);
            }
        }
        for (name, _) in &render.options {
            let is_taken = |source: &Source| matches!(source, Source::Option(taken) if taken == name);
            if !self.0.values().any(is_taken) {
                return refused(&format!("the option {name:?}"));
            }
        }
        let slots = self.0.values().filter_map(|source| match source {
            Source::Reference(number) => Some(*number),
            _ => None,
        });
        let most = if self.takes(Field::References) {
            MAX_REFERENCES
        } else {
            slots.max().unwrap_or(0)
        };
        if references.len() > most {
            return refused(&format!("{} reference pictures", references.len()));
        }
        Ok(())
    }
}

fn source(text: &str) -> Result<Source, String> {
    let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Ok(Source::Constant(text.into()));
    };
    if let Some(option) = name.strip_prefix("options.") {
        return Ok(Source::Option(option.to_owned()));
    }
    if let Some(number) = name.strip_prefix("reference.") {
        return match number.parse() {
            Ok(number) if (1..=MAX_REFERENCES).contains(&number) => Ok(Source::Reference(number)),
            _ => Err(format!(
                "{text} is no reference: write {{reference.1}} to {{reference.{MAX_REFERENCES}}}"
            )),
        };
    }
    let known = FIELDS.iter().find(|(known, _)| *known == name);
    known.map(|(_, field)| Source::Field(*field)).ok_or_else(|| {
        let known: Vec<String> = FIELDS.iter().map(|(known, _)| format!("{{{known}}}")).collect();
        format!(
            "{text} is no field of a render: write {}, {{options.NAME}} or {{reference.N}}",
            known.join(", ")
        )
    })
}

/// Nothing where the render has nothing.
fn value(source: &Source, render: &Render, references: &[String]) -> Option<Value> {
    let word = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    match source {
        Source::Constant(value) => Some(value.clone()),
        Source::Option(name) => {
            let mut options = render.options.iter();
            options
                .find(|(known, _)| known == name)
                .map(|(_, text)| typed(text))
        }
        Source::Reference(number) => references.get(number - 1).map(|text| Value::from(text.as_str())),
        Source::Field(field) => match field {
            Field::Prompt => Some(Value::from(render.prompt.as_str())),
            Field::NegativePrompt => word(&render.negative_prompt),
            Field::Width => Some(render.width_px.into()),
            Field::Height => Some(render.height_px.into()),
            Field::Size => word(&render.size_token),
            Field::Quality => word(&render.quality_token).map(|_| typed(&render.quality_token)),
            Field::Style => word(&render.style_token),
            Field::Seed => (render.seed_mode != SeedMode::Unsupported).then(|| render.seed.into()),
            Field::Guidance => render.guidance_milli.map(thousandths),
            Field::Format => Some(Value::from(
                render.format.media_type().trim_start_matches("image/"),
            )),
            Field::Extension => Some(Value::from(match render.format {
                ImageFormat::Jpeg => "jpg",
                ImageFormat::Png => "png",
                ImageFormat::Webp => "webp",
            })),
            Field::References => (!references.is_empty()).then(|| Value::from(references.to_vec())),
        },
    }
}

/// Text of a plan as the number or truth that it reads as.
fn typed(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        _ => text
            .parse::<i64>()
            .map(Value::from)
            .ok()
            .or_else(|| decimal(text))
            .unwrap_or_else(|| text.into()),
    }
}

fn decimal(text: &str) -> Option<Value> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
    let number = text.parse::<f64>().ok().filter(|_| is_plain)?;
    Number::from_f64(number).map(Value::Number)
}

/// A whole number where it is one, so that integers stay integers.
fn thousandths(milli: u32) -> Value {
    if milli.is_multiple_of(1000) {
        return (milli / 1000).into();
    }
    Number::from_f64(f64::from(milli) / 1000.0).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(value: Value) -> Result<Inputs, (String, String)> {
        let Value::Object(table) = value else {
            panic!("a table");
        };
        Inputs::read(table)
    }

    fn render() -> Render {
        Render {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            model_revision: String::new(),
            prompt: "a fox".to_owned(),
            negative_prompt: "text".to_owned(),
            width_px: 64,
            height_px: 48,
            size_token: "4:3".to_owned(),
            quality_token: "28".to_owned(),
            style_token: "vivid".to_owned(),
            seed_mode: SeedMode::Given,
            seed: 7,
            guidance_milli: Some(3500),
            format: ImageFormat::Jpeg,
            options: vec![
                ("raw".to_owned(), "true".to_owned()),
                ("strength".to_owned(), "0.25".to_owned()),
                ("tag".to_owned(), "1.2.3".to_owned()),
            ],
            references: Vec::new(),
        }
    }

    fn every_field() -> Value {
        json!({
            "text": "{prompt}", "not": "{negative_prompt}", "w": "{width}", "h": "{height}",
            "aspect": "{size}", "steps": "{quality}", "look": "{style}", "seed": "{seed}",
            "cfg": "{guidance}", "mime": "{format}", "file": "{extension}", "raw": "{options.raw}",
            "strength": "{options.strength}", "tag": "{options.tag}", "first": "{reference.1}",
            "second": "{reference.2}", "all": "{references}", "n": 1, "safe": false, "kind": "fox",
        })
    }

    #[test]
    fn every_field_is_written_as_what_it_is() {
        let written = inputs(every_field())
            .unwrap()
            .write(&render(), &["AAAA".to_owned()]);
        let expected = json!({
            "text": "a fox", "not": "text", "w": 64, "h": 48, "aspect": "4:3", "steps": 28,
            "look": "vivid", "seed": 7, "cfg": 3.5, "mime": "jpeg", "file": "jpg", "raw": true,
            "strength": 0.25, "tag": "1.2.3", "first": "AAAA", "all": ["AAAA"], "n": 1, "safe": false,
            "kind": "fox",
        });
        assert_eq!(Value::Object(written.unwrap()), expected);
    }

    #[test]
    fn what_no_input_takes_is_refused() {
        for (missing, named) in [
            ("not", "negative prompt"),
            ("steps", "quality"),
            ("look", "style"),
            ("seed", "seed"),
            ("cfg", "guidance"),
            ("strength", "\"strength\""),
        ] {
            let mut table = every_field();
            table.as_object_mut().unwrap().remove(missing);
            let refused = inputs(table).unwrap().write(&render(), &[]).unwrap_err();
            assert!(refused.contains(named), "{refused}");
        }
        let mut in_words = every_field();
        in_words.as_object_mut().unwrap().remove("h");
        let in_words = inputs(in_words).unwrap();
        in_words.write(&render(), &[]).unwrap();
        let pixels = Render {
            size_token: String::new(),
            ..render()
        };
        assert!(in_words.write(&pixels, &[]).unwrap_err().contains("size"));
        let mut one = every_field();
        for name in ["all", "second"] {
            one.as_object_mut().unwrap().remove(name);
        }
        let two = ["A".to_owned(), "B".to_owned()];
        assert!(
            inputs(one)
                .unwrap()
                .write(&render(), &two)
                .unwrap_err()
                .contains("2 ref")
        );
    }

    #[test]
    fn what_is_empty_is_not_sent() {
        let bare = Render {
            negative_prompt: String::new(),
            quality_token: String::new(),
            style_token: String::new(),
            seed_mode: SeedMode::Unsupported,
            guidance_milli: Some(4000),
            options: Vec::new(),
            ..render()
        };
        let written = inputs(every_field()).unwrap().write(&bare, &[]).unwrap();
        for name in [
            "not", "steps", "look", "seed", "raw", "strength", "tag", "first", "all",
        ] {
            assert!(!written.contains_key(name), "{name}");
        }
        assert_eq!(written["cfg"], json!(4));
    }

    #[test]
    fn a_wrong_table_names_its_entry() {
        for (table, entry) in [
            (json!({"prompt": "{prompt}", "x": "{colour}"}), "x"),
            (json!({"prompt": "{prompt}", "x": "{reference.0}"}), "x"),
            (json!({"prompt": "{prompt}", "x": ["{prompt}"]}), "x"),
            (json!({"x": "{width}"}), "prompt"),
        ] {
            assert_eq!(inputs(table).unwrap_err().0, entry);
        }
    }
}
