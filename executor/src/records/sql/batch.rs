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
        insert: Statement,
        rows: Vec<Vec<Value>>,
    },
}

impl Waiting {
    fn into_statement(self) -> Statement {
        match self {
            Self::Statement(statement) | Self::Latest(statement) => statement,
            Self::Rows {
                insert: mut statement,
                rows,
            } => {
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
    pub(super) fn push_row(&mut self, insert: Statement, row: Vec<Value>) {
        let earlier = self.waiting.iter_mut().rev().find_map(|waiting| match waiting {
            Waiting::Rows { insert: same, rows } if same.text() == insert.text() => Some(rows),
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

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::{
        super::{rows::Fields, statement::sql},
        *,
    };

    const NAMES: &str = "SELECT id, name FROM things ORDER BY id";

    async fn database() -> SqliteConnection {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let create = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT";
        sqlx::query(create).execute(&mut connection).await.unwrap();
        connection
    }

    fn name(number: usize) -> String {
        format!("name {number}")
    }

    fn rename(id: i64, name: &str) -> Statement {
        sql("UPDATE things SET name = $2 WHERE id = $1")
            .bind(id)
            .bind(name)
    }

    async fn names(tx: &mut Tx<'_>) -> Vec<(i64, String)> {
        let rows = sql(NAMES).fetch_all(tx).await.unwrap();
        let names = rows.iter().map(|row| {
            let fields = Fields(row);
            (fields.number("id").unwrap(), fields.text("name").unwrap())
        });
        names.collect()
    }

    #[test]
    fn parameters_count_through_all_statements() {
        let mut text = String::new();
        push_renumbered(&mut text, "a = $1 AND b = $12 OR $1", 30);
        assert_eq!(text, "a = $31 AND b = $42 OR $31");
    }

    #[tokio::test]
    async fn a_statement_sees_everything_that_was_asked_for_before_it() {
        let mut connection = database().await;
        let mut tx = Tx::writing(Connection::Sqlite(&mut connection), None);
        // More than go together at once, and more rows than one statement inserts.
        for id in 0..i64::try_from(MAX_ROWS * 3 + 1).unwrap() {
            sql("INSERT INTO things (id, name)")
                .bind(id)
                .bind("new")
                .row_later(&mut tx);
        }
        for id in 0..i64::try_from(MAX_STATEMENTS * 2 + 1).unwrap() {
            rename(id, &name(id.try_into().unwrap())).later(&mut tx);
        }
        let found = names(&mut tx).await;
        assert_eq!(found.len(), MAX_ROWS * 3 + 1);
        for (place, (id, found)) in found.into_iter().enumerate() {
            assert_eq!((usize::try_from(id).unwrap(), found), (place, name(place)));
        }
    }

    #[tokio::test]
    async fn each_statement_has_its_own_rows() {
        let mut connection = database().await;
        let mut tx = Tx::writing(Connection::Sqlite(&mut connection), None);
        for id in 1..=2_i64 {
            sql("INSERT INTO things (id, name)")
                .bind(id)
                .bind("new")
                .row_later(&mut tx);
        }
        let nothing = sql("SELECT name FROM things WHERE id = $1").bind(7_i64);
        let renamed = sql("UPDATE things SET name = $1 WHERE id = $2 RETURNING name")
            .bind("other")
            .bind(2_i64);
        let found = together(&mut tx, [sql(NAMES), nothing, renamed, sql(NAMES)]).await;
        assert_eq!(found.unwrap().map(|rows| rows.len()), [2, 0, 1, 2]);
        assert_eq!(
            names(&mut tx).await,
            [(1, "new".to_owned()), (2, "other".to_owned())]
        );
    }

    #[tokio::test]
    async fn the_latest_state_of_a_row_is_written_once() {
        let mut connection = database().await;
        let mut tx = Tx::writing(Connection::Sqlite(&mut connection), None);
        for id in 1..=2_i64 {
            sql("INSERT INTO things (id, name)")
                .bind(id)
                .bind("new")
                .row_later(&mut tx);
        }
        rename(1, "first").latest(&mut tx);
        rename(2, "second").latest(&mut tx);
        rename(1, "third").latest(&mut tx);
        assert_eq!(tx.queue.waiting.len(), 3);
        assert_eq!(
            names(&mut tx).await,
            [(1, "third".to_owned()), (2, "second".to_owned())]
        );
    }

    #[tokio::test]
    async fn what_comes_after_a_refused_statement_is_not_run() {
        let mut connection = database().await;
        let mut tx = Tx::writing(Connection::Sqlite(&mut connection), None);
        sql("INSERT INTO things (id, name)")
            .bind(1_i64)
            .bind("new")
            .row_later(&mut tx);
        sql("UPDATE things SET name = NULL").later(&mut tx);
        rename(1, "other").later(&mut tx);
        assert!(tx.flush().await.is_err());
        assert_eq!(names(&mut tx).await, [(1, "new".to_owned())]);
    }
}
