//! The database: a file for one process, or Postgres for any number of them.

use std::sync::Arc;

use limn_executor::{
    clock::UnixMicros,
    records::{
        GateRecord, RecordError, RecordStore,
        postgres::{Address, Inspection, PostgresRecords},
        sqlite::SqliteRecords,
    },
};

use super::store::{self, Store};
use crate::{
    app::AppError,
    config::{Config, Database, DatabasePlace},
};

/// Name of the fact that the store of images is for the processes of a database.
const STORE: &str = "store";

/// Opens the database and brings its schema up to date.
pub(super) async fn open(config: &Config, store: &Store) -> Result<Arc<dyn RecordStore>, AppError> {
    let database = &config.database;
    let unusable = |source| unusable(database, source);
    match &database.place {
        DatabasePlace::Sqlite(file) => {
            let records = SqliteRecords::open(file).await.map_err(unusable)?;
            // The data folder is locked, so whoever owned an execution is gone, and nobody need wait for its lease.
            records.expire_leases().await.map_err(unusable)?;
            Ok(Arc::new(records))
        }
        // Other processes may be at work on it: what they own is theirs until the lease passes.
        DatabasePlace::Postgres(address) => {
            let records = PostgresRecords::open_at(address, database.max_connections)
                .await
                .map_err(unusable)?;
            check_store(config, address, &records, store).await?;
            Ok(Arc::new(if database.hints {
                records
            } else {
                records.without_hints()
            }))
        }
    }
}

/// Refuses a store that is not the one that the other processes use: an answer that one of them staged, and another
/// one cannot find, would be taken for one that never came.
async fn check_store(
    config: &Config,
    address: &Address,
    records: &PostgresRecords,
    store: &Store,
) -> Result<(), AppError> {
    let Some(identity) = &store.identity else {
        return Ok(());
    };
    let expected = records
        .note_fact(STORE, identity)
        .await
        .map_err(|source| unusable(&config.database, source))?;
    if expected == *identity {
        return Ok(());
    }
    Err(AppError::OtherStore {
        store: store::name(&config.storage),
        database: format!("the {address}"),
        remedy: store::remedy(&config.storage, &expected),
    })
}

fn unusable(database: &Database, source: RecordError) -> AppError {
    let database = match &database.place {
        DatabasePlace::Sqlite(file) => format!("the database {}", file.display()),
        DatabasePlace::Postgres(address) => format!("the {address}"),
    };
    AppError::Database { database, source }
}

/// How providers do, and the time at which that is so, by the clock of the database.
pub type Gates = (Vec<GateRecord>, UnixMicros);

/// Reads how providers do. Nothing where that would take more than a look: the database is not there yet, or it is on a
/// server, where a look could bring the schema up to date under other processes.
///
/// # Errors
///
/// The database cannot be used.
pub async fn read_gates(config: &Config) -> Result<Option<Gates>, AppError> {
    let database = &config.database;
    let unusable = |source| unusable(database, source);
    match &database.place {
        DatabasePlace::Sqlite(file) if file.exists() => {
            let records = SqliteRecords::open(file).await.map_err(unusable)?;
            Ok(Some(records.gates().await.map_err(unusable)?))
        }
        DatabasePlace::Sqlite(_) | DatabasePlace::Postgres(_) => Ok(None),
    }
}

/// Asks whether the database can be used, and says what it is. Nothing is executed. A file is opened, which brings its
/// schema up to date; one on a server is left as it is, for other processes may be at work on it.
///
/// # Errors
///
/// The database cannot be used.
pub async fn check_database(config: &Config) -> Result<String, AppError> {
    let database = &config.database;
    let unusable = |source| unusable(database, source);
    match &database.place {
        DatabasePlace::Sqlite(file) => {
            SqliteRecords::open(file).await.map_err(unusable)?;
            Ok(file.display().to_string())
        }
        DatabasePlace::Postgres(address) => {
            let inspection = Inspection::of(address).await.map_err(unusable)?;
            match inspection.obstacle() {
                Some(why) => Err(unusable(RecordError::Unavailable(why.into()))),
                None => Ok(format!("{address}: {inspection}")),
            }
        }
    }
}
