//! `limn watch`: follows an execution to its end.

use limn_proto::name::Collection;

use super::{
    connect::Connection,
    failure::Failure,
    flags::WatchArgs,
    follow::{self, Subject},
    names,
    output::Output,
    progress::Progress,
    report,
    settings::Settings,
};

pub(crate) async fn run(args: WatchArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let name = names::full_name(&args.execution.name, &settings.client(), Collection::Executions)?;
    let connection = Connection::open(settings, output).await?;
    let result = watch(
        Subject::Execution {
            name,
            after: args.after,
        },
        &connection,
        output,
    )
    .await;
    connection.close(&result).await;
    result
}

async fn watch(subject: Subject, connection: &Connection, output: &Output) -> Result<(), Failure> {
    let mut progress = Progress::of_stream(output);
    let followed = follow::follow(connection, subject, output, &mut progress).await;
    progress.finish();
    let Some(ended) = followed? else {
        return Ok(());
    };
    if !output.is_json() {
        output.text(&report::execution(&ended.execution))?;
    }
    ended.into_result()
}
