//! The canonical form of a plan: what every stored or received plan must keep.
//!
//! The digest covers bytes, so two plans that mean the same must have the same bytes. The encoding takes
//! care of fields; what it cannot know is checked here: constants, limits, sorted sets, known enumerations,
//! one currency, sums. A plan that is not canonical is refused, never repaired.

use alloc::{format, string::String};

use limn_proto::{
    digest::{PLAN_FORMAT, PLAN_REVISION, canonical_bytes, plan_digest},
    name::is_client_id,
    plan::{PlanKind, PlanSpec},
    reason::Reason,
    v1::ImageGenerationPlan,
};
use prost::Message;

use crate::{
    error::{PlanError, Problems},
    limits::{MAX_SESSION_BYTES, MAX_STEPS},
    money::is_currency_code,
};

mod cost;
mod document;
mod policy;
mod rules;
mod step;

pub(crate) use step::check_thumbnail;

/// Longest wrong digest that is quoted back, in characters.
const MAX_QUOTED_CHARS: usize = 128;

/// Checks every invariant of a plan.
///
/// # Errors
/// [`Reason::PlanRevisionUnsupported`] for a plan of a newer version, with `planRevision` and `maxRevision`;
/// otherwise [`Reason::PlanNotCanonical`] with every broken rule.
pub fn verify(spec: &PlanSpec) -> Result<(), PlanError> {
    check_revision(spec)?;
    let mut problems = Problems::default();
    let mut rules = rules::Rules::new(&mut problems);
    rules.hold(spec.format == PLAN_FORMAT, "format", "must be limn.plan/1");
    rules.hold(spec.revision > 0, "revision", "must be at least 1");
    rules.hold(is_client_id(&spec.client), "client", "is no client id");
    rules.text("session_id", &spec.session_id, MAX_SESSION_BYTES);
    rules.known::<PlanKind>("kind", spec.kind, true);
    let single = spec.kind == i32::from(PlanKind::Single);
    let count = spec.steps.len();
    let count_fits = (1..=MAX_STEPS).contains(&count) && !(single && count > 1);
    rules.hold(
        count_fits,
        "steps",
        "must be 1 to 500 steps, and exactly one for a single image",
    );
    rules.labels("labels", &spec.labels);
    rules.hold(spec.not_after_unix >= 0, "not_after_unix", "must not be negative");
    let currency = currency_of(spec);
    rules.hold(
        is_currency_code(currency),
        "cost.expected.currency_code",
        "must be three uppercase letters",
    );
    match &spec.policy {
        Some(policy) => policy::check(policy, spec.cost.as_ref(), currency, &mut rules),
        None => rules.broken("policy", "is missing"),
    }
    document::check(spec, &mut rules);
    let is_view_set = spec.kind == i32::from(PlanKind::ViewSet);
    step::check_all(&spec.steps, is_view_set, &mut rules);
    cost::check(spec, currency, &mut rules);
    problems.finish()
}

/// Reads a plan from its canonical bytes. Strict: other bytes that decode to the same plan are refused.
///
/// # Errors
/// As [`verify`], and [`Reason::PlanNotCanonical`] for bytes that are not the canonical ones.
pub fn from_bytes(bytes: &[u8]) -> Result<PlanSpec, PlanError> {
    let spec = PlanSpec::decode(bytes).map_err(|error| {
        PlanError::single(
            Reason::PlanNotCanonical,
            "canonical_bytes",
            format!("are no plan: {error}"),
        )
    })?;
    // Before the bytes are compared: those of a newer plan hold fields that this version drops.
    check_revision(&spec)?;
    if canonical_bytes(&spec) != bytes {
        let description = "decode to a plan, but are not its canonical bytes";
        return Err(PlanError::single(
            Reason::PlanNotCanonical,
            "canonical_bytes",
            description,
        ));
    }
    verify(&spec)?;
    Ok(spec)
}

/// Compares the digest that a plan carries with the one of its content. A plan without a digest claims nothing.
/// Returns the computed digest.
///
/// # Errors
/// [`Reason::InvalidRequest`] for a plan without content, [`Reason::PlanDigestMismatch`] with `given` and
/// `computed` otherwise.
pub fn verify_digest(plan: &ImageGenerationPlan) -> Result<String, PlanError> {
    let Some(spec) = &plan.spec else {
        return Err(missing_spec());
    };
    let computed = plan_digest(spec);
    if plan.digest.is_empty() || plan.digest == computed {
        return Ok(computed);
    }
    let given: String = plan.digest.chars().take(MAX_QUOTED_CHARS).collect();
    let description = format!("is not the digest of the content, which is {computed}");
    Err(
        PlanError::single(Reason::PlanDigestMismatch, "plan.digest", description)
            .with("given", given)
            .with("computed", computed),
    )
}

/// The error for a plan without content.
pub(crate) fn missing_spec() -> PlanError {
    PlanError::single(Reason::InvalidRequest, "plan.spec", "is missing")
}

fn check_revision(spec: &PlanSpec) -> Result<(), PlanError> {
    if spec.revision <= PLAN_REVISION {
        return Ok(());
    }
    let description = format!(
        "is {}; this version knows plans up to {PLAN_REVISION}",
        spec.revision
    );
    Err(
        PlanError::single(Reason::PlanRevisionUnsupported, "revision", description)
            .with("planRevision", format!("{}", spec.revision))
            .with("maxRevision", format!("{PLAN_REVISION}")),
    )
}

/// The currency that all amounts must have: that of the expected cost.
fn currency_of(spec: &PlanSpec) -> &str {
    let expected = spec.cost.as_ref().and_then(|cost| cost.expected.as_ref());
    expected
        .map(|money| money.currency_code.as_str())
        .unwrap_or_default()
}
