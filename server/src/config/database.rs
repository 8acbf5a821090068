//! `[database]`: where everything but the images is kept.

use std::path::{Path, PathBuf};

use limn_executor::records::postgres::{Address, AddressError};
use secrecy::ExposeSecret as _;
use toml::Table;

use super::{REDACTED, reader::Section};

/// Default of `database.max_connections`.
const MAX_CONNECTIONS: u32 = 16;
/// What to do about a wrong address.
const EXAMPLE: &str =
    "for example postgres://limn:password@db.example.org/limn; a file of SQLite is database.sqlite";

/// The database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Where it is.
    pub place: DatabasePlace,
    /// Most connections that this process has open at once, beside the one that listens. Only for Postgres.
    pub max_connections: u32,
    /// Whether processes tell each other at once what they did. Only for Postgres, and only where connections carry
    /// `LISTEN`; without it everybody finds out within seconds.
    pub hints: bool,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabasePlace {
    /// In a file, for one process. Default: `limn.db` in the data folder.
    Sqlite(PathBuf),
    /// On a server, for any number of processes. The address is a secret: it holds the password.
    Postgres(Address),
}

impl Database {
    pub(super) fn read(section: Section<'_>, data_dir: &Path) -> Self {
        let file = section.path("sqlite");
        let address = section.secret("url").and_then(|url| {
            let address = url.expose_secret().parse();
            let refused = |error: AddressError| section.complain("url", &error.to_string(), EXAMPLE);
            address.map_err(refused).ok()
        });
        let is_postgres = match (section.place("url"), section.place("sqlite")) {
            (Some(url), Some(sqlite)) if url.layer() == sqlite.layer() => {
                section.complain("url", "is set together with sqlite", "keep one of the two");
                false
            }
            // The later layer counts, as with any key.
            (Some(url), Some(sqlite)) => url.layer() > sqlite.layer(),
            (url, _) => url.is_some(),
        };
        let place = match address.filter(|_| is_postgres) {
            Some(address) => DatabasePlace::Postgres(address),
            None => DatabasePlace::Sqlite(file.unwrap_or_else(|| data_dir.join("limn.db"))),
        };
        let database = Self {
            place,
            max_connections: section
                .integer("max_connections", 1..=1000)
                .unwrap_or(MAX_CONNECTIONS),
            hints: section.truth("hints").unwrap_or(true),
        };
        section.finish();
        database
    }

    /// Address of the Postgres database; nothing when it is a file.
    pub fn postgres(&self) -> Option<&Address> {
        match &self.place {
            DatabasePlace::Postgres(address) => Some(address),
            DatabasePlace::Sqlite(_) => None,
        }
    }

    pub(super) fn render(&self) -> Table {
        match &self.place {
            DatabasePlace::Sqlite(file) => Table::from_iter([("sqlite".to_owned(), super::path(file))]),
            DatabasePlace::Postgres(_) => Table::from_iter([
                ("url".to_owned(), REDACTED.into()),
                ("max_connections".to_owned(), super::number(self.max_connections)),
                ("hints".to_owned(), self.hints.into()),
            ]),
        }
    }
}
