//! `limn cancel`: asks an execution to stop.

use limn_proto::{name::Collection, v1};

use super::{
    connect::Connection, failure::Failure, flags::NameArg, names, output::Output, report, settings::Settings,
    words,
};

pub(crate) async fn run(args: &NameArg, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let name = names::full_name(&args.name, &settings.client(), Collection::Executions)?;
    let connection = Connection::open(settings, output).await?;
    let result = cancel(name, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn cancel(name: String, connection: &Connection, output: &Output) -> Result<(), Failure> {
    let request = v1::CancelExecutionRequest { name };
    let answer = connection
        .executor()
        .cancel_execution(request)
        .await?
        .into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    let execution = answer.execution.unwrap_or_default();
    output.text(&report::execution_line(&execution))?;
    if execution.cancel_requested && !words::is_settled(execution.state()) {
        output.note("calls in flight are settled, and their pictures kept");
    } else if !execution.cancel_requested {
        output.note("it had ended before; nothing changed");
    }
    Ok(())
}
