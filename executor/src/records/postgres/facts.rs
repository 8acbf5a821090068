//! What all processes of one database must have in common, and the database cannot hold: the first one notes it, the
//! others are held to it.

use super::{super::Result, PostgresRecords};
use crate::records::sql::statement::unavailable;

impl PostgresRecords {
    /// Notes a fact, unless one of this name is noted. Returns what is noted now.
    ///
    /// # Errors
    ///
    /// [`RecordError::Unavailable`](super::super::RecordError::Unavailable) when the database cannot be written.
    pub async fn note_fact(&self, name: &str, value: &str) -> Result<String> {
        // A row that is there is written again unchanged, for only what is written is returned.
        sqlx::query_scalar(
            "INSERT INTO shared_facts (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = shared_facts.value RETURNING value",
        )
        .bind(name)
        .bind(value)
        .fetch_one(&self.backend.pool)
        .await
        .map_err(unavailable)
    }
}
