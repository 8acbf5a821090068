//! Reads typed settings out of the merged layers and notes every problem instead of stopping at the first.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
};

use secrecy::SecretString;

use super::{
    REDACTED,
    layers::Node,
    problems::{Origin, Problem, closest},
};

/// Longest value that a problem repeats.
const SHOWN_CHARS: usize = 80;

/// Problems found so far, shared by all sections.
pub(super) type Found = RefCell<Vec<Problem>>;

/// One table of the configuration. Reading a key makes it known; [`Section::finish`] refuses the others.
pub(super) struct Section<'a> {
    path: String,
    children: BTreeMap<String, Node>,
    known: RefCell<BTreeSet<&'static str>>,
    found: &'a Found,
}

/// A setting as text, with its place.
struct Given {
    key: String,
    text: String,
    origin: Origin,
}

impl<'a> Section<'a> {
    /// The outermost table.
    pub(super) fn root(node: Node, found: &'a Found) -> Self {
        Self::of(String::new(), Some(node), found)
    }

    fn of(path: String, node: Option<Node>, found: &'a Found) -> Self {
        let children = match node {
            Some(Node::Table(children, _)) => children,
            Some(Node::Typed(_, origin) | Node::Text(_, origin)) => {
                found.borrow_mut().push(Problem {
                    origin,
                    key: path.clone(),
                    value: None,
                    what: "is a section with keys of its own".to_owned(),
                    remedy: format!("write [{path}]"),
                });
                BTreeMap::new()
            }
            None => BTreeMap::new(),
        };
        Self {
            path,
            children,
            known: RefCell::default(),
            found,
        }
    }

    /// A table below this one.
    pub(super) fn section(&self, key: &'static str) -> Self {
        Self::of(self.key(key), self.node(key).cloned(), self.found)
    }

    /// Every table below `key`, by a name that the user chose.
    pub(super) fn entries(&self, key: &'static str) -> Vec<(String, Section<'a>)> {
        let table = self.section(key);
        let entries = table.children.iter().map(|(name, node)| {
            let path = table.key(name);
            (name.clone(), Self::of(path, Some(node.clone()), self.found))
        });
        entries.collect()
    }

    /// True when the key is set by any layer.
    pub(super) fn is_set(&self, key: &'static str) -> bool {
        self.node(key).is_some()
    }

    /// Where a key was set.
    pub(super) fn place(&self, key: &'static str) -> Option<&Origin> {
        self.node(key).map(Node::origin)
    }

    /// Refuses every key that nobody read.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for (name, node) in &self.children {
            if known.contains(name.as_str()) {
                continue;
            }
            let remedy = match closest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean {}?", self.key(meant)),
                None => {
                    let all: Vec<_> = known.iter().copied().collect();
                    format!("known here: {}", all.join(", "))
                }
            };
            self.note(node.origin().clone(), self.key(name), None, "unknown key", remedy);
        }
    }

    /// Free text; an empty one counts as not set.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.given(key, true)
            .map(|given| given.text)
            .filter(|text| !text.is_empty())
    }

    /// A value that its own type can read from text.
    pub(super) fn parsed<T: FromStr>(&self, key: &'static str, expected: &str) -> Option<T> {
        let given = self.given(key, true)?;
        let value = given.text.parse().ok();
        if value.is_none() {
            self.refuse(given, expected, "");
        }
        value
    }

    /// Text that `read` understands, or a problem that says what was expected.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, (String, String)>,
    ) -> Option<T> {
        let given = self.given(key, true)?;
        match read(&given.text) {
            Ok(value) => Some(value),
            Err((what, remedy)) => {
                self.refuse(given, &what, &remedy);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn integer<N>(&self, key: &'static str, bounds: RangeInclusive<N>) -> Option<N>
    where
        N: FromStr + PartialOrd + Display,
    {
        let given = self.given(key, true)?;
        let digits = given.text.replace('_', "");
        let value = digits.parse().ok().filter(|number| bounds.contains(number));
        if value.is_none() {
            let expected = format!(
                "must be a whole number from {} to {}",
                bounds.start(),
                bounds.end()
            );
            self.refuse(given, &expected, "");
        }
        value
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, key: &'static str) -> Option<bool> {
        self.parsed(key, "must be true or false")
    }

    /// A list of text; outside of a file it is separated by commas.
    pub(super) fn list(&self, key: &'static str) -> Option<Vec<String>> {
        let trimmed = |text: &str| {
            text.split(',')
                .map(|item| item.trim().to_owned())
                .filter(|item| !item.is_empty())
                .collect()
        };
        match self.node(key)? {
            Node::Text(text, _) => Some(trimmed(text)),
            Node::Typed(toml::Value::Array(values), origin) => {
                let texts: Option<Vec<_>> = values.iter().map(|v| v.as_str().map(str::to_owned)).collect();
                if texts.is_none() {
                    let what = "must be a list of text";
                    self.note(origin.clone(), self.key(key), None, what, String::new());
                }
                texts
            }
            Node::Typed(_, origin) | Node::Table(_, origin) => {
                let remedy = format!("write {key} = [\"...\"]");
                self.note(
                    origin.clone(),
                    self.key(key),
                    None,
                    "must be a list of text",
                    remedy,
                );
                None
            }
        }
    }

    /// A path. One in a file is relative to the folder of the file, any other to the working folder.
    pub(super) fn path(&self, key: &'static str) -> Option<PathBuf> {
        let given = self.given(key, true)?;
        if given.text.is_empty() || given.text.contains(char::REPLACEMENT_CHARACTER) {
            self.refuse(given, "must be a path in UTF-8", "");
            return None;
        }
        Some(resolve(&given.text, &given.origin))
    }

    /// A list of paths, each as in [`Section::path`].
    pub(super) fn paths(&self, key: &'static str) -> Vec<PathBuf> {
        let origin = self
            .node(key)
            .map_or(Origin::Default, |node| node.origin().clone());
        let texts = self.list(key).unwrap_or_default();
        texts.iter().map(|text| resolve(text, &origin)).collect()
    }

    /// A secret: never shown, whatever is wrong with it.
    pub(super) fn secret(&self, key: &'static str) -> Option<SecretString> {
        let given = self.given(key, false)?;
        let visible = !given.text.is_empty() && given.text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && given.text != REDACTED {
            return Some(SecretString::from(given.text));
        }
        let what = if visible {
            "stands where a secret was left out"
        } else {
            "must be visible ASCII characters without spaces"
        };
        self.note(given.origin, given.key, None, what, String::new());
        None
    }

    /// The rest of the section as it stands, for a reader with rules of its own. Text of the environment is read
    /// as TOML where it is TOML.
    pub(super) fn remaining_table(&self) -> toml::Table {
        let known = self.known.borrow();
        let rest = self
            .children
            .iter()
            .filter(|(name, _)| !known.contains(name.as_str()));
        rest.map(|(name, node)| (name.clone(), plain(node))).collect()
    }

    /// Notes a problem with a key of this section.
    pub(super) fn complain(&self, key: &str, what: &str, remedy: impl Into<String>) {
        let origin = self
            .children
            .get(key)
            .map_or(Origin::Default, |node| node.origin().clone());
        self.note(origin, self.key(key), None, what, remedy.into());
    }

    /// Notes a problem with the section as a whole.
    pub(super) fn complain_of_section(&self, what: &str, remedy: String) {
        let origin = self
            .children
            .values()
            .next()
            .map_or(Origin::Default, |node| node.origin().clone());
        self.note(origin, self.path.clone(), None, what, remedy);
    }

    fn node(&self, key: &'static str) -> Option<&Node> {
        self.known.borrow_mut().insert(key);
        self.children.get(key)
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn given(&self, key: &'static str, showable: bool) -> Option<Given> {
        let node = self.node(key)?;
        let text = match node {
            Node::Text(text, _) => text.trim().to_owned(),
            Node::Typed(toml::Value::String(text), _) => text.clone(),
            Node::Typed(toml::Value::Integer(number), _) if showable => number.to_string(),
            Node::Typed(toml::Value::Boolean(truth), _) if showable => truth.to_string(),
            Node::Typed(_, origin) | Node::Table(_, origin) => {
                let what = "must be a single value";
                self.note(origin.clone(), self.key(key), None, what, String::new());
                return None;
            }
        };
        Some(Given {
            key: self.key(key),
            text,
            origin: node.origin().clone(),
        })
    }

    fn refuse(&self, given: Given, what: &str, remedy: &str) {
        let shown: String = given.text.chars().take(SHOWN_CHARS).collect();
        // An address may carry a password before its @.
        let value = (!shown.contains('@')).then(|| format!("{shown:?}"));
        self.note(given.origin, given.key, value, what, remedy.to_owned());
    }

    fn note(&self, origin: Origin, key: String, value: Option<String>, what: &str, remedy: String) {
        self.found.borrow_mut().push(Problem {
            origin,
            key,
            value,
            what: what.to_owned(),
            remedy,
        });
    }
}

fn resolve(text: &str, origin: &Origin) -> PathBuf {
    match origin {
        Origin::File { path, .. } => path.parent().unwrap_or_else(|| Path::new("")).join(text),
        Origin::Variable(_) | Origin::Flag | Origin::Default => PathBuf::from(text),
    }
}

fn plain(node: &Node) -> toml::Value {
    match node {
        Node::Typed(value, _) => value.clone(),
        Node::Text(text, _) => toml::from_str::<toml::Table>(&format!("value = {text}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(text.clone())),
        Node::Table(children, _) => {
            let table = children.iter().map(|(name, node)| (name.clone(), plain(node)));
            toml::Value::Table(table.collect())
        }
    }
}
