//! Budgets: limits that hold, periods that begin anew, and changes that are told.

use std::time::Duration;

use uuid::Uuid;

use super::driver::{BILL, CEILING, Driver, LEASE, Subject, there};
use crate::{clock::UnixMicros, records::*};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Driver<'_> {
    fn budget_key(&self, name: &str) -> BudgetKey {
        BudgetKey {
            scope: format!("clients/{}/budgets/{name}", self.client),
            currency: "USD".to_owned(),
        }
    }

    fn update(&self, name: &str, number: u128) -> BudgetUpdate {
        BudgetUpdate {
            key: self.budget_key(name),
            client: self.client.to_owned(),
            limit_nanos: None,
            period: None,
            expected_version: None,
            actor: "ada".to_owned(),
            reason: "a new quarter".to_owned(),
            audit_id: Uuid::from_u128(number),
            now: self.now(),
        }
    }

    /// Limits a budget.
    async fn limit(&self, name: &str, limit_nanos: i64, period: Period) -> Result<BudgetRecord> {
        let update = BudgetUpdate {
            limit_nanos: Some(Some(limit_nanos)),
            period: Some(period),
            audit_id: self.audit_id(),
            ..self.update(name, 0)
        };
        match self.store.update_budget(&update).await? {
            BudgetChange::Changed(budget) => Ok(budget),
            BudgetChange::VersionMismatch(version) => Err(RecordError::Damaged(version.to_string())),
        }
    }

    async fn budget(&self, name: &str) -> Result<BudgetRecord> {
        there(self.store.budget(&self.budget_key(name)).await?, "the budget")
    }

    async fn renew(&self, fence: &Fence) -> Result<()> {
        let renewed = self.store.renew(self.boot, &[fence.execution], LEASE).await?;
        assert_eq!(renewed.len(), 1, "still owned");
        Ok(())
    }
}

/// A preparation that was refused, and by which budget.
fn refused_by(preparation: Preparation) -> Result<BudgetShortage> {
    match preparation {
        Preparation::BudgetExceeded(shortage) => Ok(shortage),
        other => Err(RecordError::Damaged(format!("{other:?}"))),
    }
}

/// The limit may be reached to the nano, and not passed by one. What is free always fits.
pub async fn a_limit_may_be_reached_and_not_passed(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b", "c", "d"]).await?;
    driver.limit("client", BILL + CEILING, Period::Never).await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;

    let one_nano_more = NewAttempt {
        ceiling_nanos: CEILING + 1,
        ..driver.attempt("b", "plan/b")
    };
    let before = driver.picture().await?;
    let shortage = refused_by(store.prepare(&fence, &one_nano_more).await?)?;
    let expected = BudgetShortage {
        key: driver.budget_key("client"),
        limit_nanos: BILL + CEILING,
        committed_nanos: BILL,
        needed_nanos: CEILING + 1,
        reset_at: None,
    };
    assert_eq!(shortage, expected);
    assert_eq!(driver.picture().await?, before, "nothing is left behind");

    driver.prepare(&fence, &driver.attempt("b", "plan/b")).await?;
    assert_eq!(driver.budget("client").await?.available_nanos(), Some(0));
    let cheap = NewAttempt {
        ceiling_nanos: 1,
        ..driver.attempt("c", "plan/c")
    };
    refused_by(store.prepare(&fence, &cheap).await?)?;
    let free = NewAttempt {
        ceiling_nanos: 0,
        ..driver.attempt("d", "plan/d")
    };
    driver.prepare(&fence, &free).await?;
    // What was prepared is prepared, whatever is left by now.
    assert_eq!(store.prepare(&fence, &free).await?, Preparation::Prepared(1));
    driver.audit().await
}

/// What a provider bills counts, also where it is more than was thought possible.
pub async fn an_overrun_is_booked_and_blocks_what_follows(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    driver.limit("client", CEILING, Period::Never).await?;
    let attempt = driver.attempt("a", "plan/a");
    driver.receive(&fence, &attempt).await?;
    let commit = Commit {
        cost_nanos: CEILING + 7,
        ..driver.commit(&fence, &attempt)
    };
    store.commit(&fence, &commit).await?;
    let budget = driver.budget("client").await?;
    assert_eq!(budget.balance.spent_nanos, CEILING + 7);
    assert_eq!(budget.available_nanos(), Some(0));
    let next = NewAttempt {
        ceiling_nanos: 1,
        ..driver.attempt("b", "plan/b")
    };
    let shortage = refused_by(store.prepare(&fence, &next).await?)?;
    assert_eq!(shortage.committed_nanos, CEILING + 7);
    driver.audit().await
}

/// Nobody knows whether it was billed, so it counts until somebody does.
pub async fn what_is_held_counts_against_the_limit(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    driver.limit("client", CEILING, Period::Month).await?;
    let lost = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &end).await?;
    let next = driver.attempt("b", "plan/b");
    let shortage = refused_by(store.prepare(&fence, &next).await?)?;
    assert_eq!(shortage.committed_nanos, CEILING);
    assert_eq!(driver.budget("client").await?.balance.unknown_held_nanos, CEILING);

    let end = driver.end(AttemptOutcome::Rejected);
    store.end_attempt(&fence, lost, &end).await?;
    driver.prepare(&fence, &next).await?;
    driver.audit().await
}

/// A budget of a day is whole again at midnight, one of a month on the first; the money of an attempt counts in the
/// day of its reservation, however late it is settled.
pub async fn a_period_ends_and_the_budget_is_whole_again(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b", "c", "d"]).await?;
    let today = driver.now().day();
    let budget = driver.limit("client", CEILING, Period::Day).await?;
    assert_eq!(budget.period_start, Some(UnixMicros::of_day(today)));
    assert_eq!(budget.reset_at, Some(UnixMicros::of_day(today + 1)));
    let late = driver.attempt("a", "plan/a");
    driver.send(&fence, &late).await?;
    let shortage = refused_by(store.prepare(&fence, &driver.attempt("b", "plan/b")).await?)?;
    assert_eq!(shortage.reset_at, Some(UnixMicros::of_day(today + 1)));

    driver.pass(DAY);
    driver.renew(&fence).await?;
    assert_eq!(driver.budget("client").await?.available_nanos(), Some(CEILING));
    driver.prepare(&fence, &driver.attempt("b", "plan/b")).await?;
    store.received(&fence, late.id, &driver.receipt(late.id)).await?;
    store.commit(&fence, &driver.commit(&fence, &late)).await?;
    let budget = driver.budget("client").await?;
    assert_eq!(
        (budget.balance.spent_nanos, budget.balance.reserved_nanos),
        (0, CEILING),
        "the bill of yesterday is none of today's"
    );

    // In the month both count.
    let budget = driver.limit("client", BILL + 2 * CEILING, Period::Month).await?;
    assert_eq!(
        (budget.balance.spent_nanos, budget.balance.reserved_nanos),
        (BILL, CEILING)
    );
    driver.prepare(&fence, &driver.attempt("c", "plan/c")).await?;
    let shortage = refused_by(store.prepare(&fence, &driver.attempt("d", "plan/d")).await?)?;
    let first_of_next = there(shortage.reset_at, "the end of the month")?;
    driver.pass(
        first_of_next
            .since(driver.now())
            .saturating_sub(Duration::from_secs(1)),
    );
    driver.renew(&fence).await?;
    refused_by(store.prepare(&fence, &driver.attempt("d", "plan/d")).await?)?;
    driver.pass(Duration::from_secs(1));
    driver.prepare(&fence, &driver.attempt("d", "plan/d")).await?;
    let budget = driver.budget("client").await?;
    assert_eq!(budget.period_start, Some(first_of_next));
    assert_eq!(budget.balance.reserved_nanos, CEILING);

    let budget = driver.limit("client", BILL + 3 * CEILING, Period::Never).await?;
    assert_eq!((budget.period_start, budget.reset_at), (None, None));
    assert_eq!(
        budget.available_nanos(),
        Some(0),
        "for all time everything counts"
    );
    driver.audit().await
}

/// A call needs room in both budgets that cover it; the one of the session says no to the session only.
pub async fn a_session_has_a_budget_of_its_own(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    driver.limit("session-s1", CEILING, Period::Never).await?;
    driver.prepare(&fence, &driver.attempt("a", "plan/a")).await?;
    let shortage = refused_by(store.prepare(&fence, &driver.attempt("b", "plan/b")).await?)?;
    assert_eq!(shortage.key, driver.budget_key("session-s1"));

    let mut order = driver.order("other", &["a"]);
    order.plan.session_id = "s2".to_owned();
    let other = driver.begin(&order).await?;
    store.start_execution(&other, driver.now()).await?;
    driver.start_step(&other, "a", "other/a").await?;
    driver.prepare(&other, &driver.attempt("a", "other/a")).await?;
    assert_eq!(driver.budget("client").await?.balance.reserved_nanos, 2 * CEILING);
    let budget = driver.budget("session-s2").await?;
    assert_eq!((budget.limit_nanos, budget.available_nanos()), (None, None));

    // Where neither leaves enough, the budget of the client is named.
    driver.limit("client", 2 * CEILING, Period::Never).await?;
    let shortage = refused_by(store.prepare(&fence, &driver.attempt("b", "plan/b")).await?)?;
    assert_eq!(shortage.key, driver.budget_key("client"));
    driver.audit().await
}

/// A new execution is refused when it is expected to cost more than is left. Pictures that exist cost nothing, and an
/// execution that is there already is no new one.
pub async fn an_order_that_cannot_be_paid_is_refused(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    driver.limit("client", 2 * BILL, Period::Day).await?;
    let order = driver.order("plan", &["a", "b", "c"]);
    let before = driver.picture().await?;
    let refused = store.accept(&order).await?;
    let Acceptance::BudgetExceeded(shortage) = refused else {
        return Err(RecordError::Damaged(format!("{refused:?}")));
    };
    assert_eq!(shortage.key, driver.budget_key("client"));
    assert_eq!(
        (
            shortage.needed_nanos,
            shortage.committed_nanos,
            shortage.limit_nanos
        ),
        (3 * BILL, 0, 2 * BILL)
    );
    assert!(shortage.reset_at.is_some());
    assert_eq!(driver.picture().await?, before, "nothing is written");

    // Steps that share a picture pay for it once.
    let mut sharing = order.clone();
    for step in &mut sharing.steps {
        step.render_digests = vec!["sha256:shared".to_owned()];
    }
    sharing.id = driver.order("plan", &[]).id;
    sharing.request_id = "sharing".to_owned();
    sharing.plan = driver.plan("sharing");
    assert_eq!(store.accept(&sharing).await?, Acceptance::New(sharing.id));

    // One picture comes into being under another plan, as the second target of a step; the limit leaves the others.
    let fence = driver.start("other", &["b"]).await?;
    let drawn = driver.draw(&fence, &driver.attempt("b", "other/b")).await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Completed);
    driver.limit("client", 3 * BILL, Period::Day).await?;
    let mut order = order;
    for step in order.steps.iter_mut().filter(|step| step.step_id == "b") {
        step.render_digests.push(drawn.render_digest.clone());
    }
    assert_eq!(store.accept(&order).await?, Acceptance::New(order.id));

    // What is there is found again, and what is free begins, whatever is left.
    driver.limit("client", 0, Period::Day).await?;
    assert_eq!(store.accept(&order).await?, Acceptance::SameRequest(order.id));
    let again = driver.order("plan", &["a", "b", "c"]);
    assert_eq!(store.accept(&again).await?, Acceptance::Joined(order.id));
    let mut free = driver.order("free", &["a"]);
    for step in &mut free.steps {
        step.expected_nanos = 0;
    }
    assert_eq!(store.accept(&free).await?, Acceptance::New(free.id));
    // Another take is another picture.
    let take = NewExecution {
        take: 1,
        ..driver.order("other", &["b"])
    };
    assert!(matches!(
        store.accept(&take).await?,
        Acceptance::BudgetExceeded(_)
    ));
    driver.audit().await
}

/// A change makes the budget, raises its version, touches no money, and is told in the audit log, once.
pub async fn a_change_of_a_budget_is_told_once(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    assert_eq!(store.budget(&driver.budget_key("client")).await?, None);
    let mistaken = BudgetUpdate {
        expected_version: Some(3),
        ..driver.update("client", 1)
    };
    let mismatch = store.update_budget(&mistaken).await?;
    assert_eq!(mismatch, BudgetChange::VersionMismatch(0));
    assert_eq!(store.budget(&driver.budget_key("client")).await?, None);

    let first = BudgetUpdate {
        limit_nanos: Some(Some(5)),
        ..driver.update("client", 2)
    };
    let changed = store.update_budget(&first).await?;
    let BudgetChange::Changed(budget) = &changed else {
        return Err(RecordError::Damaged(format!("{changed:?}")));
    };
    assert_eq!((budget.limit_nanos, budget.period), (Some(5), Period::Never));
    assert_eq!((budget.version, budget.updated_at), (1, Some(first.now)));
    assert_eq!(store.update_budget(&first).await?, changed, "a repetition");

    let second = BudgetUpdate {
        limit_nanos: Some(None),
        period: Some(Period::Month),
        expected_version: Some(1),
        ..driver.update("client", 3)
    };
    for _ in 0..2 {
        let changed = store.update_budget(&second).await?;
        assert!(matches!(changed, BudgetChange::Changed(_)), "{changed:?}");
    }
    let budget = driver.budget("client").await?;
    assert_eq!(
        (budget.limit_nanos, budget.period, budget.version),
        (None, Period::Month, 2)
    );
    let late = BudgetUpdate {
        expected_version: Some(1),
        ..driver.update("client", 4)
    };
    assert_eq!(
        store.update_budget(&late).await?,
        BudgetChange::VersionMismatch(2)
    );

    let page = Page {
        limit: 10,
        after: None,
    };
    let told = store.audit_events("acme", &AuditFilter::default(), &page).await?;
    let told: Vec<_> = told
        .iter()
        .map(|event| {
            assert_eq!(
                (event.actor.as_str(), event.action),
                ("ada", AuditAction::BudgetUpdated)
            );
            assert_eq!(event.subject, "clients/acme/budgets/client");
            let fact = |name: &str| event.details.get(name).cloned().unwrap_or_default();
            [
                fact("oldLimitNanos"),
                fact("limitNanos"),
                fact("oldPeriod"),
                fact("period"),
            ]
            .join(" ")
        })
        .collect();
    assert_eq!(told, ["5 none never month", "none 5 never never"]);
    driver.audit().await
}

/// Budgets are listed in order of scope and currency, those of one client.
pub async fn budgets_are_listed_in_order(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    // Its name begins with the name of the other.
    let neighbour = Driver::of_client(subject, "acme-east");
    neighbour.limit("client", 1, Period::Day).await?;
    for (number, (name, currency)) in [
        ("session-b", "USD"),
        ("session-a", "EUR"),
        ("client", "USD"),
        ("session-a", "CHF"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut update = driver.update(name, 100 + number as u128);
        update.key.currency = currency.to_owned();
        store.update_budget(&update).await?;
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.budgets("acme", after.as_ref(), 2).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        found.extend(page.into_iter().map(|budget| budget.key));
    }
    let key = |name: &str, currency: &str| BudgetKey {
        currency: currency.to_owned(),
        ..driver.budget_key(name)
    };
    let expected = [
        key("client", "USD"),
        key("session-a", "CHF"),
        key("session-a", "EUR"),
        key("session-b", "USD"),
    ];
    assert_eq!(found, expected);
    Ok(())
}

/// Calls, images, money and means by model; by the day in which an attempt began, and by currency.
pub async fn usage_is_summed_up_by_model(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let before = driver.now();
    let early = driver.start("early", &["a"]).await?;
    driver.draw(&early, &driver.attempt("a", "early/a")).await?;

    driver.pass(DAY);
    let since = driver.now();
    let fence = driver.start("plan", &["a", "b", "c", "d"]).await?;
    let of_brush = |step: &str| NewAttempt {
        provider: "brush".to_owned(),
        model: "brush-1".to_owned(),
        ..driver.attempt(step, &format!("plan/{step}"))
    };
    let refused = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    let end = driver.end(AttemptOutcome::Rejected);
    store.end_attempt(&fence, refused, &end).await?;
    let answered = driver.attempt("a", "plan/a");
    driver.send(&fence, &answered).await?;
    let sent = driver.execution(fence.execution).await?.steps;
    let sent = sent.first().and_then(|step| step.attempts.last());
    let sent_at = there(
        sent.and_then(|attempt| attempt.dispatched_at),
        "the time of sending",
    )?;
    let receipt = Receipt {
        at: sent_at.plus(Duration::from_millis(1500)),
        ..driver.receipt(answered.id)
    };
    store.received(&fence, answered.id, &receipt).await?;
    store.commit(&fence, &driver.commit(&fence, &answered)).await?;
    let lost = driver.send(&fence, &of_brush("b")).await?;
    let end = driver.end(AttemptOutcome::Unknown);
    store.end_attempt(&fence, lost, &end).await?;
    driver.prepare(&fence, &of_brush("c")).await?;

    let usage = store.usage("acme", "USD", since).await?;
    let expected = [
        UsageRecord {
            provider: "brush".to_owned(),
            model: "brush-1".to_owned(),
            attempts: 2,
            unknown: 1,
            ..UsageRecord::default()
        },
        UsageRecord {
            provider: "easel".to_owned(),
            model: "easel-2".to_owned(),
            images: 1,
            attempts: 2,
            failures: 1,
            cost_nanos: BILL,
            answers: 1,
            latency_us: 1_500_000,
            scored: 1,
            quality_bp: 8700,
            ..UsageRecord::default()
        },
    ];
    assert_eq!(usage, expected);

    let all = store.usage("acme", "USD", before).await?;
    assert_eq!(there(all.last(), "the easel")?.images, 2);
    assert_eq!(store.usage("acme", "EUR", before).await?, []);
    assert_eq!(store.usage("acme-east", "USD", before).await?, []);
    driver.audit().await
}
