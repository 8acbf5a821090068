//! Columns to fields: every value that comes out of the file is checked on the way.

use prost::Message as _;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    super::{RecordError, Result},
    statement::unavailable,
    text,
};
use crate::{
    clock::UnixMicros,
    failure::Failure,
    fingerprint::Fingerprint,
    records::{SkippedTarget, StepWait},
    snapshot,
};

/// A row of either database.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A row, read by the names of its columns.
#[derive(Clone, Copy)]
pub(super) struct Fields<'r>(pub(super) &'r Row);

impl<'r> Fields<'r> {
    fn get<T>(self, column: &str) -> Result<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self.0 {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
        .map_err(unavailable)
    }

    pub(super) fn text(self, column: &str) -> Result<String> {
        self.get(column).map(text::read)
    }

    pub(super) fn bytes(self, column: &str) -> Result<Vec<u8>> {
        self.get(column)
    }

    pub(super) fn flag(self, column: &str) -> Result<bool> {
        self.get(column)
    }

    pub(super) fn nanos(self, column: &str) -> Result<i64> {
        self.get(column)
    }

    pub(super) fn optional_nanos(self, column: &str) -> Result<Option<i64>> {
        self.get(column)
    }

    /// A fingerprint of this version; nothing when there is none.
    pub(super) fn fingerprint(self) -> Result<Option<Fingerprint>> {
        let Some(bits) = self.get::<Option<i64>>("fingerprint_bits")? else {
            return Ok(None);
        };
        let is_flat = self.flag("fingerprint_is_flat")?;
        Ok(Some(Fingerprint::kept(bits.cast_unsigned(), is_flat)))
    }

    pub(super) fn time(self, column: &str) -> Result<UnixMicros> {
        self.get(column).map(UnixMicros)
    }

    pub(super) fn optional_time(self, column: &str) -> Result<Option<UnixMicros>> {
        Ok(self.get::<Option<i64>>(column)?.map(UnixMicros))
    }

    /// A number that fits a smaller type.
    pub(super) fn number<T: TryFrom<i64>>(self, column: &str) -> Result<T> {
        self.optional_number(column)?
            .ok_or_else(|| damaged(column, "nothing"))
    }

    pub(super) fn optional_number<T: TryFrom<i64>>(self, column: &str) -> Result<Option<T>> {
        let Some(number) = self.get::<Option<i64>>(column)? else {
            return Ok(None);
        };
        T::try_from(number)
            .map(Some)
            .map_err(|_| damaged(column, &number.to_string()))
    }

    pub(super) fn id<T>(self, column: &str, id: fn(Uuid) -> T) -> Result<T> {
        self.optional_id(column, id)?
            .ok_or_else(|| damaged(column, "nothing"))
    }

    pub(super) fn optional_id<T>(self, column: &str, id: fn(Uuid) -> T) -> Result<Option<T>> {
        let Some(text) = self.get::<Option<String>>(column)? else {
            return Ok(None);
        };
        match Uuid::try_parse(&text) {
            Ok(uuid) => Ok(Some(id(uuid))),
            Err(_) => Err(damaged(column, &text)),
        }
    }

    /// A word of a closed vocabulary.
    pub(super) fn word<T>(self, column: &str, parse: fn(&str) -> Option<T>) -> Result<T> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| damaged(column, &text))
    }

    /// A word of a closed vocabulary, or nothing: an empty text.
    pub(super) fn optional_word<T>(self, column: &str, parse: fn(&str) -> Option<T>) -> Result<Option<T>> {
        if self.text(column)?.is_empty() {
            return Ok(None);
        }
        self.word(column, parse).map(Some)
    }

    pub(super) fn optional_failure(self, column: &str) -> Result<Option<Failure>> {
        let Some(bytes) = self.get::<Option<Vec<u8>>>(column)? else {
            return Ok(None);
        };
        limn_proto::v1::Failure::decode(bytes.as_slice())
            .ok()
            .and_then(snapshot::parse_failure)
            .map(Some)
            .ok_or_else(|| damaged(column, "no failure of this version"))
    }

    /// What a step waits for; nothing, too, for a wait that another version knows.
    pub(super) fn step_wait(self, column: &str) -> Result<Option<StepWait>> {
        let bytes: Option<Vec<u8>> = self.get(column)?;
        Ok(bytes.and_then(|bytes| snapshot::parse_step_wait(&bytes)))
    }

    pub(super) fn skipped_targets(self, column: &str) -> Result<Vec<SkippedTarget>> {
        let bytes: Option<Vec<u8>> = self.get(column)?;
        bytes.map_or(Ok(Vec::new()), |bytes| {
            snapshot::parse_skipped_targets(&bytes)
                .ok_or_else(|| damaged(column, "no targets that were passed over"))
        })
    }
}

/// The bytes of a failure as they are stored.
pub(super) fn failure_bytes(failure: &Failure) -> Vec<u8> {
    snapshot::failure(failure).encode_to_vec()
}

/// A sum of money does not fit.
pub(super) fn overflow() -> RecordError {
    RecordError::Damaged("a sum of money is out of range".to_owned())
}

/// A refusal of a transition.
pub(super) fn wrong_state(subject: impl Into<String>, found: impl Into<String>) -> RecordError {
    RecordError::WrongState {
        subject: subject.into(),
        found: found.into(),
    }
}

pub(super) fn damaged(column: &str, found: &str) -> RecordError {
    RecordError::Damaged(format!("{column} holds {found}"))
}
