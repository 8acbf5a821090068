//! Fresh databases to measure.

use std::{path::Path, sync::Arc};

use futures::future::BoxFuture;
use limn_executor::{
    records::{RecordStore, postgres::PostgresRecords, sqlite::SqliteRecords},
    testing::scratch_postgres,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

/// Connections to Postgres: what a server has unless it is told otherwise.
const CONNECTIONS: u32 = 16;

/// An empty database.
pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    /// On a real disk: the folder of temporary files may be in memory.
    pub(crate) fn sqlite() -> BoxFuture<'static, Option<Self>> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Box::pin(async { Some(Self::Sqlite(folder)) })
    }

    /// Nothing when there is no server.
    pub(crate) fn postgres() -> BoxFuture<'static, Option<Self>> {
        Box::pin(async { scratch_postgres().await.map(Self::Postgres) })
    }

    pub(crate) async fn open(&self) -> Arc<dyn RecordStore> {
        match self {
            Self::Sqlite(folder) => Arc::new(SqliteRecords::open(&file(folder.path())).await.unwrap()),
            Self::Postgres(url) => Arc::new(PostgresRecords::open(url, CONNECTIONS).await.unwrap()),
        }
    }

    /// Runs statements beside the records, one after the other.
    pub(crate) async fn run(&self, sqlite: &str, postgres: &str) {
        match self {
            Self::Sqlite(folder) => {
                let options = SqliteConnectOptions::new().filename(file(folder.path()));
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sqlite.to_owned()))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(postgres.to_owned()))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("limn.db")
}
