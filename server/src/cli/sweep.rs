//! `limn sweep`: removes what is stored without a record and what is recorded without an object.

use limn_proto::v1;
use pbjson_types::Duration;

use super::{
    connect::Connection, failure::Failure, flags::SweepArgs, output::Output, settings::Settings, table::Table,
};

pub(crate) async fn run(args: &SweepArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let request = v1::SweepOrphansRequest {
        min_age: Some(Duration {
            seconds: args.older_than,
            nanos: 0,
        }),
        dry_run: args.dry_run,
    };
    let connection = Connection::open(settings, output).await?;
    let result = sweep(request, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn sweep(
    request: v1::SweepOrphansRequest,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let is_dry = request.dry_run;
    let found = connection.images().sweep_orphans(request).await?.into_inner();
    if output.is_json() {
        return output.json(&found);
    }
    let mut table = Table::new(["what", if is_dry { "found" } else { "removed" }], 1);
    for (what, count) in [
        ("objects without a record", found.objects),
        ("their bytes", found.object_bytes),
        ("staged answers", found.staged_answers),
        ("records without an object", found.records),
        ("deletions to finish", found.deletions),
        ("unfinished uploads", found.unfinished_uploads),
    ] {
        table.row([what.to_owned(), count.to_string()]);
    }
    output.text(&table.text())?;
    for image in &found.images {
        output.text(image)?;
    }
    if found.missing_thumbnails > 0 {
        output.note(&format!(
            "{} small copies are missing in the store; their pictures are there",
            found.missing_thumbnails
        ));
    }
    Ok(())
}
