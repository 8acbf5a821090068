//! Where the records are kept, and a way to read them behind the back of the product.

use std::path::{Path, PathBuf};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection,
    postgres::{PgConnectOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteRow},
};

/// The database of a story.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file. Read only while no process has it open.
    File(PathBuf),
    /// A database of its own on a server.
    Server { server: String, name: String },
}

impl Place {
    pub(crate) fn file(folder: &Path) -> Self {
        Self::File(folder.join("limn.db"))
    }

    /// Makes an empty database on the server.
    pub(crate) async fn on_server(server: &str, seed: u64) -> Self {
        let name = format!("limn_kill_{}_{seed}", std::process::id());
        let place = Self::Server {
            server: server.to_owned(),
            name,
        };
        place.administer("DROP DATABASE IF EXISTS $ WITH (FORCE)").await;
        place.administer("CREATE DATABASE $").await;
        place
    }

    /// Removes a database from its server.
    pub(crate) async fn remove(&self) {
        self.administer("DROP DATABASE IF EXISTS $ WITH (FORCE)").await;
    }

    async fn administer(&self, statement: &str) {
        if let Self::Server { server, name } = self {
            let mut connection = PgConnection::connect(server).await.unwrap();
            let statement = AssertSqlSafe(statement.replace('$', name));
            sqlx::query(statement).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// The key of the configuration, and its value.
    pub(crate) fn setting(&self) -> (&'static str, String) {
        match self {
            Self::File(path) => ("database.sqlite", path.to_str().unwrap().to_owned()),
            Self::Server { .. } => ("database.url", self.options().to_url_lossy().to_string()),
        }
    }

    fn options(&self) -> PgConnectOptions {
        match self {
            Self::File(_) => unreachable!("a file has no address"),
            Self::Server { server, name } => server.parse::<PgConnectOptions>().unwrap().database(name),
        }
    }

    pub(crate) async fn open(&self) -> Database {
        match self {
            Self::File(path) => {
                let options = SqliteConnectOptions::new().filename(path);
                Database::Sqlite(options.connect().await.unwrap())
            }
            Self::Server { .. } => Database::Postgres(self.options().connect().await.unwrap()),
        }
    }
}

/// An open database of either kind. Both have the same tables, with the same columns.
pub(crate) enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    pub(crate) async fn rows(&mut self, query: &'static str) -> Vec<Row> {
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.unwrap();
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.unwrap();
                rows.into_iter().map(Row::Postgres).collect()
            }
        }
    }
}

/// A row of either kind.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! columns {
    ($($name:ident: $type:ty,)+) => {$(
        pub(crate) fn $name(&self, column: &str) -> $type {
            match self {
                Self::Sqlite(row) => row.get(column),
                Self::Postgres(row) => row.get(column),
            }
        }
    )+};
}

impl Row {
    columns! {
        number: i64,
        optional_number: Option<i64>,
        text: String,
        optional_text: Option<String>,
        bytes: Vec<u8>,
        flag: bool,
    }
}
