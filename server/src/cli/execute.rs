//! `limn execute`: runs a plan that was made before.

use std::path::Path;

use limn_proto::{
    name::{Collection, client_name, parse_client_name, parse_resource_name},
    v1::{self, execution_order::Source},
};

use super::{
    connect::Connection,
    failure::Failure,
    flags::ExecuteArgs,
    input, names,
    order::{self, JsonShape},
    output::Output,
    report,
    settings::Settings,
};

pub(crate) async fn run(args: ExecuteArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    // A file is read before anything is opened: a missing one is told at once.
    let given = if names::is_stored_plan(&args.plan) {
        None
    } else {
        Some(input::parse_plan(&input::read(Path::new(&args.plan))?)?)
    };
    let connection = Connection::open(settings, output).await?;
    let result = order_plan(&args, given, &connection, settings, output).await;
    connection.close(&result).await;
    result
}

async fn order_plan(
    args: &ExecuteArgs,
    given: Option<v1::ImageGenerationPlan>,
    connection: &Connection,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let (plan, source, parent) = match given {
        Some(plan) => {
            let parent = owner(&plan, settings)?;
            (plan.clone(), Source::Plan(plan), parent)
        }
        None => {
            let name = names::plan_name(&args.plan, &settings.client())?;
            let request = v1::GetPlanRequest { name: name.clone() };
            let stored = connection
                .plans()
                .get_plan(request)
                .await?
                .into_inner()
                .stored_plan;
            let plan = stored.and_then(|stored| stored.plan).unwrap_or_default();
            let parent = parse_resource_name(&name, Collection::Plans)
                .map_or_else(|| settings.parent(), |(client, _)| client_name(client));
            (plan, Source::PlanName(name), parent)
        }
    };
    let order = args.order.to_order(parent, source);
    if args.detach {
        return start(order, connection, output).await;
    }
    order::run(
        connection,
        order,
        &plan,
        order::Extras {
            out: args.out.as_deref(),
            url_seconds: None,
        },
        JsonShape::Events,
        output,
    )
    .await
}

/// The client that the plan was made for.
fn owner(plan: &v1::ImageGenerationPlan, settings: &Settings) -> Result<String, Failure> {
    let parent = plan
        .spec
        .as_ref()
        .map(|spec| client_name(&spec.client))
        .unwrap_or_default();
    match settings.client_flag() {
        Some(client) if parse_client_name(&parent).is_some_and(|owner| owner != client) => {
            Err(Failure::usage(format!(
                "the plan belongs to {parent}, but --client says {client}"
            ))
            .advise("plan again for that client: a plan names the client that pays"))
        }
        Some(_) | None => Ok(parent),
    }
}

async fn start(order: v1::ExecutionOrder, connection: &Connection, output: &Output) -> Result<(), Failure> {
    if connection.is_in_process() {
        return Err(
            Failure::usage("--detach needs a running server: nobody would go on with the execution")
                .advise("start one with `limn serve`, or leave out --detach"),
        );
    }
    let request = v1::StartExecutionRequest { order: Some(order) };
    let answer = connection.executor().start_execution(request).await?.into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    let execution = answer.execution.unwrap_or_default();
    if output.is_quiet() {
        return output.text(&execution.name);
    }
    output.text(&report::execution_line(&execution))?;
    output.note(&format!(
        "watch it with: limn watch {}{}",
        execution.name,
        connection.server_flag()
    ));
    Ok(())
}
