//! A look through the books finds every kind of damage, and says where it is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use limn_executor::{failure::Failure, ids::AttemptId, records::*};
use limn_proto::{digest::digest_of, reason::Reason};

use crate::support::{Database, LEASE, NOW, attempt, boot, on_both, order};

on_both! {
    every_kind_of_damage_is_found,
    what_retention_removed_is_no_damage,
    what_was_removed_too_early_is_found,
}

/// An execution in a session, with a call in flight that has reserved 7.
async fn reserve(database: &Database) -> (Arc<dyn RecordStore>, Fence, AttemptId) {
    let records = database.open().await;
    let mut order = order(1);
    order.plan.session_id = "s1".to_owned();
    records.accept(&order).await.unwrap();
    let fence = records.claim(boot(1), LEASE, 1, &[]).await.unwrap()[0].fence;
    records.start_execution(&fence, NOW).await.unwrap();
    records.start_step(&fence, "a", NOW).await.unwrap();
    let units = [digest_of(b"unit")];
    records.acquire_unit(&fence, "a", &units, 0).await.unwrap();
    let new = attempt("a", b"unit", 9);
    records.prepare(&fence, &new).await.unwrap();
    let margin = Duration::from_secs(1);
    records.dispatch(&fence, new.id, margin, NOW).await.unwrap();
    (records, fence, new.id)
}

async fn every_kind_of_damage_is_found(database: Database) {
    let (records, fence, _) = reserve(&database).await;
    let right = records.verify(None).await.unwrap();
    assert_eq!(right.differences, []);
    assert_eq!(
        (right.entries, right.budgets, right.executions, right.attempts),
        (2, 2, 1, 1)
    );
    let last = records.open_execution(&fence).await.unwrap().last_sequence;
    assert_eq!(right.events, i64::try_from(last).unwrap());

    // What is damaged, how it is mended, and what is said about it.
    let session = "clients/acme/budgets/session-s1";
    let cases = [
        (
            "UPDATE budgets SET spent_nanos = 1 WHERE scope LIKE '%session-s1'",
            "UPDATE budgets SET spent_nanos = 0",
            vec![(session, "spent", 0, 1)],
        ),
        (
            "UPDATE budget_days SET reserved_nanos = 8 WHERE scope LIKE '%session-s1'",
            "UPDATE budget_days SET reserved_nanos = 7",
            vec![(session, "reserved", 7, 8)],
        ),
        (
            "UPDATE budget_days SET day = day + 1 WHERE scope LIKE '%session-s1'",
            "UPDATE budget_days SET day = day - 1 WHERE scope LIKE '%session-s1'",
            vec![(session, "reserved", 7, 0), (session, "reserved", 0, 7)],
        ),
        (
            "UPDATE executions SET unknown_held_nanos = 3",
            "UPDATE executions SET unknown_held_nanos = 0",
            vec![("", "unknown_held", 0, 3)],
        ),
        (
            "UPDATE attempts SET reserved_nanos = 6",
            "UPDATE attempts SET reserved_nanos = 7",
            vec![("", "reserved", 7, 6), ("", "reserved", 7, 6)],
        ),
        (
            "UPDATE executions SET state = 'failed'",
            "UPDATE executions SET state = 'processing'",
            vec![("", "reserved", 0, 7)],
        ),
        (
            "UPDATE events SET seq = 100 WHERE seq = 2",
            "UPDATE events SET seq = 2 WHERE seq = 100",
            vec![("", "", 0, 0)],
        ),
    ];
    for (damage, repair, expected) in cases {
        database.execute(damage).await;
        for client in [None, Some("acme")] {
            let found = records.verify(client).await.unwrap().differences;
            let told: Vec<_> = found
                .iter()
                .map(|difference| {
                    assert!(!difference.detail.is_empty() && difference.currency == "USD");
                    let field = difference.field.map_or("", BalanceField::as_str);
                    let budget = difference.budget.as_str();
                    (budget, field, difference.ledger_nanos, difference.balance_nanos)
                })
                .collect();
            assert_eq!(told, expected, "{damage}: {found:?}");
        }
        assert_eq!(
            records.verify(Some("acme-east")).await.unwrap(),
            Verification::default()
        );
        database.execute(repair).await;
        assert_eq!(records.verify(None).await.unwrap(), right, "{repair}");
    }

    // A movement that is missing shows in everything that was summed up from it.
    database
        .execute("DELETE FROM ledger WHERE scope LIKE '%budgets/client'")
        .await;
    let found = records.verify(None).await.unwrap().differences;
    let about = |what: &str| found.iter().any(|difference| difference.detail.contains(what));
    assert!(
        about("all time") && about("the day") && about("executions/") && about("attempt "),
        "{found:?}"
    );
    assert_eq!(found.len(), 4, "{found:?}");
}

/// Removes everything about executions, as retention does.
async fn remove_executions(database: &Database) {
    for table in [
        "receipts",
        "attempts",
        "units",
        "events",
        "steps",
        "requests",
        "executions",
    ] {
        database.execute(&format!("DELETE FROM {table}")).await;
    }
}

/// The entries of the ledger stay for ever.
async fn what_retention_removed_is_no_damage(database: Database) {
    let (records, fence, attempt) = reserve(&database).await;
    let end = AttemptEnd {
        outcome: AttemptOutcome::Rejected,
        failure: Failure::new(Reason::ProviderRejected, "no"),
        provider_request_id: String::new(),
        usage: BTreeMap::new(),
        now: NOW,
    };
    records.end_attempt(&fence, attempt, &end).await.unwrap();
    remove_executions(&database).await;
    let verified = records.verify(None).await.unwrap();
    assert_eq!((verified.differences, verified.entries), (vec![], 4));
}

async fn what_was_removed_too_early_is_found(database: Database) {
    let (records, _, attempt) = reserve(&database).await;
    remove_executions(&database).await;
    let found = records.verify(None).await.unwrap().differences;
    let told: Vec<_> = found
        .iter()
        .map(|difference| {
            assert!(difference.detail.contains(&attempt.to_string()), "{found:?}");
            (
                difference.budget.as_str(),
                difference.field,
                difference.ledger_nanos,
            )
        })
        .collect();
    let reserved = Some(BalanceField::Reserved);
    let expected = [
        ("clients/acme/budgets/client", reserved, 7),
        ("clients/acme/budgets/session-s1", reserved, 7),
    ];
    assert_eq!(told, expected);
}
