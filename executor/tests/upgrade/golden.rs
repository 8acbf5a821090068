//! Goldens on disk.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use limn_executor::blob::BlobKey;
use sqlx::{
    AssertSqlSafe, SqlSafeStr as _,
    migrate::{Migration, MigrationType},
};

use crate::place::Place;

/// How a line of a staged answer begins; its key and its bytes in hexadecimal digits follow.
pub(crate) const STAGED: &str = "-- staged ";

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

fn scripts(dialect: Dialect) -> Vec<(u32, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    numbered(&folder.join(dialect.name()))
}

/// The schema of this version.
pub(crate) fn newest_schema() -> u32 {
    scripts(Dialect::Sqlite).last().unwrap().0
}

/// The migrations that made a schema, as the version that had it ran them.
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

/// Keeps a dump as the golden of the newest schema, when whoever runs the tests asks for it.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of whoever runs the tests, no setting of the product"
)]
pub(crate) fn write(place: &Place, text: &str) {
    if env::var_os("LIMN_WRITE_GOLDEN").is_none() {
        return;
    }
    let path = path(newest_schema(), place.dialect());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The staged answers of a golden.
pub(crate) fn staged(text: &str) -> Vec<(BlobKey, Bytes)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(STAGED));
    let staged = lines.map(|line| {
        let (key, digits) = line.split_once(' ').unwrap();
        let bytes = digits.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).unwrap();
            u8::from_str_radix(pair, 16).unwrap()
        });
        (BlobKey::parse(key).unwrap(), bytes.collect::<Vec<_>>().into())
    });
    staged.collect()
}
