//! `limn usage`: what was used of each model.

use limn_proto::v1;

use super::{
    connect::Connection, failure::Failure, flags::UsageArgs, money, output::Output, report::moment,
    settings::Settings, table::Table,
};

pub(crate) async fn run(args: UsageArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let request = v1::GetUsageRequest {
        parent: settings.parent(),
        days: args.days,
        currency: args.currency.unwrap_or_default(),
    };
    let connection = Connection::open(settings, output).await?;
    let result = show(request, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn show(request: v1::GetUsageRequest, connection: &Connection, output: &Output) -> Result<(), Failure> {
    let answer = connection.accounts().get_usage(request).await?.into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    let headings = [
        "model", "images", "calls", "failed", "unknown", "paid", "answer", "quality",
    ];
    let mut table = Table::new(headings, 1);
    for line in &answer.lines {
        table.row(cells(&format!("{}/{}", line.provider, line.model), line));
    }
    table.row(cells("all", &answer.total.clone().unwrap_or_default()));
    output.text(&table.text())?;
    if let Some(storage) = &answer.storage {
        output.text(&kept(storage))?;
    }
    output.note(&format!(
        "from {} to {}, UTC",
        moment(answer.start_time.as_ref()),
        moment(answer.end_time.as_ref())
    ));
    Ok(())
}

/// What is kept, in a line of its own: it is no money of the ledger.
fn kept(storage: &v1::StorageUsage) -> String {
    let estimate = match &storage.estimated_monthly_cost {
        Some(cost) => format!(", about {} a month", money::show_known(Some(cost))),
        None => String::new(),
    };
    format!(
        "stored   {} pictures, {} bytes{estimate}\n",
        storage.objects, storage.size_bytes
    )
}

fn cells(name: &str, line: &v1::UsageLine) -> [String; 8] {
    let quality = line
        .mean_quality_bp
        .map(|bp| format!("{}.{:02}%", bp / 100, bp % 100));
    [
        name.to_owned(),
        line.images.to_string(),
        line.attempts.to_string(),
        line.failures.to_string(),
        line.unknown.to_string(),
        money::show_known(line.cost.as_ref()),
        match line.mean_latency_ms {
            0 => "-".to_owned(),
            millis => format!("{}.{:03} s", millis / 1000, millis % 1000),
        },
        quality.unwrap_or_else(|| "-".to_owned()),
    ]
}
