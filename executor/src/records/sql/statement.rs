//! SQL text with its values, for either database. The text is the same in both: parameters are `$1`, `$2` and so
//! on, and what the dialects do not share is not used.

use std::{borrow::Cow, fmt::Write as _, mem};

use sqlx::{
    AssertSqlSafe, Postgres, SqlSafeStr as _, SqlStr, Sqlite, error::DatabaseError, postgres::PgArguments,
    query::Query, sqlite::SqliteArguments,
};

use super::{
    super::{RecordError, Result},
    batch::together,
    rows::Row,
    text,
    tx::Tx,
};

/// A value of a parameter, as it is kept. The type is always known, also of a value that is absent: Postgres asks for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Flag(bool),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($variant:ident($from:ty) = |$value:ident| $into:expr,)+) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant($into)
            }
        }
    )+};
}

values! {
    Text(&str) = |text| Some(text::kept(text.to_owned())),
    Text(&String) = |text| Some(text::kept(text.clone())),
    Text(String) = |text| Some(text::kept(text)),
    Text(Option<String>) = |text| text.map(text::kept),
    Number(i64) = |number| Some(number),
    Number(Option<i64>) = |number| number,
    Number(u32) = |number| Some(number.into()),
    Number(Option<u32>) = |number| number.map(i64::from),
    Flag(bool) = |flag| flag,
    Bytes(&Vec<u8>) = |bytes| Some(bytes.clone()),
    Bytes(Vec<u8>) = |bytes| Some(bytes),
    Bytes(Option<Vec<u8>>) = |bytes| bytes,
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
    lock: Lock,
}

/// What happens to the rows that a statement reads in a transaction that writes. Only Postgres needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Nothing,
    Rows,
    FreeRows,
}

/// A statement; values follow with [`Statement::bind`], in the order of their numbers.
pub(super) fn sql(text: &'static str) -> Statement {
    Statement {
        text: Cow::Borrowed(text),
        values: Vec::new(),
        lock: Lock::Nothing,
    }
}

impl Statement {
    /// Binds the value of the next parameter.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Locks the rows that are found until the commit, in a transaction that writes. Ends the text.
    pub(super) fn locked(mut self) -> Self {
        self.lock = Lock::Rows;
        self
    }

    /// The same, but passes over rows that somebody else has locked.
    pub(super) fn skip_locked(mut self) -> Self {
        self.lock = Lock::FreeRows;
        self
    }

    /// Adds a fixed piece of text.
    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds a parameter with its value.
    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len();
        // Writing to a string does not fail.
        let _ = write!(self.text.to_mut(), "${number}");
        self
    }

    /// Adds parameters with commas between them.
    pub(super) fn push_list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self
    }

    /// The text, for a look at how a database runs it.
    #[cfg(test)]
    pub(super) fn into_text(self) -> String {
        self.text.into_owned()
    }

    /// Sends the statement with the next one that has an answer, or at the end of the verb.
    pub(super) fn later(self, tx: &mut Tx<'_>) {
        tx.queue.push(self);
    }

    /// The same for a statement that writes all that ever changes in a row, whose key is its first value: of several
    /// only the last one is sent.
    pub(super) fn latest(self, tx: &mut Tx<'_>) {
        tx.queue.push_latest(self);
    }

    /// The same for an `INSERT` up to its `VALUES`: the values are a row, and rows of one table are sent together.
    pub(super) fn row_later(mut self, tx: &mut Tx<'_>) {
        let row = mem::take(&mut self.values);
        tx.queue.push_row(self, row);
    }

    /// The rows.
    pub(super) async fn fetch_all(self, tx: &mut Tx<'_>) -> Result<Vec<Row>> {
        let [rows] = together(tx, [self]).await?;
        Ok(rows)
    }

    /// The first row, when there is one.
    pub(super) async fn fetch_optional(self, tx: &mut Tx<'_>) -> Result<Option<Row>> {
        Ok(self.fetch_all(tx).await?.into_iter().next())
    }

    /// The one row of a statement that always has one.
    pub(super) async fn fetch_one(self, tx: &mut Tx<'_>) -> Result<Row> {
        let row = self.fetch_optional(tx).await?;
        row.ok_or_else(|| unavailable(sqlx::Error::RowNotFound))
    }

    /// The text, without its lock.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// True when the other statement is this one for the same row. The first value is the key.
    pub(super) fn writes_the_row_of(&self, other: &Self) -> bool {
        self.text == other.text && self.values.first() == other.values.first()
    }

    /// The statement as Postgres runs it; rows are locked in a transaction that writes.
    pub(super) fn for_postgres(self, writes: bool) -> Query<'static, Postgres, PgArguments> {
        let lock = match self.lock {
            Lock::Rows if writes => " FOR UPDATE",
            Lock::FreeRows if writes => " FOR UPDATE SKIP LOCKED",
            _ => "",
        };
        let text = match self.text {
            Cow::Borrowed(text) if lock.is_empty() => text.into_sql_str(),
            // Put together from fixed pieces; every value is bound.
            text => AssertSqlSafe(format!("{text}{lock}")).into_sql_str(),
        };
        for_postgres(text, self.values)
    }
}

pub(super) fn for_sqlite(text: SqlStr, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    values
        .into_iter()
        .fold(sqlx::query(text), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
            Value::Bytes(bytes) => query.bind(bytes),
        })
}

fn for_postgres(text: SqlStr, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    values
        .into_iter()
        .fold(sqlx::query(text), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
            Value::Bytes(bytes) => query.bind(bytes),
        })
}

/// The database did not do what it was asked.
pub(in crate::records) fn unavailable(error: sqlx::Error) -> RecordError {
    if let Some(refused) = error.as_database_error()
        && is_against_the_rules(refused)
    {
        // Trying again would change nothing.
        return RecordError::Damaged(format!("a value that no row may hold: {refused}"));
    }
    RecordError::Unavailable(Box::new(error))
}

/// True when a value breaks a rule of its column, for example an amount below zero or beyond 64 bits.
fn is_against_the_rules(refused: &dyn DatabaseError) -> bool {
    // Numeric value out of range in Postgres; a number of another kind in SQLite, where sums turn into fractions.
    const OUT_OF_RANGE: [&str; 2] = ["22003", "3091"];
    refused.is_check_violation() || refused.code().is_some_and(|code| OUT_OF_RANGE.contains(&&*code))
}

/// What a transaction looked at was changed by another one before it was locked.
#[derive(Debug, thiserror::Error)]
#[error("another transaction came first")]
pub(in crate::records) struct Overtaken;

/// Ends a transaction so that it runs again and sees what the other one did. Only a database whose transactions can
/// overtake each other ever gets to this.
pub(super) fn overtaken() -> RecordError {
    RecordError::Unavailable(Box::new(Overtaken))
}
