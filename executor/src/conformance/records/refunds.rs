//! What the policy of a plan gave up, and somebody found out not to be billed.

use super::{
    audit::balance,
    driver::{BILL, CEILING, Driver, Subject, there},
    resolution::whole_picture,
};
use crate::records::*;

/// What was settled is paid back once, while the execution goes on and after its end. The step stays as the policy left
/// it, and the line of the bill stays as one of nothing.
pub async fn a_write_off_that_was_not_billed_is_paid_back(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    for has_ended in [false, true] {
        let plan = format!("ended {has_ended}");
        let fence = driver.start(&plan, &["a"]).await?;
        let lost = driver
            .lose(&fence, &driver.attempt("a", &format!("{plan}/a")))
            .await?;
        let follow_up = FollowUp::Fail;
        let given_up = driver.end(AttemptOutcome::WrittenOff { follow_up });
        store.end_attempt(&fence, lost, &given_up).await?;
        store
            .end_step(&fence, &driver.end_of("a", StepState::Failed))
            .await?;
        if has_ended {
            assert_eq!(driver.settle(&fence).await?, ExecutionState::Failed);
        }
        let before = driver.execution(fence.execution).await?;
        assert_eq!(before.cost.settled_nanos, CEILING);

        let charged = Verdict::Charged {
            cost_nanos: Some(BILL),
        };
        let picture = whole_picture(&driver).await?;
        let charged = driver.resolution(fence.execution, lost, charged, None);
        let refused = store.resolve_attempt(&charged).await?;
        let state = AttemptState::WrittenOff;
        assert_eq!(refused, Resolved::NotUnknown { state }, "it is counted as billed");
        assert_eq!(whole_picture(&driver).await?, picture);

        let follow_up = Some(FollowUp::Retry);
        let after = driver
            .resolve(fence.execution, lost, Verdict::NotCharged, follow_up)
            .await?;
        assert_eq!(balance(&after.cost), Balance::default());
        let step = there(after.steps.first(), "the step")?;
        assert_eq!((step.state, step.attempts.len()), (StepState::Failed, 1));
        let kept = there(step.attempts.first(), "the attempt")?;
        assert_eq!((kept.state, kept.cost_nanos), (AttemptState::Rejected, Some(0)));
        let decision = there(kept.decision.as_ref(), "the decision")?;
        assert_eq!(
            (decision.decision, decision.follow_up, decision.actor.as_str()),
            (Decision::NotCharged, None, "ada")
        );
        let lines: Vec<_> = after.cost.lines.iter().collect();
        let line = there(lines.first(), "the line")?;
        assert_eq!(
            (lines.len(), line.amount_nanos, line.source),
            (1, 0, Some(CostSource::Decided))
        );
        let is_told = after.last_sequence > before.last_sequence;
        assert_eq!((after.state, is_told), (before.state, !has_ended));
        let log = driver.audit_log().await?;
        let entry = there(log.first(), "the entry")?;
        assert_eq!(entry.action, AuditAction::AttemptResolved);
        assert_eq!(
            entry.details.get("stateBefore").map(String::as_str),
            Some(state.as_str())
        );

        let picture = whole_picture(&driver).await?;
        driver
            .resolve(fence.execution, lost, Verdict::NotCharged, follow_up)
            .await?;
        let refused = store.resolve_attempt(&charged).await?;
        let state = AttemptState::Rejected;
        assert_eq!(refused, Resolved::NotUnknown { state });
        assert_eq!(whole_picture(&driver).await?, picture, "paid back once");
        driver.audit().await?;
    }
    Ok(())
}
