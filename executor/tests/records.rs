//! The record seam on a real SQLite file: the conformance suite, and what only a file can show.

use std::{path::PathBuf, sync::Arc};

use limn_executor::{conformance::records, record_scenarios, records::sqlite::SqliteRecords};

/// A store in a folder that goes away with it.
struct Stored {
    records: Arc<SqliteRecords>,
    folder: tempfile::TempDir,
}

impl Stored {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&folder.path().join("data/limn.db"))
            .await
            .unwrap();
        Self {
            records: Arc::new(records),
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data/limn.db")
    }
}

macro_rules! scenarios {
    ($($group:ident: $name:ident,)+) => {$(
        #[tokio::test]
        async fn $name() {
            let stored = Stored::new().await;
            records::$group::$name(stored.records.as_ref()).await.unwrap();
        }
    )+};
}

record_scenarios!(scenarios);
