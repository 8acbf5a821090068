//! Statements that go to the database together.
//!
//! What a verb costs is not so much what its statements do as how often it waits for the database. So a statement
//! without an answer waits for the next one that has an answer, and statements whose answers do not depend on each
//! other are sent at once. They run in the order in which they were given, whatever goes together.
//!
//! SQLite takes several statements as one text. Postgres takes one statement at a time, and gains by each that is left
//! out: rows of one table are inserted together, and a row that changes more than once is written once.

use std::{fmt::Write as _, mem};

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Either, Executor as _, SqlSafeStr as _, SqliteConnection};

use super::{
    super::Result,
    rows::Row,
    statement::{Statement, Value, for_sqlite, unavailable},
    tx::{Connection, Tx},
};

/// Most statements that SQLite is given at once: bounds the text, and what is kept of it for the next time.
const MAX_STATEMENTS: usize = 32;
/// Most rows of one `INSERT`.
const MAX_ROWS: usize = 16;

/// What waits for the next statement that has an answer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
enum Waiting {
    Statement(Statement),
    /// The whole of what changes in a row: a later one replaces it.
    Latest(Statement),
    /// Rows of one table.
    Rows {
        insert: &'static str,
        rows: Vec<Vec<Value>>,
    },
}

impl Waiting {
    fn into_statement(self) -> Statement {
        match self {
            Self::Statement(statement) | Self::Latest(statement) => statement,
            Self::Rows { insert, rows } => {
                let mut statement = super::statement::sql(insert);
                for (place, row) in rows.into_iter().enumerate() {
                    statement.push(if place == 0 { " VALUES (" } else { ", (" });
                    statement.push_list(row).push(")");
                }
                statement
            }
        }
    }
}

impl Queue {
    pub(super) fn push(&mut self, statement: Statement) {
        self.waiting.push(Waiting::Statement(statement));
    }

    /// In place of an earlier one with the same text and the same first value, which is the key of the row.
    pub(super) fn push_latest(&mut self, statement: Statement) {
        let earlier = self.waiting.iter_mut().find_map(|waiting| match waiting {
            Waiting::Latest(earlier) if earlier.writes_the_row_of(&statement) => Some(earlier),
            _ => None,
        });
        match earlier {
            Some(earlier) => *earlier = statement,
            None => self.waiting.push(Waiting::Latest(statement)),
        }
    }

    /// Behind the earlier rows of the same table.
    pub(super) fn push_row(&mut self, insert: &'static str, row: Vec<Value>) {
        let earlier = self.waiting.iter_mut().rev().find_map(|waiting| match waiting {
            Waiting::Rows { insert: same, rows } if *same == insert => Some(rows),
            _ => None,
        });
        match earlier {
            Some(rows) if rows.len() < MAX_ROWS => rows.push(row),
            _ => self.waiting.push(Waiting::Rows {
                insert,
                rows: vec![row],
            }),
        }
    }
}

impl Tx<'_> {
    /// Runs what waits.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let [] = together(self, []).await?;
        Ok(())
    }
}

/// The rows of each statement. None may depend on what another one finds; they run in this order.
pub(super) async fn together<const N: usize>(
    tx: &mut Tx<'_>,
    statements: [Statement; N],
) -> Result<[Vec<Row>; N]> {
    let mut found = each(tx, statements.into()).await?.into_iter();
    Ok(std::array::from_fn(|_| found.next().unwrap_or_default()))
}

/// The same for any number of statements.
pub(super) async fn each(tx: &mut Tx<'_>, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
    let queue = mem::take(&mut tx.queue).waiting;
    let without_answer = queue.len();
    let mut all: Vec<Statement> = queue.into_iter().map(Waiting::into_statement).collect();
    all.extend(statements);
    let mut found = Vec::with_capacity(all.len());
    tx.has_begun |= !all.is_empty();
    let writes = tx.writes;
    match &mut tx.connection {
        Connection::Sqlite(connection) => {
            let mut all = all.into_iter().peekable();
            while all.peek().is_some() {
                run_as_one(connection, all.by_ref().take(MAX_STATEMENTS), &mut found).await?;
            }
        }
        Connection::Postgres(connection) => {
            for statement in all {
                let rows = statement
                    .for_postgres(writes)
                    .fetch_all(&mut **connection)
                    .await
                    .map_err(unavailable)?;
                found.push(rows.into_iter().map(Row::Postgres).collect());
            }
        }
    }
    Ok(found.split_off(without_answer))
}

/// Runs statements as one text. Numbers of parameters count through all of it.
async fn run_as_one(
    connection: &mut SqliteConnection,
    statements: impl Iterator<Item = Statement>,
    found: &mut Vec<Vec<Row>>,
) -> Result<()> {
    let mut text = String::new();
    let mut values = Vec::new();
    for statement in statements {
        if !text.is_empty() {
            text.push_str("; ");
        }
        push_renumbered(&mut text, statement.text(), values.len());
        values.extend(statement.into_values());
    }
    // Put together from fixed pieces; every value is bound.
    let query = for_sqlite(AssertSqlSafe(text).into_sql_str(), values);
    let mut answers = connection.fetch_many(query);
    let mut rows = Vec::new();
    while let Some(answer) = answers.try_next().await.map_err(unavailable)? {
        match answer {
            Either::Right(row) => rows.push(Row::Sqlite(row)),
            // The end of a statement.
            Either::Left(_) => found.push(mem::take(&mut rows)),
        }
    }
    Ok(())
}

/// Adds a statement whose first parameter is the one after the first `bound` ones. No text has a dollar sign elsewhere.
fn push_renumbered(text: &mut String, statement: &str, bound: usize) {
    let mut pieces = statement.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.find(|character: char| !character.is_ascii_digit());
        let (number, rest) = piece.split_at(digits.unwrap_or(piece.len()));
        let number = bound + number.parse::<usize>().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = write!(text, "${number}{rest}");
    }
}
