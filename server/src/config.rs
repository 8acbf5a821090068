//! Configuration: defaults, a TOML file, the environment and flags, merged in this order and checked as a
//! whole.
//!
//! [`Config::load`] reports every problem at once, each with its place and a remedy. Secrets are
//! [`secrecy::SecretString`]s: neither `Debug` nor [`Config::effective`] nor a problem shows one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

mod catalog;
mod database;
mod executor;
mod layers;
mod log;
mod problems;
mod provenance;
mod providers;
mod reader;
mod retention;
mod selection;
mod server;
mod storage;
mod url;

pub use catalog::Catalog;
pub use database::{Database, DatabasePlace};
pub use executor::Executor;
pub use layers::Sources;
pub use log::{Format, Level, Log};
pub use problems::{ConfigProblems, Origin, Problem};
pub use provenance::Provenance;
pub use providers::{Account, Own, Provider};
pub use retention::Retention;
pub use selection::{Client, Selection};
pub use server::Server;
pub use storage::{ClientBucket, Cloudinary, S3, Storage, StoragePrice, StorePlace, VercelBlob};

use reader::{Found, Section};

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of everything that is kept: one `limn` at a time serves it.
    pub data_dir: PathBuf,
    /// Where the server listens.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The store of images.
    pub storage: Storage,
    /// How many, how long, how large.
    pub executor: Executor,
    /// What pictures say about where they come from.
    pub provenance: Provenance,
    /// How long histories are kept.
    pub retention: Retention,
    /// Which provider draws when the request does not say.
    pub selection: Selection,
    /// What single clients like, by client id.
    pub clients: BTreeMap<String, Client>,
    /// Accounts at providers, by provider id; every provider that this build can call has an entry.
    pub providers: BTreeMap<String, Provider>,
    /// Changes to the shipped catalog.
    pub catalog: Catalog,
    /// What is written to standard error.
    pub log: Log,
}

impl Config {
    /// Merges the sources and checks the result.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, not only the first thing.
    pub fn load(sources: &Sources) -> Result<Self, ConfigProblems> {
        let mut problems = Vec::new();
        let merged = layers::merge(sources, &mut problems);
        let found = Found::new(problems);
        let root = Section::root(merged, &found);

        let default_data_dir = sources.default_data_dir();
        if !root.is_set("data_dir") && default_data_dir.is_none() {
            root.complain(
                "data_dir",
                "is not set, and there is no home folder to put it into",
                "set LIMN_DATA_DIR or HOME",
            );
        }
        let data_dir = root.path("data_dir").or(default_data_dir).unwrap_or_default();
        let config = Self {
            server: Server::read(root.section("server")),
            database: Database::read(root.section("database"), &data_dir),
            storage: Storage::read(root.section("storage"), &data_dir),
            executor: Executor::read(root.section("executor")),
            provenance: Provenance::read(root.section("provenance"), &data_dir),
            retention: Retention::read(root.section("retention")),
            selection: Selection::read(root.section("selection")),
            clients: selection::read_clients(&root),
            providers: providers::read(&root),
            catalog: Catalog::read(&root.section("catalog")),
            log: Log::read(root.section("log")),
            data_dir,
        };
        root.finish();

        let mut problems = found.into_inner();
        problems.sort_by_key(|problem| (problem.origin.layer(), problem.origin.line()));
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigProblems(problems))
        }
    }

    /// The settings as a TOML file that gives the same configuration once the redacted secrets are put in.
    pub fn effective(&self) -> String {
        let sections = [
            ("server", self.server.render()),
            ("database", self.database.render()),
            ("storage", self.storage.render()),
            ("executor", self.executor.render()),
            ("provenance", self.provenance.render()),
            ("retention", self.retention.render()),
            ("selection", self.selection.render()),
            ("clients", selection::render_clients(&self.clients)),
            ("providers", providers::render(&self.providers)),
            ("catalog", self.catalog.render()),
            ("log", self.log.render()),
        ];
        let mut root = Table::from_iter([("data_dir".to_owned(), path(&self.data_dir))]);
        for (name, table) in sections {
            if !table.is_empty() {
                root.insert(name.to_owned(), Value::Table(table));
            }
        }
        root.to_string()
    }
}

/// A number as TOML has it; every number here is far below its limit.
fn number(value: impl TryInto<i64>) -> Value {
    Value::Integer(value.try_into().unwrap_or(i64::MAX))
}

fn path(path: &Path) -> Value {
    Value::String(path.to_string_lossy().into_owned())
}
