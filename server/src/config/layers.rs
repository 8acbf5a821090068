//! Where settings come from: the file, the environment, the flags, merged with their provenance.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use limn_executor::providers::KINDS;

use super::problems::{Origin, Problem};

/// Variables that name or open something else than a key of the configuration.
const NOT_KEYS: [&str; 4] = [
    "LIMN_CONFIG",
    "LIMN_CLIENT",
    "LIMN_DEFAULT_PROVIDER",
    "LIMN_SERVER",
];
/// Variables with a short or a conventional name, and the keys that they set.
const ALIASES: [(&str, &str); 2] = [
    ("LIMN_DATABASE_URL", "database.url"),
    ("LIMN_DEFAULT_PROVIDER", "selection.default_provider"),
];

/// Variables that every tool for a store reads, and the keys that they set when nobody else does; only where the address
/// of the store begins so. The first of several for one key counts.
const OF_STORES: [(&str, &str, &str); 9] = [
    ("cloudinary:", "CLOUDINARY_URL", "storage.cloudinary.url"),
    (
        "vercel-blob:",
        "BLOB_READ_WRITE_TOKEN",
        "storage.vercel_blob.token",
    ),
    ("s3:", "AWS_ACCESS_KEY_ID", "storage.s3.access_key_id"),
    ("s3:", "AWS_SECRET_ACCESS_KEY", "storage.s3.secret_access_key"),
    ("s3:", "AWS_SESSION_TOKEN", "storage.s3.session_token"),
    ("s3:", "AWS_REGION", "storage.s3.region"),
    ("s3:", "AWS_DEFAULT_REGION", "storage.s3.region"),
    ("s3:", "AWS_ENDPOINT_URL_S3", "storage.s3.endpoint"),
    ("s3:", "AWS_ENDPOINT_URL", "storage.s3.endpoint"),
];

/// Everything that a configuration is read from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file named by `--config`; it must exist. Nothing: `LIMN_CONFIG`, else the usual place if a file
    /// is there.
    pub file: Option<PathBuf>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// Dotted keys with their values, from the command line. The last one of a key counts.
    pub flags: Vec<(String, String)>,
}

impl std::fmt::Debug for Sources {
    /// Names only: the values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let flags: Vec<_> = self.flags.iter().map(|(key, _)| key).collect();
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("flags", &flags)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// The given file and flags, with the environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
            })
            .collect();
        Self {
            file,
            environment,
            flags,
        }
    }

    /// The value of an environment variable; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The user who runs this process.
    pub fn user(&self) -> Option<&str> {
        ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| self.variable(name))
    }

    /// The file to read and whether it must exist.
    fn config_file(&self) -> Option<(PathBuf, bool)> {
        let named = self
            .file
            .clone()
            .or_else(|| self.variable("LIMN_CONFIG").map(PathBuf::from));
        if let Some(path) = named {
            return Some((path, true));
        }
        let folder = self.home_folder("XDG_CONFIG_HOME", ".config")?;
        Some((folder.join("limn/config.toml"), false))
    }

    /// The data folder when nobody names one.
    pub(super) fn default_data_dir(&self) -> Option<PathBuf> {
        Some(self.home_folder("XDG_DATA_HOME", ".local/share")?.join("limn"))
    }

    /// A base folder after the XDG rules, which ignore relative paths.
    fn home_folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let named = self
            .variable(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        named.or_else(|| Some(Path::new(self.variable("HOME")?).join(below_home)))
    }
}

/// A merged setting.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Keys below.
    Table(BTreeMap<String, Node>, Origin),
    /// A value from a file, which has a type.
    Typed(toml::Value, Origin),
    /// A value from the environment or a flag, whose reader knows the type.
    Text(String, Origin),
}

impl Node {
    pub(super) fn origin(&self) -> &Origin {
        match self {
            Self::Table(_, origin) | Self::Typed(_, origin) | Self::Text(_, origin) => origin,
        }
    }

    pub(super) fn root() -> Self {
        Self::Table(BTreeMap::new(), Origin::Default)
    }

    /// The node under a dotted key.
    fn find(&self, key: &str) -> Option<&Self> {
        key.split('.').try_fold(self, |node, part| match node {
            Self::Table(children, _) => children.get(part),
            Self::Typed(..) | Self::Text(..) => None,
        })
    }

    /// Sets a dotted key. A value on the way to it stays: its reader will say that it should be a section.
    fn set(&mut self, key: &str, value: String, origin: &Origin) {
        let Self::Table(children, _) = self else { return };
        match key.split_once('.') {
            None => {
                children.insert(key.to_owned(), Self::Text(value, origin.clone()));
            }
            Some((first, rest)) => children
                .entry(first.to_owned())
                .or_insert_with(|| Self::Table(BTreeMap::new(), origin.clone()))
                .set(rest, value, origin),
        }
    }
}

/// Merges all layers, the later ones over the earlier ones.
pub(super) fn merge(sources: &Sources, problems: &mut Vec<Problem>) -> Node {
    let mut root = match sources.config_file() {
        None => Node::root(),
        Some((path, required)) => read_file(&path, required, problems),
    };
    // In a fixed order, so that two variables for one key do not take turns.
    let environment: BTreeMap<_, _> = sources.environment.iter().cloned().collect();
    for (name, value) in environment {
        let Some(key) = key_of_variable(&name) else {
            continue;
        };
        if value.is_empty() {
            continue;
        }
        root.set(&key, value, &Origin::Variable(name));
    }
    for (key, value) in &sources.flags {
        root.set(key, value.clone(), &Origin::Flag);
    }
    // Variables that others share with us stand in for a key that nobody else sets.
    let singles = KINDS.iter().filter(|kind| !kind.has_instances);
    for kind in singles {
        let place = |name: &str| format!("providers.{}.{name}", kind.id);
        let files: Vec<_> = kind
            .key_files()
            .map(|(name, variable)| (place(name), variable))
            .collect();
        let key = place("api_key");
        let mut keys = files.iter().map(|(key, _)| key.as_str());
        let is_set = |key: &str| root.find(key).is_some();
        if is_set(&key) || is_set(&place("api_key_file")) || keys.any(is_set) {
            continue;
        }
        let variable = kind.key_variable().map(|name| (key, name));
        for (key, name) in variable.into_iter().chain(files) {
            if let Some(value) = sources.variable(name) {
                root.set(&key, value.to_owned(), &Origin::Variable(name.to_owned()));
            }
        }
    }
    let store = match root.find("storage.url") {
        Some(Node::Text(url, _) | Node::Typed(toml::Value::String(url), _)) => url.clone(),
        _ => String::new(),
    };
    for (scheme, name, key) in OF_STORES {
        let is_wanted = store.starts_with(scheme) && root.find(key).is_none();
        if let Some(value) = sources.variable(name).filter(|_| is_wanted) {
            root.set(key, value.to_owned(), &Origin::Variable(name.to_owned()));
        }
    }
    root
}

fn key_of_variable(name: &str) -> Option<String> {
    if let Some((_, key)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
        return Some((*key).to_owned());
    }
    let key = name.strip_prefix("LIMN_")?;
    // Test suites are switched on by variables of their own.
    if NOT_KEYS.contains(&name) || key.starts_with("TEST_") {
        return None;
    }
    Some(key.to_ascii_lowercase().replace("__", "."))
}

fn read_file(path: &Path, required: bool, problems: &mut Vec<Problem>) -> Node {
    let mut refuse = |line: usize, what: String, remedy: &str| {
        problems.push(Problem {
            origin: Origin::File {
                path: path.to_owned(),
                line,
            },
            key: String::new(),
            value: None,
            what,
            remedy: remedy.to_owned(),
        });
        Node::root()
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => return Node::root(),
        Err(error) => {
            let remedy = "correct --config or LIMN_CONFIG, or make the file readable";
            return refuse(1, format!("cannot read the file: {error}"), remedy);
        }
    };
    match DeTable::parse(&text) {
        Ok(table) => table_node(table.into_inner(), &text, path, 1),
        // Only the message: the rendering of the error quotes the line, which may hold a secret.
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            refuse(line, format!("not TOML: {}", error.message()), "")
        }
    }
}

fn table_node(table: DeTable<'_>, text: &str, path: &Path, line: usize) -> Node {
    let origin = |line| Origin::File {
        path: path.to_owned(),
        line,
    };
    let children = table
        .into_iter()
        .map(|(key, value)| {
            let line = line_of(text, key.span().start);
            let node = match value.into_inner() {
                DeValue::Table(below) => table_node(below, text, path, line),
                other => Node::Typed(typed(other), origin(line)),
            };
            (key.into_inner().into_owned(), node)
        })
        .collect();
    Node::Table(children, origin(line))
}

/// The value without its spans. Numbers beyond the range of TOML become text, which no reader of numbers takes.
fn typed(value: DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or_else(
            |_| toml::Value::String(number.as_str().to_owned()),
            toml::Value::Integer,
        ),
        DeValue::Float(number) => number.as_str().parse().map_or_else(
            |_| toml::Value::String(number.as_str().to_owned()),
            toml::Value::Float,
        ),
        DeValue::Boolean(truth) => toml::Value::Boolean(truth),
        DeValue::Datetime(time) => toml::Value::Datetime(time),
        DeValue::Array(values) => toml::Value::Array(
            values
                .into_iter()
                .map(|value| typed(value.into_inner()))
                .collect(),
        ),
        DeValue::Table(table) => toml::Value::Table(
            table
                .into_iter()
                .map(|(key, value)| (key.into_inner().into_owned(), typed(value.into_inner())))
                .collect(),
        ),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
