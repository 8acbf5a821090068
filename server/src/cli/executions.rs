//! `limn executions`: lists executions, or shows one.

use limn_proto::{name::Collection, v1};

use super::{
    connect::Connection, failure::Failure, flags::ExecutionsArgs, listing, names, output::Output, report,
    settings::Settings,
};

pub(crate) async fn run(args: ExecutionsArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let full_name = |text| names::full_name(text, &settings.client(), Collection::Executions);
    let name = args.name.as_deref().map(full_name).transpose()?;
    let plan_digest = args
        .plan
        .as_deref()
        .map(names::plan_digest)
        .transpose()?
        .unwrap_or_default();
    let connection = Connection::open(settings, output).await?;
    let result = match name {
        Some(name) => show(name, &connection, output).await,
        None => list(&args, plan_digest, settings, &connection, output).await,
    };
    connection.close(&result).await;
    result
}

async fn list(
    args: &ExecutionsArgs,
    plan_digest: String,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let template = v1::ListExecutionsRequest {
        parent: settings.parent(),
        plan_digest,
        states: args
            .state
            .iter()
            .map(|word| v1::ExecutionState::from(*word).into())
            .collect(),
        session_id: args.session.clone(),
        ..v1::ListExecutionsRequest::default()
    };
    let (executions, next_page_token) = listing::executions(connection, &template, &args.paging).await?;
    if output.is_json() {
        return output.json(&v1::ListExecutionsResponse {
            executions,
            next_page_token,
        });
    }
    let lines: String = executions
        .iter()
        .map(|execution| report::listed_execution(execution) + "\n")
        .collect();
    listing::print(output, &lines, &next_page_token)
}

async fn show(name: String, connection: &Connection, output: &Output) -> Result<(), Failure> {
    let answer = connection
        .executor()
        .get_execution(v1::GetExecutionRequest { name })
        .await?
        .into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    output.text(&report::execution(&answer.execution.unwrap_or_default()))
}
