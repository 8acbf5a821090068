//! OpenAI first, another provider as its fallback, over real sockets: what is proven unpaid is drawn elsewhere, and
//! what may be paid is never sent again.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    executor::Executor,
    records::{AttemptState, ExecutionState, sqlite::SqliteRecords},
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::PlanSpec, reason::Reason};

use crate::studios::{Studio, check_events, executor, follow, plan_of};

struct World {
    folder: tempfile::TempDir,
    studios: Vec<Studio>,
    executor: Executor,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut studios = Vec::new();
    for id in ["openai", "second"] {
        studios.push(Studio::open(id, Some(4), Duration::ZERO).await);
    }
    let records = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
    let executor = executor(Arc::new(records), folder.path(), &studios, |settings| settings);
    World {
        folder,
        studios,
        executor,
    }
}

impl World {
    fn openai(&self) -> &Fake {
        &self.studios[0].fake
    }

    fn second(&self) -> &Fake {
        &self.studios[1].fake
    }

    async fn end(self) {
        self.executor.shutdown().await;
        drop(self.folder);
    }
}

fn picture(name: &str) -> PlanSpec {
    let mut plan = plan_of(name, 1, &[&["openai", "second"]]);
    plan.policy.as_mut().unwrap().retry.as_mut().unwrap().max_attempts = 2;
    plan
}

#[tokio::test]
async fn what_is_proven_unpaid_is_drawn_by_the_fallback() {
    let world = world().await;
    let cases = [
        (Case::RateLimited, 2, Reason::ProviderRateLimited),
        (Case::Quota, 1, Reason::ProviderAccount),
        (Case::BadKey, 1, Reason::ProviderAccount),
        (Case::BadRequest, 1, Reason::ProviderRejected),
    ];
    for (number, (case, calls, reason)) in (1..).zip(cases) {
        let before = world.openai().calls();
        world.openai().always(case.clone());
        let (ended, events) = follow(&world.executor, &picture(&format!("{case:?}"))).await;
        assert_eq!(ended.state, ExecutionState::Completed, "{case:?}");
        assert_eq!(
            (world.openai().calls() - before, world.second().calls()),
            (calls, number),
            "{case:?}"
        );
        let attempts = &ended.steps[0].attempts;
        assert_eq!(u64::try_from(attempts.len()).unwrap(), calls + 1);
        let (drawn, refused) = attempts.split_last().unwrap();
        for attempt in refused {
            assert_eq!(
                (attempt.state, attempt.provider.as_str()),
                (AttemptState::Rejected, "openai")
            );
            assert_eq!(attempt.failure.as_ref().unwrap().reason, reason);
            assert_eq!(
                (attempt.cost_nanos.unwrap_or_default(), attempt.held_nanos),
                (0, 0),
                "{case:?}"
            );
        }
        assert_eq!(
            (drawn.state, drawn.provider.as_str()),
            (AttemptState::Committed, "second")
        );
        assert!(drawn.cost_nanos.unwrap() > 0);
        assert_eq!(ended.cost.settled_nanos, drawn.cost_nanos.unwrap());
        assert_eq!(ended.cost.lines.len(), 1);
        check_events(&events);
    }
    assert_eq!(world.openai().charged(), 0);
    world.end().await;
}

#[tokio::test]
async fn what_may_be_paid_is_sent_nowhere_again() {
    let world = world().await;
    for case in [Case::Disconnect, Case::GatewayPage(502), Case::Truncated] {
        let before = world.openai().calls();
        world.openai().always(case.clone());
        let (parked, _) = follow(&world.executor, &picture(&format!("{case:?}"))).await;
        assert_eq!(parked.state, ExecutionState::NeedsDecision, "{case:?}");
        assert_eq!(
            (world.openai().calls() - before, world.second().calls()),
            (1, 0),
            "{case:?}"
        );
        let attempt = &parked.steps[0].attempts[0];
        assert_eq!(attempt.state, AttemptState::Unknown);
        assert_eq!(attempt.held_nanos, attempt.ceiling_nanos, "its price is held");
        assert_eq!(parked.cost.unknown_held_nanos, attempt.ceiling_nanos);
    }
    world.end().await;
}

#[tokio::test]
async fn content_that_is_refused_is_offered_to_nobody_else() {
    let world = world().await;
    let refusals = world.openai().refusals();
    for refusal in refusals {
        world.openai().always(Case::Refusal(refusal));
        let (ended, _) = follow(&world.executor, &picture(refusal)).await;
        assert_eq!(ended.state, ExecutionState::Failed, "{refusal}");
        assert_eq!(ended.failure.unwrap().reason, Reason::ContentBlocked, "{refusal}");
    }
    assert_eq!(world.openai().calls(), u64::try_from(refusals.len()).unwrap());
    assert_eq!(world.second().calls(), 0);
    world.end().await;
}
