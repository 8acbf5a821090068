//! `limn retry`: draws what an execution left undone, and pays only for that.

use std::collections::BTreeSet;

use clap::Args;
use limn_proto::{
    name::{Collection, client_name, parse_resource_name},
    v1::{self, execution_order::Source},
};
use uuid::Uuid;

use super::{
    connect::Connection,
    failure::Failure,
    flags::NameArg,
    listing, names,
    order::{self, JsonShape},
    output::Output,
    sessions,
    settings::Settings,
};

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) execution: NameArg,
    /// Run although prices rose since planning.
    #[arg(long)]
    pub(crate) accept_price_drift: bool,
}

pub(crate) async fn run(args: RetryArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let name = names::full_name(&args.execution.name, &settings.client(), Collection::Executions)?;
    let connection = Connection::open(settings, output).await?;
    let result = retry_named(name, args.accept_price_drift, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn retry_named(
    name: String,
    accept_price_drift: bool,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let request = v1::GetExecutionRequest { name };
    let answer = connection.executor().get_execution(request).await?.into_inner();
    let execution = answer.execution.unwrap_or_default();
    if execution.state() == v1::ExecutionState::Completed {
        return nothing(&execution.name, output);
    }
    go_on(&execution, accept_price_drift, connection, output).await
}

/// Retries the last execution of each plan and take of a session that failed or was cancelled, one after the other. One
/// that fails again does not keep the others from their turn.
pub(crate) async fn session(
    session: &v1::Session,
    accept_price_drift: bool,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let template = v1::ListExecutionsRequest {
        parent: sessions::parent(session).to_owned(),
        session_id: session.session_id.clone(),
        ..v1::ListExecutionsRequest::default()
    };
    let (executions, _) = listing::executions(connection, &template, &sessions::everything()).await?;
    let mut seen = BTreeSet::new();
    // Newest first, so the first of a plan and take is the last one that was run.
    let undone: Vec<_> = executions
        .iter()
        .filter(|execution| seen.insert((execution.plan_digest.clone(), execution.take)))
        .filter(|execution| {
            matches!(
                execution.state(),
                v1::ExecutionState::Failed | v1::ExecutionState::Cancelled
            )
        })
        .collect();
    if undone.is_empty() {
        return nothing(&session.name, output);
    }
    let mut first_failure = None;
    // The oldest first, as they were asked for.
    for execution in undone.into_iter().rev() {
        if let Err(failure) = go_on(execution, accept_price_drift, connection, output).await {
            if first_failure.is_some() {
                output.failure(&failure);
            } else {
                first_failure = Some(failure);
            }
        }
    }
    first_failure.map_or(Ok(()), Err)
}

fn nothing(name: &str, output: &Output) -> Result<(), Failure> {
    output.note(&format!(
        "nothing to retry: {name} has every picture, or is at work"
    ));
    Ok(())
}

async fn go_on(
    execution: &v1::Execution,
    accept_price_drift: bool,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let client =
        parse_resource_name(&execution.name, Collection::Executions).map_or("", |(client, _)| client);
    let name = names::plan_name(&execution.plan_digest, client)?;
    let request = v1::GetPlanRequest { name: name.clone() };
    let answer = connection.plans().get_plan(request).await?.into_inner();
    let plan = answer
        .stored_plan
        .and_then(|stored| stored.plan)
        .unwrap_or_default();
    let order = v1::ExecutionOrder {
        parent: client_name(client),
        source: Some(Source::PlanName(name)),
        request_id: Uuid::new_v4().to_string(),
        mode: v1::ExecutionMode::Resume.into(),
        max_concurrency: 0,
        accept_price_drift,
        take: execution.take,
    };
    let extras = order::Extras::default();
    order::run(connection, order, &plan, extras, JsonShape::Events, output).await
}
