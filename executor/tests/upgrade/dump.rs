//! A database as SQL: one statement for each table, in an order that foreign keys allow.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Row as _};

use crate::{golden::Dialect, place::Place};

/// Every table of the newest schema; what refers to others comes after them.
const TABLES: [&str; 21] = [
    "plans",
    "executions",
    "requests",
    "steps",
    "units",
    "attempts",
    "receipts",
    "budgets",
    "budget_days",
    "ledger",
    "events",
    "blobs",
    "images",
    "image_thumbnails",
    "image_labels",
    "fingerprints",
    "audit_events",
    "pruned_executions",
    "shared_facts",
    "provider_gates",
    "provider_turns",
];

/// All rows of a place.
pub(crate) async fn dump(place: &Place) -> String {
    let mut text = String::new();
    let mut tables = tables(place).await;
    tables.retain(|table| table != "_sqlx_migrations");
    for table in &tables {
        assert!(
            TABLES.contains(&table.as_str()),
            "{table} is not in the list of tables"
        );
    }
    for table in TABLES
        .iter()
        .filter(|table| tables.iter().any(|there| there == *table))
    {
        let (columns, rows) = match place.dialect() {
            Dialect::Sqlite => sqlite_rows(place, table).await,
            Dialect::Postgres => postgres_rows(place, table).await,
        };
        if !rows.is_empty() {
            let rows = rows.join("),\n    (");
            writeln!(
                text,
                "\nINSERT INTO {table} ({}) VALUES\n    ({rows});",
                columns.join(", ")
            )
            .unwrap();
        }
    }
    text
}

async fn tables(place: &Place) -> Vec<String> {
    match place.dialect() {
        Dialect::Sqlite => {
            let mut connection = place.sqlite_connection().await;
            let names = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'");
            names.fetch_all(&mut connection).await.unwrap()
        }
        Dialect::Postgres => {
            let mut connection = place.postgres_connection().await;
            let names = sqlx::query_scalar(
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
                 WHERE table_schema = current_schema()",
            );
            names.fetch_all(&mut connection).await.unwrap()
        }
    }
}

/// The columns of a table and its rows as literals, in the order in which they were written.
async fn sqlite_rows(place: &Place, table: &str) -> (Vec<String>, Vec<String>) {
    let mut connection = place.sqlite_connection().await;
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?) ORDER BY cid")
        .bind(table)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let literals: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
    let select = format!(
        "SELECT {} AS line FROM {table} ORDER BY rowid",
        literals.join(" || ', ' || ")
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    (columns, rows.iter().map(|row| row.get("line")).collect())
}

/// The same. Numbers that the database gives by itself are left out; they are given again in the same order.
async fn postgres_rows(place: &Place, table: &str) -> (Vec<String>, Vec<String>) {
    let mut connection = place.postgres_connection().await;
    let all: Vec<(String, String)> = sqlx::query_as(
        "SELECT CAST(column_name AS TEXT), CAST(is_identity AS TEXT) FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
    )
    .bind(table)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let (given, columns): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, identity)| identity == "YES");
    let columns: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
    let order = given
        .first()
        .map_or_else(|| columns.join(", "), |(name, _)| name.clone());
    let literals: Vec<String> = columns
        .iter()
        .map(|column| format!("quote_nullable({column})"))
        .collect();
    let select = format!(
        "SELECT {} AS line FROM {table} ORDER BY {order}",
        literals.join(" || ', ' || ")
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    (columns, rows.iter().map(|row| row.get("line")).collect())
}
