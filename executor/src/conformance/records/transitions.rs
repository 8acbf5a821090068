//! Every verb from every state.

use limn_proto::digest::digest_of;

use super::driver::{CEILING, Driver, Subject, is_wrong_state};
use crate::{ids::AttemptId, records::*};

/// What can be done to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Dispatch,
    Accept,
    Receive,
    Commit,
    Abandon,
    Reject,
    RejectBillUnknown,
    FailPaid,
    LoseSight,
    WriteOff,
}

const VERBS: [Verb; 10] = [
    Verb::Dispatch,
    Verb::Accept,
    Verb::Receive,
    Verb::Commit,
    Verb::Abandon,
    Verb::Reject,
    Verb::RejectBillUnknown,
    Verb::FailPaid,
    Verb::LoseSight,
    Verb::WriteOff,
];

/// As a policy does that draws again.
const GIVEN_UP: AttemptOutcome = AttemptOutcome::WrittenOff {
    follow_up: FollowUp::Retry,
};

/// The way to each state that a verb leads to.
pub(super) const WAYS: [(AttemptState, &[Verb]); 10] = [
    (AttemptState::Prepared, &[]),
    (AttemptState::Dispatching, &[Verb::Dispatch]),
    (AttemptState::Accepted, &[Verb::Dispatch, Verb::Accept]),
    (AttemptState::Received, &[Verb::Dispatch, Verb::Receive]),
    (
        AttemptState::Committed,
        &[Verb::Dispatch, Verb::Receive, Verb::Commit],
    ),
    (AttemptState::Abandoned, &[Verb::Abandon]),
    (AttemptState::Rejected, &[Verb::Dispatch, Verb::Reject]),
    (
        AttemptState::FailedPaid,
        &[Verb::Dispatch, Verb::Receive, Verb::FailPaid],
    ),
    (AttemptState::Unknown, &[Verb::Dispatch, Verb::LoseSight]),
    (
        AttemptState::WrittenOff,
        &[Verb::Dispatch, Verb::LoseSight, Verb::WriteOff],
    ),
];

fn allowed(state: AttemptState) -> &'static [Verb] {
    match state {
        AttemptState::Prepared => &[Verb::Dispatch, Verb::Abandon],
        AttemptState::Dispatching => &[
            Verb::Accept,
            Verb::Receive,
            Verb::Abandon,
            Verb::Reject,
            Verb::RejectBillUnknown,
            Verb::LoseSight,
        ],
        AttemptState::Accepted => &[
            Verb::Receive,
            Verb::Reject,
            Verb::RejectBillUnknown,
            Verb::LoseSight,
        ],
        AttemptState::Received => &[Verb::Commit, Verb::FailPaid],
        AttemptState::Unknown => &[
            Verb::Accept,
            Verb::Receive,
            Verb::Abandon,
            Verb::Reject,
            Verb::RejectBillUnknown,
            Verb::WriteOff,
        ],
        AttemptState::Committed
        | AttemptState::Abandoned
        | AttemptState::Rejected
        | AttemptState::FailedPaid
        | AttemptState::WrittenOff => &[],
    }
}

async fn apply(driver: &Driver<'_>, fence: &Fence, attempt: &NewAttempt, verb: Verb) -> Result<()> {
    let store = driver.store;
    let id = attempt.id;
    let end = async |outcome| store.end_attempt(fence, id, &driver.end(outcome)).await;
    match verb {
        Verb::Dispatch => driver.dispatch(fence, id).await.map(drop),
        Verb::Accept => store.accepted(fence, id, "job-1", driver.now()).await,
        Verb::Receive => store.received(fence, id, &driver.receipt(id)).await,
        Verb::Commit => store.commit(fence, &driver.commit(fence, attempt)).await,
        Verb::Abandon => end(AttemptOutcome::Abandoned).await,
        Verb::Reject => end(AttemptOutcome::Rejected).await,
        Verb::RejectBillUnknown => end(AttemptOutcome::RejectedBillUnknown).await,
        Verb::FailPaid => {
            let cost_nanos = CEILING;
            let source = CostSource::Estimated;
            end(AttemptOutcome::FailedPaid { cost_nanos, source }).await
        }
        Verb::LoseSight => end(AttemptOutcome::Unknown).await,
        Verb::WriteOff => end(GIVEN_UP).await,
    }
}

/// Brings a fresh attempt of a fresh execution into a state.
pub(super) async fn reach(driver: &Driver<'_>, plan: &str, way: &[Verb]) -> Result<(Fence, NewAttempt)> {
    let fence = driver.start(plan, &["a"]).await?;
    let attempt = driver.attempt("a", &format!("{plan}/a"));
    driver.prepare(&fence, &attempt).await?;
    for verb in way {
        apply(driver, &fence, &attempt, *verb).await?;
    }
    Ok((fence, attempt))
}

/// A verb works from the states that allow it, is silent when it is repeated, and is refused from all others
/// without a trace.
pub async fn attempts_change_only_as_the_states_allow(subject: Subject<'_>) -> Result<()> {
    let driver = Driver::new(subject);
    for (state, way) in WAYS {
        for verb in VERBS {
            let plan = format!("{} {verb:?}", state.as_str());
            let (fence, attempt) = reach(&driver, &plan, way).await?;
            let before = driver.picture().await?;
            let result = apply(&driver, &fence, &attempt, verb).await;
            let changed = driver.picture().await? != before;
            if allowed(state).contains(&verb) {
                assert!(result.is_ok() && changed, "{plan}: {result:?}");
            } else if way.last() == Some(&verb) {
                assert!(result.is_ok() && !changed, "{plan} again: {result:?}");
            } else {
                assert!(is_wrong_state(&result) && !changed, "{plan}: {result:?}");
            }
        }
    }
    driver.audit().await
}

/// The same for steps: those that ended stay as they are, and only those in progress draw.
pub async fn steps_change_only_as_the_states_allow(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let drawn = driver.start("drawn", &["a"]).await?;
    let paid = driver.draw(&drawn, &driver.attempt("a", "drawn/a")).await?;
    for state in StepState::ALL {
        let fence = driver
            .begin(&driver.order(&format!("start {}", state.as_str()), &["a"]))
            .await?;
        if *state != StepState::Pending {
            store.start_step(&fence, "a", driver.now()).await?;
        }
        match state {
            StepState::Pending | StepState::Processing => {}
            StepState::Completed => {
                store
                    .complete_reused(&fence, &driver.reuse(&fence, "a", &paid))
                    .await?;
            }
            end => store.end_step(&fence, &driver.end_of("a", *end)).await?,
        }
        let before = driver.picture().await?;
        let digests = [digest_of(state.as_str().as_bytes())];
        let attempt = driver.attempt("a", state.as_str());
        if *state != StepState::Processing {
            // A parked step may ask again for its picture.
            let asked = store.acquire_unit(&fence, "a", &digests, 0).await;
            assert_eq!(is_wrong_state(&asked), *state != StepState::NeedsDecision);
            assert!(is_wrong_state(&store.prepare(&fence, &attempt).await));
        }
        if state.is_terminal() {
            assert!(is_wrong_state(&store.start_step(&fence, "a", driver.now()).await));
        }
        if !matches!(state, StepState::Completed | StepState::Processing) {
            let reuse = driver.reuse(&fence, "a", &paid);
            assert!(is_wrong_state(&store.complete_reused(&fence, &reuse).await));
        }
        for no_end in [StepState::Pending, StepState::Processing, StepState::Completed] {
            assert!(is_wrong_state(
                &store.end_step(&fence, &driver.end_of("a", no_end)).await
            ));
        }
        for end in [
            StepState::Failed,
            StepState::Cancelled,
            StepState::Skipped,
            StepState::NeedsDecision,
        ] {
            let again = driver.end_of("a", end);
            if *state == end {
                store.end_step(&fence, &again).await?;
            } else if state.is_terminal() {
                assert!(is_wrong_state(&store.end_step(&fence, &again).await));
            }
        }
        assert_eq!(driver.picture().await?, before, "from {}", state.as_str());
        let nowhere = store.start_step(&fence, "nowhere", driver.now()).await;
        assert!(is_wrong_state(&nowhere), "{nowhere:?}");
    }
    driver.audit().await
}

/// Each verb of a whole life twice: the second time tells nothing and changes nothing.
pub async fn repetitions_change_nothing(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b"]).await?;
    let digests = [digest_of(b"plan/a")];
    let attempt = driver.attempt("a", "plan/a");
    driver.prepare(&fence, &attempt).await?;
    let before = driver.picture().await?;
    store.start_execution(&fence, driver.now()).await?;
    store.start_step(&fence, "a", driver.now()).await?;
    let grant = store.acquire_unit(&fence, "a", &digests, 0).await?;
    assert_eq!(grant, UnitGrant::Open);
    assert_eq!(store.prepare(&fence, &attempt).await?, Preparation::Prepared(1));
    assert_eq!(driver.picture().await?, before);

    driver.dispatch(&fence, attempt.id).await?;
    let receipt = driver.receipt(attempt.id);
    store.received(&fence, attempt.id, &receipt).await?;
    let commit = driver.commit(&fence, &attempt);
    store.commit(&fence, &commit).await?;
    let reuse = driver.reuse(&fence, "b", &commit.image);
    store.complete_reused(&fence, &reuse).await?;
    let before = driver.picture().await?;
    store.commit(&fence, &commit).await?;
    store.complete_reused(&fence, &reuse).await?;
    assert_eq!(driver.picture().await?, before);
    driver.settle(&fence).await?;
    driver.audit().await
}

/// A reservation has no owner after the end, so the end waits for it.
pub async fn an_execution_does_not_end_with_a_call_in_flight(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    let attempt: AttemptId = driver.send(&fence, &driver.attempt("a", "plan/a")).await?;
    store
        .end_step(&fence, &driver.end_of("a", StepState::Failed))
        .await?;
    assert!(is_wrong_state(&driver.settle(&fence).await));
    store
        .end_attempt(&fence, attempt, &driver.end(AttemptOutcome::Rejected))
        .await?;
    assert_eq!(driver.settle(&fence).await?, ExecutionState::Failed);
    driver.audit().await
}
