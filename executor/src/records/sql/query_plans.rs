//! How SQLite runs the queries that are asked often: through an index, never over a whole table.

use std::path::Path;

use sqlx::{AssertSqlSafe, Row as _};

use super::{
    super::{
        AuditAction, AuditFilter, BudgetKey, ExecutionFilter, ExecutionState, ImageFilter, Page, PlanFilter,
        sqlite::SqliteRecords,
    },
    audit, budgets, claims, events, library, parking, plans, retention, salvage, snapshots,
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
