//! Goldens on disk.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use limn_executor::blob::BlobKey;
use sqlx::{
    AssertSqlSafe, SqlSafeStr as _,
    migrate::{Migration, MigrationType},
};

use crate::{place::Place, story::Staged};

/// How a line about a migration begins; its number and its checksum as it was released follow.
const SCHEMA: &str = "-- schema ";
/// How a line of a staged answer begins; its key and its bytes in hexadecimal digits follow.
const STAGED: &str = "-- staged ";
/// How a line begins that says what the version that wrote the rest read from it.
const READ: &str = "-- read ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/golden")
}

fn path(schema: u32, dialect: Dialect) -> PathBuf {
    goldens().join(format!("{schema:04}/{}.sql", dialect.name()))
}

/// Entries of a folder whose name begins with a number, in the order of these.
fn numbered(folder: &Path) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut numbered: Vec<_> = entries
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            Some((name.get(..4)?.parse().ok()?, path.clone()))
        })
        .collect();
    numbered.sort();
    numbered
}

/// Schemas with a golden.
pub(crate) fn schemas() -> Vec<u32> {
    numbered(&goldens())
        .into_iter()
        .map(|(schema, _)| schema)
        .collect()
}

/// True when a schema has a golden for each database.
pub(crate) fn is_kept(schema: u32) -> bool {
    [Dialect::Sqlite, Dialect::Postgres]
        .into_iter()
        .all(|dialect| path(schema, dialect).is_file())
}

fn scripts(dialect: Dialect) -> Vec<(u32, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    numbered(&folder.join(dialect.name()))
}

/// The schema of this version.
pub(crate) fn newest_schema() -> u32 {
    scripts(Dialect::Sqlite).last().unwrap().0
}

/// The schemas that were followed by another.
pub(crate) fn earlier_schemas() -> Vec<u32> {
    let mut schemas: Vec<_> = scripts(Dialect::Sqlite)
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    schemas.pop();
    schemas
}

/// The migrations that make a schema.
pub(crate) fn migrations(schema: u32, dialect: Dialect) -> Vec<Migration> {
    let made_it = scripts(dialect)
        .into_iter()
        .filter(|(number, _)| *number <= schema);
    let migrations = made_it.map(|(number, path)| {
        let name = path.file_stem().unwrap().to_str().unwrap()[5..].to_owned();
        let text = AssertSqlSafe(fs::read_to_string(&path).unwrap()).into_sql_str();
        Migration::new(number.into(), name.into(), MigrationType::Simple, text, false)
    });
    migrations.collect()
}

pub(crate) fn read(schema: u32, dialect: Dialect) -> String {
    fs::read_to_string(path(schema, dialect)).unwrap()
}

/// True when whoever runs the tests wants the golden of this version to be written.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of whoever runs the tests, no setting of the product"
)]
pub(crate) fn is_wanted() -> bool {
    env::var_os("LIMN_WRITE_GOLDEN").is_some()
}

/// Keeps a dump as the golden of the newest schema, when that is wanted.
pub(crate) fn write(place: &Place, text: &str) {
    if !is_wanted() {
        return;
    }
    let path = path(newest_schema(), place.dialect());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What stands in a golden before its rows.
pub(crate) fn head(schema: u32, dialect: Dialect, staged: &Staged, facts: &BTreeSet<String>) -> String {
    let mut head = String::new();
    for migration in migrations(schema, dialect) {
        writeln!(head, "{SCHEMA}{}", released(&migration)).unwrap();
    }
    for (key, body) in staged {
        writeln!(head, "{STAGED}{key} {}", hex(body)).unwrap();
    }
    for fact in facts {
        writeln!(head, "{READ}{fact}").unwrap();
    }
    head
}

/// Makes sure that the migrations are those that made the golden: in databases that exist they ran as they were.
pub(crate) fn check_released(schema: u32, text: &str, migrations: &[Migration]) {
    let now: Vec<String> = migrations.iter().map(released).collect();
    assert_eq!(
        marked(text, SCHEMA).collect::<Vec<_>>(),
        now,
        "a migration up to {schema} is not the one that golden {schema:04} was written with: what was released \
         never changes; if {schema} was not, write the golden again as executor/tests/upgrade/README.md says"
    );
}

/// The staged answers of a golden.
pub(crate) fn staged(text: &str) -> Staged {
    let staged = marked(text, STAGED).map(|line| {
        let (key, digits) = line.split_once(' ').unwrap();
        let bytes = digits.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).unwrap();
            u8::from_str_radix(pair, 16).unwrap()
        });
        (BlobKey::parse(key).unwrap(), bytes.collect::<Vec<_>>().into())
    });
    staged.collect()
}

/// What the version that wrote a golden read from it.
pub(crate) fn facts(text: &str) -> BTreeSet<String> {
    marked(text, READ).map(str::to_owned).collect()
}

fn marked<'t>(text: &'t str, mark: &str) -> impl Iterator<Item = &'t str> {
    text.lines().filter_map(move |line| line.strip_prefix(mark))
}

fn released(migration: &Migration) -> String {
    format!("{} {}", migration.version, hex(&migration.checksum))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
