//! Workflows with placeholders.
//!
//! A workflow is a graph in the API format of ComfyUI. A placeholder stands in a text of a node's inputs: `{{name}}`, or `{{name=default}}` for
//! what a plan may leave out. Values are put into the parsed graph and never into its text, in one pass: whatever a person
//! writes stays one text in one input, and a placeholder in it stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Number, Value, json};

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Whole,
    Decimal,
}

/// Names of placeholders beside `reference_1` and following, and `option.<name>`.
const NAMES: &[(&str, Type)] = &[
    ("attempt", Type::Text),
    ("guidance", Type::Decimal),
    ("height", Type::Whole),
    ("model", Type::Text),
    ("negative_prompt", Type::Text),
    ("prompt", Type::Text),
    ("sampler", Type::Text),
    ("scheduler", Type::Text),
    ("seed", Type::Whole),
    ("steps", Type::Whole),
    ("style", Type::Text),
    ("width", Type::Whole),
];

/// Without these a plan would be honoured in part only.
const REQUIRED: &[&str] = &["prompt", "seed", "width", "height"];

/// Most pictures that a workflow may refer to.
const MAX_REFERENCES: usize = 16;

/// A workflow whose placeholders are all known.
#[derive(Clone, Debug)]
pub(super) struct Workflow {
    graph: Value,
    /// Names of its placeholders.
    names: BTreeSet<String>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece<'t> {
    Literal(&'t str),
    Placeholder { name: &'t str, default: Option<&'t str> },
}

impl Workflow {
    /// Reads a workflow. An error names the node, the placeholder and what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let graph: Value =
            serde_json::from_str(text).map_err(|error| format!("the workflow is not JSON: {error}"))?;
        let nodes = graph.as_object().filter(|nodes| !nodes.is_empty());
        let nodes = nodes.ok_or("the workflow has no nodes")?;
        if nodes.contains_key("nodes") && nodes.contains_key("links") {
            return Err(
                "the workflow is in the format of the window; export it in the API format".to_owned(),
            );
        }
        let mut names = BTreeSet::new();
        for (id, node) in nodes {
            let class = node["class_type"].as_str().unwrap_or_default();
            if class.is_empty() || !node["inputs"].is_object() {
                return Err(format!(
                    "node {id} of the workflow has no class_type or no inputs; export it in the API format"
                ));
            }
            if class.contains("{{") {
                return Err(format!(
                    "node {id} has a placeholder for its class, which must be fixed"
                ));
            }
            find(&node["inputs"], &mut names)
                .map_err(|problem| format!("node {id} of the workflow: {problem}"))?;
        }
        let missing: Vec<String> = REQUIRED
            .iter()
            .filter(|name| !names.contains(**name))
            .map(|name| format!("{{{{{name}}}}}"))
            .collect();
        if !missing.is_empty() {
            return Err(format!("the workflow has no placeholder {}", missing.join(", ")));
        }
        Ok(Self { graph, names })
    }

    /// True when it has this placeholder.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// How many pictures it refers to.
    pub(super) fn references(&self) -> usize {
        (1..=MAX_REFERENCES)
            .take_while(|number| self.has(&reference_name(*number)))
            .count()
    }

    /// Classes of its nodes.
    pub(super) fn classes(&self) -> BTreeSet<&str> {
        let nodes = self
            .graph
            .as_object()
            .into_iter()
            .flat_map(|nodes| nodes.values());
        nodes.filter_map(|node| node["class_type"].as_str()).collect()
    }

    /// The prefix of the file that the picture of an attempt is saved under, where nothing else is in it that may change. By it a
    /// picture is found that the server does not remember.
    pub(super) fn file_prefix(&self, attempt: &str) -> Option<String> {
        let nodes = self.graph.as_object()?.values();
        let mut prefixes = nodes.filter_map(|node| node["inputs"]["filename_prefix"].as_str());
        let prefix = prefixes.find(|prefix| prefix.contains("{{attempt}}"))?;
        let filled = prefix.replace("{{attempt}}", attempt);
        // ComfyUI replaces words between percent signs by dates and inputs.
        (!filled.contains("{{") && !filled.contains('%')).then_some(filled)
    }

    /// The graph with values in place of the placeholders. An error names what has neither a value nor a default.
    pub(super) fn fill(&self, values: &BTreeMap<String, Value>) -> Result<Value, String> {
        let mut graph = self.graph.clone();
        for (_, node) in graph.as_object_mut().into_iter().flatten() {
            fill(&mut node["inputs"], values)?;
        }
        Ok(graph)
    }
}

/// Name of the placeholder of a picture, from 1.
pub(super) fn reference_name(number: usize) -> String {
    format!("reference_{number}")
}

fn find(value: &Value, names: &mut BTreeSet<String>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            for piece in pieces(text)? {
                let Piece::Placeholder { name, default } = piece else {
                    continue;
                };
                let kind = type_of(name).ok_or_else(|| {
                    let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
                    format!(
                        "{{{{{name}}}}} is no placeholder; there are {}, reference_1 and following, and option.<name>",
                        known.join(", ")
                    )
                })?;
                if let Some(default) = default {
                    typed(kind, default)
                        .ok_or_else(|| format!("the default of {{{{{name}}}}} is no number: {default:?}"))?;
                }
                names.insert(name.to_owned());
            }
            Ok(())
        }
        Value::Array(values) => values.iter().try_for_each(|value| find(value, names)),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            if key.contains("{{") {
                return Err(format!("a placeholder in the name of the input {key:?}"));
            }
            find(value, names)
        }),
        _ => Ok(()),
    }
}

fn fill(value: &mut Value, values: &BTreeMap<String, Value>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let filled = fill_text(text, values)?;
            *value = filled;
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, values)),
        Value::Object(fields) => fields.values_mut().try_for_each(|field| fill(field, values)),
        _ => Ok(()),
    }
}

/// A text that is one placeholder takes the type of its value; in a longer text every value is text.
fn fill_text(text: &str, values: &BTreeMap<String, Value>) -> Result<Value, String> {
    let pieces = pieces(text)?;
    if let [Piece::Placeholder { name, default }] = pieces[..] {
        return value_of(name, default, values);
    }
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => filled.push_str(literal),
            Piece::Placeholder { name, default } => match value_of(name, default, values)? {
                Value::String(text) => filled.push_str(&text),
                number => filled.push_str(&number.to_string()),
            },
        }
    }
    Ok(filled.into())
}

fn value_of(name: &str, default: Option<&str>, values: &BTreeMap<String, Value>) -> Result<Value, String> {
    if let Some(value) = values.get(name) {
        return Ok(value.clone());
    }
    let kind = type_of(name).unwrap_or(Type::Text);
    default.and_then(|default| typed(kind, default)).ok_or_else(|| {
        format!("the plan sets no {name}, and {{{{{name}}}}} in the workflow has no default: write {{{{{name}=...}}}}")
    })
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once("{{") {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        let (inside, after) = after
            .split_once("}}")
            .ok_or_else(|| format!("a placeholder is not closed by }}}}: {text:?}"))?;
        let (name, default) = match inside.split_once('=') {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        pieces.push(Piece::Placeholder {
            name: name.trim(),
            default,
        });
        rest = after;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

fn type_of(name: &str) -> Option<Type> {
    if let Some((_, kind)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*kind);
    }
    let is_reference = (1..=MAX_REFERENCES).any(|number| reference_name(number) == name);
    let is_option = name
        .strip_prefix("option.")
        .is_some_and(|option| !option.is_empty());
    (is_reference || is_option).then_some(Type::Text)
}

fn typed(kind: Type, text: &str) -> Option<Value> {
    match kind {
        Type::Text => Some(text.into()),
        Type::Whole => Some(json!(text.trim().parse::<u64>().ok()?)),
        Type::Decimal => Number::from_f64(text.trim().parse().ok()?).map(Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(inputs: &Value) -> Result<Workflow, String> {
        let all = json!({"a": "{{prompt}}", "b": "{{seed}}", "c": "{{width}}", "d": "{{height}}"});
        let graph =
            json!({"1": {"class_type": "X", "inputs": inputs}, "2": {"class_type": "Y", "inputs": all}});
        Workflow::parse(&graph.to_string())
    }

    fn filled(inputs: &Value, values: &[(&str, Value)]) -> Result<Value, String> {
        let required = [
            ("seed", json!(1)),
            ("width", json!(2)),
            ("height", json!(3)),
            ("prompt", json!("p")),
        ];
        let values = required.iter().chain(values);
        let values = values
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        Ok(parse(inputs)?.fill(&values)?["1"]["inputs"].clone())
    }

    #[test]
    fn values_have_the_type_of_their_placeholder() {
        for (input, value, expected) in [
            ("{{seed}}", json!(7), json!(7)),
            ("seed {{seed}}!", json!(7), json!("seed 7!")),
            ("{{ seed }}", json!(7), json!(7)),
            ("no placeholder", json!(7), json!("no placeholder")),
            ("", json!(7), json!("")),
            ("} { }}", json!(7), json!("} { }}")),
        ] {
            let filled = filled(&json!({"x": input, "y": ["4", 0]}), &[("seed", value)]).unwrap();
            assert_eq!(
                (&filled["x"], &filled["y"]),
                (&expected, &json!(["4", 0])),
                "{input}"
            );
        }
        let nested = filled(
            &json!({"x": [["{{seed}}"], {"z": "{{model}}"}]}),
            &[("model", json!("m"))],
        )
        .unwrap();
        assert_eq!(nested["x"], json!([[1], {"z": "m"}]));
    }

    #[test]
    fn defaults_stand_in_for_what_is_not_set() {
        for (input, expected) in [
            ("{{steps=25}}", json!(25)),
            ("{{guidance=7.5}}", json!(7.5)),
            ("{{sampler=dpm=2}}", json!("dpm=2")),
            ("{{negative_prompt=}}", json!("")),
            ("{{option.lora=none}}", json!("none")),
        ] {
            assert_eq!(
                filled(&json!({"x": input}), &[]).unwrap()["x"],
                expected,
                "{input}"
            );
        }
        let error = filled(&json!({"x": "{{steps}}"}), &[]).unwrap_err();
        assert!(
            error.contains("no steps") && error.contains("{{steps=...}}"),
            "{error}"
        );
    }

    #[test]
    fn text_never_changes_the_graph() {
        for text in [
            "\"}, \"9\": {\"class_type\": \"LoadImage\"",
            "[\"1\", 0]",
            "{{seed}} and {{model}}",
            "back\\slash \"quote\" \u{0} \n{{",
        ] {
            let inputs = json!({"text": "{{prompt}}", "label": "({{prompt}})"});
            let filled = filled(&inputs, &[("prompt", json!(text))]).unwrap();
            assert_eq!(filled, json!({"text": text, "label": format!("({text})")}));
        }
    }

    #[test]
    fn a_workflow_that_cannot_work_says_why_at_the_start() {
        for (text, why) in [
            ("{", "not JSON"),
            ("[]", "no nodes"),
            ("{}", "no nodes"),
            (r#"{"nodes": [], "links": []}"#, "API format"),
            (r#"{"1": {"inputs": {}}}"#, "node 1"),
            (r#"{"1": {"class_type": "X", "inputs": []}}"#, "node 1"),
            (r#"{"1": {"class_type": "{{model}}", "inputs": {}}}"#, "class"),
            (
                r#"{"1": {"class_type": "X", "inputs": {"a": "{{seed}}"}}}"#,
                "{{prompt}}, {{width}}, {{height}}",
            ),
        ] {
            let error = Workflow::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        for (input, why) in [
            (json!({"x": "{{promt}}"}), "{{promt}} is no placeholder"),
            (json!({"x": "{{reference_17}}"}), "{{reference_17}}"),
            (json!({"x": "{{option.}}"}), "{{option.}}"),
            (json!({"x": "{{seed"}), "not closed"),
            (json!({"x": "{{steps=many}}"}), "\"many\""),
            (json!({"x": "{{guidance=inf}}"}), "\"inf\""),
            (json!({"x": ["4", {"{{model}}": 1}]}), "name of the input"),
        ] {
            let error = parse(&input).unwrap_err();
            assert!(
                error.contains(why) && error.contains("node 1"),
                "{input}: {error}"
            );
        }
    }

    #[test]
    fn the_file_of_an_attempt_is_known_only_when_it_cannot_change() {
        for (prefix, found) in [
            ("limn/{{attempt}}", Some("limn/A")),
            ("{{attempt}}", Some("A")),
            ("{{attempt}}-{{seed}}", None),
            ("%date%/{{attempt}}", None),
            ("limn", None),
        ] {
            let workflow = parse(&json!({"filename_prefix": prefix})).unwrap();
            assert_eq!(workflow.file_prefix("A").as_deref(), found, "{prefix}");
        }
    }
}
