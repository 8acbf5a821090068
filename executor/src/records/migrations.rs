//! Bringing a schema up to date, the same way in every database.

use sqlx::{
    Pool, SqlSafeStr as _,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

use super::{RecordError, Result};

/// Number, name and text of a migration.
pub(super) type Text = (i64, &'static str, &'static str);

/// Applies what is missing, in order, and checks that what is there is what was released.
pub(super) async fn run<DB>(pool: &Pool<DB>, texts: &[Text]) -> Result<()>
where
    DB: sqlx::Database,
    DB::Connection: Migrate,
{
    let migrations = texts.iter().map(|(number, name, sql)| {
        Migration::new(
            *number,
            (*name).into(),
            MigrationType::Simple,
            (*sql).into_sql_str(),
            false,
        )
    });
    let newest = texts.iter().map(|(number, ..)| *number).max().unwrap_or(0);
    Migrator::with_migrations(migrations.collect())
        .run(pool)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(number) => RecordError::Unavailable(
                format!(
                    "a newer version wrote it: it has schema {number}, this version knows up to {newest}; \
                     upgrade limn"
                )
                .into(),
            ),
            MigrateError::VersionMismatch(number) => {
                RecordError::Damaged(format!("schema {number} is not the one that was released"))
            }
            other => RecordError::Unavailable(Box::new(other)),
        })
}
