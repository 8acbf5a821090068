//! `limn unpark`: lets an execution run again that is parked because the processes that ran it died.

use limn_proto::{name::Collection, v1};

use super::{
    connect::Connection, failure::Failure, flags::UnparkArgs, names, output::Output, resolve::see_through,
    settings::Settings,
};

pub(crate) async fn run(args: UnparkArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let request = v1::UnparkExecutionRequest {
        name: names::full_name(&args.execution.name, &settings.client(), Collection::Executions)?,
        actor: settings.actor(args.actor.as_deref())?,
        reason: args.reason,
    };
    let connection = Connection::open(settings, output).await?;
    let result = unpark(request, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn unpark(
    request: v1::UnparkExecutionRequest,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let answer = connection
        .executor()
        .unpark_execution(request)
        .await?
        .into_inner();
    see_through(answer.execution.unwrap_or_default(), true, connection, output).await
}
