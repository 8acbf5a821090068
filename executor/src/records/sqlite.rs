//! Records in SQLite.
