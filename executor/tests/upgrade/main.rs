//! Databases of every released schema: the present version opens them, and goes on with what is in them.
//!
//! `golden/NNNN/` holds what the version with schema `NNNN` wrote, as SQL for each database; `README.md` says how one is
//! made. Each is loaded into the schema of its time, migrated by the product, compared with what its own version read,
//! audited, and handed to an executor.
//!
//! Without `LIMN_TEST_POSTGRES_URL` the tests on Postgres say that they were skipped.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod check;
mod dump;
mod easel;
mod facts;
mod golden;
mod place;
mod story;

use crate::place::Place;

#[tokio::test]
async fn what_earlier_versions_wrote_in_sqlite_is_gone_on_with() {
    for schema in golden::schemas() {
        let place = Place::sqlite();
        let text = golden::read(schema, place.dialect());
        place.load(schema, &text).await;
        check::check(&place, &text).await;
    }
}

#[tokio::test]
async fn what_earlier_versions_wrote_in_postgres_is_gone_on_with() {
    for schema in golden::schemas() {
        let Some(place) = Place::postgres().await else {
            return;
        };
        let text = golden::read(schema, place.dialect());
        place.load(schema, &text).await;
        check::check(&place, &text).await;
    }
}

/// Tells the story, writes it down as a golden, and checks that like any other; keeps it when that is wanted.
async fn check_dump(written: &Place, loaded: &Place) {
    let records = written.open().await;
    let staged = story::write(records.as_ref(), &written.clock).await;
    let schema = golden::newest_schema();
    let rows = dump::dump(written).await;
    let facts = facts::read(records.as_ref()).await;
    let head = golden::head(schema, written.dialect(), &staged, &facts);
    let text = format!("{head}{rows}");
    loaded.load(schema, &text).await;
    assert_eq!(dump::dump(loaded).await, rows, "nothing is lost on the way");
    golden::write(written, &text);
    check::check(loaded, &text).await;
}

#[tokio::test]
async fn what_this_version_writes_in_sqlite_can_be_kept_as_a_golden() {
    check_dump(&Place::sqlite(), &Place::sqlite()).await;
}

#[tokio::test]
async fn what_this_version_writes_in_postgres_can_be_kept_as_a_golden() {
    let (Some(written), Some(loaded)) = (Place::postgres().await, Place::postgres().await) else {
        assert!(
            !golden::is_wanted(),
            "a golden is written for both databases: begin the command with tests/postgres"
        );
        return;
    };
    check_dump(&written, &loaded).await;
}

#[test]
fn every_schema_that_was_followed_by_another_has_a_golden() {
    for schema in golden::earlier_schemas() {
        assert!(
            golden::is_kept(schema),
            "golden {schema:04} is missing: executor/tests/upgrade/README.md says how to write it"
        );
    }
}
