//! How SQLite runs the queries that are asked often: through an index, never over a whole table.

use std::path::Path;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::{
    super::{
        AuditAction, AuditFilter, BudgetKey, ExecutionFilter, ExecutionState, ImageFilter, Page, PlanFilter,
        ReviewFilter, ReviewVerdict, sqlite::SqliteRecords,
    },
    audit, budgets, claims, events, fingerprints, library, parking, plans, retention, salvage, sessions,
    snapshots,
    statement::Statement,
    usage,
};
use crate::{clock::UnixMicros, ids::ExecutionId};

async fn open(folder: &Path) -> SqliteRecords {
    SqliteRecords::open(&folder.join("limn.db")).await.unwrap()
}

/// The steps of the plan of a query. Values do not matter to it, so none are bound.
async fn explain(records: &SqliteRecords, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
        .fetch_all(&records.backend.readers)
        .await
        .unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

/// Fails when a table is read from end to end, or when the wanted index does not serve.
async fn check(records: &SqliteRecords, sql: &str, index: &str) {
    let steps = explain(records, sql).await;
    // "SCAN t USING INDEX" is also a full scan, but for partial indexes of what is open or unknown: that is little.
    let scan = steps.iter().find(|step| {
        let is_partial = step.contains("executions_claimable") || step.contains("attempts_unknown");
        step.starts_with("SCAN") && !is_partial
    });
    assert_eq!(scan, None, "{sql}\n{steps:#?}");
    assert!(
        steps.iter().any(|step| step.contains(index)),
        "{index} does not serve\n{sql}\n{steps:#?}"
    );
}

fn second_page() -> Page {
    Page {
        limit: 50,
        after: Some((UnixMicros(1), "id".to_owned())),
    }
}

async fn check_list(records: &SqliteRecords, query: Statement, index: &str) {
    let sql = query.into_text();
    check(records, &sql, index).await;
    let steps = explain(records, &sql).await;
    let sorted = steps.iter().any(|step| step.contains("TEMP B-TREE"));
    assert!(
        !sorted,
        "the index is in the order of the list\n{sql}\n{steps:#?}"
    );
}

#[tokio::test]
async fn claims_and_histories_are_found_by_index() {
    let folder = tempfile::tempdir().unwrap();
    let records = open(folder.path()).await;
    let claimable = claims::claimable(UnixMicros(1), 1).into_text();
    check(&records, &claimable, "executions_claimable").await;
    let steps = explain(&records, &claimable).await;
    assert!(
        !steps.iter().any(|step| step.contains("TEMP B-TREE")),
        "{steps:#?}"
    );
    let due = parking::due(UnixMicros(1), 1).into_text();
    check(&records, &due, "executions_parked").await;
    let id = ExecutionId(uuid::Uuid::nil());
    let waiting = parking::waiting("acme", id, UnixMicros(1)).into_text();
    check(&records, &waiting, "executions_open").await;
    let stranded = salvage::stranded_query(UnixMicros(1), 1).into_text();
    check(&records, &stranded, "attempts_unknown").await;
    check(&records, events::EVENTS_AFTER, "execution_id=? AND seq>?").await;
    for (ended, index) in [
        (retention::executions_ended(UnixMicros(1)), "executions_ended"),
        (retention::events_ended(UnixMicros(1)), "executions_with_events"),
    ] {
        check_list(&records, ended, index).await;
    }
    records.close().await;
}

#[tokio::test]
async fn lists_are_read_in_the_order_of_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let records = open(folder.path()).await;
    let page = second_page();
    let some = || Some("value".to_owned());

    let all = PlanFilter::default();
    check_list(&records, plans::list_query("acme", &all, &page), "plans_by_time").await;
    let of_session = PlanFilter {
        session_id: some(),
        kind: None,
    };
    let query = plans::list_query("acme", &of_session, &page);
    check_list(&records, query, "plans_by_session").await;

    let executions = [
        (ExecutionFilter::default(), "executions_by_time"),
        (
            ExecutionFilter {
                plan_digest: some(),
                ..Default::default()
            },
            "executions_by_plan",
        ),
        (
            ExecutionFilter {
                session_id: some(),
                states: vec![ExecutionState::Failed],
                ..Default::default()
            },
            "executions_by_session",
        ),
    ];
    for (filter, index) in executions {
        let query = snapshots::list_query("acme", &filter, &page);
        check_list(&records, query, index).await;
    }

    let images = [
        (ImageFilter::default(), "images_by_time"),
        (
            ImageFilter {
                session_id: some(),
                ..Default::default()
            },
            "images_by_session",
        ),
        (
            ImageFilter {
                provider: some(),
                ..Default::default()
            },
            "images_by_provider",
        ),
        (
            ImageFilter {
                created_from: Some(UnixMicros(1)),
                created_before: Some(UnixMicros(2)),
                ..Default::default()
            },
            "images_by_time",
        ),
        (
            ImageFilter {
                plan_digest: some(),
                ..Default::default()
            },
            "images_by_plan",
        ),
        (
            ImageFilter {
                post_id: some(),
                ..Default::default()
            },
            "images_by_post",
        ),
        (
            ImageFilter {
                execution: Some(ExecutionId(uuid::Uuid::nil())),
                ..Default::default()
            },
            "images_by_execution",
        ),
        (
            ImageFilter {
                review: Some(ReviewFilter::Said(ReviewVerdict::Approved)),
                ..Default::default()
            },
            "images_by_verdict",
        ),
        (
            ImageFilter {
                review: Some(ReviewFilter::Waiting),
                session_id: some(),
                ..Default::default()
            },
            "images_by_session_verdict",
        ),
    ];
    for (filter, index) in images {
        let query = library::list_query("acme", &filter, &page);
        check_list(&records, query, index).await;
    }
    records.close().await;
}

#[tokio::test]
async fn budgets_usage_and_the_audit_log_are_found_by_index() {
    let folder = tempfile::tempdir().unwrap();
    let records = open(folder.path()).await;
    let after = BudgetKey {
        scope: "scope".to_owned(),
        currency: "USD".to_owned(),
    };
    let query = budgets::list_query("acme", Some(&after), 50, 7);
    check_list(&records, query, "SEARCH b USING INDEX sqlite_autoindex_budgets_1").await;
    let usage = usage::query("acme", "USD", UnixMicros(1)).into_text();
    check(&records, &usage, "attempts_by_time").await;
    for (action, index) in [
        (None, "audit_events_by_time"),
        (Some(AuditAction::BudgetUpdated), "audit_events_by_action"),
    ] {
        let query = audit::list_query("acme", &AuditFilter { action }, &second_page());
        check_list(&records, query, index).await;
    }
    records.close().await;
}

#[tokio::test]
async fn sessions_are_found_and_summed_up_by_index() {
    let folder = tempfile::tempdir().unwrap();
    let records = open(folder.path()).await;
    let list = sessions::list_query("acme", &second_page()).into_text();
    let one = sessions::find_query("acme", "value").into_text();
    for (sql, tables) in [(list, 3), (one, 0)] {
        let steps = explain(&records, &sql).await;
        // Only ids that were found, and sums of one row, are read from end to end.
        let made = [
            "planned",
            "executed",
            "drawn",
            "n",
            "first_times",
            "last_times",
            "CONSTANT ROW",
        ];
        let scan = steps.iter().find(|step| {
            let table = step.strip_prefix("SCAN ");
            table.is_some_and(|table| !made.contains(&table))
        });
        assert_eq!(scan, None, "{sql}\n{steps:#?}");
        let jumps = steps
            .iter()
            .filter(|step| step.contains("(client=? AND session_id>?)"));
        assert_eq!(jumps.count(), 2 * tables, "{steps:#?}");
        for index in ["executions_by_session_end", "images_by_session_change"] {
            assert!(
                steps.iter().any(|step| step.contains(index)),
                "{index}\n{steps:#?}"
            );
        }
    }
    let [plans, executions, newest, images, failed] =
        sessions::counts("acme", &["one".to_owned(), "two".to_owned()]);
    for (query, index) in [
        (plans, "plans_by_session"),
        (executions, "executions_by_session"),
        (newest, "executions_by_session"),
        (images, "images_by_session"),
        (failed, "executions_by_plan"),
    ] {
        check(&records, &query.into_text(), index).await;
    }
    let costs = sessions::costs(["scope".to_owned()].iter()).into_text();
    check(&records, &costs, "sqlite_autoindex_budgets_1").await;
    records.close().await;
}

#[tokio::test]
async fn labels_and_classes_are_found_by_index() {
    let folder = tempfile::tempdir().unwrap();
    let records = open(folder.path()).await;
    let labelled = ImageFilter {
        labels: vec![("mood".to_owned(), "calm".to_owned())],
        ..Default::default()
    };
    let query = library::list_query("acme", &labelled, &second_page()).into_text();
    check(&records, &query, "image_labels_by_label").await;
    let classes = ImageFilter {
        image_types: vec![limn_proto::plan::ImageType::Item],
        ..Default::default()
    };
    let query = library::list_query("acme", &classes, &second_page()).into_text();
    check(&records, &query, "images_by_type").await;
    records.close().await;
}

#[tokio::test]
async fn look_alikes_are_found_by_index_among_a_hundred_thousand() {
    const IMAGES: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let records = open(folder.path()).await;
    let mut writer = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("limn.db"))
        .foreign_keys(false)
        .connect()
        .await
        .unwrap();
    // A pseudo-random spread of bits, as pictures have that have nothing in common; every image stands on its object.
    let fill = format!(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {IMAGES}), \
         b (i, w, x, y, z) AS (SELECT i, (i * 40503 + 7) % 65536, (i * 30011 + i / 3 + 11) % 65536, \
         (i * 52711 + i / 7 + 3) % 65536, (i * 12289 + i / 11 + 5) % 65536 FROM n) \
         INSERT INTO fingerprints (storage_key, client, version, bits, is_flat, band0, band1, band2, band3) \
         SELECT 'key-' || i, 'acme', {}, (w << 48) | (x << 32) | (y << 16) | z, 0, w, x, y, z FROM b",
        crate::fingerprint::VERSION,
    );
    sqlx::query(AssertSqlSafe(fill))
        .execute(&mut writer)
        .await
        .unwrap();
    sqlx::query("ANALYZE").execute(&mut writer).await.unwrap();
    let bits = "SELECT bits FROM fingerprints WHERE storage_key = 'key-77777'";
    let bits: i64 = sqlx::query(bits)
        .fetch_one(&mut writer)
        .await
        .unwrap()
        .get("bits");
    let wanted = crate::fingerprint::Fingerprint::kept(bits.cast_unsigned() ^ 0x0003_0003_0003_0001, false);

    let mut looked_at = 0;
    for (place, query) in fingerprints::band_queries("acme", wanted).into_iter().enumerate() {
        check(
            &records,
            &query.clone().into_text(),
            &format!("fingerprints_band{place}"),
        )
        .await;
        let rows = super::statement::for_sqlite(
            sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(query.text().to_owned())),
            query.into_values(),
        );
        let rows = rows.fetch_all(&records.backend.readers).await.unwrap();
        looked_at += rows.len();
    }
    // 68 values of 65,536 on an even spread: about a hundred of a hundred thousand.
    assert!((1..400).contains(&looked_at), "{looked_at} rows");
    let keys = ["key-77777".to_owned()];
    let objects = fingerprints::objects_query(keys.iter()).into_text();
    check(&records, &objects, "images_by_object").await;
    let content = fingerprints::content_query("00").into_text();
    check(&records, &content, "images_by_content").await;
    let missing = fingerprints::missing_query(None, 10).into_text();
    check(&records, &missing, "sqlite_autoindex_images_1").await;
    records.close().await;
}
