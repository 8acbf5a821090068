//! `limn sessions` and `limn session`: what has one session id, how far it is, and what it cost.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use limn_proto::{
    name::{Collection, parse_session_name, resource_name},
    v1,
};
use serde_json::json;

use super::{
    connect::Connection, export, failure::Failure, flags::Paging, listing, money, output::Output, report,
    retry, settings::Settings, table::Table, words,
};

#[derive(Debug, Args)]
pub(crate) struct SessionsArgs {
    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Args)]
pub(crate) struct SessionArgs {
    /// Id of the session, or its name.
    #[arg(value_name = "SESSION")]
    pub(crate) id: String,
    /// Copy its pictures into this folder, with a manifest.json that says everything about them.
    #[arg(long, value_name = "DIR", conflicts_with = "retry")]
    pub(crate) export: Option<PathBuf>,
    /// Export only what was approved.
    #[arg(long, requires = "export")]
    pub(crate) approved_only: bool,
    /// Draw what failed: the last execution of each of its plans goes on where it ended.
    #[arg(long)]
    pub(crate) retry: bool,
    /// Retry although prices rose since planning.
    #[arg(long, requires = "retry")]
    pub(crate) accept_price_drift: bool,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// Everything, however much it is.
pub(crate) fn everything() -> Paging {
    Paging {
        limit: u32::MAX,
        page_token: String::new(),
    }
}

pub(crate) async fn list(args: SessionsArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let connection = Connection::open(settings, output).await?;
    let result = list_at(&args, settings, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn list_at(
    args: &SessionsArgs,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let (sessions, next_page_token) = listing::sessions(connection, &settings.parent(), &args.paging).await?;
    if output.is_json() {
        return output.json(&v1::ListSessionsResponse {
            sessions,
            next_page_token,
        });
    }
    if output.is_quiet() {
        let lines: String = sessions
            .iter()
            .map(|session| format!("{}\n", session.session_id))
            .collect();
        return output.text(&lines);
    }
    if sessions.is_empty() {
        output.note("there are no sessions: plan or render with --session ID");
        return Ok(());
    }
    let headings = [
        "session",
        "stage",
        "last activity",
        "images",
        "approved",
        "to review",
        "failed",
        "cost",
    ];
    let mut table = Table::new(headings, 3);
    for session in &sessions {
        table.row([
            session.session_id.clone(),
            words::session_stage(session.stage()),
            report::moment(session.last_activity_time.as_ref()),
            session.image_count.to_string(),
            session.approved_count.to_string(),
            session.unreviewed_count.to_string(),
            session.failed_step_count.to_string(),
            spent(session),
        ]);
    }
    listing::print(output, &table.text(), &next_page_token)
}

pub(crate) async fn run(args: SessionArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let name = match parse_session_name(&args.id) {
        Some(_) => args.id.clone(),
        None => resource_name(&settings.client(), Collection::Sessions, &args.id),
    };
    let connection = Connection::open(settings, output).await?;
    let result = run_at(&name, &args, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn run_at(
    name: &str,
    args: &SessionArgs,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let request = v1::GetSessionRequest {
        name: name.to_owned(),
    };
    let answer = connection.sessions().get_session(request).await?.into_inner();
    let session = answer.session.unwrap_or_default();
    if let Some(folder) = &args.export {
        return export::run(&session, folder, args.approved_only, connection, output).await;
    }
    if args.retry {
        return retry::session(&session, args.accept_price_drift, connection, output).await;
    }
    let (images, next_page_token) =
        listing::images(connection, parent(&session), &of_session(&session), &args.paging).await?;
    if output.is_json() {
        return output.json(&json!({
            "session": session,
            "images": images,
            "nextPageToken": next_page_token,
        }));
    }
    if output.is_quiet() {
        return output.text(&words::session_stage(session.stage()));
    }
    listing::print(
        output,
        &format!("{}{}", summary(&session), table(&images)),
        &next_page_token,
    )?;
    if let Some(next) = next(&session) {
        output.note(&next);
    }
    Ok(())
}

/// The client that a session is of, as the parent of lists.
pub(crate) fn parent(session: &v1::Session) -> &str {
    session.name.split("/sessions/").next().unwrap_or_default()
}

/// All images of a session.
pub(crate) fn of_session(session: &v1::Session) -> v1::ImageFilter {
    v1::ImageFilter {
        session_id: session.session_id.clone(),
        ..v1::ImageFilter::default()
    }
}

fn spent(session: &v1::Session) -> String {
    let amounts: Vec<String> = session
        .costs
        .iter()
        .map(|cost| money::show_known(cost.spent.as_ref()))
        .collect();
    match amounts.is_empty() {
        true => "nothing".to_owned(),
        false => amounts.join(" + "),
    }
}

fn summary(session: &v1::Session) -> String {
    let mut text = format!("{}\n", session.name);
    // Writing into a String cannot fail.
    let _ = writeln!(text, "stage      {}", words::session_stage(session.stage()));
    for cost in &session.costs {
        let _ = writeln!(
            text,
            "cost       paid {}, reserved {}, held {}",
            money::show_known(cost.spent.as_ref()),
            money::show_known(cost.reserved.as_ref()),
            money::show_known(cost.unknown_held.as_ref()),
        );
    }
    if session.costs.is_empty() {
        let _ = writeln!(text, "cost       nothing");
    }
    let _ = writeln!(
        text,
        "pictures   {}: {} approved, {} rejected, {} to review; {} failed",
        session.image_count,
        session.approved_count,
        session.rejected_count,
        session.unreviewed_count,
        session.failed_step_count,
    );
    let _ = writeln!(
        text,
        "work       {} plans, {} executions, {} of them not ended",
        session.plan_count, session.execution_count, session.open_execution_count
    );
    let _ = writeln!(
        text,
        "activity   {} to {}",
        report::moment(session.first_activity_time.as_ref()),
        report::moment(session.last_activity_time.as_ref()),
    );
    text
}

fn table(images: &[v1::Image]) -> String {
    if images.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["step", "drawn by", "verdict", "cost", "image"], usize::MAX);
    for image in images {
        table.row([
            image.step_id.clone(),
            format!("{}/{}", image.provider, image.model),
            words::verdict(image),
            money::show_known(image.generation_cost.as_ref()),
            image.name.clone(),
        ]);
    }
    table.text()
}

/// What a person would do next.
fn next(session: &v1::Session) -> Option<String> {
    let id = &session.session_id;
    match session.stage() {
        v1::SessionStage::Review => Some(format!(
            "look at them with: limn images --session {id} --verdict none; then: limn review IMAGE... --approve"
        )),
        v1::SessionStage::Failed if session.failed_step_count > 0 => {
            Some(format!("draw what failed with: limn session {id} --retry"))
        }
        _ => None,
    }
}
