//! `limn plans`: lists stored plans, shows or deletes one.

use limn_proto::v1;

use super::{
    connect::Connection, failure::Failure, flags::PlansArgs, listing, names, output::Output, report,
    settings::Settings,
};

pub(crate) async fn run(args: PlansArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let name = args
        .name
        .as_deref()
        .map(|text| names::plan_name(text, &settings.client()))
        .transpose()?;
    let connection = Connection::open(settings, output).await?;
    let result = match name {
        Some(name) if args.delete => delete(name, &connection, output).await,
        Some(name) => show(name, &connection, output).await,
        None => list(&args, settings, &connection, output).await,
    };
    connection.close(&result).await;
    result
}

async fn list(
    args: &PlansArgs,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let template = v1::ListPlansRequest {
        parent: settings.parent(),
        session_id: args.session.clone(),
        ..v1::ListPlansRequest::default()
    };
    let (plans, next_page_token) = listing::plans(connection, &template, &args.paging).await?;
    if output.is_json() {
        return output.json(&v1::ListPlansResponse {
            plans,
            next_page_token,
        });
    }
    let lines: String = plans.iter().map(|plan| report::plan_line(plan) + "\n").collect();
    listing::print(output, &lines, &next_page_token)
}

async fn show(name: String, connection: &Connection, output: &Output) -> Result<(), Failure> {
    let answer = connection
        .plans()
        .get_plan(v1::GetPlanRequest { name })
        .await?
        .into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    let stored = answer.stored_plan.unwrap_or_default();
    output.text(&report::plan_line(&stored))?;
    let explained = connection
        .planner()
        .explain_plan(v1::ExplainPlanRequest { plan: stored.plan })
        .await?;
    output.text(&explained.into_inner().text)
}

async fn delete(name: String, connection: &Connection, output: &Output) -> Result<(), Failure> {
    let answer = connection
        .plans()
        .delete_plan(v1::DeletePlanRequest { name: name.clone() })
        .await?
        .into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    output.note(&format!("deleted {name}"));
    Ok(())
}
