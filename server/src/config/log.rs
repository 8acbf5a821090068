//! `[log]`: what is written to standard error.

use toml::Table;

use super::reader::Section;

/// What is written to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Least important level that is written.
    pub level: Level,
    /// How a line looks.
    pub format: Format,
}

/// How important a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Someone must look.
    Error,
    /// We coped.
    Warn,
    /// The story.
    #[default]
    Info,
    /// The investigation.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl Log {
    pub(super) fn read(section: Section<'_>) -> Self {
        let log = Self {
            level: section
                .read("level", |text| word(text, &Level::ALL, Level::as_str))
                .unwrap_or_default(),
            format: section
                .read("format", |text| word(text, &Format::ALL, Format::as_str))
                .unwrap_or_default(),
        };
        section.finish();
        log
    }

    pub(super) fn render(&self) -> Table {
        Table::from_iter([
            ("level".to_owned(), self.level.as_str().into()),
            ("format".to_owned(), self.format.as_str().into()),
        ])
    }
}

fn word<T: Copy>(text: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, (String, String)> {
    let found = all.iter().copied().find(|known| as_str(*known) == text);
    found.ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|known| as_str(*known)).collect();
        (format!("must be one of {}", words.join(", ")), String::new())
    })
}
