//! `limn plan`: what a request would draw and cost. Nothing is written but `--out`.

use std::path::Path;

use limn_proto::{digest, v1};

use super::{
    connect::Connection,
    continuity::{ContinuityFlags, Earlier},
    failure::Failure,
    flags::PlanArgs,
    offline::Planning,
    output::Output,
    settings::Settings,
};

pub(crate) async fn run(args: PlanArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let earlier = earlier(&args.request.wish.continuity, settings, output).await?;
    let request = args.request.to_request(settings, &earlier)?;
    let planning = Planning::open(settings).await?;
    let plan = planning.plan(request).await?;
    let canonical = args.canonical.then(|| canonical_bytes(&plan)).transpose()?;

    if let Some(path) = &args.out {
        let bytes = match &canonical {
            Some(bytes) => bytes.clone(),
            None => pretty_json(&plan)?,
        };
        write(path, &bytes)?;
        output.note(&format!("written to {}", path.display()));
    }
    match (canonical, output.is_json()) {
        (Some(bytes), true) => output.json(&v1::ConvertPlanResponse {
            digest: plan.digest,
            result: Some(v1::convert_plan_response::Result::CanonicalBytes(bytes.into())),
        }),
        (None, true) => output.json(&v1::PlanResponse { plan: Some(plan) }),
        (_, false) if output.is_quiet() => output.text(&plan.digest),
        (Some(bytes), false) if args.out.is_none() => output.write(&bytes),
        (_, false) => output.text(&planning.explain(plan).await?),
    }
}

/// What was there before a request. Only images of the library need somebody to be asked.
pub(crate) async fn earlier(
    flags: &ContinuityFlags,
    settings: &Settings,
    output: &Output,
) -> Result<Earlier, Failure> {
    if !flags.needs_library(&settings.client()) {
        return flags.look_up(settings, None, output).await;
    }
    let connection = Connection::open(settings, output).await?;
    let found = flags.look_up(settings, Some(&connection), output).await;
    let (result, earlier) = match found {
        Ok(earlier) => (Ok(()), earlier),
        Err(failure) => (Err(failure), Earlier::default()),
    };
    connection.close(&result).await;
    result.map(|()| earlier)
}

fn canonical_bytes(plan: &v1::ImageGenerationPlan) -> Result<Vec<u8>, Failure> {
    let spec = plan
        .spec
        .as_ref()
        .ok_or_else(|| Failure::internal("the planner answered without a plan"))?;
    Ok(digest::canonical_bytes(spec))
}

fn pretty_json(plan: &v1::ImageGenerationPlan) -> Result<Vec<u8>, Failure> {
    let mut bytes = serde_json::to_vec_pretty(plan)
        .map_err(|error| Failure::internal(format!("the plan cannot be written as JSON: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|error| Failure::internal(format!("\"{}\" cannot be written: {error}", path.display())))
}
