//! Random lives of attempts: whatever happens to them, on whatever day, the ledger replayed entry by entry is what the
//! balances say, of all time and of each day, and it is what the lives come to.

use std::{collections::BTreeMap, time::Duration};

use limn_executor::{
    clock::{Clock as _, UnixMicros},
    failure::Failure,
    ids::{AttemptId, ExecutionId, ImageId},
    plan::ImageFormat,
    records::*,
};
use limn_proto::{
    digest::{digest_of, sha256_hex},
    plan::SeedMode,
    reason::Reason,
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use uuid::Uuid;

use crate::support::{Database, LEASE, attempt, boot, order, step};

/// How an attempt ends, if it does.
#[derive(Clone, Copy, Debug)]
enum End {
    Open,
    InFlight,
    Abandoned,
    Rejected,
    BillUnknown,
    Unknown,
    UnknownThenRejected,
    UnknownThenDrawn { bill_nanos: i64 },
    UnknownThenDecided { bill_nanos: Option<i64> },
    BillUnknownThenDecided { bill_nanos: Option<i64> },
    FailedPaid { bill_nanos: i64 },
    Drawn { bill_nanos: i64 },
}

/// One execution with one attempt.
#[derive(Clone, Debug)]
struct Life {
    session_id: &'static str,
    currency: &'static str,
    ceiling_nanos: i64,
    /// Days that pass before the attempt, and before its end.
    days: (u64, u64),
    end: End,
}

fn end() -> impl Strategy<Value = End> {
    let bill_nanos = 0..150_i64;
    let decision = proptest::option::of(0..150_i64);
    prop_oneof![
        Just(End::Open),
        Just(End::InFlight),
        Just(End::Abandoned),
        Just(End::Rejected),
        Just(End::BillUnknown),
        Just(End::Unknown),
        Just(End::UnknownThenRejected),
        bill_nanos
            .clone()
            .prop_map(|bill_nanos| End::UnknownThenDrawn { bill_nanos }),
        decision
            .clone()
            .prop_map(|bill_nanos| End::UnknownThenDecided { bill_nanos }),
        decision.prop_map(|bill_nanos| End::BillUnknownThenDecided { bill_nanos }),
        bill_nanos
            .clone()
            .prop_map(|bill_nanos| End::FailedPaid { bill_nanos }),
        bill_nanos.prop_map(|bill_nanos| End::Drawn { bill_nanos }),
    ]
}

fn life() -> impl Strategy<Value = Life> {
    let session_id = prop_oneof![Just(""), Just("s1"), Just("s2")];
    let currency = prop_oneof![Just("USD"), Just("EUR")];
    let days = (0..20_u64, 0..3_u64);
    (session_id, currency, 0..100_i64, days, end()).prop_map(
        |(session_id, currency, ceiling_nanos, days, end)| Life {
            session_id,
            currency,
            ceiling_nanos,
            days,
            end,
        },
    )
}

#[test]
fn sqlite() {
    replay(12, || async { Some(Database::sqlite()) });
}

#[test]
fn postgres() {
    replay(6, Database::postgres);
}

fn replay<D: Future<Output = Option<Database>>>(cases: u32, database: impl Fn() -> D) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..ProptestConfig::default()
    });
    let run = |lives: Vec<Life>| {
        runtime.block_on(async {
            if let Some(database) = database().await {
                live(&database, &lives).await;
            }
        });
        Ok(())
    };
    runner.run(&vec(life(), 1..16), run).unwrap();
}

type Balances = BTreeMap<(BudgetKey, i64), Balance>;

async fn live(database: &Database, lives: &[Life]) {
    let records = database.open().await;
    let mut expected = Balances::new();
    for (number, life) in (1..).zip(lives) {
        let day = live_one(database, records.as_ref(), number, life).await;
        let left = left_by(life);
        for scope in limn_executor::records::scopes("acme", life.session_id) {
            let currency = life.currency.to_owned();
            let of_day = expected.entry((BudgetKey { scope, currency }, day)).or_default();
            *of_day = of_day.plus(left).unwrap();
        }
    }
    expected.retain(|_, balance| *balance != Balance::default());

    let verified = records.verify(None).await.unwrap();
    assert_eq!(verified.differences, []);
    assert_eq!(verified.executions, i64::try_from(lives.len()).unwrap());
    assert_eq!(replayed(database).await, expected);
    assert_eq!(kept(database).await, expected);
    let mut of_all_time: BTreeMap<BudgetKey, Balance> = BTreeMap::new();
    for ((key, _), balance) in expected {
        let sum = of_all_time.entry(key).or_default();
        *sum = sum.plus(balance).unwrap();
    }
    assert_eq!(records.balances().await.unwrap(), of_all_time);
    assert_eq!(records.ledger_sums().await.unwrap(), of_all_time);
}

/// What a life comes to, without a thought about how it got there.
fn left_by(life: &Life) -> Balance {
    let amounts = |spent_nanos, reserved_nanos, unknown_held_nanos| Balance {
        spent_nanos,
        reserved_nanos,
        unknown_held_nanos,
    };
    match life.end {
        End::Open | End::InFlight => amounts(0, life.ceiling_nanos, 0),
        End::Abandoned | End::Rejected | End::UnknownThenRejected => amounts(0, 0, 0),
        End::BillUnknown | End::Unknown => amounts(0, 0, life.ceiling_nanos),
        End::BillUnknownThenDecided { .. } if life.ceiling_nanos == 0 => amounts(0, 0, 0),
        End::UnknownThenDecided { bill_nanos } | End::BillUnknownThenDecided { bill_nanos } => {
            amounts(bill_nanos.unwrap_or(0), 0, 0)
        }
        End::UnknownThenDrawn { bill_nanos } | End::FailedPaid { bill_nanos } | End::Drawn { bill_nanos } => {
            amounts(bill_nanos, 0, 0)
        }
    }
}

/// Lives through it; returns the day in which its money counts.
async fn live_one(database: &Database, records: &dyn RecordStore, number: u128, life: &Life) -> i64 {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    database.clock.advance(DAY * u32::try_from(life.days.0).unwrap());
    let unit = number.to_be_bytes();
    let mut order = NewExecution {
        currency: life.currency.to_owned(),
        steps: vec![step("a", &unit)],
        ..order(number)
    };
    order.plan.session_id = life.session_id.to_owned();
    records.accept(&order).await.unwrap();
    let now = database.clock.now();
    let fence = claim(records, order.id).await;
    records.start_execution(&fence, now).await.unwrap();
    records.start_step(&fence, "a", now).await.unwrap();
    let units = [digest_of(&unit)];
    records.acquire_unit(&fence, "a", &units, 0).await.unwrap();
    let new = NewAttempt {
        ceiling_nanos: life.ceiling_nanos,
        max_cost_nanos: None,
        ..attempt("a", &unit, number)
    };
    records.prepare(&fence, &new).await.unwrap();
    if !matches!(life.end, End::Open | End::Abandoned) {
        let margin = Duration::from_secs(1);
        let dispatched = records.dispatch(&fence, new.id, margin, now).await.unwrap();
        assert_eq!(dispatched, Dispatch::Granted);
    }
    database.clock.advance(DAY * u32::try_from(life.days.1).unwrap());
    finish(records, &fence, &new, life.end, database.clock.now()).await;
    now.day()
}

async fn claim(records: &dyn RecordStore, execution: ExecutionId) -> Fence {
    let claims = records.claim(boot(1), LEASE, 100, &[]).await.unwrap();
    let mut fences = claims.iter().map(|claim| claim.fence);
    fences.find(|fence| fence.execution == execution).unwrap()
}

async fn finish(records: &dyn RecordStore, fence: &Fence, new: &NewAttempt, end: End, now: UnixMicros) {
    let lost = AttemptOutcome::Unknown;
    let outcomes: &[AttemptOutcome] = match end {
        End::Open | End::InFlight => &[],
        End::Abandoned => &[AttemptOutcome::Abandoned],
        End::Rejected => &[AttemptOutcome::Rejected],
        End::BillUnknown | End::BillUnknownThenDecided { .. } => &[AttemptOutcome::RejectedBillUnknown],
        End::Unknown | End::UnknownThenDrawn { .. } | End::UnknownThenDecided { .. } => &[lost],
        End::UnknownThenRejected => &[lost, AttemptOutcome::Rejected],
        End::FailedPaid { bill_nanos } => {
            receive(records, fence, new.id, now).await;
            let paid = AttemptOutcome::FailedPaid {
                cost_nanos: bill_nanos,
                source: CostSource::Reported,
            };
            return end_with(records, fence, new.id, paid, now).await;
        }
        End::Drawn { bill_nanos } => return draw(records, fence, new, bill_nanos, now).await,
    };
    for outcome in outcomes {
        end_with(records, fence, new.id, *outcome, now).await;
    }
    match end {
        End::UnknownThenDrawn { bill_nanos } => draw(records, fence, new, bill_nanos, now).await,
        End::UnknownThenDecided { bill_nanos } => {
            decide(records, fence, new.id, bill_nanos, Some(FollowUp::Fail), now).await;
        }
        // A free call that was refused holds nothing, so there is nothing to decide.
        End::BillUnknownThenDecided { bill_nanos } if new.ceiling_nanos > 0 => {
            decide(records, fence, new.id, bill_nanos, None, now).await;
        }
        _ => {}
    }
}

async fn end_with(
    records: &dyn RecordStore,
    fence: &Fence,
    attempt: AttemptId,
    outcome: AttemptOutcome,
    now: UnixMicros,
) {
    let end = AttemptEnd {
        outcome,
        failure: Failure::new(Reason::OutcomeUnknown, "a test"),
        provider_request_id: String::new(),
        usage: BTreeMap::new(),
        now,
    };
    records.end_attempt(fence, attempt, &end).await.unwrap();
}

async fn decide(
    records: &dyn RecordStore,
    fence: &Fence,
    attempt: AttemptId,
    bill_nanos: Option<i64>,
    follow_up: Option<FollowUp>,
    now: UnixMicros,
) {
    let charged = |nanos| Verdict::Charged {
        cost_nanos: Some(nanos),
    };
    let resolution = Resolution {
        client: "acme".to_owned(),
        execution: fence.execution,
        attempt,
        verdict: bill_nanos.map_or(Verdict::NotCharged, charged),
        follow_up,
        actor: "ada".to_owned(),
        reason: "asked the provider".to_owned(),
        audit_id: Uuid::new_v4(),
        now,
    };
    let resolved = records.resolve_attempt(&resolution).await.unwrap();
    assert!(matches!(resolved, Resolved::Done(_)), "{resolved:?}");
}

async fn receive(records: &dyn RecordStore, fence: &Fence, attempt: AttemptId, now: UnixMicros) {
    let receipt = Receipt {
        attempt,
        kind: ReceiptKind::Answer,
        staging_key: format!("staging/{attempt}"),
        body_sha256: sha256_hex(b"answer"),
        size_bytes: 6,
        media_type: "image/png".to_owned(),
        request_id: String::new(),
        headers: BTreeMap::new(),
        at: now,
    };
    records.received(fence, attempt, &receipt).await.unwrap();
}

async fn draw(records: &dyn RecordStore, fence: &Fence, new: &NewAttempt, bill_nanos: i64, now: UnixMicros) {
    receive(records, fence, new.id, now).await;
    let id = ImageId::of_step(fence.execution, "a");
    let image = ImageRecord {
        id,
        client: "acme".to_owned(),
        execution: fence.execution,
        step_id: "a".to_owned(),
        plan_digest: digest_of(b"plan"),
        render_digest: new.render_digest.clone(),
        take: 0,
        attempt: new.id,
        reused: false,
        rendered_sha256: sha256_hex(b"rendered"),
        stored_sha256: sha256_hex(b"stored"),
        format: ImageFormat::Png,
        width_px: 8,
        height_px: 8,
        size_bytes: 6,
        storage_key: format!("clients/acme/images/{id}.png"),
        public_url: String::new(),
        thumbnails: Vec::new(),
        description: limn_executor::plan::Description::default(),
        session_id: String::new(),
        prompt: String::new(),
        revised_prompt: String::new(),
        effective_seed: None,
        model_version: String::new(),
        provider: new.provider.clone(),
        model: new.model.clone(),
        provider_request_id: String::new(),
        seed_mode: SeedMode::Derived,
        seed: 7,
        generation_time: Duration::ZERO,
        currency: "USD".to_owned(),
        cost_nanos: Some(bill_nanos),
        cost_source: Some(CostSource::Reported),
        quality_score_bp: None,
        rejected: false,
        review: None,
        assessment: Assessment::default(),
        labels: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    let commit = Commit {
        attempt: new.id,
        image,
        rejection: None,
        cost_nanos: bill_nanos,
        cost_source: CostSource::Reported,
        usage: BTreeMap::new(),
        now,
    };
    records.commit(fence, &commit).await.unwrap();
}

/// The ledger, entry by entry. At no time is anything below zero.
async fn replayed(database: &Database) -> Balances {
    let entries = database
        .texts(
            "SELECT scope || '|' || currency || '|' || CAST(day AS TEXT) || '|' || kind || '|' \
             || CAST(amount_nanos AS TEXT) AS entry FROM ledger ORDER BY id",
        )
        .await;
    let mut balances = Balances::new();
    for entry in entries {
        let [scope, currency, day, kind, amount] = parts(&entry);
        let kind = Movement::parse(kind).unwrap();
        let key = BudgetKey {
            scope: scope.to_owned(),
            currency: currency.to_owned(),
        };
        let balance = balances.entry((key, day.parse().unwrap())).or_default();
        *balance = kind.apply(*balance, amount.parse().unwrap()).unwrap();
        let amounts = [
            balance.spent_nanos,
            balance.reserved_nanos,
            balance.unknown_held_nanos,
        ];
        assert!(
            amounts.iter().all(|nanos| *nanos >= 0),
            "after {entry}: {balance:?}"
        );
    }
    balances.retain(|_, balance| *balance != Balance::default());
    balances
}

/// The balances of days as they are kept.
async fn kept(database: &Database) -> Balances {
    let days = database
        .texts(
            "SELECT scope || '|' || currency || '|' || CAST(day AS TEXT) || '|' || CAST(spent_nanos AS TEXT) || '|' \
             || CAST(reserved_nanos AS TEXT) || '|' || CAST(unknown_held_nanos AS TEXT) AS entry FROM budget_days",
        )
        .await;
    let days = days.iter().map(|day| {
        let [scope, currency, day, spent, reserved, held] = parts(day);
        let key = BudgetKey {
            scope: scope.to_owned(),
            currency: currency.to_owned(),
        };
        let balance = Balance {
            spent_nanos: spent.parse().unwrap(),
            reserved_nanos: reserved.parse().unwrap(),
            unknown_held_nanos: held.parse().unwrap(),
        };
        ((key, day.parse().unwrap()), balance)
    });
    days.filter(|(_, balance)| *balance != Balance::default())
        .collect()
}

fn parts<const N: usize>(text: &str) -> [&str; N] {
    let parts: Vec<&str> = text.split('|').collect();
    parts.try_into().unwrap()
}
