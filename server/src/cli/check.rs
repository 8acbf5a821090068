//! `limn check`: is the plan whole, and would it still run as it stands.

use std::fmt::Write as _;

use limn_executor::clock::{Clock as _, SystemClock};
use limn_proto::{
    reason::Reason,
    v1::{self, DriftKind},
};

use super::{
    failure::{Failure, Violation},
    flags::CheckArgs,
    input,
    offline::Planning,
    output::Output,
    settings::Settings,
    words,
};

pub(crate) async fn run(args: &CheckArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let plan = input::parse_plan(&input::read(&args.plan)?)?;
    let given_digest = plan.digest.clone();
    let planning = Planning::open(settings).await?;
    let answer = planning.check(plan, SystemClock.now().seconds()).await?;
    if output.is_json() {
        output.json(&answer)?;
    } else if !output.is_quiet() {
        output.text(&text(&answer))?;
    }
    verdict(&given_digest, &answer)
}

fn text(answer: &v1::CheckPlanResponse) -> String {
    let digest = if answer.digest_matches {
        "matches"
    } else {
        "does not match, it is"
    };
    let mut text = format!("digest      {digest} {}\n", answer.computed_digest);
    for drift in &answer.drifts {
        let weight = if drift.blocking { "blocking" } else { "note" };
        let _ = writeln!(text, "{weight:<11} {}", described(drift));
    }
    let executable = if answer.executable { "yes" } else { "no" };
    let _ = writeln!(text, "executable  {executable}");
    text
}

fn described(drift: &v1::Drift) -> String {
    let place = if drift.step_id.is_empty() {
        String::new()
    } else {
        format!("{} target {}: ", drift.step_id, drift.target)
    };
    let kind = words::spoken(drift.kind().as_str_name(), "DRIFT_KIND_");
    let current = if drift.current.is_empty() {
        "nothing"
    } else {
        &drift.current
    };
    format!("{place}{kind}: planned {}, now {current}", drift.planned)
}

/// What would stop an execution.
fn verdict(given_digest: &str, answer: &v1::CheckPlanResponse) -> Result<(), Failure> {
    if answer.executable {
        return Ok(());
    }
    if !answer.digest_matches {
        let mut failure = Failure::new(
            Reason::PlanDigestMismatch,
            "the plan does not have the digest it claims",
        );
        failure
            .metadata
            .insert("given".to_owned(), given_digest.to_owned());
        failure
            .metadata
            .insert("computed".to_owned(), answer.computed_digest.clone());
        return Err(failure);
    }
    let blocking: Vec<_> = answer.drifts.iter().filter(|drift| drift.blocking).collect();
    let expired = blocking.iter().all(|drift| drift.kind() == DriftKind::Expired);
    let reason = if expired {
        Reason::PlanExpired
    } else {
        Reason::PlanStale
    };
    let violations = blocking.into_iter().map(|drift| Violation {
        field: drift.step_id.clone(),
        description: described(drift),
        reason: drift
            .kind()
            .as_str_name()
            .trim_start_matches("DRIFT_KIND_")
            .to_owned(),
    });
    Err(Failure::new(reason, "the plan cannot be executed as it stands")
        .with_violations(violations.collect()))
}
