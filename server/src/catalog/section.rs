//! Reads TOML strictly: every value has a type, every key is known, and every problem is kept.
//!
//! A value of the wrong type counts as absent after it is reported, so that reading goes on.

use limn_planner::{CatalogProblem, catalog::Size};
use toml::{Table, Value};

/// One table, from which values are taken out until none is left.
pub(super) struct Section<'p> {
    path: String,
    table: Table,
    problems: &'p mut Vec<CatalogProblem>,
}

impl<'p> Section<'p> {
    /// Reads a table. Keys that are left over afterwards are problems.
    pub(super) fn read<T>(
        path: String,
        value: Value,
        problems: &'p mut Vec<CatalogProblem>,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let table = match value {
            Value::Table(table) => table,
            other => {
                let message = format!("must be a table, not {}", other.type_str());
                problems.push(CatalogProblem {
                    path: path.clone(),
                    message,
                });
                Table::new()
            }
        };
        let mut section = Section {
            path,
            table,
            problems,
        };
        let result = read(&mut section);
        let left_over: Vec<String> = section.table.keys().cloned().collect();
        for key in left_over {
            section.problem(&key, "is no key that is known here");
        }
        result
    }

    /// Reports a problem with a key.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        let path = self.path_of(key);
        self.problems.push(CatalogProblem {
            path,
            message: message.into(),
        });
    }

    /// Reads the table under a key, if there is one.
    pub(super) fn within<T>(&mut self, key: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> Option<T> {
        let value = self.table.remove(key)?;
        Some(Section::read(self.path_of(key), value, self.problems, read))
    }

    /// Reads every table of the table under a key.
    pub(super) fn each<T>(&mut self, key: &str, mut read: impl FnMut(&str, &mut Section<'_>) -> T) -> Vec<T> {
        let all = self.within(key, |section| {
            let table = std::mem::take(&mut section.table);
            let mut all = Vec::with_capacity(table.len());
            for (id, value) in table {
                let path = section.path_of(&id);
                all.push(Section::read(path, value, section.problems, |section| {
                    read(&id, section)
                }));
            }
            all
        });
        all.unwrap_or_default()
    }

    /// Reads every table of the list under a key.
    pub(super) fn list<T>(&mut self, key: &str, mut read: impl FnMut(&mut Section<'_>) -> T) -> Vec<T> {
        let values: Vec<Value> = self
            .take(key, "a list", |value| value.as_array().cloned())
            .unwrap_or_default();
        let mut all = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            all.push(Section::read(path, value, self.problems, &mut read));
        }
        all
    }

    /// Text, if there is any.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key, "text", |value| value.as_str().map(str::to_owned))
    }

    /// Text that must be there.
    pub(super) fn required_text(&mut self, key: &str) -> String {
        let missing = !self.table.contains_key(key);
        if missing {
            self.problem(key, "is missing");
        }
        self.text(key).unwrap_or_default()
    }

    /// A list of text, if there is one.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let texts = |value: &Value| {
            let values = value.as_array()?.iter();
            values
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<Vec<String>>>()
        };
        self.take(key, "a list of text", texts)
    }

    /// True or false; absent is false.
    pub(super) fn flag(&mut self, key: &str) -> bool {
        self.take(key, "true or false", Value::as_bool).unwrap_or(false)
    }

    /// A whole number, if there is one.
    pub(super) fn number<N: TryFrom<i64>>(&mut self, key: &str) -> Option<N> {
        self.take(key, "a whole number that is not too large", |value| {
            N::try_from(value.as_integer()?).ok()
        })
    }

    /// A whole number that must be there.
    pub(super) fn required_number<N: TryFrom<i64> + Default>(&mut self, key: &str) -> N {
        let missing = !self.table.contains_key(key);
        if missing {
            self.problem(key, "is missing");
        }
        self.number(key).unwrap_or_default()
    }

    /// A size such as "1024x768", which must be there.
    pub(super) fn required_size(&mut self, key: &str) -> Size {
        let text = self.required_text(key);
        let size = parse_size(&text);
        if size.is_none() && !text.is_empty() {
            self.problem(key, "must be a size such as \"1024x768\"");
        }
        size.unwrap_or_else(|| Size::new(0, 0))
    }

    /// Keys that have not been taken yet.
    pub(super) fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Path of a key.
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.into()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Takes a value out and converts it.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        wanted: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.table.remove(key)?;
        let converted = convert(&value);
        if converted.is_none() {
            self.problem(key, format!("must be {wanted}"));
        }
        converted
    }
}

/// Reads "1024x768".
pub(super) fn parse_size(text: &str) -> Option<Size> {
    let (width, height) = text.split_once('x')?;
    Some(Size::new(width.parse().ok()?, height.parse().ok()?))
}
